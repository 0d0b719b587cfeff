"""One look through the account's recent tasks, shared by everybody who needs one at that moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from attrs import frozen

from seedance_async._wire import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.models import VideoTask

__all__ = ["ListPage", "Sweep", "Sweeps"]

_PAGE_SIZE: Final = (
    100  # one public note says 1-100, the docs say 1-500 (api docs 1521675): the smaller works for both
)
_LAST_PAGE: Final = 500


class ListPage(Protocol):
    """One paced LIST: gives tasks and the total over all pages, or raises a SeedanceError."""

    async def __call__(
        self, *, service_tier: str | None, page_num: int, page_size: int
    ) -> tuple[Sequence[VideoTask], int | None]:
        """List one page."""
        ...


@frozen(kw_only=True)
class Sweep:
    """All tasks that a list showed, back to a moment.

    Attributes:
        tasks: what was seen, by id.
        complete: whether everything since ``since`` was surely read.
        started: loop time at which the first page was asked for.
        since: server time back to which it reads.
    """

    tasks: dict[str, VideoTask]
    complete: bool
    started: float
    since: float


class Sweeps:
    """Reads the list back to a moment; callers that ask at the same time share one reading."""

    def __init__(self, list_page: ListPage) -> None:
        self._list_page = list_page
        self._locks: dict[str | None, asyncio.Lock] = {}
        self._last: dict[str | None, Sweep] = {}
        self._wanted: dict[str | None, list[float]] = {}

    async def look(self, service_tier: str | None, *, since: float) -> Sweep:
        """Give a sweep that began after this call and reads back to ``since`` (server time) at least."""
        asked = clock.monotonic()
        wanted = self._wanted.setdefault(service_tier, [])
        wanted.append(since)
        try:
            async with self._locks.setdefault(service_tier, asyncio.Lock()):
                last = self._last.get(service_tier)
                if last is not None and last.started >= asked and last.since <= since:
                    return last
                # Whoever waits at the lock now is served by the same reading, so it goes as far back as
                # all need.
                sweep = await self._read(service_tier, min(wanted))
                self._last[service_tier] = sweep
                return sweep
        finally:
            wanted.remove(since)

    async def _read(self, service_tier: str | None, since: float) -> Sweep:
        """Read page after page until the moment is reached; from the end where the oldest come first."""
        started = clock.monotonic()
        pages = _Pages(since=since)
        number, step = 1, 1
        while True:
            tasks, total = await self._list_page(
                service_tier=service_tier, page_num=number, page_size=_PAGE_SIZE
            )
            pages.add(tasks, total)
            if number == 1 and pages.oldest_first and total is not None and total > len(tasks) > 0:
                # The first page holds the oldest here: go on with the last one, and walk back.
                number, step = -(-total // len(tasks)) + 1, -1
            number += step
            if pages.done or not 1 <= number <= _LAST_PAGE:
                break
        return Sweep(tasks=pages.seen, complete=pages.complete, started=started, since=since)


class _Pages:
    """Collects pages and knows when nothing older can matter."""

    def __init__(self, *, since: float) -> None:
        self.seen: dict[str, VideoTask] = {}
        self.complete = False
        self.done = False
        self.oldest_first = False
        self._since = since
        self._count = 0

    def add(self, tasks: Sequence[VideoTask], total: int | None) -> None:
        """Take one page in and judge whether it was the last that matters."""
        before = len(self.seen)
        self.seen.update((task.id, task) for task in tasks)
        self._count += 1
        ages = [task.created_at for task in tasks if task.created_at is not None]
        if self._count == 1:
            self.oldest_first = len(ages) > 1 and ages[0] < ages[-1]
        all_seen = len(self.seen) >= total if total is not None else len(tasks) < _PAGE_SIZE
        ordered = len(ages) == len(tasks) and (sorted(ages) == ages or sorted(ages, reverse=True) == ages)
        reached = (
            ordered
            and bool(ages)
            and min(ages) < self._since
            and not (self.oldest_first and self._count == 1)
        )
        self.complete = all_seen or reached
        # A server that ignores page_num gives the same page again: nothing new, and nothing proven.
        self.done = self.complete or not tasks or len(self.seen) == before
