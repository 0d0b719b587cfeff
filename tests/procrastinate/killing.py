"""Kills workers of a service again and again, and says whether anything was lost or paid twice."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field

from seedance_async.ext.procrastinate import Service
from seedance_async.ledger.rows import JobState
from seedance_async.settings import AccountLimits
from tests.procrastinate import worker

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from random import Random

    from seedance_async.simulator import Simulator

PROGRAM = Path(worker.__file__)
ROOT = PROGRAM.parents[2]
FREE = {"creates_per_minute": 6000, "max_alive": 200, "gets_per_second": 100, "lists_per_second": 20}


@define(kw_only=True)
class Ordeal:
    """One service whose workers die.

    Attributes:
        dsn: its database.
        sim: the server, which lives through it all.
        folder: where the videos go.
        jobs: how many jobs there are.
        workers: how many workers work at once.
        limits: what the account may do.
        random: draws the moments and the victims.
        kills: how many workers were killed.
    """

    dsn: str
    sim: Simulator
    folder: Path
    jobs: int
    workers: int
    random: Random
    limits: dict[str, Any] = field(factory=lambda: dict[str, Any](FREE))
    kills: int = 0
    _running: list[Process] = field(factory=list["Process"], init=False)

    async def fill(self) -> None:
        """Put the jobs into the queue."""
        wanted = {"duration": 4, "resolution": "480p"}
        jobs = [(f"job-{n}", {"prompt": f"prompt {n}", **wanted}) for n in range(self.jobs)]
        async with self.service() as service:
            assert await service.submit_many(jobs) == self.jobs

    def service(self) -> Service:
        """Open the service as an application does."""
        return Service(self.dsn, limits=AccountLimits(**self.limits))

    async def run(self, *, kills: int, between: tuple[float, float]) -> None:
        """Let the workers work; kill one after the other at random moments, and start another at once."""
        try:
            for _ in range(self.workers):
                await self._start()
            for _ in range(kills):
                await asyncio.sleep(self.random.uniform(*between))
                if await self._kill(self.random.randrange(self.workers)):
                    await self._start()
            for process in self._running:
                _, words = await process.communicate()
                assert process.returncode == 0, words.decode()
        finally:
            for process in self._running:
                if process.returncode is None:
                    process.kill()
                    await process.wait()

    async def _start(self) -> None:
        """Start a worker."""
        arguments = [self.dsn, self.sim.base_url, str(self.folder), json.dumps(self.limits)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), *arguments, cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )
        self._running.append(process)

    async def _kill(self, index: int) -> bool:
        """Kill -9 one worker that still works."""
        process = self._running[index]
        if process.returncode is not None:
            return False
        process.kill()
        await process.communicate()
        self._running.remove(process)
        self.kills += 1
        return True

    async def check(self) -> None:
        """One task per job, every job done, every video there."""
        prompts = Counter(entry.prompt for entry in self.sim.ledger)
        assert prompts == {f"prompt {n}": 1 for n in range(self.jobs)}, prompts.most_common(3)
        async with self.service() as service:
            rows = [row async for row in service.rows()]
            assert await service.waiting() == 0
        assert {row.state for row in rows} == {JobState.SAVED}
        assert sorted(row.task_id or "" for row in rows) == sorted(entry.id for entry in self.sim.ledger)
        names = {path.name for path in self.folder.glob("*.mp4")}
        assert names == {f"job-{n}.mp4" for n in range(self.jobs)}


@define
class Gauge:
    """Looks at the server while others work on it: its log keeps the last thousand requests only.

    Attributes:
        sim: the server.
        times: when the requests of each route came, in seconds.
        most_alive: the most tasks that were seen alive at once.
    """

    sim: Simulator
    times: dict[str, set[float]] = field(factory=dict[str, "set[float]"])
    most_alive: int = 0

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(0.05)

    def look(self) -> None:
        """Look once."""
        for request in self.sim.requests:
            self.times.setdefault(request.route, set()).add(request.at)
        alive = sum(task.status in {"queued", "running"} for task in self.sim.tasks.values())
        self.most_alive = max(self.most_alive, alive)

    def most_within(self, route: str, seconds: float) -> int:
        """Count the most requests of a route in any window of this length."""
        times = sorted(self.times.get(route, ()))
        most = first = 0
        for last, moment in enumerate(times):
            while moment - times[first] >= seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


def allowed(per_second: float, seconds: float) -> int:
    """Give how many requests a window may hold: what the limit says, and one more."""
    return math.floor(per_second * seconds) + 1
