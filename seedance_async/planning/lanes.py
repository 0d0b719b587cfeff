"""One lane of a plan: the prompts of one tier on one account, rehearsed and carried on to the whole."""

from __future__ import annotations

import statistics
from random import Random
from typing import TYPE_CHECKING, Final

from attrs import frozen

from seedance_async.planning.accounts import alive_of
from seedance_async.planning.rehearsal import ROUTES, Mark, Rehearsal, rehearse
from seedance_async.planning.stage import Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seedance_async.planning.accounts import PlannedAccount
    from seedance_async.planning.load import Load
    from seedance_async.planning.runtimes import RunTimes
    from seedance_async.settings import PollPolicy

__all__ = ["Lane", "Steady", "play_lane", "sample_size"]

_LEAST_SAMPLE: Final = 2000
_MOST_SAMPLE: Final = 10_000
_FULLS: Final = 4
_BEGIN, _END = 0.4, 0.5


@frozen(kw_only=True)
class Steady:
    """What holds while the lane is full.

    Attributes:
        seconds: from one prompt's end to the next one's.
        requests: requests for one prompt, by route.
        alive: tasks alive at the server.
        queued: how many of these wait there.
        late: seconds until the end of a task is seen.
    """

    seconds: float
    requests: Mapping[str, float]
    alive: float
    queued: float
    late: float


@frozen(kw_only=True)
class Lane:
    """How one account fares with its prompts of one tier.

    Attributes:
        prompts: how many there are.
        rehearsed: how many of them were rehearsed; all where the figures are exact.
        seconds: from the first submit to the last end.
        requests: by route.
        steady: the time in which the lane is full; None for a batch too small to fill it.
        refusals: rehearsed prompts that the simulated server refuses though the plan did not mean it.
    """

    prompts: int
    rehearsed: int
    seconds: float
    requests: Mapping[str, float]
    steady: Steady
    refusals: int


def sample_size(account: PlannedAccount) -> int:
    """Say how many prompts are rehearsed at most: several times what may be alive at once."""
    return min(_MOST_SAMPLE, max(_LEAST_SAMPLE, _FULLS * alive_of(account)))


def play_lane(
    load: Load,
    prompts: int,
    account: PlannedAccount,
    *,
    runs: RunTimes,
    slow: bool | None = None,
    sample: int | None = None,
    poll: PollPolicy | None = None,
    latency: float,
    seed: int,
) -> Lane:
    """Rehearse a lane, and carry it on from the sample to ``prompts``.

    Args:
        load: what the prompts are like.
        prompts: how many of them this account gets.
        account: the account.
        runs: how long tasks run.
        slow: whether it is the slowest plan, or the quickest; None: run times as usual.
        sample: prompts rehearsed at most; None chooses.
        poll: how the client looks.
        latency: seconds of an exchange.
        seed: seed of everything drawn.
    """
    size = min(prompts, sample or sample_size(account))
    parts = draw(load, size, runs=runs, slow=slow, seed=seed)
    seen = rehearse(parts, account, poll=poll, latency=latency, seed=seed)
    steady = steady_of(seen, alive_of(account))
    more = prompts - size
    requests = {route: seen.requests[route] + more * steady.requests[route] for route in ROUTES}
    # Creates go out ahead of the ends that are counted by: one for each prompt, and as many repeats as seen.
    requests["create"] = seen.requests["create"] / size * prompts
    return Lane(
        prompts=prompts,
        rehearsed=size,
        seconds=seen.seconds + more * steady.seconds,
        requests=requests,
        steady=steady,
        refusals=seen.refusals,
    )


def draw(load: Load, size: int, *, runs: RunTimes, slow: bool | None, seed: int) -> Sequence[Part]:
    """Draw the prompts of a rehearsal: each shape by its share, shuffled, with run times and ends."""
    random = Random(seed)  # noqa: S311 - a plan is drawn the same way every time
    parts: list[Part] = []
    total, given = load.prompts, 0
    for shape, tally in load.shapes.items():
        given += tally.count
        more = round(size * given / total) - len(parts)
        for _ in range(more):
            seconds = runs.draw(shape, random) if slow is None else runs.edge(shape, random, slow=slow)
            parts.append(Part(shape=shape, seconds=seconds))
    random.shuffle(parts)
    refused = round(size * runs.refused)
    failed = round((size - refused) * runs.failed)
    chosen = random.sample(parts, refused + failed)
    for number, part in enumerate(chosen):
        part.end = "refuse" if number < refused else "fail"
    return parts


def steady_of(seen: Rehearsal, alive: int) -> Steady:
    """Measure the middle of a rehearsal: when the lane has filled, and before it runs empty."""
    first, last = _middle(len(seen.marks), alive)
    begin, end = seen.marks[first], seen.marks[last]
    inside = seen.marks[first : last + 1]
    count = max(1, last - first)
    lates = [mark.late for mark in inside if mark.late is not None]
    return Steady(
        seconds=(end.at - begin.at) / count,
        requests={route: _grown(begin, end, route) / count for route in ROUTES},
        alive=statistics.fmean(mark.alive for mark in inside),
        queued=statistics.fmean(mark.queued for mark in inside),
        late=statistics.fmean(lates) if lates else 0.0,
    )


def _middle(count: int, alive: int) -> tuple[int, int]:
    """Give the first and the last mark of the steady time."""
    first = min(max(alive, int(count * _BEGIN)), int(count * _BEGIN))
    last = max(int(count * _END), count - 1 - alive)
    return min(first, count - 1), min(max(last, first), count - 1)


def _grown(begin: Mark, end: Mark, route: str) -> int:
    """Count the requests between two marks."""
    return end.requests[route] - begin.requests[route]
