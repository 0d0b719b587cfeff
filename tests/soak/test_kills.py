"""The same as ``tests/batch/test_kills.py``, for as long as it takes: 200 kills of batches of 100 jobs."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.batch.killing import Ordeal

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 200


@pytest.mark.soak
@pytest.mark.asyncio
async def test_batches_survive_200_kills(tmp_path: Path) -> None:
    """Batch after batch is killed at random moments until 200 kills were survived."""
    random, kills, batches = Random(1), 0, 0
    while kills < KILLS:
        folder = tmp_path / str(batches)
        folder.mkdir()
        ordeal = Ordeal(folder=folder, jobs=100, random=random)
        async with ordeal.sim:
            assert await ordeal.kill(KILLS - kills) == 0, ordeal.words
            await ordeal.check()
        kills, batches = kills + ordeal.kills, batches + 1
        assert kills > 0


@pytest.mark.soak
@pytest.mark.asyncio
@pytest.mark.parametrize("limit", range(60_000, 240_000, 20_000))
async def test_batches_survive_a_full_disk_wherever_it_fills_up(limit: int, tmp_path: Path) -> None:
    """Whatever file is the first that cannot grow, the run says so, and with room again all is made good."""
    ordeal = Ordeal(folder=tmp_path, jobs=100, random=Random(limit))
    async with ordeal.sim:
        assert await ordeal.run_out_of_space(limit) == 1
        assert "safe" in ordeal.words
        assert await ordeal.kill(0) == 0, ordeal.words
        await ordeal.check()
