"""What waiting for 1,000 tasks costs: this library, a hand-written list loop, the official SDK's own loop.

``python benchmarks/watch_cpu.py [TASKS]`` submits as many tasks to a simulated server in a process of its own
(they run 5 to 15 s), waits for them in each way in turn, asking every second, and prints one JSON line:
processor milliseconds of this process per task for the waiting alone, requests per finished task with the
submits counted in, and ratios.  "raw" is the cheapest loop that a person would write with aiohttp: lists of
ids, decoded and no more; nobody is told of an end, and nothing is made of a record.  "single" asks for each
task by itself with plain aiohttp, as most people do.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import aiohttp
from volcenginesdkarkruntime import AsyncArk

from benchmarks.watch_host import Host, Play, hosting
from seedance_async._wire import clock
from seedance_async.session import SeedanceSession
from seedance_async.settings import AccountLimits, PollPolicy
from seedance_async.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEY = "benchmark"
HEADERS = {"Authorization": f"Bearer {KEY}"}
BODY = {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": "a cat"}]}
CHUNK = 180
ENDED = {"succeeded", "failed", "cancelled", "expired"}


async def submit_raw(base_url: str, count: int) -> list[str]:
    """Submit with plain aiohttp."""
    ids: list[str] = []
    async with aiohttp.ClientSession(headers=HEADERS) as http:

        async def some(number: int) -> None:
            for _ in range(number):
                async with http.post(f"{base_url}/contents/generations/tasks", json=BODY) as answer:
                    ids.append((await answer.json())["id"])

        async with asyncio.TaskGroup() as group:
            for worker in range(50):
                group.create_task(some(count // 50 + (worker < count % 50)))
    return ids


async def wait_raw(base_url: str, ids: list[str]) -> None:
    """List every second until all have ended."""
    left = set(ids)
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        while left:
            await clock.sleep(1.0)
            asked = list(left)
            for first in range(0, len(asked), CHUNK):
                query = [("filter.task_ids", one) for one in asked[first : first + CHUNK]]
                query.append(("page_size", str(CHUNK)))
                async with http.get(f"{base_url}/contents/generations/tasks", params=query) as answer:
                    page = json.loads(await answer.read())
                left -= {item["id"] for item in page["items"] if item["status"] in ENDED}


async def wait_single(base_url: str, ids: list[str]) -> None:
    """Get each task every second until it has ended."""
    async with aiohttp.ClientSession(headers=HEADERS) as http:

        async def one_task(one: str) -> None:
            status = ""
            while status not in ENDED:
                await clock.sleep(1.0)
                async with http.get(f"{base_url}/contents/generations/tasks/{one}") as answer:
                    status = (await answer.json())["status"]

        async with asyncio.TaskGroup() as group:
            for one in ids:
                group.create_task(one_task(one))


async def wait_ours(base_url: str, ids: list[str]) -> None:
    """Wait for each by a task of its own."""
    async with (
        SeedanceSession(
            KEY, base_url, poll=PollPolicy(interval=1.0), limits=AccountLimits.unlimited()
        ) as session,
        asyncio.TaskGroup() as group,
    ):
        for one in ids:
            group.create_task(wait_for(session, one))


async def wait_sdk(base_url: str, ids: list[str]) -> None:
    """Wait as the official examples do: get, sleep, get."""
    client: Any = AsyncArk(base_url=base_url, api_key=KEY)

    async def one_task(one: str) -> None:
        while True:
            task = await client.content_generation.tasks.get(task_id=one)
            if task.status in ENDED:
                return
            await clock.sleep(1.0)

    async with asyncio.TaskGroup() as group:
        for one in ids:
            group.create_task(one_task(one))
    await client.close()


async def measure(
    host: Host, count: int, wait: Callable[[str, list[str]], Awaitable[None]]
) -> dict[str, float]:
    """Submit, wait, and count what the waiting took."""
    host.forget()
    ids = await submit_raw(host.base_url, count)
    begun = time.process_time()
    await wait(host.base_url, ids)
    spent = time.process_time() - begun
    facts = host.facts()
    return {
        "cpu_ms": round(spent / count * 1000, 3),
        "requests": round(sum(facts["counts"].values()) / count, 3),
    }


async def compare(host: Host, count: int) -> dict[str, Any]:
    """Measure all, this library and the raw loop twice and take the better one of each."""
    ways = {"ours": wait_ours, "raw": wait_raw, "single": wait_single, "sdk": wait_sdk}
    found: dict[str, dict[str, float]] = {}
    for name in ("raw", "ours", "single", "sdk", "raw", "ours"):
        figures = await measure(host, count, ways[name])
        if name not in found or figures["cpu_ms"] < found[name]["cpu_ms"]:
            found[name] = figures
    ours = found["ours"]["cpu_ms"]
    return {
        "tasks": count,
        **found,
        "ours_to_raw": round(ours / found["raw"]["cpu_ms"], 2),
        "single_to_ours": round(found["single"]["cpu_ms"] / ours, 1),
        "sdk_to_ours": round(found["sdk"]["cpu_ms"] / ours, 1),
    }


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with hosting(Play()) as host:
        print(json.dumps(asyncio.run(compare(host, count))))


if __name__ == "__main__":
    main()
