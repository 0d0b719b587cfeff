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
