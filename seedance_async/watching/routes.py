"""How well the two ways of looking work: pauses after failures, and a list that cannot be trusted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from seedance_async.errors import (
    AnswerUnreadable,
    AuthenticationFailed,
    RateLimited,
    RequestRefused,
    ServerFailed,
)
from seedance_async.events import ListUnusable
from seedance_async.watching.flight import URL_ROOM

if TYPE_CHECKING:
    from seedance_async.events import Observer
    from seedance_async.settings import PollPolicy

__all__ = ["ListRoute", "Route"]

_LONGEST_HOLD = 120.0
# A look that hangs is given up long before the session's own timeout: the next look is its repetition.
_PATIENCE = 30.0
_LIST_PATIENCE = 10.0  # tasks of a list that hangs could be looked at by GETs meanwhile
_SHARERS = 10  # so many may queue for the same quota before a look that only waits for its turn is given up
_PAGE_MOST = 500  # api docs 1521675
_PAGE_OLD = 100  # an older note says 1 to 100
_URL_LEAST = 300
_TOO_LONG = frozenset({413, 414, 431})
_BAD_PARAMETER = frozenset({400, 422})
_FOR_GOOD = frozenset({400, 404, 405, 413, 414, 422, 431, 501})
_BLANKS_TOLD = 2
_UNREADABLE_TOLD = 3
_FULL_BEFORE_MORE = 20
_FIRST_DOUBT = 30.0


class Route:
    """One way of looking, with a pause after failures that doubles up to ``poll.max_interval``.

    Attributes:
        running: how many of its requests are under way.
        patience: seconds that one request may take, its turn at the quota included.
    """

    def __init__(
        self, poll: PollPolicy, *, rate: float, least: int, most: int, patience: float = _PATIENCE
    ) -> None:
        self._poll = poll
        self._until = -math.inf
        self._held = -math.inf
        self._failures = 0
        self._at_once = int(min(most, max(least, rate)))
        self.patience = patience + _SHARERS * self._at_once / rate
        self.running = 0

    @property
    def free(self) -> bool:
        """Whether one more request may be begun: few, so that others get a turn; one after a failure."""
        return self.running < (1 if self._failures else self._at_once)

    def resumes(self) -> float:
        """When our own pause and the one that the server asked for are over; in the past without any."""
        return max(self._until, self._held)

    def open(self, now: float) -> bool:
        """Whether no pause holds it."""
        return now >= self.resumes()

    def worked(self) -> None:
        """Note an answer: no pause of our own any more; one that the server asked for holds all the same."""
        self._failures = 0
        self._until = -math.inf

    def failed(self, error: Exception, now: float) -> None:
        """Note a failure; failures of requests that were under way together count once."""
        asked = getattr(error, "retry_after", None)
        if isinstance(asked, int | float):
            self._held = max(self._held, now + min(float(asked), _LONGEST_HOLD))
        if now < self._until:
            return
        self._failures += 1
        self._until = now + min(self._poll.interval * 2.0 ** min(self._failures - 1, 30), self._ceiling)

    @property
    def _ceiling(self) -> float:
        """Longest pause that is not asked for by the server."""
        return max(self._poll.interval, self._poll.max_interval)


class ListRoute(Route):
    """The list, which gateways may lack, shorten or answer wrongly.

    Args:
        rate: lists per second.
        gets: tasks per second that GETs can look at instead.

    Attributes:
        page: how many ids one list may ask for.
        room: how many characters of ids fit into its URL.
    """

    def __init__(
        self, poll: PollPolicy, emit: Observer, *, rate: float, gets: float, least: int, most: int
    ) -> None:
        super().__init__(poll, rate=rate, least=least, most=most, patience=_LIST_PATIENCE)
        # As many tasks as one list must show to see more than GETs do; none where lists have no limit.
        self._worth = 0.0 if rate == math.inf else gets / rate
        self._emit = emit
        self._unusable_until = -math.inf
        self._told = False
        self._doubt = _FIRST_DOUBT
        self._blanks = 0
        self._unreadable = 0
        self._short: int | None = None
        self._full = 0
        self._page_limit = _PAGE_MOST
        self.page = _PAGE_MOST
        self.room = URL_ROOM

    def resumes(self) -> float:
        """When the list may be tried again."""
        return max(super().resumes(), self._unusable_until)

    def refused(self, error: Exception, now: float, *, asked: int) -> None:
        """Take a failure for what it says of the list: ask it otherwise, leave it alone, or pause."""
        self._unreadable = self._unreadable + 1 if isinstance(error, AnswerUnreadable) else 0
        if self._unreadable >= _UNREADABLE_TOLD:
            # A page for people in place of a list, say: it will not become one from one second to the next.
            self.give_up(str(error), now, seconds=self._poll.list_retry)
        elif isinstance(error, RateLimited) or not isinstance(error, RequestRefused | ServerFailed):
            self.failed(error, now)
        elif error.status in _TOO_LONG and self.room > _URL_LEAST:
            self.room //= 2
        elif error.status in _BAD_PARAMETER and asked > _PAGE_OLD:
            self.page = self._page_limit = _PAGE_OLD
        elif error.status in _FOR_GOOD or isinstance(error, AuthenticationFailed):
            self.give_up(str(error), now, seconds=self._poll.list_retry)
        else:
            self.failed(error, now)

    def showed_all(self) -> None:
        """Note a list that showed every id it was asked for: believe it, and let it show more again."""
        self._trusted()
        self._short = None
        self._full += 1
        if self._full >= _FULL_BEFORE_MORE:
            self._full = 0
            self.page = min(self._page_limit, self.page * 2)

    def showed_some(self, now: float, *, asked: int, shown: int, total: int | None) -> bool:
        """Note a list that left ids out; True when it was a short page, and the others may be on another one.

        Without a total, two short pages of one length in a row are taken for the server's own page size.
        """
        again = total is None and shown == self._short
        self._short = shown
        more = total is not None and total > shown
        # So few are soon looked at one by one, and it may be chance that most of them were left out.
        if not (again or more) or asked < self._worth:
            self._trusted()
            return False
        if shown < self._worth:
            self.give_up(f"the list shows pages of {shown} only", now, seconds=self._poll.list_retry)
            # Should it have been chance, the next try finds out.
            self.page = self._page_limit = _PAGE_MOST
            return True
        self._trusted()
        self._full = 0
        self.page = shown
        if more:
            self._page_limit = shown
        return True

    def showed_none(self) -> None:
        """Note a list that showed nothing of what it was asked for; it proves nothing by itself."""
        self._blanks += 1

    def disproved(self, now: float) -> None:
        """Note that a task exists that the list did not show."""
        if self._blanks >= _BLANKS_TOLD:
            self._blanks = 0
            # Some lists only lag behind: come back soon at first.
            seconds = min(self._doubt, self._poll.list_retry)
            self._doubt *= 2
            self.give_up("the list does not show tasks that exist", now, seconds=seconds)

    def ignores_filter(self, now: float) -> None:
        """Note a list that shows other tasks than those asked for, and not all of those."""
        self.give_up("the list ignores filter.task_ids", now, seconds=self._poll.list_retry)

    def give_up(self, why: str, now: float, *, seconds: float) -> None:
        """Leave the list alone for a while, and say so once until it works again."""
        self._unusable_until = now + seconds
        if not self._told:
            self._told = True
            self._emit(ListUnusable(why=why, seconds=seconds))

    def _trusted(self) -> None:
        """The list showed something that was asked for."""
        self._blanks = 0
        self._unreadable = 0
        self._doubt = _FIRST_DOUBT
        self._told = False
