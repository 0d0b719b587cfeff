"""How fast a finished batch is skipped through, and how much memory a long one takes.

``python benchmarks/batch.py [JOBS] [STREAMED]`` runs a batch of JOBS prompts (100,000) with a journal against
a server in the same process that keeps nothing and finishes every task at once, runs the same batch again,
and the same with a key and a seed for every row, and prints one JSON line: seconds of the runs and the peak
of memory. Then it streams STREAMED prompts (1,000,000) with a journal, and prints their seconds and the
memory at each tenth of the way. 0 leaves a part out.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import aiohttp

from seedance_async import AccountLimits, OutcomeKind, PollPolicy, SeedanceSession
from seedance_async._wire import clock
from seedance_async.carrier import WireResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from seedance_async.carrier import WireRequest
    from seedance_async.settings import Timeouts

KEY = "sk-benchmark"


class Quick:
    """A server that keeps nothing: every task it is asked about has succeeded."""

    def __init__(self) -> None:
        self.created = 0
        self._http: aiohttp.ClientSession | None = None

    @property
    def http(self) -> aiohttp.ClientSession:
        """Nothing is downloaded here."""
        if self._http is None:
            self._http = aiohttp.ClientSession()
        return self._http

    async def carry(
        self,
        request: WireRequest,
        *,
        base_url: str,  # noqa: ARG002 - the carrier's signature
        headers: Mapping[str, str],  # noqa: ARG002
        timeouts: Timeouts,  # noqa: ARG002
        departed: Callable[[], None],
    ) -> WireResponse:
        """Answer at once."""
        departed()
        await clock.sleep(0)
        return WireResponse(status=200, headers={}, body=json.dumps(self._answer(request)).encode())

    def _answer(self, request: WireRequest) -> Any:
        """Create, get or list."""
        if request.route.paid:
            self.created += 1
            return {"id": f"cgt-{self.created}"}
        if request.route.name == "get":
            return record(request.path.rpartition("/")[2])
        ids = parse_qs(request.query).get("filter.task_ids", [])
        return {"items": [record(one) for one in ids], "total": len(ids)}

    async def close(self) -> None:
        """Close what was opened."""
        if self._http is not None:
            await self._http.close()


def record(task_id: str) -> dict[str, Any]:
    """Give a task that has succeeded."""
    return {
        "id": task_id,
        "status": "succeeded",
        "model": "doubao-seedance-1-5-pro-251215",
        "created_at": 1,
        "updated_at": 2,
        "content": {"video_url": "https://videos.example/v.mp4"},
        "usage": {"completion_tokens": 40_594, "total_tokens": 40_594},
    }


def plain(number: int) -> Iterator[dict[str, Any]]:
    """Give prompts as a file of JSON Lines would, without keys."""
    for index in range(number):
        yield {"prompt": f"prompt number {index}", "duration": 4, "resolution": "480p"}


def keyed(number: int) -> Iterator[dict[str, Any]]:
    """Give prompts with keys, and more that differs from row to row."""
    for index in range(number):
        yield {
            "key": f"shot-{index}",
            "prompt": f"prompt number {index}",
            "seed": index,
            "duration": 4 + index % 5,
            "first_frame": f"https://pictures.example/{index}.png",
        }


async def run(jobs: Iterator[dict[str, Any]], journal: Path, tenth: int = sys.maxsize) -> dict[str, Any]:
    """Run a batch; gives its seconds, and the memory after every so many outcomes."""
    session = SeedanceSession(
        KEY,
        transport=Quick(),
        limits=AccountLimits.unlimited(),
        poll=PollPolicy(interval=0.05),
        observer=lambda _: None,
    )
    started, ended, memory = clock.monotonic(), 0, list[float]()
    async with session:
        async for outcome in session.run_many(jobs, journal=journal):
            if outcome.kind is not OutcomeKind.SUCCEEDED:
                raise SystemExit(f"{outcome.key} did not succeed: {outcome.error}")
            ended += 1
            if ended % tenth == 0:
                memory.append(resident())
    return {"jobs": ended, "seconds": round(clock.monotonic() - started, 2), "mb": memory}


def resident() -> float:
    """Give the memory of this process now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 1e6, 1)


def peak() -> float:
    """Give the most memory that this process ever had, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)


async def skip(number: int, folder: Path) -> dict[str, Any]:
    """Run batches twice."""
    facts: dict[str, Any] = {"benchmark": "batch", "jobs": number, "start_mb": peak()}
    for name, jobs in (("plain", plain), ("keyed", keyed)):
        for turn in ("run", "skip"):
            done = await run(jobs(number), folder / f"{name}.db")
            facts[f"{name}_{turn}_seconds"] = done["seconds"]
    return {**facts, "peak_mb": peak()}


async def main(number: int, streamed: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        if number:
            print(json.dumps(await skip(number, Path(folder))), flush=True)
        if streamed:
            done = await run(plain(streamed), Path(folder) / "stream.db", max(1, streamed // 10))
            print(json.dumps({"benchmark": "batch stream", **done, "peak_mb": peak()}))


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    asyncio.run(main(*(given + [100_000, 1_000_000][len(given) :])))
