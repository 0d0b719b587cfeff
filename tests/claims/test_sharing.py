"""Sessions on several machines over one store of claims: one prompt, one paid task, whoever dies."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import (
    AccountLimits,
    Billed,
    OutcomeKind,
    PollPolicy,
    RetryPolicy,
    SeedanceSession,
    Timeouts,
)
from seedance_async.errors import ClaimHeld, JournalError
from seedance_async.events import DownloadFinished, DownloadStarted
from seedance_async.ledger.rows import JobState
from seedance_async.sharing import fulfil, settle_abandoned
from seedance_async.simulator import Fault, Simulator

if TYPE_CHECKING:
    from pathlib import Path

    from seedance_async.ledger.claims import Claims
    from tests.claims.stores import Stand

KEY = "sk-test-0123456789abcdef"
RETRY = RetryPolicy(wait_initial=0.05, wait_max=0.3, settling=0.2, looks=2)
CHEAP = {"prompt": "a cat", "duration": 4, "resolution": "480p"}

pytestmark = [pytest.mark.asyncio, pytest.mark.parametrize("stand", ["memory"], indirect=True)]


def session(sim: Simulator, **given: Any) -> SeedanceSession:
    """Make the session of one machine."""
    settings: dict[str, Any] = {
        "retry": RETRY,
        "timeouts": Timeouts(request=1.0, connect=0.2, cancel=0.1),
        "poll": PollPolicy(interval=0.1),
        "limits": AccountLimits.unlimited(),
        "observer": list[object]().append,
        **given,
    }
    return SeedanceSession(KEY, sim.base_url, **settings)


def posts(sim: Simulator) -> int:
    """Count the creates that reached the server."""
    return sum(request.route == "create" for request in sim.requests)


async def taken(sim: Simulator) -> None:
    """Wait until the server has accepted a task."""
    while sim.accepted == 0:  # noqa: ASYNC110 - the server rings no bell
        await asyncio.sleep(0.01)


async def die_in_the_post(sim: Simulator, claims: Claims, key: str) -> None:
    """Be a machine that goes down while its answer is on its way: nothing more is told."""
    sim.add_fault(Fault(kind="hang", when="after"))
    async with session(sim) as dying:
        job = asyncio.create_task(fulfil(dying, claims, key=key, request=CHEAP))
        await taken(sim)
        await claims.close()
        job.cancel()
        await asyncio.wait({job})


async def test_a_job_goes_to_its_end_and_is_not_paid_again(stand: Stand, tmp_path: Path) -> None:
    """The second call for a key, on another machine, gives the same outcome without a request."""
    async with Simulator(work_seconds=0.1) as sim, stand.claims() as one, stand.claims() as two:
        async with session(sim) as here, session(sim) as there:
            first = await fulfil(here, one, key="a", request=CHEAP, save_to=tmp_path)
            before = posts(sim)
            second = await fulfil(there, two, key="a", save_to=tmp_path)
        assert (first.kind, second.kind) == (OutcomeKind.SUCCEEDED, OutcomeKind.SUCCEEDED)
        assert first.task is not None
        assert second.task is not None
        assert (first.task.id, first.path) == (second.task.id, second.path)
        assert (before, posts(sim), sim.accepted) == (1, 1, 1)
        assert (await one.states(["a"]))["a"] is JobState.SAVED


async def test_a_frame_that_fails_takes_no_video_away(stand: Stand, tmp_path: Path) -> None:
    """The outcome says where the paid video is; another machine goes on and fetches the frame alone."""
    told, request = list[object](), {**CHEAP, "return_last_frame": True}
    gone = Fault(kind="status", route="video", status=400, nth=(2,))
    async with Simulator(work_seconds=0.1, faults=[gone]) as sim, stand.claims() as claims:
        async with session(sim) as here, session(sim, observer=told.append) as there:
            first = await fulfil(here, claims, key="a", request=request, save_to=tmp_path)
            second = await fulfil(there, claims, key="a", save_to=tmp_path)
        assert (first.kind, second.kind) == (OutcomeKind.FAILED, OutcomeKind.SUCCEEDED)
        assert first.path == second.path == tmp_path / "a.mp4"
        assert sum(isinstance(event, DownloadFinished) for event in told) == 1
        assert sim.accepted == 1


async def test_the_jobs_of_a_session_land_in_one_line(stand: Stand, tmp_path: Path) -> None:
    """However many jobs end at once, eight of them land at the same time, and all in the end."""
    landing, most = set[str](), [0]

    def watch(event: object) -> None:
        if isinstance(event, DownloadStarted):
            landing.add(event.task_id)
        elif isinstance(event, DownloadFinished):
            landing.discard(event.task_id)
        most.append(len(landing))

    async with (
        Simulator(work_seconds=0.1) as sim,
        stand.claims() as claims,
        session(sim, observer=watch) as here,
        asyncio.TaskGroup() as group,
    ):
        for number in range(24):
            group.create_task(fulfil(here, claims, key=f"{number}", request=CHEAP, save_to=tmp_path))
    assert max(most) <= 8
    assert len(list(tmp_path.glob("*.mp4"))) == 24


async def test_what_a_dead_machine_left_open_is_found_and_not_ordered_again(stand: Stand) -> None:
    """Its task is adopted by the machine that gets the job next; the ledger holds one task."""
    async with Simulator(work_seconds=0.1) as sim:
        dead = stand.claims()
        await dead.__aenter__()
        await die_in_the_post(sim, dead, "a")
        async with stand.claims() as claims, session(sim) as alive:
            await fulfil(alive, claims, key="witness", request=CHEAP)
            outcome = await fulfil(alive, claims, key="a")
        assert outcome.kind is OutcomeKind.SUCCEEDED
        assert sim.accepted == 2
        assert len({entry.id for entry in sim.ledger}) == 2


async def test_of_two_machines_that_find_an_abandoned_claim_one_reconciles(stand: Stand) -> None:
    """Both look at the same moment: one adopts the task, the other is told who holds the job."""
    async with Simulator(work_seconds=0.1) as sim, AsyncExitStack() as stack:
        dead = stand.claims()
        await dead.__aenter__()
        await die_in_the_post(sim, dead, "a")
        machines = [
            (await stack.enter_async_context(session(sim)), await stack.enter_async_context(stand.claims()))
            for _ in range(2)
        ]
        async with asyncio.TaskGroup() as group:
            both = [group.create_task(settle_abandoned(here, claims)) for here, claims in machines]
        found = [done.result()["a"] for done in both if "a" in done.result()]
        adopted = [outcome for outcome in found if outcome.task is not None]
        assert [outcome.task.id for outcome in adopted if outcome.task] == [sim.ledger[0].id]
        others = [outcome for outcome in found if outcome.task is None]
        assert all(isinstance(outcome.error, ClaimHeld) for outcome in others)
        assert all(outcome.kind is OutcomeKind.SKIPPED for outcome in found)
        assert sim.accepted == 1


async def test_a_job_that_another_machine_works_on_is_left_to_it(stand: Stand) -> None:
    """An engine that hands out a job twice gets one paid task, and a word about who has it."""
    async with Simulator(work_seconds=0.1) as sim, stand.claims() as one, stand.claims() as two:
        sim.add_fault(Fault(kind="late", when="after", seconds=0.5))
        async with session(sim) as here, session(sim) as there, asyncio.TaskGroup() as group:
            first = group.create_task(fulfil(here, one, key="a", request=CHEAP))
            await taken(sim)
            second = await fulfil(there, two, key="a", request=CHEAP)
        assert isinstance(second.error, ClaimHeld)
        assert second.kind is OutcomeKind.SKIPPED
        assert first.result().kind is OutcomeKind.SUCCEEDED
        assert sim.accepted == 1


async def test_a_job_that_another_call_has_in_hand_is_left_to_it(stand: Stand, tmp_path: Path) -> None:
    """Two calls in one process are told apart as two machines are, before the submit and after it."""
    how: dict[str, Any] = {"key": "a", "request": CHEAP, "save_to": tmp_path}
    async with Simulator(work_seconds=0.5) as sim, stand.claims() as claims, session(sim) as here:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(fulfil(here, claims, **how))
            await asyncio.sleep(0)
            others = [await fulfil(here, claims, **how)]
            await taken(sim)
            others.append(await fulfil(here, claims, **how))
        assert [other.kind for other in others] == [OutcomeKind.SKIPPED] * 2
        assert all(isinstance(other.error, ClaimHeld) for other in others)
        assert first.result().kind is OutcomeKind.SUCCEEDED
        assert (await fulfil(here, claims, **how)).kind is OutcomeKind.SUCCEEDED
        assert sim.accepted == 1


async def test_an_id_that_was_not_taken_does_not_end_the_job(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store failed as the id came: the next call puts it on record, and waits for the task."""
    async with Simulator(work_seconds=0.5) as sim, stand.claims() as claims, session(sim) as here:
        fails = [JournalError("The store of the claims failed.")]
        assign = claims.shelf.assign

        async def assign_later(task_id: str, key: str, attempt: int) -> str:
            if fails:
                raise fails.pop()
            return await assign(task_id, key, attempt)

        monkeypatch.setattr(claims.shelf, "assign", assign_later)
        first = await fulfil(here, claims, key="a", request=CHEAP)
        assert (first.kind, getattr(first.error, "billed", None)) == (OutcomeKind.UNCERTAIN, Billed.YES)
        second = await fulfil(here, claims, key="a")
        assert second.kind is OutcomeKind.SUCCEEDED
        assert second.task is not None
        assert second.task.is_terminal
        assert sim.accepted == 1


async def test_failures_are_outcomes_and_a_second_try_is_asked_for(stand: Stand) -> None:
    """A refused job says why, stays refused, and is sent again only with ``retry_failed``."""
    async with Simulator(work_seconds=0.1) as sim, stand.claims() as claims, session(sim) as here:
        sim.add_fault(Fault(kind="status", when="before", status=400, code="InvalidParameter"))
        first = await fulfil(here, claims, key="a", request=CHEAP)
        again = await fulfil(here, claims, key="a")
        assert (first.kind, again.kind) == (OutcomeKind.REFUSED, OutcomeKind.REFUSED)
        assert "InvalidParameter" in str(first.error)
        assert posts(sim) == 1
        third = await fulfil(here, claims, key="a", retry_failed=True)
        assert (third.kind, sim.accepted) == (OutcomeKind.SUCCEEDED, 1)
        nothing = await fulfil(here, claims, key="unknown")
        assert nothing.kind is OutcomeKind.REFUSED
        assert "not on record" in str(nothing.error)
