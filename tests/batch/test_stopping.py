"""Stopping: first nothing new is sent and all is on record, the second time at once, never a loss."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from seedance_async import AccountLimits, OutcomeKind
from seedance_async.batch import BatchStopped, StopSwitch
from seedance_async.ledger.rows import JobState
from seedance_async.simulator import Fault, Simulator
from tests.batch.stand import client, jobs, kinds, run, states

if TYPE_CHECKING:
    from pathlib import Path

    from seedance_async import Outcome, SeedanceSession

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

OK, SKIPPED = OutcomeKind.SUCCEEDED, OutcomeKind.SKIPPED


async def _stopped_at(
    session: SeedanceSession, moments: list[float], path: Path, number: int, switch: StopSwitch
) -> dict[str, Outcome]:
    """Run a batch and throw its switch at these moments."""

    async def throw() -> None:
        for moment in moments:
            await asyncio.sleep(moment)
            switch.stop()

    async with asyncio.TaskGroup() as group:
        group.create_task(throw())
        return await run(session, jobs(number), journal=path, stop=switch)


async def test_a_stop_leaves_tasks_at_the_server_and_says_how_to_go_on(tmp_path: Path) -> None:
    """Each job that was begun has an outcome, its task is on record, and the next run does the rest."""
    path, told = tmp_path / "run.db", list[str]()
    async with Simulator(work_seconds=60) as sim:
        async with client(sim, limits=AccountLimits(max_alive=3)) as session:
            outcomes = await _stopped_at(session, [10.0], path, 8, StopSwitch(tell=told.append))
            assert kinds(outcomes) == [SKIPPED] * 8
            errors = [one.error for one in outcomes.values()]
            assert all(isinstance(error, BatchStopped) for error in errors)
            alive = [one.task.id for one in outcomes.values() if one.task is not None]
            assert sorted(alive) == sorted(sim.tasks)
            assert len(told) == 1
            assert str(path) in told[0]
        assert sorted((await states(path)).values()) == [JobState.ACCEPTED] * 3 + [JobState.PLANNED] * 5
        async with client(sim) as session:
            assert kinds(await run(session, jobs(8), journal=path)) == [OK] * 8
        assert sim.accepted == 8


async def test_a_post_that_is_out_is_recorded_before_the_batch_stops(tmp_path: Path) -> None:
    """An answer that comes seconds after the stop still puts its task on record."""
    path = tmp_path / "run.db"
    slow = Fault(kind="late", when="after", seconds=20.0)
    async with Simulator(faults=[slow], work_seconds=60) as sim, client(sim) as session:
        outcomes = await _stopped_at(session, [5.0], path, 1, StopSwitch(tell=lambda _: None))
        assert outcomes["job-0"].task is not None
        assert (await states(path))["job-0"] is JobState.ACCEPTED


async def test_a_second_stop_leaves_at_once_and_loses_nothing(tmp_path: Path) -> None:
    """A POST whose answer does not come is left after a moment, and the next run finds its task."""
    path = tmp_path / "run.db"
    slow = Fault(kind="late", when="after", seconds=500.0)
    async with Simulator(faults=[slow], work_seconds=60) as sim:
        async with client(sim) as session:
            started = asyncio.get_running_loop().time()
            await _stopped_at(session, [5.0, 1.0], path, 1, StopSwitch(tell=lambda _: None))
            assert asyncio.get_running_loop().time() - started < 10
        assert (await states(path))["job-0"] is JobState.UNCERTAIN
        async with client(sim) as session:
            assert kinds(await run(session, jobs(1), journal=path)) == [OK]
        assert sim.accepted == 1


async def test_queued_tasks_are_cancelled_where_that_was_asked_for(tmp_path: Path) -> None:
    """What still queues is cancelled and bills nothing; what runs is left and on record."""
    path = tmp_path / "run.db"
    async with Simulator(queue_seconds=100, work_seconds=100) as sim, client(sim) as session:
        first = await _stopped_at(
            session, [10.0], path, 4, StopSwitch(cancel_queued=True, tell=lambda _: None)
        )
        assert kinds(first) == [OutcomeKind.CANCELLED] * 4
        assert sim.billed == 0
        assert set((await states(path)).values()) == {JobState.CANCELLED}
    async with Simulator(work_seconds=100) as sim, client(sim) as session:
        other = tmp_path / "other.db"
        second = await _stopped_at(
            session, [10.0], other, 2, StopSwitch(cancel_queued=True, tell=lambda _: None)
        )
        assert kinds(second) == [SKIPPED] * 2
        assert sim.billed == 2
        assert set((await states(other)).values()) == {JobState.ACCEPTED}


async def test_a_switch_that_was_thrown_before_lets_nothing_begin(tmp_path: Path) -> None:
    """A stop that comes between two batches is not forgotten."""
    switch = StopSwitch(tell=lambda _: None)
    switch.stop()
    async with Simulator() as sim, client(sim) as session:
        await run(session, jobs(3), journal=tmp_path / "run.db", stop=switch)
        assert sim.counts["create"] == 0


async def test_signals_throw_the_switch(tmp_path: Path) -> None:
    """SIGINT and SIGTERM stop the batch gracefully, and their handlers are given back afterwards."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGTERM):
        switch = StopSwitch(tell=lambda _: None)
        async with Simulator(work_seconds=60) as sim, client(sim) as session:
            with switch.on_signals():
                asyncio.get_running_loop().call_later(5.0, os.kill, os.getpid(), number)
                outcomes = await run(session, jobs(2), journal=tmp_path / f"{number}.db", stop=switch)
        assert kinds(outcomes) == [SKIPPED] * 2
        assert switch.times == 1
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


async def test_leaving_the_loop_loses_nothing(tmp_path: Path) -> None:
    """A caller who breaks out after the first outcome finds the rest on record."""
    path = tmp_path / "run.db"
    async with Simulator(work_seconds=20) as sim:
        async with client(sim, limits=AccountLimits(max_alive=2)) as session:
            outcomes = session.run_many(jobs(6), journal=path)
            async for _ in outcomes:
                break
            await outcomes.aclose()
        found = (await states(path)).values()
        assert JobState.SENDING not in found
        async with client(sim) as session:
            assert kinds(await run(session, jobs(6), journal=path)) == [OK] * 6
        assert sim.accepted == 6


async def test_leaving_twice_loses_nothing(tmp_path: Path) -> None:
    """A second cancellation does not close the journal under a POST whose answer is a second away."""
    path = tmp_path / "run.db"
    late = Fault(kind="late", when="after", seconds=1.5)
    async with Simulator(faults=[late], work_seconds=60) as sim, client(sim) as session:
        batch = asyncio.create_task(run(session, jobs(1), journal=path))
        for pause in (0.5, 0.1):
            await asyncio.sleep(pause)
            batch.cancel()
        await asyncio.wait({batch})
        assert batch.cancelled()
        assert (await states(path))["job-0"] is JobState.ACCEPTED
        assert sim.accepted == 1
