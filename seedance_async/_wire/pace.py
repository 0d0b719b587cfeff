"""Requests per second: evenly spaced, first come first served, slower when told so.

GCRA without a burst allowance: two requests are never closer than one gap, so no window of any length and at
any place, a server's fixed ones included, holds more than ``rate * window + 1`` requests. AIMD on top: told
to slow down, the rate is halved (at most once a second); each success gives 1 % of the configured rate back.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from seedance_async._wire.clock import monotonic, sleep
from seedance_async._wire.ramp import age_at, worth

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from seedance_async.errors import SeedanceError

__all__ = ["CUT_EVERY", "Pace"]

CUT_EVERY: Final = 1.0
"""Seconds between two cuts: many refusals of one moment are one piece of news."""

_CUT: Final = 0.5
_STEP: Final = 0.01
# There is no 1 % of infinity: the step of 600 a minute, the largest published quota (api docs 1520757).
_STEP_OF_INFINITY: Final = 0.1
_SLOWEST: Final = 0.1
_FASTEST: Final = 1000.0
_IDLE_SECONDS: Final = 60.0
# A loop's timers run up to its clock resolution early; a head that is this close may go.
_EARLY: Final = 1e-6
_NEVER: Final = -math.inf
# So often a turn that came too late to be used is given up for another one.
_TURNS: Final = 5
_LATE: Final = 0.05  # seconds, where the gap between turns is not known here


class Pace:
    """Lets requests go one by one, at most ``per_second`` of them a second, in the order they came.

    A waiter takes its token when it runs, not when it is called: one that is cancelled in between has taken
    nothing, and the next is called. One timer serves the whole line.

    Attributes:
        configured: requests per second that the settings allow; may be infinite.
        rate: requests per second now: from 0.1 (or ``configured``, if that is less) to ``configured``.
    """

    def __init__(
        self,
        per_second: float,
        *,
        ramp: bool = False,
        turn: Callable[[], Awaitable[float]] | None = None,
        told: Callable[[float], None] | None = None,
    ) -> None:
        """Make a pace.

        Args:
            per_second: requests per second, above 0; infinity for no limit.
            ramp: grow to the rate at the start and after a minute without requests (see :mod:`.ramp`).
            turn: takes a turn that is shared with other processes, and gives the seconds until it; asked by
                the head of the line alone.
            told: hears of every :meth:`hold`.
        """
        self.configured = per_second
        self.rate = per_second
        self._ramp = ramp
        self._turn = turn
        self._told = told
        self._nearest = math.inf
        self._ramp_start = _NEVER
        self._last = _NEVER
        self._held_until = _NEVER
        self._crowded_until = _NEVER
        self._passes = 0
        self._cut_at = _NEVER
        self._step = _STEP_OF_INFINITY if math.isinf(per_second) else per_second * _STEP
        self._second = _NEVER
        self._sent = 0
        self._sent_before = 0
        self._line: OrderedDict[asyncio.Future[SeedanceError | None], None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Pace {self.rate:g}/s of {self.configured:g}/s, {self.waiting} waiting>"

    @property
    def waiting(self) -> int:
        """How many requests stand in line."""
        return len(self._line)

    @property
    def crowded(self) -> bool:
        """True while requests are held until there is room."""
        return monotonic() < self._crowded_until

    async def wait(self) -> float:
        """Wait for this request's turn.

        Returns:
            The seconds waited; 0.0 when there was no need to.
        """
        now = monotonic()
        if self._turn is None and not self._line and now >= self._ready_at():
            self._take(now)
            return 0.0
        return await self._stand_in_line(now)

    async def _stand_in_line(self, since: float) -> float:
        """Wait as the last of the line; whoever leaves, however it leaves, calls the next."""
        place: asyncio.Future[SeedanceError | None] = asyncio.get_running_loop().create_future()
        self._line[place] = None
        try:
            if len(self._line) == 1:
                self._call_head()
            error = await place
            if error is not None:
                raise error
            if self._turn is not None:
                await self._wait_for_turn(self._turn)
            now = monotonic()
            self._take(now)
        finally:
            del self._line[place]
            self._call_head()
        return now - since

    async def _wait_for_turn(self, take: Callable[[], Awaitable[float]]) -> None:
        """Wait for a shared turn; one that is late by more than half a gap would crowd the one after it."""
        late = _LATE if math.isinf(self.configured) else 0.5 / self.configured
        for _ in range(_TURNS):
            asked = monotonic()
            wait = await take()
            answered = monotonic()
            # What the shortest way to the limiter and back takes is no delay: it is the same for all turns.
            self._nearest = min(self._nearest, answered - asked)
            if wait > 0.0:
                await sleep(wait)
            if monotonic() - (asked + wait + self._nearest) <= late:
                return

    def hold(self, seconds: float) -> None:
        """Let nobody go for so many seconds; one who was called in this very moment still goes."""
        self._held_until = max(self._held_until, monotonic() + seconds)
        if self._told is not None:
            self._told(seconds)

    def hold_for_room(self, seconds: float) -> None:
        """Let nobody go for so many seconds, but one for each :meth:`let_one_go` from now on."""
        self._crowded_until = max(self._crowded_until, monotonic() + seconds)
        self._passes = 0

    def let_one_go(self) -> None:
        """There is room for one more: one waiter may pass a hold for room."""
        if self.crowded:
            self._passes += 1
            self._call_head()

    def cut(self) -> bool:
        """Halve the rate, unless that was done within the last second.

        Returns:
            True when the rate was cut. An infinite rate is cut to half of what was sent within a second.
        """
        now = monotonic()
        if now - self._cut_at < CUT_EVERY:
            return False
        self._cut_at = now
        if math.isinf(self.rate):
            self.rate = float(max(self._sent, self._sent_before))
        self.rate = max(self.rate * _CUT, min(_SLOWEST, self.configured))
        return True

    def grow(self) -> None:
        """Take note of a success: a rate that was cut grows by 1 % of the configured one."""
        if self.rate >= self.configured:
            return
        rate = min(self.rate + self._step, self.configured)
        # Gaps under a millisecond are beyond a timer: an infinite rate that was cut is whole again.
        self.rate = self.configured if rate >= _FASTEST else rate
        self._call_head()

    def fail_waiting(self, make: Callable[[], SeedanceError]) -> None:
        """Make everybody in line raise an error of its own."""
        for place in self._line:
            if not place.done():
                place.set_result(make())

    def _ready_at(self) -> float:
        """Give the moment from which the next request may go; it may be in the past."""
        ready = max(self._spaced_at(), self._held_until)
        return ready if self._passes else max(ready, self._crowded_until)

    def _spaced_at(self) -> float:
        """Give the end of the gap after the last request, holds left aside."""
        gap = 1.0 / self.rate
        if not self._ramp or gap == 0.0 or self._last == _NEVER:
            return self._last + gap
        return self._ramp_start + age_at(worth(self._last - self._ramp_start) + gap)

    def _take(self, now: float) -> None:
        """Count one request that goes now."""
        if self._ramp and now - self._last > _IDLE_SECONDS:
            self._ramp_start = now
        self._last = now
        if self._passes:
            self._passes -= 1
        if now - self._second >= 1.0:
            self._second, self._sent, self._sent_before = now, 0, self._sent
        self._sent += 1

    def _call_head(self) -> None:
        """Call the head of the line if its moment has come, else set the one timer to that moment."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        head = next(iter(self._line), None)
        # A head that is done runs in a moment and calls the next one when it leaves.
        if head is None or head.done():
            return
        ready = self._ready_at()
        if ready - monotonic() <= _EARLY:
            head.set_result(None)
        else:
            self._timer = head.get_loop().call_at(ready, self._call_head)
