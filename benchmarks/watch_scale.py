"""How waiting scales: processor time and memory per task with 1,000, 10,000 and 100,000 in flight.

``python benchmarks/watch_scale.py [TASKS ...]`` runs the simulated server in this process on a virtual clock,
because sockets would be the bottleneck, and takes the server's own processor time out; its tasks are hidden
from the garbage collector. Tasks run 5 to 15 s and are looked at every second. It prints one JSON line:
microseconds per task for the waiting (session, decoding and watcher), kibibytes that Python holds per waiting
task (the caller's own asyncio task, its record, and half a kibibyte that the simulator notes of four lists
included), and the ratio of the largest number to the smallest in each round and their median.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import looptime

from seedance_async.in_process import InProcess
from seedance_async.session import SeedanceSession
from seedance_async.settings import AccountLimits, PollPolicy
from seedance_async.simulator import AfterSeconds, Behaviour, Quotas, SimRequest, Simulator
from seedance_async.waiting import wait_for

if TYPE_CHECKING:
    from seedance_async.simulator import SimAnswer

BODY = b'{"model":"doubao-seedance-1-5-pro-251215","content":[{"type":"text","text":"a cat"}]}'
ENOUGH = 30_000
ROUNDS = 5
HEADERS = {"authorization": "Bearer benchmark", "content-type": "application/json"}


class Timed:
    """The simulator, with a clock on the processor time that it takes for itself."""

    def __init__(self, sim: Simulator) -> None:
        self._ask = sim.ask
        self.spent = 0.0
        sim.ask = self.ask  # type: ignore[method-assign]

    async def ask(self, request: SimRequest) -> SimAnswer:
        """Answer; nothing here waits, so the time between is the server's."""
        begun = time.process_time()
        answer = await self._ask(request)
        self.spent += time.process_time() - begun
        return answer


async def waiting(count: int, *, memory: bool) -> float:
    """Wait for so many tasks; microseconds of processor time, or bytes while all are in flight, per task."""
    behaviour = Behaviour(progression=AfterSeconds(run=10.0, jitter=0.5))
    async with Simulator(quotas=Quotas.off(), behaviour=behaviour) as sim:
        path = "/api/v3/contents/generations/tasks"
        request = SimRequest(method="POST", path=path, query=(), headers=HEADERS, body=BODY)
        ids = [json.loads((await sim.ask(request)).body)["id"] for _ in range(count)]
        timed = Timed(sim)
        poll, limits = PollPolicy(interval=1.0), AccountLimits.unlimited()
        transport = InProcess(sim)
        async with SeedanceSession(
            "k", sim.base_url, transport=transport, poll=poll, limits=limits
        ) as session:
            gc.collect()
            gc.freeze()
            try:
                return await (_bytes if memory else _microseconds)(session, ids, timed)
            finally:
                gc.unfreeze()


async def _microseconds(session: SeedanceSession, ids: list[str], timed: Timed) -> float:
    """Processor time of everything but the server."""
    begun = time.process_time()
    async with asyncio.TaskGroup() as group:
        for one in ids:
            group.create_task(wait_for(session, one))
    return (time.process_time() - begun - timed.spent) / len(ids) * 1e6


async def _bytes(session: SeedanceSession, ids: list[str], _: Timed) -> float:
    """What Python holds more after all were looked at than before anybody waited."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    waits = [asyncio.create_task(wait_for(session, one)) for one in ids]
    await asyncio.sleep(4.0)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    for wait in waits:
        wait.cancel()
    await asyncio.wait(waits)
    return held / len(ids)


def virtually(count: int, *, memory: bool) -> float:
    """Run on a loop whose clock jumps."""
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0.0)) as runner:
        return runner.run(waiting(count, memory=memory))


def typical(count: int) -> float:
    """Repeat short runs: a busy moment of the machine must not decide."""
    return statistics.median(virtually(count, memory=False) for _ in range(max(1, min(5, ENOUGH // count))))


def main() -> None:
    """Print the figures."""
    counts = [int(text) for text in sys.argv[1:]] or [1_000, 10_000, 100_000]
    virtually(min(counts), memory=False)  # the first run pays for imports and caches
    rounds = [{str(count): typical(count) for count in counts} for _ in range(ROUNDS)]
    ratios = [one[str(max(counts))] / one[str(min(counts))] for one in rounds]
    figures: dict[str, Any] = {
        "cpu_us": {
            count: round(statistics.median(spent[count] for spent in rounds), 1) for count in rounds[0]
        },
        "kib": {str(count): round(virtually(count, memory=True) / 1024, 2) for count in counts[:2]},
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
