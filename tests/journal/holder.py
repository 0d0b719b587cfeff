"""A process for the tests to kill: it owns a journal, and tells on stdout what that has acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys

from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from tests.journal.jobs import SHA, intent, task


async def walk(journal: Journal, prefix: str, numbers: itertools.count[int]) -> None:
    """Take one job after the other from sending to saved, and tell each step when it is durable."""
    for number in numbers:
        key = f"{prefix}-{number}"
        await journal.sending(intent(key))
        tell(key, JobState.SENDING)
        await journal.accepted(key, f"cgt-{key}")
        tell(key, JobState.ACCEPTED)
        await journal.ended(key, task(f"cgt-{key}", JobState.SUCCEEDED))
        tell(key, JobState.SUCCEEDED)
        await journal.saved(key, file=f"{key}.mp4", size=number, sha256=SHA)
        tell(key, JobState.SAVED)


def tell(key: str, state: JobState) -> None:
    """Write one line at once: what is in a buffer dies with the process."""
    os.write(1, f"{key} {state}\n".encode())


async def main(path: str, prefix: str) -> None:
    """Walk with twenty jobs at a time until killed."""
    numbers = itertools.count()
    async with Journal.open(path) as journal, asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(walk(journal, prefix, numbers))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "k"))
