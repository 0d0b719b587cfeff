"""A long life of one session: what it holds after a day is what it held after an hour.

But for what it has to remember of each order to know its own tasks again: fingerprint, id and moment, of the
latest 21,600 and 100,000 orders (`ledger/fingerprints.py`, `ledger/known.py`), some 330 to
670 bytes each as measured, for dictionaries grow in steps.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
import tracemalloc
from pathlib import Path

import pytest
from attrs import frozen

from benchmarks.storm import MIX
from seedance_async import AccountLimits, PollPolicy, SeedanceError, SeedanceSession, wait_for
from seedance_async.in_process import InProcess
from seedance_async.simulator import Simulator

pytestmark = [pytest.mark.soak, pytest.mark.asyncio]

HOURS = 24
AN_HOURS_PROMPTS = 100
A_ROUNDS_PROMPTS = 20
REAL_MINUTES = float(os.environ.get("SOAK_MINUTES", "20"))
SLACK = 128 * 1024
REMEMBERED = 800
"""Bytes for each order that both memories still have room for."""


@frozen(kw_only=True)
class Held:
    """What the process holds: asyncio tasks, open files and sockets, bytes of Python objects."""

    tasks: int
    files: int
    size: int


def _deaf(_event: object) -> None:
    """Keep thousands of warnings out of the way."""


def held() -> Held:
    """Count after everything unreachable is gone."""
    gc.collect()
    return Held(
        tasks=len(asyncio.all_tasks()),
        files=len(list(Path("/proc/self/fd").iterdir())),
        size=tracemalloc.get_traced_memory()[0],
    )


async def _one(session: SeedanceSession, prompt: str) -> bool:
    """Live one task's life; an error that the storm brings is an end like any other."""
    try:
        task = await session.submit(prompt, key=prompt, duration=4, resolution="480p")
        return (await wait_for(session, task, raise_on_failure=False)).is_terminal
    except SeedanceError as error:
        return bool(str(error))


async def _round(session: SeedanceSession, sim: Simulator, name: str, count: int) -> None:
    """Run prompts at once to their ends, then let the server forget them: its memory is not in question."""
    async with asyncio.TaskGroup() as group:
        ends = [group.create_task(_one(session, f"{name} {number}")) for number in range(count)]
    assert all(end.result() for end in ends)
    sim.reset()


@pytest.mark.looptime
async def test_a_virtual_day_leaves_nothing_behind() -> None:
    """100 prompts an hour for 24 hours in a storm of faults: no task, file or memory stays."""
    limits = AccountLimits.enterprise()
    async with (
        Simulator(work_seconds=30.0, faults=MIX, seed=3) as sim,
        SeedanceSession("key", transport=InProcess(sim), limits=limits, observer=_deaf) as session,
    ):
        tracemalloc.start()
        try:
            found = list[Held]()
            for hour in range(HOURS):
                started = asyncio.get_running_loop().time()
                await _round(session, sim, f"hour {hour}", AN_HOURS_PROMPTS)
                await asyncio.sleep(max(0.0, started + 3600 - asyncio.get_running_loop().time()))
                found.append(held())
        finally:
            tracemalloc.stop()
    early, late = found[HOURS // 4], found[-1]
    assert (late.tasks, late.files) == (early.tasks, early.files)
    orders = AN_HOURS_PROMPTS * (HOURS - 1 - HOURS // 4)
    assert late.size - early.size < SLACK + REMEMBERED * orders, (early, late)


@pytest.mark.timeout(0)
async def test_real_minutes_leave_nothing_behind() -> None:
    """Round after round over real sockets: no task, socket or memory stays (SOAK_MINUTES, 20 unless set)."""
    poll = PollPolicy(interval=0.2)
    async with (
        Simulator(work_seconds=0.5) as sim,
        SeedanceSession(
            "key", sim.base_url, limits=AccountLimits.unlimited(), poll=poll, observer=_deaf
        ) as session,
    ):
        tracemalloc.start()
        try:
            found, rounds, end = list[Held](), 0, time.monotonic() + 60 * REAL_MINUTES
            while time.monotonic() < end:
                await _round(session, sim, f"round {rounds}", A_ROUNDS_PROMPTS)
                rounds += 1
                found.append(held())
                await asyncio.sleep(0.5)
        finally:
            tracemalloc.stop()
    early, late = found[len(found) // 4], found[-1]
    assert late.tasks <= early.tasks, (rounds, early, late)
    assert late.files <= early.files + 2, (rounds, early, late)  # kept-alive connections come and go
    orders = A_ROUNDS_PROMPTS * (rounds - 1 - rounds // 4)
    assert late.size - early.size < SLACK + REMEMBERED * orders, (rounds, early, late)
