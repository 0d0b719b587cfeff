"""One look through the account's recent tasks, shared by everybody who needs one at that moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final, Protocol

from attrs import define, field, frozen

from seedance_async._wire import clock
from seedance_async.errors import AnswerLost, RequestRefused, SeedanceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.models import VideoTask

__all__ = ["ListPage", "Sweep", "Sweeps"]

# The docs say 1-500 (api docs 1521675), one public note says 1-100: who refuses the first gets the second.
_PAGE_SIZE: Final = 500
_SMALL_PAGE: Final = 100
_BAD_PARAMETER: Final = frozenset({400, 422})
_LAST_PAGE: Final = 500
_TRIES: Final = 3
# A list that hangs is given up long before the session's own timeout: everybody who searches waits for it.
_PATIENCE: Final = 60.0


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
        number: the how-manieth of its tier it is.
        started: loop time at which the first page was asked for.
        since: server time back to which it reads.
        error: why it broke off, or None.
    """

    tasks: dict[str, VideoTask]
    complete: bool
    number: int
    started: float
    since: float
    error: SeedanceError | None = None


class Sweeps:
    """Reads the list back to a moment; callers that ask at the same time share one reading."""

    def __init__(self, list_page: ListPage) -> None:
        self._list_page = list_page
        self._page_size = _PAGE_SIZE
        self._locks: dict[str | None, asyncio.Lock] = {}
        self._last: dict[str | None, Sweep] = {}
        self._begun: Counter[str | None] = Counter()
        self._wanted: dict[str | None, list[float]] = {}

    async def look(self, service_tier: str | None, *, since: float) -> Sweep:
        """Give a sweep that began after this call and reads back to ``since`` (server time) at least.

        A failure is shared as well: fifty searches must not ask a broken list fifty times.
        """
        # Counted and not timed: two moments may read the same on a coarse clock.
        begun_before = self._begun[service_tier]
        wanted = self._wanted.setdefault(service_tier, [])
        wanted.append(since)
        try:
            async with self._locks.setdefault(service_tier, asyncio.Lock()):
                last = self._last.get(service_tier)
                if last is not None and last.number > begun_before and last.since <= since:
                    return last
                # Whoever waits at the lock now is served by the same reading, so it goes as far back as
                # all need.
                self._begun[service_tier] += 1
                sweep = await self._read(service_tier, min(wanted))
                self._last[service_tier] = sweep
                return sweep
        finally:
            wanted.remove(since)
            if not wanted:  # whoever comes from now on needs a younger one, and this may hold a week of tasks
                self._last.pop(service_tier, None)

    async def _read(self, service_tier: str | None, since: float) -> Sweep:
        """Read page after page until the moment is reached; from the end where the oldest come first."""
        begun, started = self._begun[service_tier], clock.monotonic()
        pages = _Pages(since=since)
        number, step = 1, 1
        try:
            while not pages.done and 1 <= number <= _LAST_PAGE:
                tasks, total = await self._page(service_tier, number)
                pages.add(tasks, total, backwards=step < 0)
                if number == 1 and step > 0 and pages.oldest_first and total is not None:
                    # The first page holds the oldest here: go on with the last one, and walk back.
                    number, step = -(-total // len(tasks)) + 1, -1
                number += step
        except SeedanceError as error:
            pages.error = error
        return Sweep(
            tasks=pages.seen,
            complete=pages.complete and pages.error is None,
            number=begun,
            started=started,
            since=since,
            error=pages.error,
        )

    async def _page(self, service_tier: str | None, number: int) -> tuple[Sequence[VideoTask], int | None]:
        """Read one page, again where that may help; a page lost would lose the whole sweep."""
        tries = 0
        while True:
            tries += 1
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await self._list_page(
                        service_tier=service_tier, page_num=number, page_size=self._page_size
                    )
            except TimeoutError as error:
                raise AnswerLost(f"list: no answer within {_PATIENCE:.0f} s") from error
            except RequestRefused as error:
                if error.status not in _BAD_PARAMETER or self._page_size == _SMALL_PAGE or number > 1:
                    raise
                self._page_size = _SMALL_PAGE
            except SeedanceError as error:
                if not error.transient or tries >= _TRIES:
                    raise


@define(kw_only=True)
class _Pages:
    """Collects pages and knows when nothing older can matter."""

    since: float
    seen: dict[str, VideoTask] = field(factory=dict[str, "VideoTask"])
    complete: bool = False
    done: bool = False
    oldest_first: bool = False
    error: SeedanceError | None = None
    _ages: list[int] = field(factory=list[int])
    _total: int | None = None
    _total_before: int = 0
    _unordered: bool = False
    _same_page_again: bool = False

    def add(self, tasks: Sequence[VideoTask], total: int | None, *, backwards: bool) -> None:
        """Take one page in and judge whether it was the last that matters."""
        before = len(self.seen)
        ages = [task.created_at for task in tasks if task.created_at is not None]
        self._unordered = self._unordered or len(ages) < len(tasks)
        self._note_growth(tasks, total or 0, backwards=backwards)
        if not self.seen:
            # Tasks that come while we read make the total grow, and they do not matter: the first one counts.
            self._total = total or None
            self.oldest_first = len(ages) > 1 and ages[0] < ages[-1] and len(tasks) < (total or 0)
        self.seen.update((task.id, task) for task in tasks)
        # A server that ignores page_num gives the same page again: nothing new, and nothing proven.
        news = len(self.seen) > before
        reached = self._reached(ages, backwards=backwards)
        self.complete = self._all_seen(tasks) or (news and reached)
        self.done = self.complete or not news

    def _note_growth(self, tasks: Sequence[VideoTask], total: int, *, backwards: bool) -> None:
        """Notice a server that ignores page_num while tasks arrive: what is new then stands at the top.

        Where pages are turned, tasks that arrive push others down, so the next page begins with old
        acquaintances.
        """
        grown = total - self._total_before if self.seen and not backwards else 0
        self._same_page_again |= any(task.id not in self.seen for task in tasks[: max(0, grown)])
        self._total_before = total

    def _all_seen(self, tasks: Sequence[VideoTask]) -> bool:
        """Believe the total; without one only an empty page is the end, for a server may cap its pages."""
        if self._total is None:
            return not tasks
        return len(self.seen) >= self._total and not self._same_page_again

    def _reached(self, ages: list[int], *, backwards: bool) -> bool:
        """Tell whether the pages read, put together from new to old, go back to before the moment."""
        self._ages += reversed(ages) if backwards else ([] if self.oldest_first else ages)
        falling = all(older <= newer for newer, older in zip(self._ages, self._ages[1:], strict=False))
        if self._unordered or not falling or not self._ages:
            return False
        # Where all ages are equal nobody can tell which end was read.
        return self._ages[-1] < self.since and (backwards or self._ages[0] > self._ages[-1])
