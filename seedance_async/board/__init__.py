"""The live board: the gallery's page on 127.0.0.1 while a batch runs; videos appear as they land.

::

    switch = StopSwitch()
    async with serve_board("out/", journal="run.db", total=len(jobs), stop=switch) as board:
        print(board.url)
        async with SeedanceSession(observer=board) as session:
            async for outcome in session.run_many(jobs, journal="run.db", save_to="out/", stop=switch):
                board.note(outcome)
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from seedance_async._wire import clock
from seedance_async.board.guard import Guard
from seedance_async.board.lookup import Lookup
from seedance_async.board.news import News
from seedance_async.board.outcomes import planned
from seedance_async.board.page import Stops
from seedance_async.board.serving import Desk
from seedance_async.board.state import State
from seedance_async.media.gallery.pricing import Pricer
from seedance_async.progress.tally import Tally

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator

    from seedance_async.events import Event
    from seedance_async.outcomes import Outcome
    from seedance_async.prices import PriceTable
    from seedance_async.request import VideoRequest
    from seedance_async.settings import AccountLimits, Budget

__all__ = ["Board", "Stops", "serve_board"]

_HOST: Final = "127.0.0.1"
_LAST_SECONDS: Final = 1.0
"""How long readers of a video or of the stream are waited for when the board closes."""


class Board:
    """A board that is being served; an observer to pass as ``SeedanceSession(observer=board)``.

    Attributes:
        url: where it is. Who knows this address sees the prompts and videos and may stop the batch.
    """

    def __init__(self, url: str, state: State, tally: Tally, news: News) -> None:
        self.url = url
        self._state, self._tally, self._news = state, tally, news

    def __call__(self, event: Event) -> None:
        """Take in one event of a session."""
        self._tally.take(event, clock.monotonic())
        self._state.take(event)
        self._news.ring()

    def note(self, outcome: Outcome) -> None:
        """Take in the outcome of one prompt; it tells what events cannot: prompt, tokens, why it failed."""
        self._tally.note(outcome, clock.monotonic())
        self._state.note(outcome)
        self._news.ring()

    def plan(self, key: str, request: VideoRequest) -> None:
        """Show a prompt before it is submitted; a key that is shown already stays as it is."""
        if key not in self._state.cards:
            self._state.put(planned(key, request))
            self._news.ring()


@asynccontextmanager
async def serve_board(
    folder: str | os.PathLike[str] = ".",
    *,
    journal: str | os.PathLike[str] | None = None,
    title: str = "Batch",
    total: int | None = None,
    budget: Budget | None = None,
    prices: PriceTable | None = None,
    limits: AccountLimits | None = None,
    stop: Stops | None = None,
    port: int = 0,
) -> AsyncGenerator[Board]:
    """Serve a board on 127.0.0.1 while the block runs.

    Args:
        folder: where the videos go.
        journal: the batch's journal, which may not exist yet; it tells the prompts, and what earlier runs
            left. Without it a prompt is shown when its outcome is known, or when :meth:`Board.plan` tells it.
        title: title of the page.
        total: how many prompts there will be, or None when nobody knows.
        budget: what may be spent, shown beside what was.
        prices: price list; when None single videos are priced where their model is sold, and no sum is shown.
        limits: the account's quotas, for the time left.
        stop: what the two buttons throw: the batch's :class:`seedance_async.batch.StopSwitch`; one button
            lets tasks that are queued go on, the other cancels them. None makes a board without buttons.
        port: port to listen at; 0 takes any free one.

    Yields:
        The board; open its ``url`` in a browser.

    Raises:
        OSError: the port is taken.
        JournalError: there is a journal and it cannot be read.
    """
    state, news, guard = State(pricer=Pricer(prices)), News(), Guard()
    tally = Tally(total=total, budget=budget, prices=prices, limits=limits, noted=True)
    place = await asyncio.to_thread(Path(folder).resolve)
    async with AsyncExitStack() as stack:
        lookup = Lookup(path=Path(journal) if journal is not None else None, folder=place, stack=stack)
        await lookup.restore(state)
        desk = Desk(title=title, state=state, tally=tally, news=news, guard=guard, lookup=lookup, stop=stop)
        # The access log would print the token, which is part of every path.
        runner = web.AppRunner(desk.app(), access_log=None, shutdown_timeout=_LAST_SECONDS)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.callback(news.end)
        await web.TCPSite(runner, _HOST, port).start()
        where: int = runner.addresses[0][1]
        yield Board(f"http://{_HOST}:{where}/{guard.token}/", state, tally, news)
