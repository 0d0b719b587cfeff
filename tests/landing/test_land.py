"""Landing a video: whole, once, resumable, without credentials."""

from __future__ import annotations

import asyncio
import hashlib
import random
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from seedance_async.errors import Billed, DownloadFailed, InvalidRequest, SessionClosed, TaskNotFound
from seedance_async.events import DownloadFinished, DownloadStarted, RetryScheduled
from seedance_async.settings import RetryPolicy, Timeouts
from tests.landing.host import Host, cut, ignore_ranges, movie, reset, say, serve, stall

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from seedance_async.events import Event
    from seedance_async.media.download import Landed
    from tests.landing.host import Answer

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

ONCE = RetryPolicy(attempts=1)


def names(folder: Path) -> list[str]:
    """List what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def now() -> float:
    """Ask the loop, whose clock is virtual here."""
    return asyncio.get_running_loop().time()


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


@pytest.mark.parametrize("after", [0, 1, 100_000, 250_000])
async def test_survives_resets(tmp_path: Path, after: int) -> None:
    """A connection that is reset at any place costs a repeat and nothing else."""
    async with Host(plan=[reset(after), reset(after)]) as host:
        await host.land(tmp_path / "cat.mp4")
    assert ((tmp_path / "cat.mp4").read_bytes(), len(host.seen)) == (host.video, 3)


async def test_goes_on_after_a_break(tmp_path: Path) -> None:
    """After a break the rest is asked for, not the whole, and the result is exact."""
    async with Host(plan=[cut(100_000)]) as host:
        await host.land(tmp_path / "cat.mp4")
    assert (tmp_path / "cat.mp4").read_bytes() == host.video
    assert host.ranges == ["", "bytes=100000-"]
    assert host.seen[1]["If-Range"] == '"v1"'


async def test_goes_on_where_an_earlier_call_broke_off(tmp_path: Path) -> None:
    """What a failed call fetched is kept, and the next call asks only for the rest."""
    target = tmp_path / "cat.mp4"
    async with Host(plan=[cut(100_000)]) as host:
        with pytest.raises(DownloadFailed, match="broke off") as failed:
            await host.land(target, task_id="cgt-1", retry=ONCE)
        assert names(tmp_path) == ["cat.mp4.part", "cat.mp4.part.json"]
        landed = await host.land(target, task_id="cgt-1")
    assert (failed.value.billed, failed.value.task_id) == (Billed.YES, "cgt-1")
    assert (landed.resumed_from, landed.sha256) == (100_000, hashlib.sha256(host.video).hexdigest())
    assert (target.read_bytes(), names(tmp_path)) == (host.video, ["cat.mp4"])
    assert host.ranges == ["", "bytes=100000-"]


async def test_last_modified_serves_where_there_is_no_strong_etag(tmp_path: Path) -> None:
    """A weak ETag may not be used for ranges; the date may."""
    date = "Sun, 22 Nov 2026 14:00:00 GMT"
    async with Host(plan=[cut(100_000)], headers={"ETag": 'W/"v1"', "Last-Modified": date}) as host:
        await host.land(tmp_path / "cat.mp4")
    assert (host.ranges, host.seen[1]["If-Range"]) == (["", "bytes=100000-"], date)
    assert (tmp_path / "cat.mp4").read_bytes() == host.video


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"v1"'}])
async def test_no_validator_means_no_resuming(tmp_path: Path, headers: dict[str, str]) -> None:
    """Without a validator nobody could tell whether the rest belongs to the beginning, so it starts again."""
    async with Host(plan=[cut(100_000), cut(100_000)], headers=headers) as host:
        with pytest.raises(DownloadFailed):
            await host.land(tmp_path / "cat.mp4", retry=ONCE)
        assert names(tmp_path) == []
        await host.land(tmp_path / "cat.mp4")
    assert host.ranges == ["", "", ""]
    assert (tmp_path / "cat.mp4").read_bytes() == host.video


async def other_video(host: Host, request: web.BaseRequest) -> web.StreamResponse:
    """Answer as a host whose file has been replaced meanwhile."""
    host.video, host.headers = movie(200_000, seed=2), {"ETag": '"v2"'}
    return await serve(host, request)


async def liar(host: Host, request: web.BaseRequest) -> web.StreamResponse:
    """Answer a range with another range than the one asked for."""
    del request
    size = len(host.video)
    headers = {**host.headers, "Content-Range": f"bytes 5-{size - 1}/{size}"}
    return web.Response(status=206, body=host.video[5:], headers=headers)


async def changed(host: Host, request: web.BaseRequest) -> web.StreamResponse:
    """Answer with the right range of another file, as a host does that ignores If-Range."""
    del request
    size = len(host.video)
    headers = {"ETag": '"v9"', "Content-Range": f"bytes 100000-{size - 1}/{size}"}
    return web.Response(status=206, body=bytes(size - 100_000), headers=headers)


@pytest.mark.parametrize(
    "second", [ignore_ranges, other_video, liar, changed, say(416), say(206, "no range")]
)
async def test_a_part_never_gets_a_foreign_rest(tmp_path: Path, second: Answer) -> None:
    """Whatever a host answers to a range, what lands is one file of the host and never a mixture of two."""
    async with Host(plan=[cut(100_000), second]) as host:
        landed = await host.land(tmp_path / "cat.mp4")
    assert (tmp_path / "cat.mp4").read_bytes() == host.video
    assert (landed.size, names(tmp_path)) == (len(host.video), ["cat.mp4"])


@pytest.mark.parametrize("damage", ["part", "json", "shorter", "hole"])
async def test_a_damaged_part_is_not_believed(tmp_path: Path, damage: str) -> None:
    """A part whose bytes do not have the recorded hash (power cut, other program) starts again."""
    target, part, state = (tmp_path / f"cat.mp4{end}" for end in ("", ".part", ".part.json"))
    async with Host(plan=[cut(100_000)]) as host:
        with pytest.raises(DownloadFailed):
            await host.land(target, retry=ONCE)
        data = part.read_bytes()
        match damage:
            case "part":
                part.write_bytes(b"x" + data[1:])
            case "json":
                state.write_bytes(b'{"version": 1, "offset": "a lot"')
            case "shorter":
                part.write_bytes(data[:50_000])
            case _:
                part.write_bytes(data[:50_000] + bytes(50_000))
        landed = await host.land(target)
    assert (landed.resumed_from, host.ranges) == (0, ["", ""])
    assert target.read_bytes() == host.video


async def test_a_part_of_another_task_is_not_taken_over(tmp_path: Path) -> None:
    """The same target for another task starts from nothing, even where the host's validators agree."""
    async with Host(plan=[cut(100_000)]) as host:
        with pytest.raises(DownloadFailed):
            await host.land(tmp_path / "cat.mp4", task_id="cgt-1", retry=ONCE)
        landed = await host.land(tmp_path / "cat.mp4", task_id="cgt-2")
    assert (landed.resumed_from, host.ranges) == (0, ["", ""])


