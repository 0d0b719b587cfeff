"""Kills a batch again and again, lets it end, and says whether anything was lost or paid twice."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, field

from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from seedance_async.simulator import Fault, Simulator
from tests.batch import mortal
from tests.batch.stand import served

if TYPE_CHECKING:
    from random import Random

PROGRAM = Path(mortal.__file__)
ROOT = PROGRAM.parents[2]

FAULTS = (
    Fault(kind="reset", when="after", times=None, probability=0.08),
    Fault(kind="reset", when="before", times=None, probability=0.08),
    Fault(kind="status", status=500, when="after", times=None, probability=0.05),
    Fault(kind="status", status=429, when="before", times=None, probability=0.05),
    Fault(kind="hang", when="after", times=None, probability=0.02),
    Fault(kind="late", when="after", seconds=0.4, times=None, probability=0.1),
    Fault(kind="eof", route="list", when="after", times=None, probability=0.1),
    Fault(kind="status", route="get", status=502, times=None, probability=0.1),
    Fault(kind="wrong_length", route="video", times=None, probability=0.15),
    Fault(kind="reset", route="video", when="after", times=None, probability=0.1),
)
"""What goes wrong by itself, beside the kills."""


@define(kw_only=True)
class Ordeal:
    """One batch that is killed at random moments.

    Attributes:
        folder: where its journal and its videos are.
        jobs: how many jobs it has.
        random: draws the moments.
        sim: the server, which lives through it all.
        kills: how often it was killed.
        words: what the last run said.
    """

    folder: Path
    jobs: int
    random: Random
    sim: Simulator = field(init=False)
    kills: int = 0
    words: str = ""

    def __attrs_post_init__(self) -> None:
        self.sim = Simulator(work_seconds=0.5, faults=FAULTS, seed=self.random.randrange(1 << 30))

    async def kill(self, most: int) -> int:
        """Kill the batch up to ``most`` times, then let it end; gives the exit code of the last run."""
        for _ in range(most):
            code = await self._run(self.random.uniform(0.3, 2.5))
            if code is not None:
                return code
            self.kills += 1
        return await self._run(None) or 0

    async def run_out_of_space(self, limit: int) -> int:
        """Run the batch where no file can grow beyond ``limit`` bytes; gives its exit code."""
        return await self._run(None, str(limit)) or 0

    async def _run(self, seconds: float | None, *limit: str) -> int | None:
        """Run the batch, and kill it after some seconds; gives its exit code, or None when it was killed."""
        program = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), self.sim.base_url, str(self.folder), str(self.jobs), *limit,
            cwd=ROOT, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            _, words = await asyncio.wait_for(program.communicate(), seconds)
        except TimeoutError:
            program.kill()
            await program.wait()
            return None
        self.words = words.decode()
        return program.returncode

    async def check(self) -> None:
        """One task per job, every video exact, nothing left over."""
        # Looked at first, because reading a journal leaves the index of its log behind.
        assert {path.name for path in self.folder.iterdir()} == {"out", "run.db", "run.db.lock"}
        prompts = Counter(entry.prompt for entry in self.sim.ledger)
        assert prompts == {f"prompt {index}": 1 for index in range(self.jobs)}
        async with Journal.open(self.folder / "run.db", read_only=True) as journal:
            rows = [row async for row in journal.rows()]
        assert {row.state for row in rows} == {JobState.SAVED}
        assert sorted(row.task_id or "" for row in rows) == sorted(entry.id for entry in self.sim.ledger)
        by_task = {entry.id: entry.prompt for entry in self.sim.ledger}
        self.sim.clear_faults()
        for row in rows:
            assert by_task[row.task_id or ""] == (row.request or {})["content"][0]["text"]
            content = Path(row.file or "").read_bytes()
            assert (
                hashlib.sha256(content).hexdigest() == row.sha256 == await served(self.sim, row.task_id or "")
            )
        names = {path.name for path in (self.folder / "out").iterdir()}
        wanted = {f"job-{index}.mp4" for index in range(self.jobs)}
        assert sorted(names ^ (wanted | {f"{name}.json" for name in wanted})) == []
