"""How much of a machine the simulator takes: start and stop, requests over sockets, a task without sockets.

    python benchmarks/simulator.py [TASKS]

Costs are CPU time, which other work on the machine does not change much; prints one JSON line.
What must hold: start and stop in at most 5 ms; 2,000 requests per second of one core over sockets.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from seedance_async import AccountLimits, PollPolicy, SeedanceSession, wait_for
from seedance_async.in_process import InProcess
from seedance_async.simulator import Simulator

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from seedance_async.carrier import Carrier
    from seedance_async.events import Event

PATH = "/api/v3/contents/generations/tasks"
BODY = json.dumps(
    {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": "a cat surfing"}]}
).encode()
CREATE = (
    f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer k\r\n"
    f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
).encode() + BODY


async def start_and_stop(times: int = 50) -> dict[str, float]:
    """Give the milliseconds of one start with its stop: the median by the clock, and the mean of CPU."""
    taken: list[float] = []
    spent = process_time()
    for _ in range(times):
        began = perf_counter()
        async with Simulator():
            pass
        taken.append(perf_counter() - began)
    spent = process_time() - spent
    return {"start_stop_ms": sorted(taken)[times // 2] * 1000, "start_stop_cpu_ms": spent / times * 1000}


def serve(there: Connection) -> None:
    """Run a simulator in a process of its own; tell its port, and at the end its CPU seconds."""

    async def main() -> None:
        async with Simulator(work_seconds=60) as sim:
            there.send(int(sim.origin.rpartition(":")[2]))
            began = process_time()
            await asyncio.to_thread(there.recv)
            there.send(process_time() - began)

    asyncio.run(main())


async def ask(port: int, requests: list[bytes]) -> bytes:
    """Send requests over one kept-alive connection, one after the other; the last body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b""
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        body = await reader.readexactly(int(length.partition(b":")[2]))
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
    writer.close()
    await writer.wait_closed()
    return body


async def drive(port: int, connections: int, requests: int) -> None:
    """Half creates and half gets, over some connections at once."""
    task_id: str = json.loads(await ask(port, [CREATE]))["id"]
    get = f"GET {PATH}/{task_id} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer k\r\n\r\n".encode()
    share = [CREATE, get] * (requests // connections // 2)
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(ask(port, share))


def over_sockets(requests: int = 10_000) -> float:
    """Give the requests that the server handles in one second of CPU."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        asyncio.run(drive(here.recv(), 20, requests))
        here.send(None)
        return requests / float(here.recv())
    finally:
        process.join(10)


def _ignore(_event: Event) -> None:
    """An observer that costs nothing."""


async def life(tasks: int, *, sockets: bool) -> float:
    """Give the CPU milliseconds of one task's life: submitted, watched among others, ended."""
    async with Simulator(work_seconds=1.0) as sim:
        carrier: Carrier | None = None if sockets else InProcess(sim)
        async with (
            SeedanceSession(
                "k",
                sim.base_url,
                transport=carrier,
                limits=AccountLimits.unlimited(),
                poll=PollPolicy(interval=0.5),
                observer=_ignore,
            ) as session,
            asyncio.TaskGroup() as group,
        ):
            began = process_time()

            async def one() -> None:
                await wait_for(session, await session.submit("a cat surfing"))

            for _ in range(tasks):
                group.create_task(one())
                await asyncio.sleep(0)
        return (process_time() - began) / tasks * 1000


def main() -> None:
    """Measure everything and print it."""
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    figures = {
        **asyncio.run(start_and_stop()),
        "requests_per_cpu_second": over_sockets(),
        "task_ms_sockets": asyncio.run(life(tasks, sockets=True)),
        "task_ms_in_process": asyncio.run(life(tasks, sockets=False)),
    }
    figures["in_process_ratio"] = figures["task_ms_in_process"] / figures["task_ms_sockets"]
    print(json.dumps({"tasks": tasks, **{name: round(value, 3) for name, value in figures.items()}}))


if __name__ == "__main__":
    main()
