"""Landing in an object store (extra ``storage``): straight into the object, whole or not at all.

A video whose length is known goes out in one signed PUT, of which a killed process leaves nothing behind (see
:mod:`~seedance_async.media.uploading`). In parts go those whose host does not tell their length, those larger
than one PUT may be, and all of them where the store's credentials or settings do not allow to sign: there a
killed process may leave parts behind. A ``file://`` folder keeps the ``cat.mp4#1`` of a killed process (by
obstore, on its way to the name); landing at a plain path does without obstore and takes up what has arrived.

Addresses are those of obstore: ``s3://bucket/folder``, ``gs://bucket/folder``, ``file:///folder``, ``memory://``
and ``az://container/folder``.  Account, keys, region and endpoint come from the environment as the tools of
each provider read them (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``, ``AWS_ENDPOINT``,
``AZURE_STORAGE_ACCOUNT_NAME``...), or from keyword arguments of :class:`Store`; they are never put into an
address.

TOS is reached through its S3 endpoint, which knows virtual-hosted addresses only (docs.byteplus.com, TOS,
"Compatibility with Amazon S3"; endpoints: docs.volcengine.com 6349/1545462): the bucket is part of the host::

    AWS_ENDPOINT=https://BUCKET.tos-s3-cn-beijing.volces.com
    AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true
    AWS_REGION=cn-beijing
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from seedance_async._wire import clock
from seedance_async.errors import DownloadFailed, InvalidRequest
from seedance_async.events import DownloadFinished, DownloadStarted
from seedance_async.media.download import Landed
from seedance_async.media.expected import VIDEO, Expected
from seedance_async.media.fetch import address, fetched
from seedance_async.media.files import in_thread
from seedance_async.media.mp4 import StreamedBoxes
from seedance_async.media.obstores import first_line, load_obstore
from seedance_async.media.part import Mark
from seedance_async.media.tries import FetchFailed, Tries, worth_another
from seedance_async.media.uploading import LARGEST, PutUnwelcome, put_whole, signed_put

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    import aiohttp

    from seedance_async.events import Observer
    from seedance_async.media.fetch import Body
    from seedance_async.settings import RetryPolicy, Timeouts

__all__ = ["Store"]

T = TypeVar("T")

_SCHEMES: Final = ("s3", "gs", "az", "file", "memory")
_PART: Final = 8 << 20
_BLOCK: Final = 1 << 20
_PARTS_AT_ONCE: Final = 2
_WIND_UP_SECONDS: Final = 30.0


class _Passing:
    """What is learnt of a stream while it passes by once."""

    def __init__(self, expected: Expected) -> None:
        self.expected = expected
        self.boxes = StreamedBoxes() if expected.is_video else None
        self.sum = hashlib.sha256()
        self.size = 0

    def see(self, block: bytes) -> None:
        """Take the next bytes; blocking, for hashing a megabyte takes a millisecond."""
        self.sum.update(block)
        begins, self.size = self.size == 0, self.size + len(block)
        self.expected.refuse_larger(self.size)
        with worth_another():
            if self.boxes is not None:
                self.boxes.feed(block)
            elif begins:
                self.expected.check_picture(block)

    def conclude(self, expected: int | None) -> None:
        """Judge the whole, while it still can be kept from becoming an object."""
        if self.size == 0 or (expected is not None and self.size != expected):
            raise FetchFailed(f"The video host sent {self.size} bytes instead of {expected}.")
        if self.boxes is not None:
            with worth_another():
                self.boxes.conclude()


class Store:
    """A folder in an object store.

    Args:
        url: where objects go; see the module's docstring.
        options: passed to obstore as they are (``region=``, ``endpoint=``, ``client_options=``...).

    Raises:
        MissingExtra: obstore is not installed.
        InvalidRequest: the address is not one of these, or the store's configuration is not complete.
    """

    def __init__(self, url: str, **options: Any) -> None:
        scheme = urlsplit(url).scheme
        if scheme not in _SCHEMES:
            known = ", ".join(f"{name}://" for name in _SCHEMES)
            raise InvalidRequest(field="url", value=scheme, limit=f"must start with one of {known}")
        if scheme == "file":
            options.setdefault("mkdir", True)
        self.url = url.rstrip("/") if not url.endswith("://") else url
        self._scheme = scheme
        self._takes_puts = True
        self._obstore = load_obstore("Landing in an object store")
        try:
            self._store = self._obstore.store.from_url(url, **options)
        except self._obstore.exceptions.BaseError as error:
            raise InvalidRequest(field="url", value=url, limit=first_line(error)) from error

    def __repr__(self) -> str:
        return f"<Store {self.url}>"

    async def land(
        self,
        http: aiohttp.ClientSession,
        url: str,
        name: str,
        *,
        task_id: str = "",
        refresh: Callable[[], Awaitable[str]] | None = None,
        timeouts: Timeouts,
        retry: RetryPolicy,
        emit: Observer,
        expected: Expected = VIDEO,
        overwrite: bool = False,
    ) -> Landed:
        """Stream a video into the object ``name``; the arguments are those of :func:`download.land`.

        The object appears when the last byte is there and checked, and not before. A stream that breaks is
        begun again, because what has arrived of an object cannot be taken up by another upload.

        Raises:
            InvalidRequest: the name or the URL cannot be used, or the object exists already.
            DownloadFailed: it could not be brought there; no object and no unfinished upload is left behind.
        """
        address(url)
        if not overwrite and await self.size(name) is not None:
            raise InvalidRequest(field="name", value=name, limit="exists already; or pass overwrite=True")
        target, started = self.locate(name), clock.monotonic()
        passing = _Passing(expected)

        async def attempt(fresh: str) -> Landed:
            nonlocal passing
            passing = _Passing(expected)
            async with fetched(http, fresh, mark=Mark(), offset=0, timeouts=timeouts) as body:
                expected.refuse_larger(body.mark.size, told=True)
                emit(DownloadStarted(task_id=task_id, path=target, offset=0))
                await self._upload(name, body, passing, timeouts)
            return Landed(path=target, size=passing.size, sha256=passing.sum.hexdigest())

        landed = await Tries(
            task_id=task_id,
            refresh=refresh,
            retry=retry,
            emit=emit,
            reached=lambda: passing.size,
            afresh=True,
        ).run(attempt, url)
        seconds = clock.monotonic() - started
        emit(DownloadFinished(task_id=task_id, path=target, size=landed.size, seconds=seconds))
        return landed

    async def put(self, name: str, data: bytes) -> str:
        """Write a small object, a sidecar say; gives its address.

        Raises:
            InvalidRequest: the name cannot be used.
            DownloadFailed: the store refused.
        """
        with self._talking(name):
            await self._obstore.put_async(self._store, _checked(name), data)
        return self.locate(name)

    async def size(self, name: str) -> int | None:
        """Give an object's size in bytes, or None when there is none.

        Raises:
            InvalidRequest: the name cannot be used.
            DownloadFailed: the store refused.
        """

        async def head(key: str) -> int:
            return int((await self._obstore.head_async(self._store, key))["size"])

        return await self._if_there(name, head)

    async def read(self, name: str) -> bytes | None:
        """Give a small object, a sidecar say, or None when there is none.

        Raises:
            InvalidRequest: the name cannot be used.
            DownloadFailed: the store refused.
        """

        async def body(key: str) -> bytes:
            found = await self._obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())

        return await self._if_there(name, body)

    async def _if_there(self, name: str, ask: Callable[[str], Awaitable[T]]) -> T | None:
        """Ask about an object; None when there is none."""
        with self._talking(name):
            try:
                return await ask(_checked(name))
            except (self._obstore.exceptions.NotFoundError, FileNotFoundError):
                return None

    def locate(self, name: str) -> str:
        """Give the address of an object."""
        return f"{self.url}{'' if self.url.endswith('/') else '/'}{_checked(name)}"

    async def _upload(self, name: str, body: Body, passing: _Passing, timeouts: Timeouts) -> None:
        """Upload while downloading, in one PUT where that can be."""
        size, signed = body.mark.size, None
        if size is not None and 0 < size <= LARGEST and self._takes_puts:
            signed = await signed_put(self._obstore, self._store, scheme=self._scheme, name=_checked(name))
        if size is None or signed is None:
            await self._upload_parts(name, body, passing)
            return
        blocks, azure = _blocks(body, passing), self._scheme == "az"
        try:
            await put_whole(
                signed, blocks, size=size, timeouts=timeouts, azure=azure, where=self.locate(name)
            )
        except PutUnwelcome:
            # A paid video in parts is worth more than none: the next attempt is obstore's, or its refusal.
            self._takes_puts = False
            raise

    async def _upload_parts(self, name: str, body: Body, passing: _Passing) -> None:
        """Upload in parts; on cancellation they are removed before this returns."""
        upload = asyncio.create_task(self._put_stream(name, _blocks(body, passing)))
        try:
            # Cancelling obstore's own call leaves its parts at the store (seen with 0.12.1); when its
            # source breaks it removes them.
            await asyncio.shield(upload)
        except asyncio.CancelledError:
            body.response.close()
            await _wind_up(upload)
            raise

    async def _put_stream(self, name: str, blocks: AsyncGenerator[bytes]) -> None:
        """Make the object of a stream; an error of the stream comes through as it is."""
        parts = {"chunk_size": _PART, "max_concurrency": _PARTS_AT_ONCE}
        with self._talking(name):
            await self._obstore.put_async(self._store, _checked(name), blocks, **parts)

    @contextlib.contextmanager
    def _talking(self, name: str) -> Generator[None]:
        """Turn what the store says into our error; obstore has tried again by itself before it says no."""
        try:
            yield
        except (self._obstore.exceptions.BaseError, FileNotFoundError) as error:
            why = f"The object store refused {self.locate(name)}: {first_line(error)}"
            raise DownloadFailed(why) from error


async def _blocks(body: Body, passing: _Passing) -> AsyncGenerator[bytes]:
    """Yield the body in blocks; whatever is wrong with it is raised before the store sees the end.

    A store that knows the length makes the object when the last byte is there, so that one block is always
    held back until there is another, or all of them are found right.
    """
    chunks: list[bytes] = []
    held, size = b"", 0
    async for chunk in body.response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size >= _BLOCK:
            block, chunks, size = b"".join(chunks), [], 0
            await in_thread(passing.see, block)
            if held:
                yield held
            held = block
    rest = b"".join(chunks)
    await in_thread(passing.see, rest)
    passing.conclude(body.mark.size)
    yield held + rest


async def _wind_up(upload: asyncio.Task[None]) -> None:
    """Let obstore remove its parts; a silent store or a second cancellation ends the patience."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait([upload], timeout=_WIND_UP_SECONDS)
    if not upload.done():
        upload.cancel()
    await asyncio.wait([upload])
    if not upload.cancelled():
        upload.exception()  # so that asyncio does not report it as never looked at


def _checked(name: str) -> str:
    """Check a name: it must stay below the store's folder.

    Raises:
        InvalidRequest: it is empty, absolute, or climbs.
    """
    if not name.isprintable() or "\\" in name or any(piece in {"", ".", ".."} for piece in name.split("/")):
        raise InvalidRequest(field="name", value=name, limit="must be a relative name without . or .. in it")
    return name