@pytest.mark.parametrize(
    "trouble",
    [
        say(400, '{"error":{"code":"video_not_ready","message":"later"}}'),
        say(408),
        say(429, Retry_After="1"),
        say(500),
        say(503, "<html>busy</html>"),
        say(520),
        cut(0),
        stall(0),
        say(200, ""),
        say(200, '{"error": "a page instead of a video"}'),
    ],
)
async def test_passing_trouble_is_waited_out(tmp_path: Path, trouble: Answer) -> None:
    """What may pass is tried again after a wait, and told as an event without the URL's signature."""
    events: list[Event] = []
    async with Host(plan=[trouble, trouble]) as host:
        await host.land(tmp_path / "cat.mp4", events=events, task_id="cgt-1")
    repeats = [event for event in events if isinstance(event, RetryScheduled)]
    assert [(event.attempt, event.task_id) for event in repeats] == [(1, "cgt-1"), (2, "cgt-1")]
    assert (tmp_path / "cat.mp4").read_bytes() == host.video
    assert "SECRET" not in repr(events)


async def test_retry_after_is_the_least_wait(tmp_path: Path) -> None:
    """A host that asks for 30 seconds gets them, as seconds or as a date."""
    async with Host(plan=[say(429, Retry_After="30"), say(503, Retry_After="30")]) as host:
        started = now()
        await host.land(tmp_path / "cat.mp4")
        assert 60 <= now() - started < 70


