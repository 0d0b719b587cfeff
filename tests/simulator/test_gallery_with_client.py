"""The library in every weather of the gallery: what it brings home, and that nothing is paid for twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from seedance_async import PollPolicy, SeedanceError, SeedanceSession, VideoRequest
from seedance_async.errors import DownloadFailed
from seedance_async.simulator import Simulator, gallery, load_scenario

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

PROMPTS = 6
HOUR = 3600
GOOD = {"saved": PROMPTS}
# Where not every prompt becomes a video, what becomes of it instead.
OTHERWISE = {
    "arrears": {"QuotaExhausted": PROMPTS},
    "failing-tasks": {"TaskFailed": PROMPTS},
    "free-trial": {"QuotaExhausted": 3, "saved": 3},
    "gateway-byteplus": {"RequestRefused": PROMPTS},
    "outage": {"SubmitUncertain": PROMPTS},
    "queue-expiry": {"TaskExpired": PROMPTS},
    "spend-limit": {"QuotaExhausted": 1, "saved": 5},
}
LONG = ("queue-expiry", "slow-queue")
NAMES = [one.name for one in gallery() if one.name != "by-hand"]


async def bring_home(session: SeedanceSession, request: VideoRequest, number: int, folder: Path) -> str:
    """One prompt to its end: saved, or the name of the error; a dead URL is read anew, as it advises."""
    path = folder / f"{number}.mp4"
    try:
        await session.run(request, save_to=path)
    except DownloadFailed as error:
        await asyncio.sleep(1)  # URLs are signed by the second
        await session.download(await session.get(error.task_id), path)
    except SeedanceError as error:
        return type(error).__name__
    return "saved"


@pytest.mark.parametrize("name", NAMES)
async def test_the_library_in_every_weather(name: str, tmp_path: Path) -> None:
    """Six prompts end as the scenario lets them, each billed once at most, and what is billed is saved."""
    # Looking every few seconds through hours of queue would only take time.
    limit = HOUR if name == "queue-expiry" else None
    poll = PollPolicy(interval=60, max_interval=60) if name in LONG else PollPolicy()
    requests = [
        VideoRequest(prompt=f"prompt {number}: a fox", execution_expires_after=limit)
        for number in range(PROMPTS)
    ]
    async with Simulator(work_seconds=20, seed=3, scenario=load_scenario(name)) as sim:
        async with (
            SeedanceSession("any-key", sim.base_url, poll=poll) as session,
            asyncio.TaskGroup() as group,
        ):
            homes = [bring_home(session, one, number, tmp_path) for number, one in enumerate(requests)]
            jobs = [group.create_task(home) for home in homes]
        ends = Counter(job.result() for job in jobs)
        billed = Counter(entry.prompt for entry in sim.ledger if entry.billed)
        assert dict(ends) == OTHERWISE.get(name, GOOD)
        assert set(billed.values()) <= {1}
        assert len(billed) == ends["saved"] == len(list(tmp_path.glob("*.mp4")))
        assert sim.leaks == []
