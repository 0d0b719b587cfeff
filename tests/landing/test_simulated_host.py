"""Landing from the simulated server, whose URLs are signed, die, and refuse credentials."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from seedance_async.errors import DownloadFailed
from seedance_async.events import log_event
from seedance_async.media.download import land
from seedance_async.settings import RetryPolicy, Timeouts
from seedance_async.simulator import Fault, Simulator

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

KEY = {"Authorization": "Bearer sk-test"}
BODY = {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": "a cat surfing"}]}


async def succeeded(sim: Simulator, http: aiohttp.ClientSession) -> str:
    """Order one video and wait for its URL."""
    async with http.post(f"{sim.base_url}/contents/generations/tasks", json=BODY) as answer:
        task_id = (await answer.json())["id"]
    await asyncio.sleep(10)
    return await look(sim, http, task_id)


async def look(sim: Simulator, http: aiohttp.ClientSession, task_id: str) -> str:
    """Read the URL of a task that succeeded."""
    async with http.get(f"{sim.base_url}/contents/generations/tasks/{task_id}") as answer:
        return str((await answer.json())["content"]["video_url"])


async def fetch(http: aiohttp.ClientSession, url: str, target: Path, **more: Any) -> int:
    """Land with plain settings; gives the size."""
    settings: dict[str, Any] = {"timeouts": Timeouts(), "retry": RetryPolicy(), "emit": log_event, **more}
    return (await land(http, url, target, **settings)).size


async def test_lands_with_the_session_that_holds_the_key(tmp_path: Path) -> None:
    """The very session that speaks to the API lands the video, and its key does not leak."""
    async with Simulator(work_seconds=1.0) as sim, aiohttp.ClientSession(headers=KEY) as http:
        url = await succeeded(sim, http)
        size = await fetch(http, url, tmp_path / "cat.mp4")
        assert list(sim.leaks) == []
    assert size == (tmp_path / "cat.mp4").stat().st_size > 1000


@pytest.mark.parametrize("kind", ["reset", "eof", "wrong_length", "html", "slow_body", "empty"])
async def test_survives_what_the_simulator_does_to_a_video(tmp_path: Path, kind: Any) -> None:
    """Every way in which the simulated host spoils a video costs a repeat at most."""
    async with Simulator(work_seconds=1.0) as sim, aiohttp.ClientSession(headers=KEY) as http:
        url = await succeeded(sim, http)
        sim.add_fault(Fault(kind, route="video", times=2))
        await fetch(http, url, tmp_path / "cat.mp4")
        await fetch(http, url, tmp_path / "again.mp4")
    assert (tmp_path / "cat.mp4").read_bytes() == (tmp_path / "again.mp4").read_bytes()


async def test_a_url_that_died_is_dead(tmp_path: Path) -> None:
    """After 24 hours the URL is refused, and the error says where a fresh one comes from."""
    async with Simulator(work_seconds=1.0) as sim, aiohttp.ClientSession(headers=KEY) as http:
        url = await succeeded(sim, http)
        await asyncio.sleep(25 * 3600)
        with pytest.raises(DownloadFailed, match="read the task again"):
            await fetch(http, url, tmp_path / "cat.mp4")
    assert list(tmp_path.iterdir()) == []
