"""Signed URLs and files: expiry, forgery, keys that leak, ranges, faults, and real films."""

from __future__ import annotations

import asyncio
import io

import aiohttp
import pytest

from seedance_async.simulator import AtOnce, Behaviour, Fault, SimAnswer, studio
from seedance_async.simulator.capabilities import BY_ID
from seedance_async.simulator.footage import Footage
from seedance_async.simulator.order import Order
from seedance_async.simulator.video import FontUnreadable, RendererMissing, packaged_clip
from tests.simulator.helpers import PRO_15, V25, Caller, order, simulated, text

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

DONE = Behaviour(progression=AtOnce())


async def content(api: Caller, body: dict[str, object] | None = None) -> dict[str, str]:
    """The content of a finished task."""
    found: dict[str, str] = (await api.get(await api.new(body))).json["content"]
    return found


async def test_packaged_clip_without_rendering() -> None:
    """Without rendering every video is the packaged MP4."""
    async with simulated(behaviour=DONE) as (_, api):
        reply = await api.fetch((await content(api))["video_url"])
    assert (reply.status, reply.headers["Content-Type"]) == (200, "video/mp4")
    assert reply.body[4:8] == b"ftyp"
    assert int(reply.headers["Content-Length"]) == len(reply.body)


async def test_url_dies_after_a_day() -> None:
    """A URL works for 24 hours from success, and a new GET does not renew it."""
    async with simulated(behaviour=DONE) as (_, api):
        task_id = await api.new()
        url = (await api.get(task_id)).json["content"]["video_url"]
        assert "X-Tos-Expires=86400" in url
        await asyncio.sleep(86_300)
        assert (await api.fetch(url)).status == 200
        await asyncio.sleep(200)
        assert (await api.fetch(url)).status == 403
        again = (await api.get(task_id)).json["content"]["video_url"]
        assert again == url


async def test_get_can_renew_the_url() -> None:
    """With resign_on_get a GET after a day gives a URL that works."""
    async with simulated(behaviour=Behaviour(progression=AtOnce(), resign_on_get=True)) as (_, api):
        task_id = await api.new()
        await asyncio.sleep(90_000)
        url = (await api.get(task_id)).json["content"]["video_url"]
        assert (await api.fetch(url)).status == 200


async def test_forged_urls_are_refused() -> None:
    """Another name, another expiry, another signature, or none: 403."""
    async with simulated(behaviour=DONE) as (sim, api):
        url, other = (await content(api))["video_url"], await api.new()
        name = url.split("/video/")[1].split("?")[0]
        forged = [
            url.replace(name, f"{other}.mp4"),
            url.replace("Expires=86400", "Expires=864000"),
            url[:-1] + ("0" if url[-1] != "0" else "1"),
            url.split("?")[0],
            f"{sim.origin}/video/..%2F..%2Fsecret?X-Tos-Date=%C2%B2",
        ]
        assert [(await api.fetch(one)).status for one in forged] == [403] * 5


async def test_a_key_at_the_video_host_is_a_leak() -> None:
    """An Authorization header is refused with 400 and remembered as a leak."""
    async with simulated(behaviour=DONE) as (sim, api):
        url = (await content(api))["video_url"]
        assert sim.leaks == []
        assert (await api.fetch(url, Authorization="Bearer test-key")).status == 400
        assert len(sim.leaks) == 1
        assert "test-key" not in repr(sim.leaks) + repr(sim.requests)


