"""A program that runs one batch and may be killed at any moment.

``python mortal.py URL FOLDER NUMBER [LIMIT]``: no file that it writes may grow beyond LIMIT bytes, as on a
full disk. It ends with 0 when every job has succeeded.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from seedance_async import AccountLimits, OutcomeKind, PollPolicy, RetryPolicy, SeedanceSession, Timeouts

KEY = "sk-test-0123456789abcdef"


async def main(url: str, folder: Path, number: int) -> int:
    """Run the batch."""
    jobs = [(f"job-{index}", {"prompt": f"prompt {index}", "duration": 4}) for index in range(number)]
    session = SeedanceSession(
        KEY,
        url,
        timeouts=Timeouts(request=1.0, connect=0.5, download_idle=2.0),
        retry=RetryPolicy(wait_initial=0.05, wait_max=0.3, settling=0.3, looks=2),
        poll=PollPolicy(interval=0.2, max_interval=0.5),
        limits=AccountLimits.unlimited(),
        observer=lambda _: None,
    )
    unsuccessful = 0
    async with session:
        outcomes = session.run_many(jobs, journal=folder / "run.db", save_to=folder / "out", concurrency=10)
        async for outcome in outcomes:
            if outcome.kind is not OutcomeKind.SUCCEEDED:
                unsuccessful += 1
                sys.stderr.write(f"{outcome.key} {outcome.kind.value}: {outcome.error!r}\n")
    return 1 if unsuccessful else 0


if __name__ == "__main__":
    if sys.argv[4:]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
    sys.exit(asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
