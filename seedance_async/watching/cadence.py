"""How often a task in flight is looked at: by its status, its age, and how many share the quota."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from seedance_async.models import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.settings import PollPolicy

__all__ = ["BANDS", "band_of", "spread", "waits"]

_RUNNING: Final = TaskStatus.RUNNING  # a member of an enum is slow to find
_MULTIPLES = (1, 2, 4, 8)
BANDS = len(_MULTIPLES)
"""Number of bands; tasks of one band are looked at equally often."""

# Seconds in one status after which a task moves to the next band.  Most videos run one to five minutes and
# leave the queue within seconds, unless the account's concurrency is used up.
_RUNNING_UNTIL = (600.0, 3600.0)
_QUEUED_UNTIL = (30.0, 600.0, 3600.0)


def band_of(status: TaskStatus | None, age: float) -> tuple[int, float]:
    """Give the band of a task, and for how many seconds: running before queued, young before old.

    Args:
        status: as last seen; None before the first look.
        age: seconds since that status was first seen.
    """
    steps = _RUNNING_UNTIL if status is _RUNNING else _QUEUED_UNTIL
    for band, end in enumerate(steps):
        if age < end:
            return band, end - age
    return len(steps), math.inf


def waits(poll: PollPolicy) -> tuple[float, ...]:
    """Give the seconds between two looks for each band, while the quotas allow it."""
    ceiling = max(poll.interval, poll.max_interval)
    return tuple(min(ceiling, poll.interval * multiple) for multiple in _MULTIPLES)


def spread(populations: Sequence[int], seconds: Sequence[float], capacity: float) -> float:
    """Give the factor by which every wait is stretched so that the quota holds; 1.0 while there is room.

    Stretching all bands alike keeps running tasks ahead of queued ones when the quota is short.

    Args:
        populations: tasks in each band.
        seconds: unstretched wait of each band.
        capacity: tasks that can be looked at per second.
    """
    demand = sum(count / wait for count, wait in zip(populations, seconds, strict=True))
    return max(1.0, demand / capacity)
