"""Which account gets which job: its own first, then whatever has no account yet, as long as it has room."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from attrs import define, evolve, field

from seedance_async._wire import clock
from seedance_async.batch.problems import BatchStopped, SubmitsHalted
from seedance_async.errors import InvalidRequest
from seedance_async.ledger.rows import JobState
from seedance_async.outcomes import Outcome, OutcomeKind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from seedance_async.batch.jobs import Item
    from seedance_async.batch.source import Source
    from seedance_async.errors import SeedanceError
    from seedance_async.pool.accounts import Lane
    from seedance_async.request import VideoRequest

__all__ = ["Dispatch", "Waiting"]

_CHUNK: Final = 50
_MOST_WAITING: Final = 1000


@define(eq=False)
class Waiting:
    """A job that has no account yet.

    Attributes:
        item: the job.
        declined: names of the accounts that had it and sent nothing.
        last: what the last of them said.
    """

    item: Item
    declined: frozenset[str] = frozenset()
    last: Outcome | None = None


@define(kw_only=True, eq=False)
class Dispatch:
    """Hands jobs to accounts.

    A job is nobody's only while no journal of the pool says that a POST of it may have gone out. It is handed
    to one account at a time, and comes back only when that account has sent nothing.

    Attributes:
        source: the input.
        lanes: the accounts.
        finish: called with the outcome of a job that no account takes.
    """

    source: Source
    lanes: Sequence[Lane]
    finish: Callable[[Outcome], None]
    _free: deque[Waiting] = field(factory=deque[Waiting], init=False)
    _handed: dict[str, Waiting] = field(factory=dict[str, Waiting], init=False)
    _ended: bool = field(default=False, init=False)
    _reads: int = field(default=0, init=False)
    _line: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _changed: asyncio.Event = field(factory=asyncio.Event, init=False)

    def has_work(self, lane: Lane) -> bool:
        """Whether an account could do something: its own jobs, new ones, or what is still to be read."""
        return not self._ended or bool(lane.own) or any(_may(lane, waiting) for waiting in self._free)

    async def feed(self, lane: Lane) -> AsyncGenerator[tuple[str, VideoRequest]]:
        """Give an account its jobs, one when it has room for one, until there are no more for it."""
        while (item := await self._next(lane)) is not None:
            # One at a time: whoever reads on finds that others come first.
            yield item.key, _request(item)
            await clock.sleep(0)

    async def _next(self, lane: Lane) -> Item | None:
        """Give the next job of an account; None at the end."""
        while True:
            if lane.own:
                item = lane.own.popleft()
                return self._hand(Waiting(item))
            if (waiting := self._take(lane)) is not None:
                return self._hand(waiting)
            if self._ended:
                return None
            await self._more()

    def _hand(self, waiting: Waiting) -> Item:
        """Note that a job is at work."""
        self._handed[waiting.item.key] = waiting
        self._notify()
        return waiting.item

    def _take(self, lane: Lane) -> Waiting | None:
        """Take the first job that an account may have."""
        for index, waiting in enumerate(self._free):
            if _may(lane, waiting):
                del self._free[index]
                return waiting
        return None

    async def _more(self) -> None:
        """Read more of the input, or wait until somebody has taken what waits."""
        if self._is_full():
            self._changed.clear()
            await self._changed.wait()
            return
        reads = self._reads
        async with self._line:
            if self._ended or self._reads != reads:
                # Somebody else has read while we waited for our turn: look at that first.
                return
            items = await self.source.chunk(_CHUNK)
            self._reads += 1
            self._ended = not items
            await self._sort(items)
            self._notify()

    def _is_full(self) -> bool:
        """Tell whether enough has been read that waits for somebody else."""
        most = max(len(self._free), *(len(lane.own) for lane in self.lanes))
        return most >= _MOST_WAITING and not self._ended

    async def _sort(self, items: Sequence[Item]) -> None:
        """Give jobs back to the accounts that began them; the others wait."""
        homes = await self._homes([item.key for item in items])
        for item in items:
            if item.problem is not None:
                self.finish(Outcome(key=item.key, kind=OutcomeKind.REFUSED, error=item.problem))
            elif item.request is None:
                self.finish(_no_chains(item))
            elif item.key in homes:
                homes[item.key].own.append(item)
            else:
                self._wait(Waiting(item))

    async def _homes(self, keys: Sequence[str]) -> dict[str, Lane]:
        """Find the account of each job that one has begun: its journal knows more than a plan of it."""
        homes: dict[str, Lane] = {}
        ranks: dict[str, int] = {}
        for lane in self.lanes:
            states = {} if lane.journal is None else await lane.journal.states(keys)
            for key, state in states.items():
                rank = _RANKS.get(state, 1)
                if rank > ranks.get(key, 0):
                    homes[key], ranks[key] = lane, rank
        return homes

    def _wait(self, waiting: Waiting) -> None:
        """Let a job wait for an account, or end it where there is none for it."""
        if any(_may(lane, waiting) for lane in self.lanes):
            self._free.append(waiting)
        else:
            self.finish(waiting.last or self._unwanted(waiting.item))

    def _unwanted(self, item: Item) -> Outcome:
        """Say why nobody takes a job."""
        aside = [lane.aside for lane in self.lanes if lane.aside is not None]
        if aside:
            halted = SubmitsHalted(aside[-1])
            return Outcome(key=item.key, kind=OutcomeKind.SKIPPED, request=item.request, error=halted)
        problem = InvalidRequest(
            field="request", value=item.key, limit="is accepted by no account of the pool"
        )
        return Outcome(key=item.key, kind=OutcomeKind.REFUSED, request=item.request, error=problem)

    def settled(self, key: str) -> None:
        """The job is done with."""
        self._handed.pop(key, None)

    def back(self, lane: Lane, outcome: Outcome) -> None:
        """Take back a job that an account has not sent; it may go to those that have not had it."""
        waiting = self._handed.pop(outcome.key)
        declined = waiting.declined | {lane.account.name}
        waiting = Waiting(evolve(waiting.item, again=False), declined=declined, last=outcome)
        self._wait(waiting)
        self._notify()

    def set_aside(self, lane: Lane, error: SeedanceError) -> None:
        """Give an account no new jobs from now on."""
        if lane.aside is not None:
            return
        lane.aside = error
        waiting, self._free = self._free, deque()
        for one in waiting:
            self._wait(one)
        self._notify()

    def stop(self) -> None:
        """End what waits, because the run is stopped."""
        left = [one.item for one in self._free]
        left.extend(item for lane in self.lanes for item in lane.own)
        # What an account had read and not begun has no outcome either.
        left.extend(waiting.item for waiting in self._handed.values())
        self._free.clear()
        for item in left:
            error = BatchStopped()
            self.finish(Outcome(key=item.key, kind=OutcomeKind.SKIPPED, request=item.request, error=error))

    def _notify(self) -> None:
        """Wake whoever waits for a change."""
        self._changed.set()


_RANKS: Final = {
    JobState.PLANNED: 0,
    JobState.REFUSED: 1,
    JobState.FAILED: 2,
    JobState.EXPIRED: 2,
    JobState.CANCELLED: 2,
    JobState.SENDING: 3,
    JobState.UNCERTAIN: 3,
    JobState.ACCEPTED: 4,
    JobState.SUCCEEDED: 4,
    JobState.SAVED: 4,
}
"""How much a journal's word counts; a plan alone binds nobody."""


def _may(lane: Lane, waiting: Waiting) -> bool:
    """Tell whether an account may have a job."""
    if lane.aside is not None or lane.account.name in waiting.declined:
        return False
    return lane.account.accepts(_request(waiting.item))


def _request(item: Item) -> VideoRequest:
    """Give the request; jobs without one never get this far."""
    if item.request is None:
        raise InvalidRequest(field="request", value=item.key, limit="is missing")
    return item.request


def _no_chains(item: Item) -> Outcome:
    """Refuse a link: drafts and their results belong to one account."""
    limit = "is no job for a pool: give chains to run_many of one account"
    problem = InvalidRequest(field="after", value=item.key, limit=limit)
    return Outcome(key=item.key, kind=OutcomeKind.REFUSED, error=problem)
