"""How fast the journal is, against the raw sync rate of the same disk in the same run.

``python benchmarks/journal.py [JOBS] [DIRECTORY]`` prints one JSON line. An accepted job is two durable facts
(sending, accepted). ``raw_syncs`` is how often an append of 4 kB and its fdatasync go one after the other: a
journal without group commit could accept at most half as many jobs. ``skip`` re-opens a finished journal and
looks up the row of every key, as a resumed batch does; ``rows`` then reads all of them in order.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from seedance_async._wire import clock
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState, PlannedRow
from seedance_async.models import TaskStatus, Usage, VideoTask

AT_ONCE = 100
CHUNK = 1000
SYNC_SECONDS = 1.0
FACTS = {"model": "doubao-seedance-1-5-pro-251215", "duration": 5, "ratio": "16:9", "seed": -1}


def planned(number: int) -> PlannedRow:
    """Give a job of an ordinary size."""
    request = {
        "prompt": f"take {number}: " + "a cat surfing at dawn, " * 15,
        "model": FACTS["model"],
        "duration": 5,
    }
    return PlannedRow(key=f"job-{number:08d}", index=number, request=request, tokens_estimated=108_900)


async def raw_syncs(place: Path) -> float:
    """Count how often the disk syncs in a second, when asked one time after the other."""
    descriptor = os.open(place / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    started, count = clock.monotonic(), 0
    while clock.monotonic() - started < SYNC_SECONDS:
        os.write(descriptor, b"x" * 4096)
        os.fdatasync(descriptor)
        count += 1
    os.close(descriptor)
    return count / (clock.monotonic() - started)


async def accept(journal: Journal, numbers: range) -> None:
    """Take jobs of one worker to accepted, one after the other."""
    for number in numbers:
        key = f"job-{number:08d}"
        now = clock.wall()
        await journal.sending(Intent(key=key, fingerprint=172_801, facts=FACTS, sent_at=now, until=now + 60))
        await journal.accepted(key, f"cgt-{number:020d}")


async def finish(journal: Journal, numbers: range) -> None:
    """Take jobs of one worker from accepted to saved."""
    for number in numbers:
        key, task_id = f"job-{number:08d}", f"cgt-{number:020d}"
        raw = {
            "id": task_id,
            "status": "succeeded",
            "content": {"video_url": "https://v.example/x.mp4?sig=1"},
        }
        usage = Usage(completion_tokens=108_900)
        await journal.ended(key, VideoTask(id=task_id, status=TaskStatus.SUCCEEDED, usage=usage, raw=raw))
        await journal.saved(key, file=f"{key}.mp4", size=1 << 20, sha256="ab" * 32)


async def spread(work: Any, journal: Journal, jobs: int, at_once: int) -> float:
    """Let workers share the jobs; give jobs per second."""
    started = clock.monotonic()
    async with asyncio.TaskGroup() as group:
        for worker in range(at_once):
            group.create_task(work(journal, range(worker, jobs, at_once)))
    return jobs / (clock.monotonic() - started)


async def fill(path: Path, jobs: int) -> dict[str, float]:
    """Plan, accept and finish all jobs."""
    async with Journal.open(path) as journal:
        started = clock.monotonic()
        for first in range(0, jobs, CHUNK):
            await journal.plan([planned(number) for number in range(first, min(first + CHUNK, jobs))])
        plan_rate = jobs / (clock.monotonic() - started)
        before = journal.commits
        accept_rate = await spread(accept, journal, jobs, AT_ONCE)
        commits = journal.commits - before
        finish_rate = await spread(finish, journal, jobs, AT_ONCE)
    return {
        "planned_per_s": plan_rate,
        "accepted_per_s": accept_rate,
        "accepted_facts_per_commit": 2 * jobs / commits,
        "finished_per_s": finish_rate,
    }


async def skip(path: Path, jobs: int) -> dict[str, float]:
    """Re-open and go through everything that is done, as a second run does."""
    gc.collect()
    memory = peak_megabytes()
    started = clock.monotonic()
    async with Journal.open(path) as journal:
        for first in range(0, jobs, CHUNK):
            rows = await journal.lookup([f"job-{n:08d}" for n in range(first, min(first + CHUNK, jobs))])
            if any(row.state is not JobState.SAVED for row in rows.values()) or len(rows) == 0:
                raise SystemExit("a row got lost")
        skipped = clock.monotonic() - started
        seen = 0
        async for _ in journal.rows():
            seen += 1
        read = clock.monotonic() - started - skipped
    started = clock.monotonic()
    async with Journal.open(path, read_only=True) as journal:
        await journal.counts()
    checked = clock.monotonic() - started
    return {
        "skip_s": skipped,
        "rows_s": read,
        "rows": seen,
        "read_only_open_s": checked,
        "skip_memory_mb": peak_megabytes() - memory,
    }


def peak_megabytes() -> float:
    """Give the greatest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def main(jobs: int, place: Path) -> None:
    """Measure everything on one disk."""
    syncs = await raw_syncs(place)
    async with Journal.open(place / "alone.db") as journal:
        alone = await spread(accept, journal, min(jobs, 1000), 1)
    figures = await fill(place / "run.db", jobs)
    figures |= {"raw_syncs_per_s": syncs, "accepted_alone_per_s": alone, "jobs": jobs}
    figures["accepted_to_raw_syncs"] = figures["accepted_per_s"] / syncs
    figures |= await skip(place / "run.db", jobs)
    figures["file_mb"] = (place / "run.db").stat().st_size / (1 << 20)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as directory:  # noqa: PLR2004
        asyncio.run(main(count, Path(directory)))
