"""kill -9 of workers: one task per job, every video there, and the account's limits hold."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from seedance_async.simulator import Simulator
from tests.postgres import database
from tests.procrastinate.killing import Ordeal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio


async def test_a_service_survives_a_killed_worker(tmp_path: Path) -> None:
    """Two workers, one killed in the middle: thirty jobs are done, and none was paid twice."""
    async with Simulator(work_seconds=0.5) as sim:
        ordeal = Ordeal(dsn=database(), sim=sim, folder=tmp_path, jobs=30, workers=2, random=Random(5))
        await ordeal.fill()
        await ordeal.run(kills=1, between=(2.0, 3.0))
        assert ordeal.kills == 1
        await ordeal.check()