async def test_gives_up_after_its_attempts(tmp_path: Path) -> None:
    """Attempts are bounded, and the error keeps status and code and says that the video is paid for."""
    async with Host(plan=[say(503, "<Error><Code>SlowDown</Code></Error>")] * 9) as host:
        with pytest.raises(DownloadFailed, match="HTTP 503 SlowDown") as failed:
            await host.land(tmp_path / "cat.mp4", retry=RetryPolicy(attempts=3), task_id="cgt-1")
    assert (len(host.seen), failed.value.status, failed.value.billed) == (3, 503, Billed.YES)
    assert names(tmp_path) == []


async def test_progress_counts_attempts_anew(tmp_path: Path) -> None:
    """A line that breaks more often than `attempts` still brings the video while it gets further."""
    async with Host(plan=[cut(30_000)] * 9) as host:
        await host.land(tmp_path / "cat.mp4", retry=RetryPolicy(attempts=2))
    assert (tmp_path / "cat.mp4").read_bytes() == host.video
    assert len(host.seen) == 10


async def test_standing_still_gives_up(tmp_path: Path) -> None:
    """A host that always breaks at the same byte is not asked for ever."""
    async with Host(plan=[cut(30_000)] * 20, headers={}) as host:
        with pytest.raises(DownloadFailed):
            await host.land(tmp_path / "cat.mp4", retry=RetryPolicy(attempts=3))
    assert len(host.seen) == 3


async def test_a_silent_host_is_left_after_the_idle_time(tmp_path: Path) -> None:
    """`download_idle` bounds the pause between two chunks, and not the length of the whole download."""
    async with Host(plan=[stall(100_000)]) as host:
        started = now()
        await host.land(tmp_path / "cat.mp4", timeouts=Timeouts(download_idle=40.0))
        assert 40 <= now() - started < 42
    assert host.ranges == ["", "bytes=100000-"]


@pytest.mark.parametrize("status", [402, 405, 451])
async def test_a_final_refusal_is_not_repeated(tmp_path: Path, status: int) -> None:
    """A status that no wait will change ends at once."""
    async with Host(plan=[say(status)]) as host:
        with pytest.raises(DownloadFailed, match=f"HTTP {status}"):
            await host.land(tmp_path / "cat.mp4")
    assert (len(host.seen), names(tmp_path)) == (1, [])


def renewing(host: Host, urls: list[str]) -> Callable[[], Awaitable[str]]:
    """Make a `refresh` that gives these URLs in turn, and counts itself by emptying the list."""

    async def refresh() -> str:
        await asyncio.sleep(0)
        return host.base + urls.pop(0)

    return refresh


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_dead_url_is_renewed(tmp_path: Path, status: int) -> None:
    """A URL that died is replaced by a fresh one, and the download goes on where it was."""
    async with Host(plan=[cut(100_000), say(status)]) as host:
        urls = ["/fresh.mp4?X-Tos-Signature=SECRET2"]
        await host.land(tmp_path / "cat.mp4", refresh=renewing(host, urls))
    assert [path.partition("?")[0] for path in host.paths] == ["/video/cgt-1.mp4"] * 2 + ["/fresh.mp4"]
    assert host.ranges[2] == "bytes=100000-"
    assert (tmp_path / "cat.mp4").read_bytes() == host.video


