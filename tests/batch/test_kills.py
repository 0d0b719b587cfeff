"""kill -9 at random moments, faults switched on: one task per job, every video exact, nothing left over."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.batch.killing import Ordeal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.asyncio
async def test_a_batch_survives_being_killed(tmp_path: Path) -> None:
    """Killed up to eight times, a batch of thirty jobs ends well, and no task was paid twice."""
    ordeal = Ordeal(folder=tmp_path, jobs=30, random=Random(11))
    async with ordeal.sim:
        assert await ordeal.kill(8) == 0, ordeal.words
        assert ordeal.kills > 0
        await ordeal.check()
