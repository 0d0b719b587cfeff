"""The clients that `benchmarks/compare.py` sets beside each other, each as its own users would run it.

``python -m benchmarks.contenders NAME STORY`` (a JSON object, see `Story`) orders videos, all at once, waits
for all, and prints one JSON line: what each prompt's caller was told, processor seconds of this process and
its children, and memory per task in flight.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CLIENTS = Path(sys.prefix) / "clients"
KEY = "benchmark"
MODEL = "doubao-seedance-1-5-pro-251215"
ENDED = {"succeeded", "failed", "cancelled", "expired"}

Ends = dict[str, str]


@frozen(kw_only=True)
class Story:
    """What a contender has to do.

    Attributes:
        url: base URL of the simulated server.
        calm_url: another, on which one video is ordered first, so that everything is loaded.
        count: prompts, all ordered at once.
        interval: seconds between two looks at a task, where the client lets one say so.
        quotas: whether the server keeps the published quotas; only this library can be told.
    """

    url: str
    calm_url: str
    count: int
    interval: float
    quotas: bool


def prompts(count: int) -> list[str]:
    """Name the prompts, so that the ledger tells whose task is whose."""
    return [f"prompt {number}" for number in range(count)]


async def _all(count: int, one: Callable[[str], Awaitable[str]]) -> Ends:
    """Run all prompts at once, and note what each caller was told."""
    ends: Ends = {}

    async def note(prompt: str) -> None:
        try:
            ends[prompt] = await one(prompt)
        except Exception as error:  # noqa: BLE001 - clients let errors of several libraries through
            ends[prompt] = f"failed: {type(error).__name__}"

    async with asyncio.TaskGroup() as group:
        for prompt in prompts(count):
            group.create_task(note(prompt))
    return ends


def ours(story: Story) -> Ends:
    """Run this library."""
    from seedance_async import AccountLimits, PollPolicy, SeedanceSession, SubmitUncertain, wait_for

    async def run() -> Ends:
        limits = AccountLimits.enterprise() if story.quotas else AccountLimits.unlimited()
        poll = PollPolicy(interval=story.interval)
        async with SeedanceSession(KEY, story.url, limits=limits, poll=poll) as session:

            async def one(prompt: str) -> str:
                try:
                    task = await session.submit(prompt, key=prompt, duration=4, resolution="480p")
                    return (await wait_for(session, task)).status.value
                except SubmitUncertain:
                    return "uncertain"

            return await _all(story.count, one)

    return asyncio.run(run())


def raw(story: Story) -> Ends:
    """Run the floor: plain aiohttp, one POST and one GET an interval for each prompt, no retry at all."""
    import aiohttp

    tasks = f"{story.url}/contents/generations/tasks"

    async def run() -> Ends:
        connector = aiohttp.TCPConnector(limit=64)
        headers = {"Authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession(headers=headers, connector=connector) as http:

            async def one(prompt: str) -> str:
                body = {"model": MODEL, "content": _content(prompt), "duration": 4, "resolution": "480p"}
                async with http.post(tasks, json=body, raise_for_status=True) as answer:
                    made = (await answer.json())["id"]
                while True:
                    await asyncio.sleep(story.interval)
                    async with http.get(f"{tasks}/{made}", raise_for_status=True) as answer:
                        status = str((await answer.json())["status"])
                    if status in ENDED:
                        return status

            return await _all(story.count, one)

    return asyncio.run(run())


def official(story: Story) -> Ends:
    """Run the vendor's SDK with the loop of its own examples; its defaults repeat a create twice."""
    from volcenginesdkarkruntime import AsyncArk

    async def run() -> Ends:
        client: Any = AsyncArk(base_url=story.url, api_key=KEY)
        tasks = client.content_generation.tasks

        async def one(prompt: str) -> str:
            made = await tasks.create(model=MODEL, content=_content(prompt), duration=4, resolution="480p")
            while True:
                await asyncio.sleep(story.interval)
                status = str((await tasks.get(task_id=made.id)).status)
                if status in ENDED:
                    return status

        try:
            return await _all(story.count, one)
        finally:
            await client.close()

    return asyncio.run(run())


def byteplus_py(story: Story) -> Ends:
    """Run byteplus-py: one thread for each prompt, for it has no other way of many at once."""
    sys.path.append(str(CLIENTS))
    byteplus: Any = import_module("byteplus_py")  # `make clients` brings it
    client = byteplus.BytePlus(api_key=KEY, base_url=story.url)

    def one(prompt: str) -> str:
        try:
            done = client.seedance.subscribe(
                model=MODEL, content=_content(prompt), interval=story.interval, duration=4, resolution="480p"
            )
        except Exception as error:  # noqa: BLE001 - as above
            return f"failed: {type(error).__name__}"
        return str(done.status)

    asked = prompts(story.count)
    with ThreadPoolExecutor(story.count) as pool:
        return dict(zip(asked, pool.map(one, asked), strict=True))


def seedance_cli(story: Story) -> Ends:
    """Run zjandrew-seedance-cli: one process for each prompt, eight at a time."""
    program = "from seedance_cli.__main__ import main; main()"
    fixed = [
        "--endpoint",
        story.url,
        "--api-key",
        KEY,
        "--yes",
        "generate",
        "-m",
        MODEL,
        "--resolution",
        "480p",
    ]
    env = {**os.environ, "PYTHONPATH": str(CLIENTS)}

    def one(prompt: str) -> str:
        order = ["-p", prompt, "--duration", "4", "--poll-interval", str(story.interval)]
        command = [sys.executable, "-W", "ignore", "-c", program, *fixed, *order]
        with tempfile.TemporaryDirectory() as folder:  # it leaves its films where it is started
            done = subprocess.run(command, env=env, cwd=folder, capture_output=True, check=False, timeout=300)
        return "succeeded" if done.returncode == 0 else "failed: see its envelope"

    asked = prompts(story.count)
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(asked, pool.map(one, asked), strict=True))


def _content(prompt: str) -> list[dict[str, str]]:
    """Make the `content` of a body."""
    return [{"type": "text", "text": prompt}]


CONTENDERS: dict[str, Callable[[Story], Ends]] = {
    "seedance_async": ours,
    "raw aiohttp": raw,
    "official SDK": official,
    "byteplus-py": byteplus_py,
    "zjandrew-seedance-cli": seedance_cli,
}


def _processor() -> float:
    """Tell the processor seconds of this process and of children that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(name: str, story: Story) -> None:
    """Order one video elsewhere to have everything loaded, then run the story, and print the line."""
    client = CONTENDERS[name]
    client(evolve(story, url=story.calm_url, count=1, interval=0.2))
    size, used, started = _largest(resource.RUSAGE_SELF), _processor(), time.monotonic()
    ends = client(story)
    grown = (_largest(resource.RUSAGE_SELF) - size) / story.count
    line = {
        "ends": ends,
        "cpu_s": _processor() - used,
        "seconds": time.monotonic() - started,
        "kib_per_task": grown + _largest(resource.RUSAGE_CHILDREN),  # a task in a process has it for itself
    }
    print(json.dumps(line))


def _largest(kind: int) -> int:
    """Tell the largest size so far in KiB, of this process or of its largest child."""
    return resource.getrusage(kind).ru_maxrss


if __name__ == "__main__":
    main(sys.argv[1], Story(**json.loads(sys.argv[2])))
