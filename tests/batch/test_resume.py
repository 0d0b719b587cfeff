"""Running the same batch again: finished jobs cost nothing, open ones are settled, and each has one task."""

from __future__ import annotations

import asyncio
import io
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from seedance_async import AccountLimits, OutcomeKind, QuotaExhausted, SubmitUncertain
from seedance_async._wire import clock
from seedance_async.batch.opening import settle_open
from seedance_async.errors import InvalidRequest, JournalError, JournalLocked
from seedance_async.events import SubmitAdopted, SubmitLost
from seedance_async.ledger.intents import Intent, MemoryIntents
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.matching import facts_of
from seedance_async.ledger.rows import JobState, PlannedRow
from seedance_async.progress import Progress
from seedance_async.request import VideoRequest
from seedance_async.simulator import Behaviour, Fault, Simulator
from tests.batch.stand import CHEAP, client, digest, job, jobs, kinds, rows, run, run_for, served, states

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from seedance_async import SeedanceSession
    from seedance_async.events import Event

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

OK = OutcomeKind.SUCCEEDED


async def test_a_finished_batch_is_given_from_its_journal(tmp_path: Path) -> None:
    """The second run yields the same outcomes and sends nothing at all."""
    how = {"journal": tmp_path / "run.db", "save_to": tmp_path / "out"}
    async with Simulator() as sim:
        async with client(sim) as session:
            first = await run(session, jobs(5), **how)
        counts = dict(sim.counts)
        async with client(sim) as session:
            second = await run(session, jobs(5), **how)
        assert kinds(first) == kinds(second) == [OK] * 5
        assert {key: one.path for key, one in first.items()} == {key: one.path for key, one in second.items()}
        ids = [{key: one.task.id for key, one in each.items() if one.task} for each in (first, second)]
        assert ids[0] == ids[1]
        assert len(ids[0]) == 5
        assert dict(sim.counts) == counts
        assert sim.accepted == 5


@pytest.mark.parametrize("retried", [False, True])
async def test_the_journal_holds_the_request_that_was_paid(tmp_path: Path, *, retried: bool) -> None:
    """A key whose prompt was changed before its order goes out is on record with the prompt that went out."""
    path = tmp_path / "run.db"
    async with Journal.open(path) as journal:
        await journal.plan([PlannedRow(key="mine", request={"prompt": "an old cat"}, tokens_estimated=1)])
        if retried:
            await journal.sending(Intent(key="mine", fingerprint=None, sent_at=1.0, facts={}))
            await journal.refused("mine", InvalidRequest(field="prompt", limit="must not be old"))
    async with Simulator() as sim, client(sim) as session:
        await run(
            session, [{"key": "mine", "prompt": "a new cat", **CHEAP}], journal=path, retry_failed=retried
        )
        assert [entry.prompt for entry in sim.ledger] == ["a new cat"]
    async with Journal.open(path) as journal:
        row = await journal.row("mine")
    assert row is not None
    assert row.request is not None
    assert row.request["content"][0]["text"] == "a new cat"
    assert (row.tokens_estimated or 0) > 1


async def test_what_is_on_disk_is_what_the_server_made(tmp_path: Path) -> None:
    """Each job's file is whole, exact by its checksum, and on record with it; a sidecar lies beside it."""
    path = tmp_path / "run.db"
    async with Simulator() as sim, client(sim) as session:
        outcomes = await run(session, jobs(3), journal=path, save_to=tmp_path / "out")
        for key, row in (await rows(path)).items():
            assert row.state is JobState.SAVED
            assert row.file == str(outcomes[key].path)
            assert digest(row.file) == row.sha256 == await served(sim, str(row.task_id))
        assert sorted(one.name for one in (tmp_path / "out").iterdir()) == sorted(
            name for index in range(3) for name in (f"job-{index}.mp4", f"job-{index}.mp4.json")
        )