async def test_ranges() -> None:
    """One range is cut out (206), an open one and a suffix too; one beyond the end is 416."""
    async with simulated(behaviour=DONE) as (_, api):
        url = (await content(api))["video_url"]
        whole = await api.fetch(url)
        size = len(whole.body)
        part = await api.fetch(url, Range="bytes=10-19")
        rest = await api.fetch(url, Range=f"bytes={size - 5}-")
        tail = await api.fetch(url, Range="bytes=-7")
        beyond = await api.fetch(url, Range=f"bytes={size}-")
        odd = [await api.fetch(url, Range=one) for one in ("bytes=-", "lines=1-2", "bytes=1-2,4-5")]
    assert (part.status, part.body) == (206, whole.body[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{size}"
    assert (rest.body, tail.body) == (whole.body[-5:], whole.body[-7:])
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert [(reply.status, reply.body == whole.body) for reply in odd] == [(200, True)] * 3


async def test_if_range_of_another_file_gives_the_whole() -> None:
    """A range of a file with another ETag is answered with the whole file."""
    async with simulated(behaviour=DONE) as (_, api):
        url = (await content(api))["video_url"]
        tag = (await api.fetch(url)).headers["ETag"]
        same = await api.fetch(url, Range="bytes=0-3", If_Range=tag)
        other = await api.fetch(url, Range="bytes=0-3", If_Range='"other"')
    assert (same.status, other.status) == (206, 200)


async def test_head_has_the_length_and_no_body() -> None:
    """HEAD answers like GET without the file, and is no download."""
    async with simulated(behaviour=DONE) as (sim, api), aiohttp.ClientSession() as http:
        url = (await content(api))["video_url"]
        async with http.head(url) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
            length = int(answer.headers["Content-Length"])
        assert next(iter(sim.tasks.values())).downloads == 0
        assert length == len((await api.fetch(url)).body)


async def test_seedance_25_allows_a_hundred_downloads() -> None:
    """The 101st download of a 2.5 result is refused; resumed ones do not count; 1.5 has no such limit."""
    async with simulated(behaviour=DONE) as (_, api):
        url = (await content(api, order(model=V25)))["video_url"]
        for _ in range(100):
            assert (await api.fetch(url)).status == 200
        assert (await api.fetch(url, Range="bytes=5-")).status == 206
        assert (await api.fetch(url)).status == 403


async def test_fresh_urls_may_not_be_ready() -> None:
    """With url_ready_seconds a fresh URL answers 400 video_not_ready for so long."""
    async with simulated(behaviour=Behaviour(progression=AtOnce(), url_ready_seconds=5)) as (_, api):
        url = (await content(api))["video_url"]
        early = await api.fetch(url)
        assert (early.status, early.code) == (400, "video_not_ready")
        await asyncio.sleep(6)
        assert (await api.fetch(url)).status == 200


async def test_last_frame_is_a_picture_of_the_videos_size() -> None:
    """return_last_frame adds a PNG of the same pixel size; without it there is none."""
    async with simulated(behaviour=DONE) as (_, api):
        assert "last_frame_url" not in await content(api)
        found = await content(api, order(return_last_frame=True, ratio="9:16", resolution="480p"))
        reply = await api.fetch(found["last_frame_url"])
    assert reply.headers["Content-Type"] == "image/png"
    assert (int.from_bytes(reply.body[16:20]), int.from_bytes(reply.body[20:24])) == (496, 864)
    from PIL import Image

    with Image.open(io.BytesIO(reply.body)) as picture:
        picture.load()
        assert picture.size == (496, 864)


async def test_rendered_films_differ_by_prompt_and_are_drawn_once() -> None:
    """With rendering each task has its own film of the right size, the same at each download."""
    async with simulated(behaviour=DONE, render=True) as (_, api):
        bodies: list[bytes] = []
        for prompt in ("a cat", "a dog"):
            shape = order(text(prompt), resolution="480p", duration=4, seed=1, return_last_frame=True)
            found = await content(api, shape)
            first, second = await asyncio.gather(api.fetch(found["video_url"]), api.fetch(found["video_url"]))
            still = await api.fetch(found["last_frame_url"])
            assert first.body == second.body
            assert int.from_bytes(still.body[16:20]) == 864
            bodies.append(first.body)
    import av

    with av.open(io.BytesIO(bodies[0])) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (864, 496, 96)
    assert bodies[0] != bodies[1]


async def test_without_the_renderer_the_packaged_clip_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is missing, rendering falls back to the packaged clip."""

    def missing(*_: object) -> bytes:
        raise RendererMissing("av")

    monkeypatch.setattr(studio, "render_clip", missing)
    async with simulated(behaviour=DONE, render=True) as (_, api):
        assert (await api.fetch((await content(api))["video_url"])).body == packaged_clip()


async def test_only_the_last_films_are_kept() -> None:
    """The studio forgets the oldest film beyond its limit."""
    loader = studio.Studio(render=True, kept=1)
    model = BY_ID[PRO_15]
    for seed in (1, 2):
        order_of_seed = Order(model=model, model_id=PRO_15, resolution="480p", seconds=4, seed=seed)
        footage = Footage(order=order_of_seed, kind="still")
        filled = await loader.fill(SimAnswer(status=200, footage=footage))
        assert filled.body[:4] == b"\x89PNG"
    assert [clip.seed for _, clip in loader.films] == [2]


async def test_a_bad_font_is_known_at_the_start() -> None:
    """A font that cannot be read is refused when the simulator starts, not at the first download."""
    with pytest.raises(FontUnreadable, match=__file__):
        async with simulated(render=True, font=__file__):
            pytest.fail("it started")


async def test_a_short_file_is_short_in_every_range() -> None:
    """short_file: the stored file lacks its end; length, entity tag and ranges all speak of the short one."""
    async with simulated(behaviour=DONE) as (sim, api):
        url = (await api.get(await api.new())).json["content"]["video_url"]
        whole = await api.fetch(url)
        sim.add_fault(Fault("short_file", times=2))
        short, end = await api.fetch(url), await api.fetch(url, Range="bytes=-10")
    assert (short.status, end.status) == (200, 206)
    assert short.body == whole.body[: len(short.body)]
    assert 0 < len(short.body) < len(whole.body)
    assert end.body == short.body[-10:]
    assert end.headers["Content-Range"].endswith(f"/{len(short.body)}")
    assert short.headers["ETag"] == end.headers["ETag"] != whole.headers["ETag"]


async def test_a_corrupt_file_has_the_right_size() -> None:
    """corrupt_file: as many bytes as the video, not one of them right; the next download is whole again."""
    async with simulated(behaviour=DONE) as (sim, api):
        url = (await api.get(await api.new())).json["content"]["video_url"]
        whole = await api.fetch(url)
        sim.add_fault(Fault("corrupt_file"))
        corrupt, again = await api.fetch(url), await api.fetch(url)
    assert len(corrupt.body) == len(whole.body)
    assert not any(left == right for left, right in zip(corrupt.body, whole.body, strict=True))
    assert again.body == whole.body


async def test_a_url_may_be_dead_before_its_time() -> None:
    """expired_url: 403 as after 24 hours, though the URL is fresh."""
    async with simulated(behaviour=DONE, faults=[Fault("expired_url")]) as (
        _,
        api,
    ):
        url = (await api.get(await api.new())).json["content"]["video_url"]
        dead, alive = await api.fetch(url), await api.fetch(url)
    assert (dead.status, dead.code, alive.status) == (403, "AccessDenied", 200)
    assert dead.message.startswith("Request has expired.")
