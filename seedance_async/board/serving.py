"""The board's answers: its page, its stream of changes, its videos and its buttons."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from attrs import define

from seedance_async._wire import clock
from seedance_async.board.heading import heading
from seedance_async.board.page import board_page, page_policy
from seedance_async.media.gallery.cards import card

if TYPE_CHECKING:
    from seedance_async.board.guard import Guard
    from seedance_async.board.lookup import Lookup
    from seedance_async.board.news import News
    from seedance_async.board.page import Stops
    from seedance_async.board.state import State
    from seedance_async.progress.tally import Tally

__all__ = ["Desk"]

_BEAT: Final = 1.0
_PAUSE: Final = 0.2
"""Seconds in which changes are gathered: a reader follows five a second at most."""
_STOPPING: Final = {
    False: "Stopping: nothing more is ordered.",
    True: "Stopping: nothing more is ordered, and what is queued is cancelled.",
}
_STOPPED: Final = {
    False: "Stopped: nothing more was ordered.",
    True: "Stopped: nothing more was ordered, and what was queued was cancelled.",
}


@define(kw_only=True, eq=False)
class Desk:
    """Answers requests; holds nothing of its own.

    Attributes:
        title: title of the page.
        state: the cards.
        tally: the figures on top.
        news: rings when something changed.
        guard: lets in who has the token.
        lookup: the journal.
        stop: what the buttons throw, or None for a board without them.
    """

    title: str
    state: State
    tally: Tally
    news: News
    guard: Guard
    lookup: Lookup
    stop: Stops | None

    def app(self) -> web.Application:
        """Make the application."""
        app = web.Application(middlewares=[self.guard.middleware()], client_max_size=1024)
        app.on_response_prepare.append(self.guard.dress)
        app.router.add_get("/{token}/", self._page)
        app.router.add_get("/{token}/events", self._events)
        app.router.add_get("/{token}/{name:video/[0-9]+[.][a-z0-9]+}", self._video)
        app.router.add_post("/{token}/stop", self._stop)
        app.router.add_post("/{token}/cancel-queued", self._cancel_queued)
        return app

    def head(self) -> str:
        """Write the head as it is now."""
        stop, over = self.stop, self.news.over
        words = _STOPPED if over else _STOPPING
        stopping = words[stop.cancel_queued] if stop is not None and stop.times else ""
        return heading(self.tally, clock.monotonic(), stopping=stopping, over=over)

    async def _page(self, request: web.Request) -> web.Response:
        """Give the page as it is now; the stream goes on from there."""
        del request
        await self.lookup.fill(self.state)
        html = board_page(self.state, self.head(), title=self.title, stop=self.stop)
        headers = {"Content-Security-Policy": f"{page_policy()}; frame-ancestors 'none'"}
        return web.Response(text=html, content_type="text/html", charset="utf-8", headers=headers)

    async def _video(self, request: web.Request) -> web.StreamResponse:
        """Give a video of this batch, and no other file."""
        path = self.state.video(request.match_info["name"])
        if path is None or not await asyncio.to_thread(path.is_file):
            raise web.HTTPNotFound
        return web.FileResponse(path)

    async def _stop(self, request: web.Request) -> web.Response:
        """Stop the batch; tasks that are queued go on."""
        del request
        return self._throw(cancel_queued=False)

    async def _cancel_queued(self, request: web.Request) -> web.Response:
        """Stop the batch, and cancel the tasks that are still queued."""
        del request
        return self._throw(cancel_queued=True)

    def _throw(self, *, cancel_queued: bool) -> web.Response:
        """Throw the switch unless somebody did so before: a second throw would leave at once."""
        if self.stop is None:
            raise web.HTTPBadRequest(text="This board cannot stop its batch.")
        if self.stop.times == 0:
            self.stop.stop(cancel_queued=cancel_queued)
            self.news.ring()
        return web.Response(status=204)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Send changes as server-sent events (HTML standard, section 9.2) until the board ends."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):  # the reader closed the page
            await self._follow(response, _revision(request))
        return response

    async def _follow(self, response: web.StreamResponse, revision: int) -> None:
        """Send what changed, gathered, and the head whenever it reads differently."""
        head = ""
        while True:
            over = self.news.over
            await self.lookup.fill(self.state)
            for shown in self.state.since(revision):
                revision = shown.revision
                await response.write(_event("card", card(shown.item, shown.order), revision))
            if (fresh := self.head()) != head:
                head = fresh
                await response.write(_event("head", head, revision))
            if over:
                await response.write(_event("end", self.state.home, revision))
                return
            await self.news.heard(_BEAT)
            if not self.news.over:
                await clock.sleep(_PAUSE)


def _revision(request: web.Request) -> int:
    """Read from where a reader goes on: what it saw last, or what its page was made of."""
    given = request.headers.get("Last-Event-ID") or request.query.get("after", "")
    return int(given) if given.isascii() and given.isdecimal() else 0


def _event(name: str, data: Any, revision: int) -> bytes:
    """Write one event; JSON keeps line ends out of it."""
    text = json.dumps(data)
    return f"event: {name}\nid: {revision}\ndata: {text}\n\n".encode()
