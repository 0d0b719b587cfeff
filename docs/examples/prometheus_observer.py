"""An observer of your own for Prometheus; ``seedance_async.ext.prometheus`` has a complete one.

The figures are written for the textfile collector of node_exporter; a server would call
``prometheus_client.start_http_server(9000)`` instead.
"""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry, Counter, Gauge, write_to_textfile

from seedance_async import SeedanceSession
from seedance_async.events import Event, PaceLowered, SubmitAccepted, SubmitLost, TaskChanged

REGISTRY = CollectorRegistry()
ENDED = Counter("films_ended", "tasks by how they ended", ["status"], registry=REGISTRY)
LOST = Counter("films_lost_answers", "submits whose answer got lost", registry=REGISTRY)
ALIVE = Gauge("films_alive", "tasks at the server", registry=REGISTRY)
PACE = Gauge("films_creates_per_minute", "the pace that the server allows", registry=REGISTRY)
PACE.set(600)


def observe(event: Event) -> None:
    """Count; labels hold no ids, or every task would be a time series of its own."""
    match event:
        case SubmitAccepted():
            ALIVE.inc()
        case SubmitLost():
            LOST.inc()
        case TaskChanged() if event.after.is_terminal:
            ALIVE.dec()
            ENDED.labels(event.after.value).inc()
        case PaceLowered():
            PACE.set(event.per_minute)
        case _:
            pass


async def main() -> None:
    """Make three videos and write the figures down."""
    prompts = [f"a paper boat, take {number}" for number in range(1, 4)]
    async with SeedanceSession(observer=observe) as session:
        async for outcome in session.run_many(prompts, save_to="counted/"):
            print(outcome.key, outcome.kind.value)
    write_to_textfile("seedance.prom", REGISTRY)


if __name__ == "__main__":
    asyncio.run(main())