async def test_the_first_dead_url_is_no_attempt(tmp_path: Path) -> None:
    """A policy of one attempt still gets its fresh URL, at once; a second dead one ends it."""
    events: list[Event] = []
    urls = ["/fresh.mp4?X-Tos-Signature=SECRET2", "/later.mp4?X-Tos-Signature=SECRET3"]
    async with Host(plan=[say(403), serve, say(403), say(403)]) as host:
        how: dict[str, Any] = {"refresh": renewing(host, urls), "retry": RetryPolicy(attempts=1)}
        await host.land(tmp_path / "cat.mp4", events=events, **how)
        with pytest.raises(DownloadFailed, match="read the task again"):
            await host.land(tmp_path / "dog.mp4", **how)
    assert (len(host.seen), urls) == (4, [])
    assert not [event for event in events if isinstance(event, RetryScheduled)]


async def test_the_same_dead_url_again_ends_it(tmp_path: Path) -> None:
    """A server that signs no fresh URL, even a second later, leaves nothing to try; the error says so."""
    async with Host(plan=[say(403)] * 5) as host:
        same = ["/video/cgt-1.mp4?X-Tos-Signature=SECRET"] * 2
        with pytest.raises(DownloadFailed, match="read the task again") as failed:
            await host.land(tmp_path / "cat.mp4", refresh=renewing(host, same))
        assert same == []
    assert (len(host.seen), failed.value.status) == (1, 403)
    assert "SECRET" not in str(failed.value)


async def test_a_url_that_is_signed_by_the_second_is_asked_for_again(tmp_path: Path) -> None:
    """A URL renewed within the second in which it was refused looks the same; the next second's works."""
    async with Host(plan=[say(403)]) as host:
        loop = asyncio.get_running_loop()

        async def refresh() -> str:
            await asyncio.sleep(0)
            return f"{host.url}{int(loop.time() - begun) or ''}"

        begun = loop.time()
        await host.land(
            tmp_path / "cat.mp4", refresh=refresh, retry=RetryPolicy(wait_initial=0.0, wait_max=0.1)
        )
        assert loop.time() - begun < 3
    assert host.paths == [host.paths[0], f"{host.paths[0]}1"]


async def test_without_refresh_a_dead_url_ends_at_once(tmp_path: Path) -> None:
    """With nobody to ask for a fresh URL, waiting is of no use."""
    async with Host(plan=[say(404)] * 5) as host:
        with pytest.raises(DownloadFailed, match="HTTP 404"):
            await host.land(tmp_path / "cat.mp4")
    assert len(host.seen) == 1


async def test_an_error_of_refresh_comes_through(tmp_path: Path) -> None:
    """When the task itself is gone, that is what the caller is told."""

    async def refresh() -> str:
        await asyncio.sleep(0)
        raise TaskNotFound("gone", status=404)

    async with Host(plan=[say(403)]) as host:
        with pytest.raises(TaskNotFound):
            await host.land(tmp_path / "cat.mp4", refresh=refresh)
    assert names(tmp_path) == []


async def test_an_existing_file_is_not_replaced(tmp_path: Path) -> None:
    """Without `overwrite` an existing file stays as it is and the host is not even asked."""
    target = tmp_path / "cat.mp4"
    target.write_bytes(b"mine")
    async with Host() as host:
        with pytest.raises(InvalidRequest, match="overwrite=True"):
            await host.land(target)
        assert (target.read_bytes(), host.seen) == (b"mine", [])
        await host.land(target, overwrite=True)
    assert (target.read_bytes(), names(tmp_path)) == (host.video, ["cat.mp4"])


async def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """A file that another program put there during the download survives too."""
    target = tmp_path / "cat.mp4"

    async def slow(host: Host, request: web.BaseRequest) -> web.StreamResponse:
        target.write_bytes(b"mine")
        return await serve(host, request)

    async with Host(plan=[slow]) as host:
        with pytest.raises(InvalidRequest, match="exists already"):
            await host.land(target)
    assert target.read_bytes() == b"mine"


