"""What landing in a bucket costs and leaves behind: ``python benchmarks/bucket.py [MEGABYTES] [KILLS]``.

One video of MEGABYTES (200) is streamed into an S3 server on loopback (moto) by a process of its own; then
KILLS (5) such processes are ended with SIGKILL in the middle of their upload, and a last one is let end.
Prints one JSON line: megabytes per second, the memory that the landing added to its process, how many were
killed in time, unfinished uploads at the server after the kills and after the last landing, and how many
videos there are in the end (2 were let end).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import resource
import signal
import sys
from pathlib import Path
from typing import Any, Final

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aiohttp import web

from seedance_async._wire import clock
from seedance_async.events import log_event
from seedance_async.media.storage import Store
from seedance_async.settings import RetryPolicy, Timeouts
from tests.landing.buckets import call, s3_server, way_to

BUCKET: Final = "videos"
BLOCK: Final = bytes(1 << 20)
HALF: Final = web.AppKey("half", asyncio.Event)


async def serve(request: web.Request) -> web.StreamResponse:
    """Send a video of zeros."""
    megabytes = int(request.match_info["megabytes"])
    head = b"\0\0\0\x14ftypisom\0\0\2\0isom" + b"\0\0\0\x08moov" + (8 + megabytes * len(BLOCK)).to_bytes(4)
    response = web.StreamResponse(headers={"Content-Length": str(len(head) + 4 + megabytes * len(BLOCK))})
    await response.prepare(request)
    await response.write(head + b"mdat")
    for sent in range(megabytes):
        await response.write(BLOCK)
        if megabytes > 1 and sent == megabytes // 2:
            request.app[HALF].set()
    return response


async def land(url: str) -> None:
    """Land one video in this process, and print what it took."""
    async with aiohttp.ClientSession() as http:
        store = Store(f"s3://{BUCKET}")
        # A first small one, so that what is measured is the video and not the libraries.
        how: dict[str, Any] = {"timeouts": Timeouts(), "retry": RetryPolicy(), "emit": log_event}
        await store.land(http, url.replace(url.rpartition("/")[2], "1"), f"{os.getpid()}-small.mp4", **how)
        before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, clock.monotonic()
        landed = await store.land(http, url, f"{os.getpid()}.mp4", **how)
        seconds = clock.monotonic() - started
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"size": landed.size, "seconds": round(seconds, 2), "added_mb": round(added, 1)}))


async def videos(query: str = "") -> int:
    """Count whole videos, or with ``?uploads`` their unfinished uploads, which would bill for ever."""
    listing = await call("GET", f"{BUCKET}{query}")
    keys = re.findall(r"<Key>(.*?)</Key>", listing.decode())
    return sum(not key.endswith("-small.mp4") for key in keys)


async def start(url: str) -> asyncio.subprocess.Process:
    """Start a process that lands."""
    return await asyncio.create_subprocess_exec(
        sys.executable, __file__, "land", url, stdout=asyncio.subprocess.PIPE
    )


async def finish(url: str) -> dict[str, Any]:
    """Let a process land, and give what it says."""
    lander = await start(url)
    said, _ = await lander.communicate()
    return dict(json.loads(said))


async def kill(url: str, half: asyncio.Event) -> bool:
    """End a process in the middle of its upload; tells whether it was still at it."""
    half.clear()
    lander = await start(url)
    await half.wait()
    lander.kill()
    return await lander.wait() == -signal.SIGKILL


async def measure(megabytes: int, kills: int) -> dict[str, Any]:
    """Land, kill and land."""
    logging.getLogger("aiohttp.server").disabled = True  # killed readers are what is measured
    app = web.Application()
    app[HALF] = asyncio.Event()
    app.router.add_get("/{megabytes}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = "http://{}:{}/{}".format(*runner.addresses[0][:2], megabytes)
    await call("PUT", BUCKET)
    whole = await finish(url)
    killed = sum([await kill(url, app[HALF]) for _ in range(kills)])
    left = await videos("?uploads")
    await finish(url)
    facts = {"killed": killed, "unfinished_after_kills": left, "unfinished_at_last": await videos("?uploads")}
    facts["videos"] = await videos()
    await runner.cleanup()
    rate = round(whole["size"] / whole["seconds"] / 1e6)
    return {"megabytes": megabytes, "mb_per_second": rate, "added_mb": whole["added_mb"], **facts}


def main(megabytes: int = 200, kills: int = 5) -> None:
    """Start the S3 server, measure, print."""
    with s3_server() as address:
        os.environ.update(way_to(address))
        facts = asyncio.run(measure(megabytes, kills))
        print(json.dumps({"benchmark": "bucket", "kills": kills, **facts}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["land"]:
        asyncio.run(land(sys.argv[2]))
    else:
        main(*(int(one) for one in sys.argv[1:]))
