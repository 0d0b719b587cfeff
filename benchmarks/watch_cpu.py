"""What waiting for 1,000 tasks costs: this library, hand-written list loops, the official SDK's own loop.

``python benchmarks/watch_cpu.py [TASKS [ROUNDS]]`` has a simulated server in a process of its own play the
tasks (they run 5 to 15 s), waits for them in each way in turn, asking every second, and prints one JSON line:
processor milliseconds of this process per task, requests per finished task with the submits counted in, and
ratios. It takes two minutes for each round; "single" and "sdk" are measured once, after the last.

Waiting alone, for ids from elsewhere, is measured for "ours", "raw", "bare", "single" and "sdk". "raw" is the
loop that a person would write with aiohttp for many tasks: one coroutine for each task awaits a future, one
loop lists the ids that are left, 180 to a URL, and hands each record that has ended to its coroutine, which
takes the URL of the video from it. 180 fill the longest URL that common servers take; "raw_100" asks for
the most that one note of the API allows, "raw_50" for a round number. "bare" is the first loop with nobody to
tell and nothing made of a record: not even an own program could do with less. "single" asks for each task by
itself with plain aiohttp, as most people do, and "sdk" with the official SDK.

The whole life, submit and wait, is measured for "life_ours" and "life_raw": 64 submits at a time, each on a
fresh connection in both, because a paid POST on a connection that may be stale can be billed unseen.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

import aiohttp
from volcenginesdkarkruntime import AsyncArk

from benchmarks.watch_host import Host, Play, hosting, tidy_up
from seedance_async._wire import clock
from seedance_async.session import SeedanceSession
from seedance_async.settings import AccountLimits, PollPolicy
from seedance_async.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

KEY = "benchmark"
HEADERS = {"Authorization": f"Bearer {KEY}"}
BODY = {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": "a cat"}]}
CHUNK = 180
SUBMITS_AT_ONCE = 64
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


async def wait_bare(base_url: str, ids: list[str]) -> None:
    """List every second until all have ended, and tell nobody."""
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


class ListLoop:
    """What a person would write: one loop that lists, and a future for each task."""

    def __init__(self, base_url: str, http: aiohttp.ClientSession, page: int = CHUNK) -> None:
        self._page = page
        self._url = f"{base_url}/contents/generations/tasks"
        self._http = http
        self._ends: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def poll(self) -> None:
        """List now and then every second, until cancelled."""
        while True:
            asked = list(self._ends)
            for first in range(0, len(asked), self._page):
                await self._look(asked[first : first + self._page])
            await clock.sleep(1.0)

    async def _look(self, ids: list[str]) -> None:
        """List some tasks, and wake those who wait for one that has ended."""
        query = [("filter.task_ids", one) for one in ids]
        query.append(("page_size", str(self._page)))
        async with self._http.get(self._url, params=query) as answer:
            answer.raise_for_status()
            page = await answer.json()
        for record in page["items"]:
            if record["status"] in ENDED:
                self._ends.pop(record["id"]).set_result(record)

    async def video_url(self, task_id: str) -> str:
        """Wait for the end of a task."""
        end = self._ends[task_id] = asyncio.get_running_loop().create_future()
        record = await end
        if record["status"] != "succeeded":
            raise RuntimeError(f"{task_id}: {record['status']}")
        url: str = record["content"]["video_url"]
        return url


async def wait_raw(base_url: str, ids: list[str], page: int = CHUNK) -> None:
    """Wait for each by a task of its own."""
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        loop = ListLoop(base_url, http, page)
        async with asyncio.TaskGroup() as group:
            for one in ids:
                group.create_task(loop.video_url(one))
            # Begun after them, so that it knows all of them when it looks for the first time.
            polling = asyncio.create_task(loop.poll())
        polling.cancel()


async def life_raw(base_url: str, count: int) -> None:
    """Submit and wait for each by a task of its own."""
    turns = asyncio.Semaphore(SUBMITS_AT_ONCE)
    fresh = aiohttp.TCPConnector(limit=0, force_close=True)
    async with (
        aiohttp.ClientSession(headers=HEADERS) as http,
        aiohttp.ClientSession(headers=HEADERS, connector=fresh) as posts,
    ):
        loop = ListLoop(base_url, http)

        async def one_task() -> None:
            async with turns, posts.post(f"{base_url}/contents/generations/tasks", json=BODY) as answer:
                answer.raise_for_status()
                task_id = (await answer.json())["id"]
            await loop.video_url(task_id)

        polling = asyncio.create_task(loop.poll())
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(one_task())
        polling.cancel()


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


async def life_ours(base_url: str, count: int) -> None:
    """Submit and wait for each by a task of its own."""
    turns = asyncio.Semaphore(SUBMITS_AT_ONCE)
    poll, limits = PollPolicy(interval=1.0), AccountLimits.unlimited()
    async with SeedanceSession(KEY, base_url, poll=poll, limits=limits) as session:

        async def one_task() -> None:
            async with turns:
                task = await session.submit("a cat")
            await wait_for(session, task)

        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(one_task())


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


WAITS: dict[str, Callable[[str, list[str]], Coroutine[Any, Any, None]]] = {
    "ours": wait_ours,
    "raw": wait_raw,
    "raw_100": partial(wait_raw, page=100),
    "raw_50": partial(wait_raw, page=50),
    "bare": wait_bare,
    "single": wait_single,
    "sdk": wait_sdk,
}
LIVES = {"life_ours": life_ours, "life_raw": life_raw}
LONG = ("single", "sdk")
FLOORS = ("raw", "raw_100", "raw_50", "bare")
# These come in each round: a busy moment of the machine must not decide.
SHORT = (*FLOORS, "ours", "life_raw", "life_ours")
ROUNDS = 5


async def measure(host: Host, count: int, name: str) -> dict[str, float]:
    """Submit and wait, and count what the waiting took; for a whole life, what both took."""
    host.forget()
    if name in LIVES:
        way = LIVES[name](host.base_url, count)
    else:
        way = WAITS[name](host.base_url, await submit_raw(host.base_url, count))
    tidy_up()
    begun = time.process_time()
    await way
    spent = time.process_time() - begun
    facts = host.facts()
    return {
        "cpu_ms": spent / count * 1000,
        "requests": sum(facts["counts"].values()) / count,
    }


async def compare(host: Host, count: int, rounds: int) -> dict[str, Any]:
    """Measure the short ones in each round and the long ones once; give medians, of the ratios too."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in (*SHORT, *LONG)}
    for name in (*SHORT * rounds, *LONG):
        found[name].append(await measure(host, count, name))
    spent = {name: [one["cpu_ms"] for one in figures] for name, figures in found.items()}
    ours = median(spent["ours"])
    return {
        "tasks": count,
        "rounds": rounds,
        **{
            name: {figure: round(median(one[figure] for one in figures), 3) for figure in figures[0]}
            for name, figures in found.items()
        },
        **{f"ours_to_{name}": of_rounds(spent["ours"], spent[name]) for name in FLOORS},
        "life_ours_to_raw": of_rounds(spent["life_ours"], spent["life_raw"]),
        **{f"{name}_to_ours": round(median(spent[name]) / ours, 1) for name in LONG},
    }


def of_rounds(spent: list[float], floor: list[float]) -> dict[str, float]:
    """Divide what was spent by the floor of the same round; least and most tell how noisy it was."""
    ratios = [one / other for one, other in zip(spent, floor, strict=True)]
    return {"least": round(min(ratios), 2), "median": round(median(ratios), 2), "most": round(max(ratios), 2)}


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if sys.argv[1:] else 1000
    rounds = int(sys.argv[2]) if sys.argv[2:] else ROUNDS
    with hosting(Play()) as host:
        print(json.dumps(asyncio.run(compare(host, count, rounds))))


if __name__ == "__main__":
    main()
