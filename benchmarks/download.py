"""How fast and how lean a landing is, against a plain aiohttp stream-to-file loop in the same run.

``python benchmarks/download.py [MEGABYTES] [ROUNDS]`` serves one file from a process of its own on loopback,
fetches it both ways in turn, and prints one JSON line: median megabytes per second of each, their ratio, and
what the landing's memory grew by.  ``line_*`` is a line of 1 Gbit/s; ``loopback_*`` sends as fast as two
processes can copy, which measures processor time only: the landing also hashes, checks, syncs and renames,
and the plain loop does none of that.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from seedance_async._wire import clock
from seedance_async.media.download import land
from seedance_async.settings import RetryPolicy, Timeouts

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

CHUNK = 1 << 16
LINE = 125.0
"""Megabytes per second of a line of 1 Gbit/s."""


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


async def landing(http: aiohttp.ClientSession, url: str, target: Path) -> None:
    """Land as the library does."""
    await land(http, url, target, timeouts=Timeouts(), retry=RetryPolicy(), emit=lambda _: None)


async def compare(url: str, megabytes: int, rounds: int) -> dict[str, float]:
    """Take turns, so that a busy moment of the machine hits both."""
    speeds: dict[str, list[float]] = {"plain": [], "landing": []}
    grown = 0
    with tempfile.TemporaryDirectory() as folder:
        async with aiohttp.ClientSession() as http:
            for turn in range(rounds):
                for name, way in (("plain", plain), ("landing", landing)):
                    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                    target = Path(folder) / f"{name}-{turn}.mp4"
                    started = clock.monotonic()
                    await way(http, url, target)
                    speeds[name].append(megabytes / (clock.monotonic() - started))
                    if name == "landing":
                        grown += resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
                    target.unlink()
    middle = {name: statistics.median(found) for name, found in speeds.items()}
    return {
        "plain_mb_s": round(middle["plain"], 1),
        "landing_mb_s": round(middle["landing"], 1),
        "ratio": round(middle["landing"] / middle["plain"], 3),
        "memory_grown_mb": round(grown / 1024, 1),
    }


def figures(url: str, megabytes: int, rounds: int) -> dict[str, float]:
    """Measure over a paced line and over bare loopback."""
    found: dict[str, float] = {"megabytes": megabytes, "rounds": rounds}
    for name, pace in (("line", str(LINE)), ("loopback", "inf")):
        figures_of_one = asyncio.run(compare(f"{url}?{pace}", megabytes, rounds))
        found |= {f"{name}_{figure}": value for figure, value in figures_of_one.items()}
    return found


def main() -> None:
    """Run both in turn and print the figures."""
    megabytes, rounds = ([int(text) for text in sys.argv[1:3]] + [100, 5][len(sys.argv) - 1 :])[:2]
    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=host, args=(megabytes, there), daemon=True)
    server.start()
    try:
        print(json.dumps(figures(here.recv(), megabytes, rounds)))
    finally:
        here.send(None)
        server.join(5)


if __name__ == "__main__":
    main()
