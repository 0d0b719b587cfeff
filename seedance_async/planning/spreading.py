"""Spreading a batch over the tiers ``default`` and ``flex``: as cheap as the deadline allows.

Flex is an offline queue at half the price for the 1.x models (api docs 1520757, 1544106): it counts against
no creates per minute at the server and takes no running place, and it may take hours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from attrs import frozen

from seedance_async.batch.jobs import read_job
from seedance_async.batch.keys import Keys
from seedance_async.catalog import spec_for
from seedance_async.errors import InvalidRequest
from seedance_async.estimates import estimate
from seedance_async.planning.accounts import PlannedAccount
from seedance_async.planning.load import Load, Shape, shape_of
from seedance_async.planning.runtimes import RunTimes
from seedance_async.prices import CNY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from seedance_async.batch.jobs import Job
    from seedance_async.planning.load import Tally
    from seedance_async.prices import PriceTable
    from seedance_async.request import VideoRequest

__all__ = ["Spread", "allocate", "spread"]


@frozen(kw_only=True)
class Spread:
    """A batch with a tier for each job.

    Attributes:
        default: the jobs that stay in the default tier, as pairs of a key and a request.
        flex: the jobs that go to the flex tier, likewise.
        holds: whether the deadline is to be expected to hold.
        seconds: when the later of the two is expected to be done.
        cost: what all bill at most.
        saved: how much that is less than with the default tier alone.
        currency: of both.
    """

    default: Sequence[tuple[str, VideoRequest]]
    flex: Sequence[tuple[str, VideoRequest]]
    holds: bool
    seconds: float
    cost: Decimal
    saved: Decimal
    currency: str


@frozen(kw_only=True)
class Allocation:
    """How many prompts of each shape go to the flex tier.

    Attributes:
        flex: prompts by shape.
        seconds: when both tiers are expected to be done.
        holds: whether that is within the deadline.
    """

    flex: Mapping[Shape, int]
    seconds: float
    holds: bool


def allocate(
    load: Load,
    *,
    deadline: float | None,
    accounts: Sequence[PlannedAccount] = (),
    runs: RunTimes | None = None,
) -> Allocation:
    """Choose how many prompts of each shape go to the flex tier.

    As many as may go and are done there by the deadline, the dearest first; that is the cheapest. Whether the
    others are done in the default tier by then is told by ``holds``.

    Args:
        load: what the batch asks for.
        deadline: seconds from the start; None: all that may go.
        accounts: the accounts that work on it.
        runs: how long tasks take in each tier.

    Raises:
        InvalidRequest: the deadline is not above 0.
    """
    if deadline is not None and not 0 < deadline < math.inf:
        raise InvalidRequest(field="deadline", value=deadline, limit="must be above 0 s")
    known, crew = runs or RunTimes(), tuple(accounts) or (PlannedAccount(),)
    flex: dict[Shape, int] = {}
    for shape in sorted((one for one in load.shapes if one.flexible), key=lambda one: -_saving(load, one)):

        def fits(count: int, shape: Shape = shape) -> bool:
            """Tell whether flex is done by the deadline with so many of this shape besides the others."""
            tried = load.moved({**flex, shape: count}).tier("flex")
            return deadline is None or _seconds(tried, "flex", known, crew) <= deadline

        if most := _most(load.shapes[shape].count, fits):
            flex[shape] = most
    moved = load.moved(flex)
    seconds = max(_seconds(moved.tier(tier), tier, known, crew) for tier in ("default", "flex"))
    return Allocation(flex=flex, seconds=seconds, holds=deadline is None or seconds <= deadline)


def _saving(load: Load, shape: Shape) -> Decimal:
    """Give what one prompt of a shape saves in the flex tier."""
    tally = load.shapes[shape]
    return tally.cost * (1 - tally.flex_share) / tally.count


def _most(count: int, fits: Callable[[int], bool]) -> int:
    """Give the largest number up to ``count`` that fits, by halving."""
    least, most = 0, count
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if fits(middle) else (least, middle - 1)
    return least


def _seconds(load: Load, tier: str, runs: RunTimes, accounts: Sequence[PlannedAccount]) -> float:
    """Reckon how long one tier takes: its creates, running places or tasks alive, and the last tasks."""
    if not load.prompts:
        return 0.0
    alive = sum(one.count * (one.flex_alive if tier == "flex" else one.limits.max_alive) for one in accounts)
    creates = sum(one.count * one.limits.creates_per_minute for one in accounts) / 60
    waits = [load.prompts / creates, _turns(load.shapes, alive, runs)]
    if tier == "default" and not runs.queued:
        waits.extend(_queues(load, runs, accounts))
    return max(waits) + max(runs.longest(shape) for shape in load.shapes)


def _turns(shapes: Mapping[Shape, Tally], places: float, runs: RunTimes) -> float:
    """Reckon when the last prompt gets one of so many places."""
    prompts = sum(tally.count for tally in shapes.values())
    if prompts <= places:
        return 0.0
    work = sum(tally.count * runs.mean(shape) for shape, tally in shapes.items())
    return work / places * (1 - places / prompts)


def _queues(load: Load, runs: RunTimes, accounts: Sequence[PlannedAccount]) -> Iterator[float]:
    """Reckon when the last prompt of each model family gets one of the server's running places."""
    for family in {shape.family for shape in load.shapes}:
        shapes = {shape: tally for shape, tally in load.shapes.items() if shape.family == family}
        yield _turns(shapes, _slots(next(iter(shapes)), accounts), runs)


