"""How many submits a second at concurrency 64: this library, plain aiohttp, and the official SDK.

``python benchmarks/submits.py [SUBMITS]`` submits to a simulated server in a process of its own and prints
one JSON line: submits per second of wall time, processor milliseconds per submit, and ratios.  "raw" posts on
a fresh connection each time, as this library does because a stale one can lose a paid answer; "raw_kept"
keeps connections alive.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import aiohttp
from volcenginesdkarkruntime import AsyncArk

from benchmarks.watch_cpu import BODY, HEADERS, KEY
from benchmarks.watch_host import Host, Play, hosting, tidy_up
from seedance_async._wire import clock
from seedance_async.session import SeedanceSession
from seedance_async.settings import AccountLimits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

AT_ONCE = 64
ROUNDS = 3


async def at_once(count: int, submit: Callable[[], Awaitable[object]]) -> None:
    """Submit so many, 64 at a time."""
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await submit()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())


async def ours(base_url: str, count: int) -> None:
    """Submit with a session."""
    async with SeedanceSession(KEY, base_url, limits=AccountLimits.unlimited()) as session:
        await at_once(count, lambda: session.submit("a cat"))


async def raw(base_url: str, count: int, *, kept: bool = False) -> None:
    """Post with aiohttp."""
    connector = aiohttp.TCPConnector(force_close=not kept)
    async with aiohttp.ClientSession(headers=HEADERS, connector=connector) as http:

        async def post() -> None:
            async with http.post(f"{base_url}/contents/generations/tasks", json=BODY) as answer:
                await answer.json()

        await at_once(count, post)


async def raw_kept(base_url: str, count: int) -> None:
    """Post with aiohttp on connections that are kept."""
    await raw(base_url, count, kept=True)


async def sdk(base_url: str, count: int) -> None:
    """Create with the official SDK."""
    client: Any = AsyncArk(base_url=base_url, api_key=KEY)
    create = client.content_generation.tasks.create
    await at_once(count, lambda: create(**BODY))
    await client.close()


async def compare(host: Host, count: int) -> dict[str, Any]:
    """Take turns and give the medians."""
    ways = {"ours": ours, "raw": raw, "raw_kept": raw_kept, "sdk": sdk}
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            host.forget()
            tidy_up()
            wall, spent = clock.monotonic(), time.process_time()
            await way(host.base_url, count)
            costs[name].append((time.process_time() - spent) / count * 1000)
            speeds[name].append(count / (clock.monotonic() - wall))
    speed = {name: statistics.median(found) for name, found in speeds.items()}
    return {
        "submits": count,
        "per_second": {name: round(value) for name, value in speed.items()},
        "cpu_ms": {name: round(statistics.median(found), 3) for name, found in costs.items()},
        "ours_to_raw": round(speed["ours"] / speed["raw"], 2),
        "ours_to_raw_kept": round(speed["ours"] / speed["raw_kept"], 2),
        "ours_to_sdk": round(speed["ours"] / speed["sdk"], 1),
    }


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with hosting(Play(run=1.0)) as host:
        print(json.dumps(asyncio.run(compare(host, count))))


if __name__ == "__main__":
    main()
