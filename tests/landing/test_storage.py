"""Landing in object stores: a real S3 server on loopback, memory, and a folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from attrs import evolve

from seedance_async.errors import DownloadFailed, InvalidRequest, MissingExtra
from seedance_async.events import DownloadFinished, DownloadStarted, RetryScheduled
from seedance_async.media.expected import FRAME, VIDEO
from seedance_async.media.storage import Store
from seedance_async.settings import RetryPolicy, Timeouts
from tests.landing.buckets import call, content, dangling, lead_to, s3_server
from tests.landing.host import Host, begin, cut, ignore_ranges, movie, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seedance_async.events import Event
    from seedance_async.media.download import Landed
    from tests.landing.host import Answer

pytest.importorskip("obstore")
pytest.importorskip("moto.server")

pytestmark = pytest.mark.asyncio

SMALL, LARGE = movie(300_000), movie(21_000_000)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Run an S3 server; gives its address."""
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Make a bucket of its own, and the environment that leads to it."""
    name = f"bucket-{abs(hash(request.node.name)):x}"
    lead_to(s3, monkeypatch)
    asyncio.run(call("PUT", name))
    return name


async def land(
    store: Store, host: Host, name: str = "cat.mp4", *, events: list[Event] | None = None, **more: Any
) -> Landed:
    """Land with plain settings."""
    heard: list[Event] = [] if events is None else events
    retry = RetryPolicy(attempts=3, wait_initial=0.0)
    settings: dict[str, Any] = {
        "timeouts": Timeouts(),
        "retry": retry,
        "emit": heard.append,
        "task_id": "cgt-1",
        **more,
    }
    return await store.land(host.http, host.url, name, **settings)


@pytest.mark.parametrize("video", [SMALL, LARGE], ids=["small", "large"])
async def test_lands_in_s3(bucket: str, video: bytes) -> None:
    """One part or several: the object equals the video, and size and hash were taken on the way."""
    store, events = Store(f"s3://{bucket}/videos"), list["Event"]()
    async with Host(video=video) as host:
        landed = await land(store, host, events=events)
    assert await content(store, "cat.mp4") == video
    assert (landed.path, landed.size) == (f"s3://{bucket}/videos/cat.mp4", len(video))
    assert landed.sha256 == hashlib.sha256(video).hexdigest()
    assert [type(event) for event in events] == [DownloadStarted, DownloadFinished]
    assert not await dangling(bucket)


@pytest.mark.parametrize(
    "trouble", [cut(20_000_000), say(503), say(200, "a page"), say(400, '{"code":"video_not_ready"}')]
)
async def test_a_broken_stream_is_begun_again(bucket: str, trouble: Answer) -> None:
    """After a break in the middle the whole is uploaded anew, and nothing of the first try stays."""
    store, events = Store(f"s3://{bucket}"), list["Event"]()
    async with Host(video=LARGE, plan=[trouble]) as host:
        await land(store, host, events=events)
    assert sum(isinstance(event, RetryScheduled) for event in events) == 1
    assert await content(store, "cat.mp4") == LARGE
    assert not await dangling(bucket)


async def drip(host: Host, request: web.BaseRequest) -> web.StreamResponse:
    """Send a good part of a video in 400 s, then break off."""
    response, body = await begin(host, request)
    for start in range(0, 4_000_000, 100_000):
        await response.write(body[start : start + 100_000])
        await asyncio.sleep(10.0)
    assert request.transport is not None
    request.transport.close()
    return response


@pytest.mark.looptime
async def test_a_slow_stream_that_breaks_late_is_begun_again() -> None:
    """Budget counts from the last bytes, not the first: a download of 400 s is no reason to give up."""
    store, events = Store("memory://"), list["Event"]()
    retry = RetryPolicy(attempts=3, budget=300.0)
    async with Host(video=LARGE, plan=[drip, drip]) as host:
        landed = await land(store, host, events=events, retry=retry)
        assert landed.size == len(LARGE)
        assert sum(isinstance(event, RetryScheduled) for event in events) == 2
        host.plan = [drip] * 3
        with pytest.raises(DownloadFailed):
            await land(store, host, "dog.mp4", retry=retry)
    assert len(host.seen) == 6


async def broken(host: Host, request: web.BaseRequest) -> web.StreamResponse:
    """Send a video of the right length whose last box is cut."""
    host.video = LARGE[:-1]
    return await ignore_ranges(host, request)


@pytest.mark.parametrize("trouble", [cut(20_000_000), broken])
async def test_a_failed_landing_leaves_nothing(bucket: str, trouble: Answer) -> None:
    """When no try works there is no object and no unfinished upload."""
    store = Store(f"s3://{bucket}")
    async with Host(video=LARGE, plan=[trouble] * 3) as host:
        with pytest.raises(DownloadFailed) as failed:
            await land(store, host)
    assert (failed.value.task_id, len(host.seen)) == ("cgt-1", 3)
    assert await store.size("cat.mp4") is None
    assert not await dangling(bucket)


async def endless(host: Host, request: web.BaseRequest) -> web.StreamResponse:
    """Send without telling a length until the client leaves."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(host.video)
    while request.transport is not None and not request.transport.is_closing():
        await response.write(bytes(1 << 16))
    return response


