"""Places of videos that are not there yet: of two for one name the second is refused before it is paid."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import InvalidRequest, OutcomeKind, RetryPolicy
from seedance_async.batch import rescue
from seedance_async.errors import Billed, DownloadFailed
from seedance_async.ledger.rows import JobState
from seedance_async.simulator import Fault, Simulator
from tests.batch.stand import CHEAP, client, digest, job, jobs, kinds, run, run_for, served, states

if TYPE_CHECKING:
    from pathlib import Path

    from seedance_async import Outcome, SeedanceSession

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

OK = OutcomeKind.SUCCEEDED
BY_INDEX = "{index:03d}.mp4"


def refused_for(outcome: Outcome, owner: str) -> bool:
    """Whether a job was refused, unpaid, because its place is that of another."""
    error = outcome.error
    assert isinstance(error, InvalidRequest), outcome
    assert (outcome.kind, error.field, error.billed) == (OutcomeKind.REFUSED, "save_to", Billed.NO)
    return f"is the place of {owner}" in str(error)


async def test_a_job_that_was_only_planned_takes_its_new_number(tmp_path: Path) -> None:
    """Its old one may be that of another job now: both are ordered, and both land."""
    path, out = tmp_path / "run.db", tmp_path / "out"
    full = Fault(kind="status", status=429, code="SetLimitExceeded", times=None)
    async with Simulator(work_seconds=30, faults=[full]) as sim:
        async with client(sim) as session:
            await run(session, [job("a"), job("b")], journal=path, save_to=out / BY_INDEX)
        assert set((await states(path)).values()) == {JobState.PLANNED}
        sim.clear_faults()
        async with client(sim) as session:
            found = await run(session, [job("b"), job("c")], journal=path, save_to=out / BY_INDEX)
        assert {key: outcome.path for key, outcome in found.items()} == {
            "b": out / "000.mp4",
            "c": out / "001.mp4",
        }


@pytest.mark.parametrize("state", [JobState.ACCEPTED, JobState.SUCCEEDED, JobState.UNCERTAIN])
async def test_what_a_journal_expects_keeps_its_place(tmp_path: Path, state: JobState) -> None:
    """A video that an earlier run ordered may still come, also where its job is not in the input now."""
    path, out = tmp_path / "run.db", tmp_path / "out"
    left: dict[str, Any] = {}
    if state is JobState.UNCERTAIN:
        left = {"faults": [Fault(kind="late", when="after", seconds=500.0), *blind()]}
    hasty = RetryPolicy(reconcile_budget=20)
    async with Simulator(work_seconds=30, **left) as sim, client(sim, retry=hasty) as session:
        if state is JobState.SUCCEEDED:
            await run(session, [job("a")], journal=path)
        else:
            await run_for(5.0, session, [job("a")], journal=path, save_to=out / BY_INDEX)
        found = await run(session, [job("b")], journal=path, save_to=out / BY_INDEX)
        assert (await states(path))["a"] is state
        assert refused_for(found["b"], "job 'a'")
        assert sim.accepted == 1


def blind() -> list[Fault]:
    """Let no list of tasks be seen, so that a lost submit stays lost."""
    return [Fault(kind="status", route="list", status=500, times=None)]


@pytest.mark.parametrize("store", [False, True])
async def test_two_batches_at_once_know_of_each_other(tmp_path: Path, *, store: bool) -> None:
    """Each place is given once, whatever the journals; nothing is paid for that has none."""
    if store:
        pytest.importorskip("obstore")
    out = (tmp_path / "out").as_uri() if store else str(tmp_path / "out")
    how = {"save_to": f"{out}/{BY_INDEX}"}
    async with Simulator(work_seconds=30) as sim, client(sim) as one, client(sim) as other:
        first, second = await asyncio.gather(
            run(one, [job("a"), job("b")], journal=tmp_path / "1.db", **how),
            run(other, [job("c"), job("d")], journal=tmp_path / "2.db", **how),
        )
        both = first | second
        landed = [outcome for outcome in both.values() if outcome.kind is OK]
        assert (sim.accepted, len(landed)) == (2, 2)
        assert {"000.mp4", "001.mp4"} == {str(outcome.path)[-7:] for outcome in landed}
        assert all("is the place of job" in str(one.error) for one in both.values() if one.kind is not OK)


@pytest.mark.parametrize("resumed", [False, True])
async def test_a_run_beside_a_batch_is_refused_its_place(tmp_path: Path, *, resumed: bool) -> None:
    """`session.run` sees what a batch is about to bring, also of an earlier run, and pays for nothing."""
    out = tmp_path / "out"
    async with Simulator(work_seconds=30) as sim, client(sim) as session:
        if resumed:
            await run_for(5.0, session, jobs(1), journal=tmp_path / "run.db", save_to=out)
        batch = asyncio.create_task(run(session, jobs(1), journal=tmp_path / "run.db", save_to=out))
        await asyncio.sleep(1)
        with pytest.raises(InvalidRequest, match=r"is the place of job 'job-0'.*nothing was sent"):
            await session.run("mine", save_to=out / "job-0.mp4", **CHEAP)
        assert ((await batch)["job-0"].kind, sim.accepted) == (OK, 1)


@pytest.mark.parametrize(("key", "owner"), [(None, "another run"), ("mine", "job 'mine'")])
async def test_a_batch_beside_a_run_is_refused_its_place(tmp_path: Path, key: str | None, owner: str) -> None:
    """The other way round, too; and once that video was moved away the name is free."""
    out = tmp_path / "out"
    async with Simulator(work_seconds=30) as sim, client(sim) as session:
        mine = asyncio.create_task(session.run("mine", key=key, save_to=out / "job-0.mp4", **CHEAP))
        await asyncio.sleep(1)
        found = await run(session, jobs(2), journal=tmp_path / "run.db", save_to=out)
        assert refused_for(found["job-0"], owner)
        assert (found["job-1"].kind, sim.accepted) == (OK, 2)
        (await mine).path.rename(out / "mine.mp4")  # type: ignore[union-attr]
        assert kinds(await run(session, jobs(2), journal=tmp_path / "run.db", save_to=out)) == [OK] * 2


async def test_a_place_is_free_once_no_video_can_come(tmp_path: Path) -> None:
    """Refused, failed or left at the end of its run: a job keeps its place no longer than that."""
    out = tmp_path / "out"
    no = Fault(kind="status", status=400, code="InvalidParameter")
    wanted = [job("refused"), job("failed"), job("left")]
    async with Simulator(work_seconds=30, faults=[no]) as sim, client(sim) as session:
        batch = asyncio.create_task(run_for(20.0, session, wanted, save_to=out))
        await asyncio.sleep(5)
        sim.fail(next(entry.id for entry in sim.ledger if entry.prompt == "prompt of failed"))
        await asyncio.sleep(5)
        names = ("refused", "failed")
        again = (session.run("again", save_to=out / f"{name}.mp4", **CHEAP) for name in names)
        assert [one.path for one in await asyncio.gather(*again)] == [out / f"{name}.mp4" for name in names]
        assert kinds(await batch) == [OutcomeKind.FAILED, OutcomeKind.REFUSED]
        assert (await session.run("again", save_to=out / "left.mp4", **CHEAP)).path == out / "left.mp4"


async def test_of_two_paid_videos_for_one_name_one_waits_for_another(tmp_path: Path) -> None:
    """Two processes cannot know of each other: what comes second replaces nothing, and is not lost."""
    out = tmp_path / "out"
    ways = {key: {"journal": tmp_path / f"{key}.db", "save_to": out / BY_INDEX} for key in ("a", "b")}
    async with Simulator(work_seconds=30) as sim, client(sim) as session:
        for key, how in ways.items():
            await run_for(5.0, session, [job(key)], **how)
        batches = (run(session, [job(key)], **how) for key, how in ways.items())
        first, second = [outcome for found in await asyncio.gather(*batches) for outcome in found.values()]
        lost, kept = (first, second) if first.kind is not OK else (second, first)
        assert isinstance(lost.error, DownloadFailed)
        assert lost.error.billed is Billed.YES
        assert kept.task is not None
        assert digest(kept.path) == await served(sim, kept.task.id)
        found = await run(session, [job(lost.key)], **{**ways[lost.key], "save_to": out / "{key}.mp4"})
        assert (found[lost.key].kind, sim.accepted) == (OK, 2)


async def test_a_name_that_became_a_folder_is_paid_for(tmp_path: Path) -> None:
    """What is in the way came after the submit: the error says that the video is paid for."""
    out = tmp_path / "out"
    async with Simulator(work_seconds=30) as sim, client(sim) as session:
        batch = asyncio.create_task(run(session, jobs(1), journal=tmp_path / "run.db", save_to=out))
        await asyncio.sleep(5)
        (out / "job-0.mp4").mkdir()
        outcome = (await batch)["job-0"]
        assert isinstance(outcome.error, DownloadFailed)
        assert (outcome.kind, outcome.error.billed) == (OutcomeKind.FAILED, Billed.YES)
        assert outcome.error.task_id == sim.ledger[0].id
        (out / "job-0.mp4").rmdir()
        assert kinds(await run(session, jobs(1), journal=tmp_path / "run.db", save_to=out)) == [OK]


async def test_a_rescue_without_a_journal_counts_nothing(tmp_path: Path) -> None:
    """By number all videos would have one name: that is refused before anything is asked or fetched."""
    async with Simulator() as sim, client(sim) as session:
        with pytest.raises(InvalidRequest, match=r"save_to=.*without a journal"):
            await rescued(session, save_to=tmp_path / BY_INDEX)
        assert sim.counts["list"] == 0
        await session.run("a cat", **CHEAP)
        assert len(await rescued(session, save_to=tmp_path / "{index}-{task_id}.mp4")) == 1


async def rescued(session: SeedanceSession, **how: Any) -> list[Outcome]:
    """Rescue, and list what was found."""
    return [outcome async for outcome in rescue(session, **how)]
