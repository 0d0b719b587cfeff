"""kill -9 and a full disk, faults switched on: one task per job, every video exact, nothing left over."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.batch.killing import Ordeal

if TYPE_CHECKING:
    from pathlib import Path

LITTLE = 90_000
"""Bytes that no file may grow beyond: the journal's log does after a few jobs."""


@pytest.mark.asyncio
async def test_a_batch_survives_being_killed(tmp_path: Path) -> None:
    """Killed up to three times, a batch of fifteen jobs ends well, and no task was paid twice."""
    ordeal = Ordeal(folder=tmp_path, jobs=15, random=Random(11))
    async with ordeal.sim:
        assert await ordeal.kill(3) == 0, ordeal.words
        assert ordeal.kills > 0
        await ordeal.check()


@pytest.mark.asyncio
async def test_a_batch_survives_a_full_disk(tmp_path: Path) -> None:
    """A journal that cannot grow ends the run with an error; with room again all is made good."""
    ordeal = Ordeal(folder=tmp_path, jobs=12, random=Random(3))
    async with ordeal.sim:
        assert await ordeal.run_out_of_space(LITTLE) == 1
        assert "JournalError" in ordeal.words
        assert "safe" in ordeal.words
        assert ordeal.sim.accepted < 12
        assert await ordeal.kill(0) == 0, ordeal.words
        await ordeal.check()
