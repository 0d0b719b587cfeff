"""Landing: a paid video comes to disk whole, exactly once, and goes on where it broke off.

The way of one file: ``<name>.part`` grows, is checked (length, MP4 boxes), synced, renamed, and the folder is
synced.  Under the final name there is never anything but the whole video.  However it ends before that, by
error, cancellation or kill, the part stays and the next call goes on from it.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from attrs import define, field, frozen

from seedance_async._wire import clock
from seedance_async.errors import DownloadFailed
from seedance_async.events import DownloadFinished, DownloadStarted
from seedance_async.media.expected import VIDEO, Expected
from seedance_async.media.fetch import address, fetched
from seedance_async.media.files import ended, in_thread, on_disk
from seedance_async.media.part import Mark, Part, refuse_existing
from seedance_async.media.tries import FetchFailed, Tries, worth_another

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from types import TracebackType

    import aiohttp

    from seedance_async.events import Observer
    from seedance_async.media.fetch import Body
    from seedance_async.settings import RetryPolicy, Timeouts

__all__ = ["Landed", "land"]

_BLOCK: Final = 1 << 20
_landing: set[Path] = set()


@frozen(kw_only=True)
class Landed:
    """A video that is where it belongs, whole.

    Attributes:
        path: the file, or the URL of the object.
        size: its length in bytes.
        sha256: hash of its bytes, hexadecimal.
        resumed_from: bytes that an earlier call had already fetched.
    """

    path: Path | str
    size: int
    sha256: str
    resumed_from: int = 0


async def land(
    http: aiohttp.ClientSession,
    url: str,
    target: Path,
    *,
    task_id: str = "",
    refresh: Callable[[], Awaitable[str]] | None = None,
    timeouts: Timeouts,
    retry: RetryPolicy,
    emit: Observer,
    expected: Expected = VIDEO,
    overwrite: bool = False,
    describe: Callable[[Landed], object] | None = None,
) -> Landed:
    """Fetch a video to ``target``; safe to cancel and to call again.

    No header that ``http`` adds by default reaches the video host (api docs 1520757: the URL is signed, valid
    for 24 hours, and an Authorization header breaks it). Redirects are followed to http and https only.

    Args:
        http: the aiohttp session whose connections are used.
        url: the signed URL of the video.
        target: where the video goes; missing folders are made.
        task_id: for errors, events, and to tell the part of one task from that of another.
        refresh: gives a fresh URL when the host says 401, 403, 404 or 410.
        timeouts: ``connect``, and ``download_idle`` between two chunks, in seconds.
        retry: attempts and seconds; both count anew whenever the download got further than ever before.
        emit: told of starts, repeats and the end.
        expected: what it must be, and how large it may be.
        overwrite: replace an existing target.
        describe: called in a thread with what is whole, before it gets its name; it writes the sidecar.

    Returns:
        What landed: path, size in bytes, SHA-256.

    Raises:
        InvalidRequest: the URL or the target cannot be used, or the target exists.
        DownloadFailed: it could not be brought to disk; what arrived is kept where it can be resumed.
        SessionClosed: ``http`` is closed.
    """
    address(url)
    target = Path(target)
    with _alone(target, task_id):
        await in_thread(refuse_existing, target, overwrite=overwrite)
        part = Part(target, task_id=task_id)
        try:
            await in_thread(part.open)
            landing = _Landing(part=part, http=http, timeouts=timeouts, emit=emit, expected=expected)
            tries = Tries(
                task_id=task_id, refresh=refresh, retry=retry, emit=emit, reached=lambda: part.offset
            )
            return await landing.run(tries, url, overwrite=overwrite, describe=describe)
        finally:
            await in_thread(part.close)


@contextmanager
def _alone(target: Path, task_id: str) -> Generator[None]:
    """Keep a second landing of the same file out, at once: waiting would only repeat the work."""
    name = target.absolute()
    if name in _landing:
        raise DownloadFailed(
            f"{target} is being landed by another call.",
            task_id=task_id,
            advice="Wait for it, or choose another name.",
        )
    _landing.add(name)
    try:
        yield
    finally:
        _landing.discard(name)


@define(kw_only=True)
class _Landing:
    """One file on its way."""

    part: Part
    http: aiohttp.ClientSession
    timeouts: Timeouts
    emit: Observer
    expected: Expected

    async def run(
        self, tries: Tries, url: str, *, overwrite: bool, describe: Callable[[Landed], object] | None
    ) -> Landed:
        """Fetch until it is whole, then give it its name."""
        started, resumed_from = clock.monotonic(), self.part.offset
        await tries.run(self._attempt, url)
        size, digest, target = self.part.offset, self.part.sha256, self.part.target
        landed = Landed(path=target, size=size, sha256=digest, resumed_from=resumed_from)
        if describe is not None:
            # Once more, for what has come meanwhile must not be found beside our sidecar.
            await in_thread(refuse_existing, target, overwrite=overwrite)
            await in_thread(describe, landed)
        await in_thread(self.part.land, overwrite=overwrite)
        seconds = clock.monotonic() - started
        self.emit(DownloadFinished(task_id=self.part.task_id, path=str(target), size=size, seconds=seconds))
        return landed

    async def _attempt(self, url: str) -> None:
        """Fetch what is missing once, and check the whole."""
        part = self.part
        if part.offset and not part.mark.validator:
            await in_thread(part.restart, Mark())
        opened = fetched(self.http, url, mark=part.mark, offset=part.offset, timeouts=self.timeouts)
        async with opened as body:
            await self._refuse_larger(body.mark.size, told=True)
            await self._place(body)
            self.emit(DownloadStarted(task_id=part.task_id, path=str(part.target), offset=part.offset))
            await self._read(body)
        await self._judge()

    async def _read(self, body: Body) -> None:
        """Read to the end, or until it is more than there can be."""
        left = self.expected.largest - self.part.offset
        async with _Behind(self.part) as behind:
            # As they came: the other ways to read copy them once more.
            async for chunk, _ in body.response.content.iter_chunks():
                await behind.add(chunk)
                left -= len(chunk)
                if left < 0:
                    return

    async def _refuse_larger(self, size: int | None, *, told: bool = False) -> None:
        """Refuse what is too large; what has come of it is no part of anything, and goes."""
        try:
            self.expected.refuse_larger(size, told=told)
        except DownloadFailed:
            await in_thread(self.part.restart, Mark())
            raise

    async def _place(self, body: Body) -> None:
        """Make the part agree with what is about to come."""
        if body.start == self.part.offset and body.start:
            self.part.mark = body.mark
            return
        await in_thread(self.part.restart, body.mark)
        if body.start:
            raise FetchFailed("The video at the host is another one now; it is fetched from the beginning.")

    async def _judge(self) -> None:
        """Check length and kind; a wrong file is fetched again from the beginning."""
        part = self.part
        await self._refuse_larger(part.offset)
        if part.mark.size is not None and part.offset < part.mark.size:
            raise FetchFailed(f"The download broke off after {part.offset} of {part.mark.size} bytes.")
        try:
            await in_thread(_check, part, self.expected)
        except FetchFailed:
            await in_thread(part.restart, Mark())
            raise


def _check(part: Part, expected: Expected) -> None:
    """Say what is wrong with a file of the right length."""
    if part.offset == 0 or (part.mark.size is not None and part.offset > part.mark.size):
        raise FetchFailed(f"The video host sent {part.offset} bytes instead of {part.mark.size}.")
    with on_disk(part.path, part.task_id), worth_another():
        expected.check_file(part.path)


@define
class _Behind:
    """Write-behind: one block goes to disk while the next arrives; memory stays at two blocks."""

    _part: Part
    _chunks: list[bytes] = field(factory=list[bytes], init=False)
    _size: int = field(default=0, init=False)
    _work: Future[None] | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # However the stream ended, what arrived is written, so that the next attempt need not fetch it again.
        await self._push()
        await self._settle()

    async def add(self, chunk: bytes) -> None:
        """Take a chunk; waits when the disk is slower than the net."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size >= _BLOCK:
            await self._push()

    async def _push(self) -> None:
        """Hand the collected block to a thread, after the one before it."""
        await self._settle()
        chunks, self._chunks, self._size = self._chunks, [], 0
        if chunks:
            self._work = get_running_loop().run_in_executor(None, self._part.write, chunks)

    async def _settle(self) -> None:
        """Wait for the block on its way; it is never left to itself, also when the caller leaves."""
        work, self._work = self._work, None
        if work is not None:
            await ended(work)
