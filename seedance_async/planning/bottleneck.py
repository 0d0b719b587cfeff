"""What a batch waits for most, told from the time in which its lane is full."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seedance_async.planning.accounts import PlannedAccount
    from seedance_async.planning.lanes import Lane

__all__ = ["Usage", "bottleneck_of", "usage_of"]

_FULL: Final = 0.9
_QUEUE: Final = 0.05
_LATE: Final = 0.25


@frozen(kw_only=True)
class Usage:
    """How much of one quota a full lane uses.

    Attributes:
        rate: requests in the quota's time, a minute for creates and a second for the others.
        limit: how many there may be; infinity for no limit.
        per: ``minute`` or ``second``.
    """

    rate: float
    limit: float
    per: str

    @property
    def share(self) -> float:
        """Share of the limit, 0 to 1."""
        return 0.0 if math.isinf(self.limit) else self.rate / self.limit


def usage_of(lane: Lane, account: PlannedAccount) -> Mapping[str, Usage]:
    """Give what a full lane uses of each quota of its account."""
    seconds = lane.steady.seconds or math.inf
    each = {route: count / seconds for route, count in lane.steady.requests.items()}
    limits = account.limits
    return {
        "create": Usage(rate=60 * each["create"], limit=limits.creates_per_minute, per="minute"),
        "get": Usage(rate=each["get"], limit=limits.gets_per_second, per="second"),
        "list": Usage(rate=each["list"], limit=limits.lists_per_second, per="second"),
    }


def bottleneck_of(lane: Lane, account: PlannedAccount, *, tier: str) -> str:
    """Say in one sentence what the lane waits for."""
    steady, alive = lane.steady, account.limits.max_alive
    if lane.rehearsed == lane.prompts and lane.prompts <= alive and not _queues(lane):
        return "the run time of single tasks: the batch fits into what may be alive at once"
    if _queues(lane):
        return (
            f"the server's running places: {steady.alive - steady.queued:.0f} tasks run at once and"
            f" {steady.queued:.0f} queue; only another model, another account or flex is faster"
        )
    if usage_of(lane, account)["create"].share >= _FULL:
        return f"creates: {account.limits.creates_per_minute:g} a minute for the account"
    # A task holds its slot until its end is seen.
    if steady.alive + steady.late / (steady.seconds or math.inf) >= _FULL * alive:
        return _alive(lane, alive, tier)
    return "the run time of single tasks"


def _queues(lane: Lane) -> bool:
    """Tell whether tasks wait at the server."""
    return lane.steady.queued > _QUEUE * lane.steady.alive


def _alive(lane: Lane, alive: float, tier: str) -> str:
    """Say that the client keeps tasks back, and why they are alive so long."""
    seconds = lane.steady.seconds * lane.steady.alive
    name = "flex_alive" if tier == "flex" else "max_alive"
    if lane.steady.late > _LATE * seconds:
        return f"looks: a task has ended {lane.steady.late:.0f} s before its end is seen"
    return f"{name}: {alive:g} tasks alive at once, {seconds:.0f} s each; a larger {name} is faster"
