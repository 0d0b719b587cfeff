"""The simulator's wall clock: it runs on whatever monotonic clock drives the event loop.

Under a virtual event-loop clock a day passes in milliseconds, and the `Date` header,
`created_at` and the expiry of video URLs all follow it.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache

from attrs import define, field

_CHINA = 8 * 3600.0


@define(kw_only=True)
class SimClock:
    """Turns monotonic seconds into unix seconds.

    Args:
        started: Monotonic seconds at the moment `epoch`.
        epoch: Unix seconds at the moment `started`; default: the machine's clock.
        skew: Seconds by which the server's clock runs ahead of the machine's (negative: behind).
    """

    started: float
    epoch: float = field(factory=time.time)
    skew: float = 0.0

    def wall(self, now: float) -> float:
        """Unix seconds at the monotonic moment `now`."""
        return self.epoch + (now - self.started) + self.skew

    def http_date(self, now: float) -> str:
        """The `Date` header (RFC 9110 section 5.6.7) at the monotonic moment `now`."""
        return _http_date(int(self.wall(now)))

    def id_stamp(self, now: float) -> str:
        """The 14 digits inside a task id, in UTC+8, one second before `created_at` (live: 1 to 5 s)."""
        return _stamp(int(self.wall(now)) - 1)


# Thousands of requests of one virtual second share these texts.
@lru_cache(maxsize=16)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


@lru_cache(maxsize=16)
def _stamp(second: int) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(second + _CHINA))
