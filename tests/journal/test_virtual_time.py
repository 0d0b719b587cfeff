"""On a virtual loop clock the disk's real time does not let virtual time run away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from seedance_async._wire import clock
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState, PlannedRow
from tests.journal.jobs import intent

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_write_does_not_race_a_virtual_deadline(tmp_path: Path) -> None:
    """Hundreds of syncs under short virtual deadlines all come first: virtual time waits for the disk."""
    async with Journal.open(tmp_path / "run.db") as journal:
        for number in range(100):
            async with asyncio.timeout(5.0):
                await journal.sending(intent(f"k{number}"))
                assert await journal.states([f"k{number}"]) == {f"k{number}": JobState.SENDING}
    assert clock.monotonic() < 5.0


async def test_hours_pass_between_facts_in_no_time(tmp_path: Path) -> None:
    """Virtual hours between facts take no real time, and the rows tell the virtual times."""
    async with Journal.open(tmp_path / "run.db") as journal:
        for number in range(3):
            await journal.plan([PlannedRow(key=str(number))])
            await clock.sleep(3600.0)
        times = [row.planned_at async for row in journal.rows()]
    assert [round((time - times[0]) / 3600) for time in times] == [0, 1, 2]
