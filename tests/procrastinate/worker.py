"""A worker that may be killed at any moment: ``python worker.py DSN API FOLDER LIMITS``."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

from seedance_async import PollPolicy, RetryPolicy, SeedanceSession, Timeouts
from seedance_async.ext.procrastinate import Service
from seedance_async.settings import AccountLimits

if TYPE_CHECKING:
    from seedance_async.settings import AccountLimits as Limits

KEY = "sk-test-0123456789abcdef"
LEASE = 1.5


async def main(dsn: str, url: str, folder: str, given: str) -> None:
    """Work until no job is left."""

    def open_session(limits: Limits) -> SeedanceSession:
        return SeedanceSession(
            KEY,
            url,
            timeouts=Timeouts(request=1.0, connect=0.5, download_idle=5.0),
            retry=RetryPolicy(wait_initial=0.05, wait_max=0.3, settling=0.3, looks=2),
            poll=PollPolicy(interval=0.3, max_interval=1.0),
            limits=limits,
            observer=lambda _: None,
        )

    async with Service(dsn, limits=AccountLimits(**json.loads(given)), lease=LEASE) as service:
        await service.work(save_to=folder, until_empty=True, open_session=open_session, concurrency=50)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
