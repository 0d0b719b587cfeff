"""The same as ``tests/procrastinate``, for as long as it takes: 200 jobs, kills, limits under 8 workers.

Run it with ``-m soak -s``: it prints the figures of docs/howto/postgres.md.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import pytest

from seedance_async.simulator import Quotas, Simulator
from tests.postgres import database
from tests.procrastinate.killing import Gauge, Ordeal, allowed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.soak, pytest.mark.asyncio, pytest.mark.timeout(900)]

LIMITS = {"creates_per_minute": 600.0, "max_alive": 100.0, "gets_per_second": 20.0, "lists_per_second": 1.0}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_two_hundred_jobs_survive_three_kills(seed: int, tmp_path: Path) -> None:
    """Two workers, one of them killed three times at random moments: 200 of 200 done, none paid twice."""
    started = asyncio.get_running_loop().time()
    async with Simulator(work_seconds=0.5, quotas=Quotas.off()) as sim:
        ordeal = Ordeal(dsn=database(), sim=sim, folder=tmp_path, jobs=200, workers=2, random=Random(seed))
        ordeal.limits["creates_per_minute"] = 1200.0  # so that the kills come while there is much to do
        await ordeal.fill()
        await ordeal.run(kills=3, between=(2.5, 6.0))
        assert ordeal.kills == 3
        await ordeal.check()
        seconds = asyncio.get_running_loop().time() - started
        print(f"\nseed {seed}: 200 of 200 done, {sim.accepted} accepted, 3 kills, {seconds:.0f} s")  # noqa: T201


@pytest.mark.parametrize("workers", [2, 8])
async def test_no_window_holds_more_than_one_request_beyond_the_limit(workers: int, tmp_path: Path) -> None:
    """Creates in any minute, gets and lists in any second, by the server's log, whatever the workers do."""
    async with Simulator(work_seconds=8.0, quotas=Quotas.off()) as sim:
        ordeal = Ordeal(dsn=database(), sim=sim, folder=tmp_path, jobs=200, workers=workers, random=Random(7))
        ordeal.limits = dict(LIMITS)
        gauge = Gauge(sim)
        await ordeal.fill()
        watching = asyncio.create_task(gauge.watch())
        await ordeal.run(kills=0, between=(0.0, 0.0))
        watching.cancel()
        await ordeal.check()
        seen = {
            "creates in 10 s": (gauge.most_within("create", 10.0), allowed(10.0, 10.0)),
            "creates in 60 s": (gauge.most_within("create", 60.0), allowed(10.0, 60.0)),
            "gets in 1 s": (gauge.most_within("get", 1.0), allowed(20.0, 1.0)),
            "lists in 1 s": (gauge.most_within("list", 1.0), allowed(1.0, 1.0)),
            "lists in 10 s": (gauge.most_within("list", 10.0), allowed(1.0, 10.0)),
            "alive": (gauge.most_alive, 100),
        }
        print(f"\n{workers} workers: {seen}")  # noqa: T201
        assert all(most <= limit for most, limit in seen.values()), seen
