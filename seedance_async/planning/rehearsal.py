"""One rehearsal: the real client works on a sample against the simulator, on virtual time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from seedance_async._wire import clock
from seedance_async.in_process import InProcess
from seedance_async.outcomes import OutcomeKind
from seedance_async.planning.stage import Stage, request_for
from seedance_async.planning.virtual import run_virtually
from seedance_async.session import SeedanceSession
from seedance_async.settings import PollPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from seedance_async.outcomes import Outcome
    from seedance_async.planning.accounts import PlannedAccount
    from seedance_async.planning.stage import Part
    from seedance_async.request import VideoRequest

__all__ = ["LATENCY", "Mark", "Rehearsal", "rehearse"]

LATENCY: Final = 0.2
"""Seconds that a request and its answer are on their way, where nothing else is said."""

ROUTES: Final = ("create", "get", "list", "delete")


@frozen(kw_only=True)
class Mark:
    """Where everything stood when one prompt ended.

    Attributes:
        at: seconds since the start.
        requests: requests by route so far.
        alive: tasks that were alive at the server.
        queued: how many of these were queued.
        late: seconds from the task's end to the moment at which the client knew; None without a task.
    """

    at: float
    requests: Mapping[str, int]
    alive: int
    queued: int
    late: float | None


@define(kw_only=True)
class Rehearsal:
    """What was seen.

    Attributes:
        marks: one for each prompt, in the order of ending.
        kinds: how many prompts ended how.
        refusals: how many were refused that the plan had not drawn as refused.
    """

    marks: list[Mark] = field(factory=list[Mark])
    kinds: Counter[OutcomeKind] = field(factory=Counter[OutcomeKind])
    refusals: int = 0

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.marks[-1].at

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests by route."""
        return self.marks[-1].requests


def rehearse(
    parts: Sequence[Part],
    account: PlannedAccount,
    *,
    poll: PollPolicy | None = None,
    latency: float = LATENCY,
    seed: int = 0,
) -> Rehearsal:
    """Let one account work through the parts; blocks, and costs some milliseconds of processor a task.

    Raises:
        RuntimeError: an event loop is running in this thread.
    """
    return run_virtually(_rehearse(parts, account, poll or PollPolicy(), latency, seed))


async def _rehearse(
    parts: Sequence[Part], account: PlannedAccount, poll: PollPolicy, latency: float, seed: int
) -> Rehearsal:
    """Work through the parts on the running loop."""
    seen = Rehearsal()
    async with (
        Stage(parts, quotas=account.quotas, seed=seed) as stage,
        SeedanceSession(
            "planning",
            stage.base_url,
            transport=InProcess(stage, latency=latency),
            limits=account.limits,
            poll=poll,
            observer=lambda _: None,
        ) as session,
    ):
        begun = clock.monotonic()
        async for outcome in session.run_many(_jobs(parts)):
            seen.marks.append(_mark(stage, outcome, clock.monotonic(), begun))
            seen.kinds[outcome.kind] += 1
            seen.refusals += _is_surprise(outcome, parts)
    return seen


def _jobs(parts: Sequence[Part]) -> Iterator[tuple[str, VideoRequest]]:
    """Give the jobs, made when they are read."""
    for number, part in enumerate(parts):
        yield str(number), request_for(part, number)


def _mark(stage: Stage, outcome: Outcome, now: float, begun: float) -> Mark:
    """Note where everything stands."""
    world = stage.server.world
    task = world.tasks.get(outcome.task.id) if outcome.task is not None else None
    return Mark(
        at=now - begun,
        requests={route: stage.counts[route] for route in ROUTES},
        alive=len(world.alive),
        queued=world.queued,
        late=None if task is None else now - task.changed,
    )


def _is_surprise(outcome: Outcome, parts: Sequence[Part]) -> bool:
    """Tell a refusal that the plan did not draw: the simulated server takes no such request."""
    return outcome.kind is OutcomeKind.REFUSED and parts[int(outcome.key)].end != "refuse"