async def _order(session: SeedanceSession, journal: Journal, key: str, *, send: bool) -> str | None:
    """Leave a job as a process that was killed around its POST would: a row in state sending."""
    request = VideoRequest(prompt=f"prompt of {key}", **CHEAP)
    mark = 172_900 + len(key)
    now = clock.wall()
    facts = facts_of(request.to_body())
    intent = Intent(key=key, fingerprint=mark, facts=facts, sent_at=now, until=now + 1)
    await journal.plan([PlannedRow(key=key, request=request.to_body())])
    await journal.sending(intent)
    if not send:
        return None
    return (await session.submit(request.evolve(execution_expires_after=mark))).id


async def test_a_killed_submit_is_adopted_before_anything_new_is_sent(tmp_path: Path) -> None:
    """A row in state sending whose task exists is found again; the new jobs are sent after that."""
    path = tmp_path / "run.db"
    async with Simulator(work_seconds=30) as sim:
        async with client(sim) as session, Journal.open(path, account=sim.base_url) as journal:
            task_id = await _order(session, journal, "job-0", send=True)
        async with client(sim) as session:
            outcomes = await run(session, jobs(3), journal=path)
        assert kinds(outcomes) == [OK] * 3
        assert outcomes["job-0"].task is not None
        assert outcomes["job-0"].task.id == task_id
        assert sim.accepted == 3
        routes = [seen.route for seen in sim.requests]
        assert routes.index("list") < routes.index("create", 1)


async def test_looking_for_a_killed_submit_is_told_at_once(tmp_path: Path) -> None:
    """Whoever waits for the search at the start hears for what and how long, before the first look."""
    path = tmp_path / "run.db"
    told: list[Event] = []
    async with Simulator(work_seconds=30) as sim:
        async with client(sim) as session, Journal.open(path, account=sim.base_url) as journal:
            await _order(session, journal, "job-0", send=True)
        async with client(sim, observer=told.append) as session:
            await run(session, jobs(1), journal=path)
    assert isinstance(told[0], SubmitLost)
    assert (told[0].key, told[0].fingerprint) == ("job-0", 172_905)
    assert "1800 s at most" in told[0].error
    assert any(isinstance(event, SubmitAdopted) for event in told)


async def test_a_killed_submit_that_never_arrived_is_sent_once_that_is_proven(tmp_path: Path) -> None:
    """With a witness in the list, absence is proven and the job gets its one task."""
    path = tmp_path / "run.db"
    async with Simulator(work_seconds=30) as sim:
        async with client(sim) as session, Journal.open(path, account=sim.base_url) as journal:
            await _order(session, journal, "witness", send=True)
            await _order(session, journal, "job-0", send=False)
        async with client(sim) as session:
            outcomes = await run(session, [job("witness"), *jobs(1)], journal=path)
        assert kinds(outcomes) == [OK] * 2
        assert sim.accepted == 2
        assert (await rows(path))["job-0"].attempts == 2


async def test_what_stays_unknown_is_never_sent_again(tmp_path: Path) -> None:
    """On a server that lists nothing the job stays UNCERTAIN, run after run, and its neighbours are done."""
    path = tmp_path / "run.db"
    async with Simulator(behaviour=Behaviour(list_supported=False)) as sim:
        async with client(sim) as session, Journal.open(path, account=sim.base_url) as journal:
            await _order(session, journal, "job-0", send=False)
        for _ in range(2):
            async with client(sim) as session:
                outcomes = await run(session, jobs(2), journal=path)
            assert kinds(outcomes) == [OutcomeKind.UNCERTAIN, OK]
            assert isinstance(outcomes["job-0"].error, SubmitUncertain)
        assert sim.accepted == 1
        assert (await states(path))["job-0"] is JobState.UNCERTAIN