async def test_a_folder_is_no_target(tmp_path: Path) -> None:
    """A target that is a folder is named as the mistake it is."""
    async with Host() as host:
        with pytest.raises(InvalidRequest, match="folder"):
            await host.land(tmp_path, overwrite=True)


async def test_two_landings_of_one_file_do_not_mix(tmp_path: Path) -> None:
    """The second of two landings of one target is refused at once, and the first is not disturbed."""
    async with Host() as host, asyncio.TaskGroup() as group:
        first = group.create_task(host.land(tmp_path / "cat.mp4"))
        await asyncio.sleep(0)
        with pytest.raises(DownloadFailed, match="another call"):
            await host.land(tmp_path / "." / "cat.mp4")
        await first
    assert (tmp_path / "cat.mp4").read_bytes() == host.video


async def test_many_landings_side_by_side(tmp_path: Path) -> None:
    """Landings of different targets share a session without disturbing each other."""
    async with Host(plan=[cut(1000 * place) for place in range(1, 20)]) as host, asyncio.TaskGroup() as group:
        for place in range(20):
            group.create_task(host.land(tmp_path / f"{place}.mp4"))
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {host.video}
    assert len(names(tmp_path)) == 20


async def test_a_cancelled_landing_is_resumed(tmp_path: Path) -> None:
    """Cancelling in the middle keeps the part and nothing under the final name; the next call goes on."""
    target = tmp_path / "cat.mp4"
    async with Host(plan=[stall(100_000)]) as host:
        task = asyncio.create_task(host.land(target))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert names(tmp_path) == ["cat.mp4.part", "cat.mp4.part.json"]
        landed = await host.land(target)
    assert (landed.resumed_from, host.ranges[1]) == (100_000, "bytes=100000-")
    assert (target.read_bytes(), names(tmp_path)) == (host.video, ["cat.mp4"])


@pytest.mark.parametrize("seed", range(12))
async def test_cancelled_anywhere_nothing_is_half_written(tmp_path: Path, seed: int) -> None:
    """Left at any await, twice over, the final name holds the whole or nothing; the next call lands it."""
    chance = random.Random(seed)
    target = tmp_path / "cat.mp4"
    async with Host(video=movie(3_000_000)) as host:
        for _ in range(8):
            task: asyncio.Task[Landed] = asyncio.create_task(host.land(target, overwrite=True))
            for _ in range(chance.randrange(120)):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert not target.exists() or target.read_bytes() == host.video
        await host.land(target, overwrite=True)
    assert (target.read_bytes(), names(tmp_path)) == (host.video, ["cat.mp4"])


@pytest.mark.parametrize("size", [100_000, 3_000_000])
async def test_a_body_without_length_is_judged_by_its_boxes(tmp_path: Path, size: int) -> None:
    """Where the host tells no length, a short file is still noticed and fetched again."""

    async def chunked(host: Host, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(host.video[: size // 2])
        return response

    async with Host(video=movie(size), plan=[chunked]) as host:
        await host.land(tmp_path / "cat.mp4")
    assert ((tmp_path / "cat.mp4").read_bytes(), len(host.seen)) == (host.video, 2)


async def test_a_picture_is_no_video(tmp_path: Path) -> None:
    """Where a video is expected, a whole picture is refused."""
    async with Host(video=b"\x89PNG\r\n\x1a\n" + bytes(1000)) as host:
        with pytest.raises(DownloadFailed, match="not an MP4"):
            await host.land(tmp_path / "last.mp4", retry=ONCE)
    assert names(tmp_path) == []


async def test_a_closed_session_is_named(tmp_path: Path) -> None:
    """A closed aiohttp session is our own error, and leaves no empty part."""
    async with Host() as host:
        await host.http.close()
        with pytest.raises(SessionClosed):
            await host.land(tmp_path / "cat.mp4")
    assert names(tmp_path) == []