@pytest.mark.parametrize("trouble", [endless, ignore_ranges], ids=["endless", "told"])
async def test_what_is_too_large_leaves_nothing(bucket: str, trouble: Answer) -> None:
    """A body above the largest size becomes no object, leaves no parts, and is not asked for again."""
    store = Store(f"s3://{bucket}")
    async with Host(video=LARGE, plan=[trouble] * 3) as host:
        with pytest.raises(DownloadFailed, match=r"video_url.* at most 20,000,000"):
            await land(store, host, expected=evolve(VIDEO, largest=20_000_000))
    assert len(host.seen) == 1
    assert await store.size("cat.mp4") is None
    assert not await dangling(bucket)


async def test_a_frame_in_a_store_is_a_picture(bucket: str) -> None:
    """What is no picture becomes no object."""
    store = Store(f"s3://{bucket}")
    async with Host(video=b"\x89PNG\r\n\x1a\n" + bytes(1000)) as host:
        await land(store, host, "last.png", expected=FRAME)
        host.video = b"<svg/>"
        with pytest.raises(DownloadFailed, match=r"last_frame_url.* no picture"):
            await land(store, host, "other.png", expected=FRAME)
    assert await store.size("last.png") == 1008
    assert await store.size("other.png") is None


async def unmeasured(host: Host, request: web.BaseRequest) -> web.StreamResponse:
    """Send most of a video without telling its length, then nothing for an hour."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(host.video[:20_000_000])
    await asyncio.sleep(3600)
    return response


async def test_a_cancelled_landing_leaves_nothing(bucket: str) -> None:
    """Cancelling while parts are at the store removes them before the cancellation comes through."""
    store = Store(f"s3://{bucket}")
    async with Host(video=LARGE, plan=[unmeasured]) as host:
        task = asyncio.create_task(land(store, host))
        while not await dangling(bucket):  # noqa: ASYNC110 - the store sets no event here
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not await dangling(bucket)
        assert await store.size("cat.mp4") is None
        await land(store, host)
    assert await content(store, "cat.mp4") == LARGE


def resident() -> int:
    """Give the memory of this process in bytes, that of obstore's own threads included."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_memory_stays_bounded(bucket: str) -> None:
    """A video of 128 MB passes through a few parts of memory."""
    store, block, seen = Store(f"s3://{bucket}"), bytes(1 << 20), list[int]()

    async def long(host: Host, request: web.BaseRequest) -> web.StreamResponse:
        del host
        response = web.StreamResponse()
        head = movie(0)[:-8] + (8 + 128 * len(block)).to_bytes(4) + b"mdat"
        response.content_length = len(head) + 128 * len(block)
        await response.prepare(request)
        await response.write(head)
        for _ in range(128):
            seen.append(resident())
            await response.write(block)
        return response

    async with Host(plan=[long]) as host:
        landed = await land(store, host)
    assert landed.size > 128 << 20
    assert max(seen) - seen[0] < 64 << 20


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_lands_in_memory_and_in_folders(tmp_path: Path, kind: str) -> None:
    """The same code serves memory and folders, which need no server."""
    store = Store("memory://" if kind == "memory" else f"file://{tmp_path}/new/folder")
    async with Host() as host:
        landed = await land(store, host, "cat.mp4")
        assert landed.path == (
            "memory://cat.mp4" if kind == "memory" else f"file://{tmp_path}/new/folder/cat.mp4"
        )
        with pytest.raises(InvalidRequest, match="overwrite=True"):
            await land(store, host, "cat.mp4")
        await land(store, host, "cat.mp4", overwrite=True)
    assert await content(store, "cat.mp4") == host.video
    assert await store.put("cat.mp4.json", b"{}") == f"{landed.path}.json"
    assert (await store.size("cat.mp4.json"), await store.size("dog.mp4")) == (2, None)


@pytest.mark.parametrize("name", ["", "/cat.mp4", "../cat.mp4", "a/../b", "a//b", ".", "a\\b", "a\nb"])
async def test_names_stay_in_the_folder(name: str) -> None:
    """A name that climbs, starts at the root or holds control characters is refused before any request."""
    async with Host() as host:
        with pytest.raises(InvalidRequest) as refused:
            await land(Store("memory://"), host, name)
    assert (refused.value.field, host.seen) == ("name", [])


@pytest.mark.parametrize("url", ["", "cat", "https://bucket/x", "ftp://x", "/folder/x"])
async def test_only_known_stores(url: str) -> None:
    """An address that is none of the known kinds is refused with the list of those that are."""
    with pytest.raises(InvalidRequest, match="s3://"):
        Store(url)


async def test_a_refusing_store_is_our_error(bucket: str) -> None:
    """A bucket that is not there ends in DownloadFailed with the address and the store's reason."""
    store = Store(f"s3://{bucket}-none")
    async with Host() as host:
        with pytest.raises(DownloadFailed, match="refused s3://"):
            await land(store, host, overwrite=True)


async def test_without_the_extra_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without obstore the error says what to install."""
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(MissingExtra, match=r"seedance-async\[storage\]"):
        Store("memory://")
