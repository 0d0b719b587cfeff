"""What was acknowledged is there after a kill -9, and what is there makes sense."""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState

HOLDER = Path(__file__).with_name("holder.py")
ROOT = HOLDER.parents[2]
ORDER = [JobState.SENDING, JobState.ACCEPTED, JobState.SUCCEEDED, JobState.SAVED]


def _killed_run(path: Path, prefix: str, seconds: float) -> dict[str, JobState]:
    """Let a process write and kill it some time after its first fact; give what it was told is durable."""
    command = [sys.executable, str(HOLDER), str(path), prefix]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        lines = (first + process.stdout.read()).decode().splitlines()
    told = (line.split() for line in lines)
    return {key: JobState(state) for key, state in told}


@pytest.mark.asyncio
async def test_kill_at_random_moments_loses_no_acknowledged_fact(tmp_path: Path) -> None:
    """Five runs on one file, each killed mid-write: each acknowledged fact is there, or the step after it."""
    chance = random.Random(5)
    path = tmp_path / "run.db"
    for run in range(5):
        acknowledged = _killed_run(path, f"r{run}", chance.uniform(0.0, 0.3))
        assert acknowledged
        async with Journal.open(path) as journal:
            states = await journal.states(list(acknowledged))
            for key, state in acknowledged.items():
                # The step after the last acknowledged one may be on disk: the kill came before the line.
                assert states[key] in ORDER[ORDER.index(state) :][:2]
            async for row in journal.rows(states=[JobState.SENDING]):
                found = await journal.find(row.key)
                assert found is not None
                assert found.sent_at == row.sent_at
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        twice = "SELECT task_id FROM jobs WHERE task_id IS NOT NULL GROUP BY task_id HAVING count(*) > 1"
        assert connection.execute(twice).fetchall() == []
