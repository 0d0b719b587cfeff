"""A million tasks on a virtual clock: submitted, watched to their end, and counted in the ledger.

    nice python benchmarks/million.py [TASKS] [AT_ONCE]

Client and simulator share one process and one event loop, without sockets. Each task is queued for an hour
and runs for ten minutes of virtual time; AT_ONCE of them are under way. Prints one JSON line: CPU and wall
seconds, memory, requests, and what the ledger says. A million took 11 minutes of one core and 2 GB.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import looptime

from seedance_async import AccountLimits, PollPolicy, SeedanceSession, wait_for
from seedance_async.in_process import InProcess
from seedance_async.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seedance_async.events import Event

QUEUE_SECONDS = 3600.0
WORK_SECONDS = 600.0


def _ignore(_event: Event) -> None:
    """An observer that costs nothing."""


async def _work(session: SeedanceSession, numbers: Iterator[int]) -> None:
    """Order one film after the other, and wait for each."""
    for number in numbers:
        await wait_for(session, await session.submit(f"cat number {number}"))


async def run(tasks: int, at_once: int) -> dict[str, float]:
    """Live through all of it.

    Raises:
        RuntimeError: The ledger does not have one paid task for each prompt.
    """
    began, numbers = process_time(), iter(range(tasks))
    async with Simulator(queue_seconds=QUEUE_SECONDS, work_seconds=WORK_SECONDS) as sim:
        async with (
            SeedanceSession(
                "any-key",
                sim.base_url,
                transport=InProcess(sim),
                limits=AccountLimits.unlimited(),
                poll=PollPolicy(interval=600.0, max_interval=600.0),
                observer=_ignore,
            ) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(at_once):
                group.create_task(_work(session, numbers))
        spent = process_time() - began
        paid = {entry.prompt for entry in sim.ledger if entry.billed}
        if not len(paid) == sim.billed == sim.accepted == tasks:
            raise RuntimeError(f"{sim.accepted} accepted, {sim.billed} billed, {len(paid)} prompts paid")
        return {
            "cpu_seconds": spent,
            "cpu_ms_per_task": spent / tasks * 1000,
            "creates": sim.counts["create"],
            "lists": sim.counts["list"],
            "gets": sim.counts["get"],
            "billed": sim.billed,
            "virtual_hours": asyncio.get_running_loop().time() / 3600,
        }


def main() -> None:
    """Measure and print."""
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    at_once = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000  # noqa: PLR2004 - the second argument
    # Python's own 700 would look through the living tasks again and again: a third of all the time.
    gc.set_threshold(100_000, 20, 20)
    began = perf_counter()
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0)) as runner:
        figures = runner.run(run(tasks, at_once))
    figures["wall_seconds"] = perf_counter() - began
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rounded = {name: round(value, 3) for name, value in figures.items()}
    print(json.dumps({"tasks": tasks, "at_once": at_once, **rounded}))


if __name__ == "__main__":
    main()