async def test_accepted_jobs_are_waited_for_and_count_as_alive(tmp_path: Path) -> None:
    """Tasks of an earlier run hold their slots: the account's limit holds over both runs."""
    path = tmp_path / "run.db"
    async with Simulator(work_seconds=60) as sim:
        async with client(sim) as session:
            await run_for(5.0, session, jobs(3), journal=path)
        assert set((await states(path)).values()) == {JobState.ACCEPTED}
        async with client(sim, limits=AccountLimits(max_alive=3)) as session, _watching(sim) as alive:
            done = await run(session, jobs(6), journal=path)
        assert kinds(done) == [OK] * 6
        assert sim.accepted == 6
        assert max(alive) == 3


@asynccontextmanager
async def _watching(sim: Simulator) -> AsyncGenerator[list[int]]:
    """Note ten times a second how many tasks are alive."""
    alive: list[int] = []

    async def watch() -> None:
        while True:
            alive.append(len(sim.server.world.alive))
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    try:
        yield alive
    finally:
        watching.cancel()
        await asyncio.wait([watching])


async def test_a_resumed_task_is_told_of_by_its_key(tmp_path: Path) -> None:
    """Who watches the second run reads the names of the prompts, not the ids that the first one was given."""
    async with Simulator(work_seconds=60) as sim:
        async with client(sim) as session:
            await run_for(10, session, jobs(2), journal=tmp_path / "run.db")
        told = io.StringIO()
        with Progress(file=told, live=False) as progress:
            async with client(sim, observer=progress) as session:
                await run(session, jobs(2), journal=tmp_path / "run.db")
    assert "job-0: succeeded" in told.getvalue()
    assert "job-1: succeeded" in told.getvalue()
    assert not any(task_id in told.getvalue() for task_id in sim.tasks)


async def test_a_journal_has_one_owner(tmp_path: Path) -> None:
    """A second run on a journal in use says so at once and sends nothing."""
    path = tmp_path / "run.db"
    async with Simulator() as sim, client(sim) as session, Journal.open(path):
        with pytest.raises(JournalLocked, match="in use"):
            await run(session, jobs(1), journal=path)
        assert sim.accepted == 0


async def test_lost_answers_within_a_run_cost_nothing(tmp_path: Path) -> None:
    """With every third answer reset after the task was made, each job still has one task."""
    fault = Fault(kind="reset", when="after", times=None, probability=0.3)
    async with Simulator(faults=[fault], seed=3) as sim, client(sim) as session:
        outcomes = await run(session, jobs(20), journal=tmp_path / "run.db")
        assert kinds(outcomes) == [OK] * 20
        assert sim.accepted == 20


async def test_a_stopped_and_full_account_is_still_searched(tmp_path: Path) -> None:
    """To look costs nothing: neither a stop nor a full account keeps lost tasks from being found."""
    path = tmp_path / "run.db"
    async with Simulator(work_seconds=20) as sim:
        async with client(sim) as session, Journal.open(path, account=sim.base_url) as journal:
            ids = {await _order(session, journal, key, send=True) for key in ("a", "bb")}
        async with client(sim, limits=AccountLimits(max_alive=1)) as session:
            sim.add_fault(Fault(kind="status", status=429, code="SetLimitExceeded", when="before"))
            with pytest.raises(QuotaExhausted):
                await session.submit("a cat", **CHEAP)
            await run_for(50.0, session, [job("a"), job("bb"), job("ccc")], journal=path)
        found = await rows(path)
        assert {found[key].task_id for key in ("a", "bb")} == ids
        assert found["ccc"].task_id is None
        assert sim.accepted == 2


async def test_what_ends_a_search_is_raised_as_it_is(tmp_path: Path) -> None:
    """A store that cannot be read is a JournalError to whoever settles open jobs, and no group of errors."""

    class Broken(MemoryIntents):
        async def find(self, key: str) -> Intent | None:
            raise JournalError(f"disk I/O error at {key}")

    async with Simulator() as sim, client(sim) as session, Journal.open(tmp_path / "run.db") as journal:
        for key in ("job-0", "job-1"):
            await _order(session, journal, key, send=True)
        with pytest.raises(JournalError, match="disk"):
            await settle_open(session, journal, Broken())
