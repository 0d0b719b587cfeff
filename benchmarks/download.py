"""How fast and how lean landings are, against a plain aiohttp stream-to-file loop in the same run.

``python benchmarks/download.py [MEGABYTES] [ROUNDS]`` serves files from a process of its own on loopback,
fetches them in three ways in turn, and prints one JSON line per setting: median megabytes per second of each
way, what the landing reaches of the others, processor time, and what the landing's memory grew by.

The ways: ``plain`` streams to a file as most programs do; ``careful`` does what landing must do as well, in
the plainest way: it hashes, and syncs the file and its folder; ``landing`` is the library's own.
The settings: ``line`` paces the host to 1 Gbit/s and ``fast`` to 2.5 Gbit/s, where ``fast_eight`` sends the
same megabytes as eight files at once, which is how a batch lands.  ``one`` and ``eight`` know no line: they
send as fast as two processes can copy, and show what is left where the hash (1.4 GB/s on the machine that the
docs' figures are from) and the sync cost as much as the copying itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from attrs import define, field

from seedance_async._wire import clock
from seedance_async.media.download import land
from seedance_async.media.files import sync_directory
from seedance_async.settings import RetryPolicy, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from multiprocessing.connection import Connection
    from typing import Any, TypeAlias

    Way: TypeAlias = Callable[[aiohttp.ClientSession, str, Path], Coroutine[Any, Any, None]]

CHUNK = 1 << 16
GIGABIT = 125.0
"""Megabytes per second of a line of 1 Gbit/s."""
SETTINGS = (
    ("line", GIGABIT, 1),
    ("fast", 2.5 * GIGABIT, 1),
    ("fast_eight", 2.5 * GIGABIT, 8),
    ("one", math.inf, 1),
    ("eight", math.inf, 8),
)
"""Name, megabytes per second of all files together, files at once."""


def host(megabytes: int, door: Connection) -> None:
    """Serve a file of zeros with an MP4's outer form until the parent goes away."""
    asyncio.run(_host(megabytes, door))


async def _host(megabytes: int, door: Connection) -> None:
    """Send from memory, so that the disk is the client's alone."""
    head = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08moov"
    size = megabytes << 20
    block = bytes(1 << 20)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"ETag": '"v1"'})
        response.content_length = len(head) + 16 + size
        await response.prepare(request)
        await response.write(head + b"\0\0\0\x01mdat" + (size + 16).to_bytes(8))
        started, pace = clock.monotonic(), float(request.query_string or "inf")
        for sent in range(megabytes):
            await response.write(block)
            await clock.sleep(started + (sent + 1) / pace - clock.monotonic())
        return response

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    door.send("http://{}:{}/cat.mp4".format(*runner.addresses[0][:2]))
    await asyncio.to_thread(door.poll, None)


async def plain(http: aiohttp.ClientSession, url: str, target: Path) -> None:
    """Stream to a file as most programs do."""
    async with http.get(url) as response:
        with target.open("wb") as file:
            async for chunk in response.content.iter_chunked(CHUNK):
                file.write(chunk)


async def careful(http: aiohttp.ClientSession, url: str, target: Path) -> None:
    """Stream to a file, hash it, and see it safe on the disk."""
    digest = hashlib.sha256()
    async with http.get(url) as response:
        with target.open("wb") as file:
            async for chunk in response.content.iter_chunked(CHUNK):
                file.write(chunk)
                digest.update(chunk)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
    await asyncio.to_thread(sync_directory, target.parent)


async def landing(http: aiohttp.ClientSession, url: str, target: Path) -> None:
    """Land as the library does."""
    await land(http, url, target, timeouts=Timeouts(), retry=RetryPolicy(), emit=lambda _: None)


WAYS = {"plain": plain, "careful": careful, "landing": landing}


@define
class Turns:
    """What one way showed."""

    speeds: list[float] = field(factory=list[float])
    processor: list[float] = field(factory=list[float])
    grown: int = 0


async def compare(url: str, files: int, rounds: int) -> dict[str, Turns]:
    """Take turns, so that a busy moment of the machine hits all; the first turn warms up."""
    turns = {name: Turns() for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        async with aiohttp.ClientSession() as http:
            for turn in range(rounds + 1):
                for name, way in WAYS.items():
                    seen = Turns() if turn == 0 else turns[name]
                    targets = [Path(folder) / f"{name}-{index}.mp4" for index in range(files)]
                    await fetch(seen, way, http, url, targets)
                    for target in targets:
                        target.unlink()
    return turns


async def fetch(seen: Turns, way: Way, http: aiohttp.ClientSession, url: str, targets: list[Path]) -> None:
    """Fetch some files at once and note what it took."""
    memory, spent, started = peak(), time.process_time(), clock.monotonic()
    async with asyncio.TaskGroup() as group:
        for target in targets:
            group.create_task(way(http, url, target))
    seconds, spent = clock.monotonic() - started, time.process_time() - spent
    megabytes = sum(target.stat().st_size for target in targets) / (1 << 20)
    seen.speeds.append(megabytes / seconds)
    seen.processor.append(1000 * spent / megabytes)
    seen.grown += peak() - memory


def peak() -> int:
    """Give the most memory that this process ever had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def figures(url: str, files: int, rounds: int) -> dict[str, float]:
    """Measure one setting."""
    turns = asyncio.run(compare(url, files, rounds))
    speed = {name: statistics.median(one.speeds) for name, one in turns.items()}
    found = {f"{name}_mb_s": round(value, 1) for name, value in speed.items()}
    found |= {f"{name}_ms_per_mb": round(min(one.processor), 2) for name, one in turns.items()}
    return found | {
        "of_plain": round(speed["landing"] / speed["plain"], 2),
        "of_careful": round(speed["landing"] / speed["careful"], 2),
        "memory_grown_mb": round(turns["landing"].grown / 1024, 1),
    }


def main() -> None:
    """Serve, measure each setting and print its figures."""
    megabytes, rounds = ([int(text) for text in sys.argv[1:3]] + [100, 5][len(sys.argv) - 1 :])[:2]
    for name, pace, files in SETTINGS:
        each = megabytes // files
        here, there = multiprocessing.get_context("spawn").Pipe()
        server = multiprocessing.get_context("spawn").Process(target=host, args=(each, there), daemon=True)
        server.start()
        try:
            found = figures(f"{here.recv()}?{pace / files}", files, rounds)
            print(json.dumps({"benchmark": "download", "setting": name, "megabytes": megabytes, **found}))
        finally:
            here.send(None)
            server.join(5)


if __name__ == "__main__":
    main()
