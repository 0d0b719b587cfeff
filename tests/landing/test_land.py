"""Landing a video: whole, once, resumable, without credentials."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import aiohttp
import pytest

from seedance_async.errors import Billed, DownloadFailed, InvalidRequest, SessionClosed
from seedance_async.events import DownloadFinished, DownloadStarted, RetryScheduled
from tests.landing.host import Host, cut, ignore_ranges, movie, say, serve, stall

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web

    from seedance_async.events import Event

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


def names(folder: Path) -> list[str]:
    """List what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_lands_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    """A landing leaves exactly one file, equal to the original, and tells its size and hash."""
    target = tmp_path / "new" / "cat.mp4"
    events: list[Event] = []
    async with Host() as host:
        landed = await host.land(target, events=events, task_id="cgt-1")
        assert target.read_bytes() == host.video
        assert (landed.path, landed.size, landed.resumed_from) == (target, len(host.video), 0)
        assert landed.sha256 == hashlib.sha256(host.video).hexdigest()
    assert names(target.parent) == ["cat.mp4"]
    assert [type(event) for event in events] == [DownloadStarted, DownloadFinished]


async def test_goes_on_after_a_reset(tmp_path: Path) -> None:
    """After a reset the rest is asked for, not the whole, and the result is exact."""
    async with Host(plan=[cut(100_000)]) as host:
        await host.land(tmp_path / "cat.mp4")
        assert (tmp_path / "cat.mp4").read_bytes() == host.video
        assert host.ranges == ["", "bytes=100000-"]
        assert host.seen[1]["If-Range"] == '"v1"'
