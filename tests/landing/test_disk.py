"""The disk says no: full, read-only, taken by another process, cut off by a kill."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from seedance_async.errors import DownloadFailed
from seedance_async.media.files import in_thread, on_disk, write_whole
from seedance_async.media.part import Mark, Part
from tests.landing.host import Host, movie, stall, until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PROGRAM = """
import asyncio, resource, sys
from pathlib import Path
import aiohttp
from seedance_async.media.download import land
from seedance_async.settings import RetryPolicy, Timeouts

async def main(url, target, limit):
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    async with aiohttp.ClientSession() as http:
        retry = RetryPolicy(attempts=2)
        await land(http, url, Path(target), timeouts=Timeouts(), retry=retry, emit=lambda _: None)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="limits, signals and locks of POSIX")


def names(folder: Path) -> list[str]:
    """List what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def elsewhere(url: str, target: Path, limit: int = 0) -> asyncio.subprocess.Process:
    """Land in a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, url, str(target), str(limit), stderr=subprocess.PIPE
    )


@posix_only
@pytest.mark.asyncio
async def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    """A disk that ends in the middle is named as such and not tried again; what fitted is resumed later."""
    target = tmp_path / "cat.mp4"
    async with Host(video=movie(5_000_000)) as host:
        process = await elsewhere(host.url, target, limit=3_000_000)
        _, told = await process.communicate()
        assert process.returncode == 1
        assert b"DownloadFailed: The disk is full" in told
        assert b"Make room" in told
        assert (len(host.seen), names(tmp_path)) == (1, ["cat.mp4.part", "cat.mp4.part.json"])
        landed = await host.land(target)
    assert 2_000_000 <= landed.resumed_from <= 3_000_000
    assert (target.read_bytes(), names(tmp_path)) == (host.video, ["cat.mp4"])


@posix_only
@pytest.mark.asyncio
async def test_a_killed_process_is_resumed_from_its_checkpoint(tmp_path: Path) -> None:
    """After kill -9 the next call goes on from the last checkpoint, and the result is exact."""
    target = tmp_path / "cat.mp4"
    part = target.with_name("cat.mp4.part")
    async with Host(video=movie(20_000_000), plan=[stall(19_000_000)]) as host:
        process = await elsewhere(host.url, target)
        await until(lambda: part.exists() and part.stat().st_size > 12_000_000)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        landed = await host.land(target)
    assert 8 << 20 <= landed.resumed_from <= 19_000_000
    assert landed.sha256 == hashlib.sha256(host.video).hexdigest()
    assert (target.read_bytes(), names(tmp_path)) == (host.video, ["cat.mp4"])


@posix_only
@pytest.mark.asyncio
async def test_two_processes_do_not_write_one_part(tmp_path: Path) -> None:
    """While one process lands a file, another one is told so, and does not touch the part."""
    target = tmp_path / "cat.mp4"
    async with Host(video=movie(5_000_000), plan=[stall(4_000_000)]) as host:
        process = await elsewhere(host.url, target)
        await until(lambda: bool(host.seen))
        with pytest.raises(DownloadFailed, match="another call or process"):
            await host.land(target)
        process.kill()
        await process.communicate()
        await host.land(target)
    assert target.read_bytes() == host.video


@posix_only
@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_refusing_folder_is_named(tmp_path: Path) -> None:
    """A folder that cannot be made is said with its path, at once, without asking the host."""
    (tmp_path / "file").write_bytes(b"")
    async with Host() as host:
        with pytest.raises(DownloadFailed, match="refused") as failed:
            await host.land(tmp_path / "file" / "cat.mp4", task_id="cgt-1")
    assert (host.seen, failed.value.task_id) == ([], "cgt-1")


@posix_only
@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_link_in_place_of_the_part_is_not_followed(tmp_path: Path) -> None:
    """A link planted under the part's name does not make the landing write elsewhere."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "cat.mp4.part").symlink_to(victim)
    async with Host() as host:
        with pytest.raises(DownloadFailed, match="refused"):
            await host.land(tmp_path / "cat.mp4")
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_full_in_every_spelling(tmp_path: Path, code: int) -> None:
    """No space, no quota and too large a file are all "the disk is full", with the free space told."""
    with pytest.raises(DownloadFailed, match=r"disk is full.*bytes are free"), on_disk(tmp_path / "cat.mp4"):
        raise OSError(code, os.strerror(code))


def test_a_failed_write_leaves_the_part_consistent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of a half-written block are cut off again, so that the checkpoint still fits."""
    part = Part(tmp_path / "cat.mp4", task_id="")
    part.open()
    part.restart(Mark(validator='"v1"', size=100))
    part.write([b"a" * 10])
    real = os.write

    def full(handle: int, data: Sequence[int]) -> int:
        if len(data) == 7:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, bytes(data[:3]))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DownloadFailed, match="disk is full"):
        part.write([b"b" * 10])
    monkeypatch.undo()
    assert part.offset == 10
    part.close()
    again = Part(tmp_path / "cat.mp4", task_id="")
    again.open()
    assert (again.offset, again.mark, (tmp_path / "cat.mp4.part").stat().st_size) == (10, part.mark, 10)
    again.close()


@pytest.mark.parametrize("failing", [1, 2])
def test_a_sync_that_fails_is_heard_and_its_part_given_up(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system tells once of a lost write: early or late, no file lands and no part is believed."""
    monkeypatch.setattr("seedance_async.media.part._CHECKPOINT", 10)
    calls: list[int] = []

    def fsync(handle: int) -> None:
        calls.append(handle)
        if len(calls) == failing:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    part = Part(tmp_path / "cat.mp4", task_id="")
    part.open()
    part.restart(Mark(validator='"v1"', size=30))
    part.write([b"a" * 30])
    with pytest.raises(DownloadFailed, match="Input/output error"):
        part.land(overwrite=False)
    part.close()
    assert (len(calls), names(tmp_path)) == (failing, [])


def test_a_small_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the write fails the old file is still there, and no scrap beside it."""
    path = tmp_path / "cat.mp4.json"
    write_whole(path, b"old", durable=True)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new", durable=True)
    assert (path.read_bytes(), names(tmp_path)) == (b"old", ["cat.mp4.json"])


@pytest.mark.asyncio
async def test_thread_work_ends_before_the_caller_leaves() -> None:
    """However often a caller is cancelled, a blocking write has ended when the cancellation arrives."""
    started, ended = asyncio.Event(), list[str]()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(started.set)
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.2)"]) as program:
            program.wait()
        ended.append("yes")

    task = asyncio.create_task(in_thread(work))
    await started.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["yes"]
