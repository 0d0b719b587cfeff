"""The simulated server in a process of its own, for the benchmarks of waiting."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import define, frozen

from seedance_async.simulator import AfterSeconds, Behaviour, Quotas, Simulator

if TYPE_CHECKING:
    from collections.abc import Generator
    from multiprocessing.connection import Connection

_TOO_MANY = 429


@frozen(kw_only=True)
class Play:
    """What the server plays: seconds of queue and run, spread of the run, quotas, tasks at work at once."""

    queue: float = 0.0
    run: float = 10.0
    jitter: float = 0.5
    at_once: int | None = None
    quotas: bool = False


@define
class Host:
    """The parent's end."""

    base_url: str
    door: Connection

    def facts(self) -> dict[str, Any]:
        """Ask what happened: requests by route, answers 429, when each task ended on the system's clock."""
        self.door.send("facts")
        facts: dict[str, Any] = self.door.recv()
        return facts

    def forget(self) -> None:
        """Have the server forget tasks and requests."""
        self.door.send("reset")
        self.door.recv()


def tidy_up() -> None:
    """Let no way pay for the garbage of the one before it, or for what the process has imported.

    A full collection walks all objects that are not frozen: those of the SDKs are 90,000, and it would be
    chance during which way it happens.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def hosting(play: Play) -> Generator[Host, None, None]:
    """Run the server until the block ends."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_serve, args=(play, there), daemon=True)
    child.start()
    try:
        yield Host(here.recv(), here)  # pyright: ignore[reportArgumentType]  # Windows has a class of its own
    finally:
        child.terminate()
        child.join()


def _serve(play: Play, door: Connection) -> None:
    """Be the child."""
    asyncio.run(_play(play, door))


async def _play(play: Play, door: Connection) -> None:
    """Serve, and answer the parent's questions."""
    none = Quotas.off()
    quotas = Quotas(
        creates_per_minute=None,
        gets_per_second=20 if play.quotas else None,
        lists_per_second=1 if play.quotas else None,
        deletes_per_second=None,
        max_running=play.at_once if play.at_once is not None else none.max_running,
    )
    behaviour = Behaviour(progression=AfterSeconds(queue=play.queue, run=play.run, jitter=play.jitter))
    async with Simulator(quotas=quotas, behaviour=behaviour) as sim:
        door.send(sim.base_url)
        while True:
            question = await asyncio.to_thread(door.recv)
            if question == "facts":
                door.send(_facts(sim))
            else:
                sim.reset()
                door.send(None)


def _facts(sim: Simulator) -> dict[str, Any]:
    """Tell what happened; the loop's clock is the system's, so both processes read the same one."""
    return {
        "counts": dict(sim.counts),
        "refused": sum(seen.status == _TOO_MANY for seen in sim.requests),
        "ended": {task.id: task.changed for task in sim.tasks.values() if task.is_terminal},
    }
