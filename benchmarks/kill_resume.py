"""How a batch takes being killed: ``python benchmarks/kill_resume.py [KILLS] [JOBS]``.

Batches of JOBS prompts (100) run against a simulated server with faults switched on and are killed with
SIGKILL at random moments until KILLS (200) were survived. Prints one JSON line: kills, batches, jobs, tasks
that the server accepted, and seconds. Anything lost, left over or paid twice ends it with an error.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from seedance_async._wire import clock
from tests.batch.killing import Ordeal


async def main(kills: int, jobs: int) -> None:
    """Kill, resume, check and print."""
    random, started = Random(2), clock.monotonic()
    facts: dict[str, Any] = {"benchmark": "kill_resume", "kills": 0, "batches": 0, "jobs": 0, "accepted": 0}
    while facts["kills"] < kills:
        with tempfile.TemporaryDirectory() as folder:
            ordeal = Ordeal(folder=Path(folder), jobs=jobs, random=random)
            async with ordeal.sim:
                code = await ordeal.kill(kills - facts["kills"])
                if code:
                    raise SystemExit(f"the last run ended with {code}: {ordeal.words}")
                await ordeal.check()
                found = {"kills": ordeal.kills, "batches": 1, "jobs": jobs, "accepted": ordeal.sim.accepted}
        facts |= {name: facts[name] + number for name, number in found.items()}
    print(json.dumps({**facts, "seconds": round(clock.monotonic() - started, 1)}))


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:3]]
    asyncio.run(main(*(given + [200, 100][len(given) :])))