def _slots(shape: Shape, accounts: Sequence[PlannedAccount]) -> float:
    """Count the tasks of a shape that run at once on all accounts."""
    spec = spec_for(shape.model)
    published = math.inf if spec is None else spec.enterprise.running
    total = 0.0
    for account in accounts:
        own = account.quotas.max_running
        slots = math.inf if own is None else min(own, published) if account.quotas.published else own
        total += slots * account.count
    return total


def spread(
    jobs: Iterable[Job],
    *,
    deadline: float,
    prices: PriceTable = CNY,
    accounts: Sequence[PlannedAccount] = (),
    runs: RunTimes | None = None,
) -> Spread:
    """Choose ``service_tier`` for each job so that the deadline holds at the lowest cost.

    Only jobs that leave the tier open, and may go to flex at all, are moved. Keys are derived before the tier
    is set, so a job keeps its key, and with it its one task, whatever a later call chooses for it. Run both
    parts beside each other, each with limits and a journal of its own; all jobs are held in memory.

    Args:
        jobs: what ``run_many`` takes, without links of chains.
        deadline: seconds from the start.
        prices: the price table.
        accounts: the accounts that work on it; one enterprise account where there is none.
        runs: how long tasks take in each tier; None takes the documented default.

    Raises:
        InvalidRequest: a job cannot be read or is a link, or the deadline is not above 0.
    """
    pairs = _pairs(jobs)
    load = Load.of(pairs, prices=prices)
    chosen = allocate(load, deadline=deadline, accounts=accounts, runs=runs)
    left = dict(chosen.flex)
    default: list[tuple[str, VideoRequest]] = []
    flex: list[tuple[str, VideoRequest]] = []
    for key, request in pairs:
        shape = shape_of(request, seconds=estimate(request).seconds)
        if left.get(shape, 0):
            left[shape] -= 1
            flex.append((key, request.evolve(service_tier="flex")))
        else:
            default.append((key, request))
    moved = load.moved(dict(chosen.flex))
    return Spread(
        default=default,
        flex=flex,
        holds=chosen.holds,
        seconds=chosen.seconds,
        cost=moved.cost,
        saved=load.cost - moved.cost,
        currency=load.currency,
    )


def _pairs(jobs: Iterable[Job]) -> list[tuple[str, VideoRequest]]:
    """Read all jobs with their keys."""
    keys, pairs = Keys(), list[tuple[str, "VideoRequest"]]()
    try:
        for index, job in enumerate(jobs):
            item = read_job(job, index, keys)
            if item.problem is not None:
                raise item.problem
            if item.request is None:
                raise InvalidRequest(field="jobs", value=item.key, limit="must not hold links of chains")
            pairs.append((item.key, item.request))
    finally:
        keys.close()
    return pairs
