"""What lands is what was expected: no endless body fills the disk, and a last frame is a picture."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from attrs import evolve

from seedance_async.errors import DownloadFailed
from seedance_async.events import RetryScheduled
from seedance_async.media.expected import FRAME, VIDEO
from seedance_async.settings import RetryPolicy
from tests.landing.host import Host, cut, movie, say
from tests.values import pictures

if TYPE_CHECKING:
    from pathlib import Path

    from seedance_async.events import Event

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

SMALL = evolve(VIDEO, largest=1_000_000)


async def endless(host: Host, request: web.BaseRequest) -> web.StreamResponse:
    """Send without an end, and without telling a length, until the client leaves."""
    response = web.StreamResponse(headers=host.headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(host.video)
    while request.transport is not None and not request.transport.is_closing():
        await response.write(bytes(1 << 16))
        await asyncio.sleep(0)
    return response


async def test_an_endless_body_is_left_and_nothing_of_it_stays(tmp_path: Path) -> None:
    """Behind the largest size there is nothing to wait for: one try, one error, no file, no part."""
    events: list[Event] = []
    async with Host(plan=[endless] * 4) as host:
        with pytest.raises(DownloadFailed, match=r"video_url.* more than 1,000,000 bytes") as failed:
            await host.land(tmp_path / "cat.mp4", expected=SMALL, events=events, task_id="cgt-1")
    assert (failed.value.task_id, len(host.seen)) == ("cgt-1", 1)
    assert [event for event in events if isinstance(event, RetryScheduled)] == []
    assert list(tmp_path.iterdir()) == []


async def test_a_length_above_the_largest_is_refused_before_a_byte_is_read(tmp_path: Path) -> None:
    """The host says how much would come; what an earlier call had fetched of it goes, too."""
    target = tmp_path / "cat.mp4"
    async with Host(video=movie(2_000_000), plan=[cut(500_000)]) as host:
        with pytest.raises(DownloadFailed):
            await host.land(target, retry=RetryPolicy(attempts=1))
        assert [path.name for path in tmp_path.iterdir()] != []
        with pytest.raises(DownloadFailed, match=r"video_url.* 2,000,\d+ bytes.* 1,000,000"):
            await host.land(target, expected=SMALL)
    assert list(tmp_path.iterdir()) == []


async def test_a_video_of_the_largest_size_lands(tmp_path: Path) -> None:
    """The largest size itself is allowed."""
    async with Host() as host:
        await host.land(tmp_path / "cat.mp4", expected=evolve(VIDEO, largest=len(host.video)))
    assert (tmp_path / "cat.mp4").read_bytes() == host.video


async def test_no_video_and_no_frame_of_this_api_is_larger_than_what_is_taken() -> None:
    """Not even without compression: 15 s of 4k at 10 bits (4:2:0), 30 s of 1080p, one 4k still at 16 bits."""
    assert max(3840 * 2160 * 15, 1920 * 1080 * 30) * 24 * 1.5 * 10 / 8 < VIDEO.largest == 8 << 30
    assert 3840 * 2160 * 3 * 2 < FRAME.largest == 64 << 20


@pytest.mark.parametrize("make", [pictures.png, pictures.jpeg, pictures.webp_lossless])
async def test_a_frame_that_is_a_picture_lands(tmp_path: Path, make: object) -> None:
    """By its first bytes, whatever its name says; a break in the middle is gone on from."""
    async with Host(video=make() + bytes(1000), plan=[cut(10)]) as host:  # type: ignore[operator]
        await host.land(tmp_path / "last.png", expected=FRAME)
    assert (tmp_path / "last.png").read_bytes() == host.video


@pytest.mark.parametrize(
    "body", [b"<svg xmlns='x'><script/></svg>", b"\x7fELF" + bytes(99), movie(99), b"\x89PNG"]
)
async def test_a_frame_that_is_no_picture_is_refused(tmp_path: Path, body: bytes) -> None:
    """Only a picture gets the name of one; the next copy may be right, so it is asked for again."""
    async with Host(video=body) as host:
        with pytest.raises(DownloadFailed, match=r"last_frame_url.* no picture"):
            await host.land(tmp_path / "last.png", expected=FRAME, retry=RetryPolicy(attempts=2))
    assert len(host.seen) == 2
    assert list(tmp_path.iterdir()) == []


async def test_a_frame_that_is_right_at_the_second_try_lands(tmp_path: Path) -> None:
    """An error page in place of a picture is a failed attempt, and not the end."""
    async with Host(video=pictures.png(), plan=[say(200, "a page")]) as host:
        await host.land(tmp_path / "last.png", expected=FRAME)
    assert (tmp_path / "last.png").read_bytes() == host.video
