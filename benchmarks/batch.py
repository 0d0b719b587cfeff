"""How fast a finished batch is skipped through, and how much memory a long one takes.

``python benchmarks/batch.py [JOBS] [STREAMED]`` runs a batch of JOBS prompts (100,000) with a journal against
a server in the same process that finishes every task at once, runs the same batch again, and prints one JSON
line: seconds of both runs and the peak of memory. Then it streams STREAMED prompts (1,000,000) without a
    journal, and
prints their seconds and the peak of memory once more.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
        ids = [value for name, value in request.query if name == "filter.task_ids"]
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


def jobs(number: int) -> Iterator[dict[str, Any]]:
    """Give prompts as a file of JSON Lines would, without keys."""
    for index in range(number):
        yield {"prompt": f"prompt number {index}", "duration": 4, "resolution": "480p"}


async def run(number: int, journal: Path | None) -> float:
    """Run a batch; gives its seconds."""
    session = SeedanceSession(
        KEY,
        transport=Quick(),
        limits=AccountLimits.unlimited(),
        poll=PollPolicy(interval=0.05),
        observer=lambda _: None,
    )
    started, succeeded = clock.monotonic(), 0
    async with session:
        async for outcome in session.run_many(jobs(number), journal=journal):
            succeeded += outcome.kind is OutcomeKind.SUCCEEDED
    if succeeded != number:
        raise SystemExit(f"{number - succeeded} jobs did not succeed")
    return round(clock.monotonic() - started, 2)


def peak() -> float:
    """Give the most memory that this process ever had, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


async def main(number: int, streamed: int) -> None:
    """Measure and print."""
    facts: dict[str, Any] = {"benchmark": "batch", "jobs": number, "start_mb": peak()}
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "run.db"
        facts["first_run_seconds"] = await run(number, journal)
        facts["first_run_peak_mb"] = peak()
        facts["skip_seconds"] = await run(number, journal)
        facts["skip_peak_mb"] = peak()
    print(json.dumps(facts), flush=True)
    facts = {"benchmark": "batch stream", "jobs": streamed, "seconds": await run(streamed, None)}
    print(json.dumps({**facts, "peak_mb": peak()}))


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    asyncio.run(main(*(given + [100_000, 1_000_000][len(given) :])))
