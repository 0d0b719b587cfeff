"""Reading the input: lazily, in chunks that grow while nothing has to be done for the jobs in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async._wire import clock
from seedance_async.batch.jobs import Item, Job, Line, read_job
from seedance_async.batch.keys import Keys
from seedance_async.batch.moulds import Moulds
from seedance_async.errors import InvalidRequest
from seedance_async.media.files import in_thread
from seedance_async.request import VideoRequest

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["MOST_AT_ONCE", "Source"]

MOST_AT_ONCE: Final = 500
"""Jobs of one chunk at most; their rows are asked for at once, and reading them takes the loop some 10 ms."""

_MEDIA: Final = frozenset(
    {
        "image",
        "first_frame",
        "last_frame",
        "reference_images",
        "reference_videos",
        "reference_audios",
        "content",
    }
)


@define(eq=False)
class Source:
    """The input of one run, sync or async.

    Attributes:
        requests: what the caller gave.
        problem: what reading it raised; the jobs before are carried out.
    """

    requests: Iterable[Job] | AsyncIterable[Job]
    problem: Exception | None = field(default=None, init=False)
    _keys: Keys = field(factory=Keys, init=False)
    _moulds: Moulds = field(factory=Moulds, init=False)
    _index: int = field(default=0, init=False)
    _ended: bool = field(default=False, init=False)
    _sync: Iterator[Job] | None = field(default=None, init=False)
    _async: AsyncIterator[Job] | None = field(default=None, init=False)
    _coming: asyncio.Task[Job] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        # Going through a mapping gives its keys, each of which would be paid for as a prompt.
        is_mapping = isinstance(self.requests, Mapping)
        if is_mapping:
            limit = "is a mapping: put one request into a list, and give prompts by their keys with .items()"
            raise InvalidRequest(field="requests", value=self.requests, limit=limit)
        if isinstance(self.requests, AsyncIterable):
            self._async = aiter(self.requests)
        elif isinstance(self.requests, Iterable) and not isinstance(self.requests, str | bytes):
            self._sync = iter(self.requests)
        else:
            limit = "must be an iterable or async iterable of jobs"
            raise InvalidRequest(field="requests", value=self.requests, limit=limit)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keys.close()
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait([self._coming])

    async def chunk(self, size: int) -> list[Item]:
        """Read up to ``size`` jobs: at least one, unless the input has ended."""
        jobs = await (self._read_async(size) if self._async is not None else self._read_sync(size))
        if all(_is_quick(job) for job in jobs):
            return self._items(jobs)
        return await in_thread(self._items, jobs)

    async def _read_sync(self, size: int) -> list[Job]:
        """Read from an iterable; it is asked on the loop, because generators belong to one thread."""
        jobs: list[Job] = []
        if self._sync is not None and not self._ended:
            try:
                jobs.extend(islice(self._sync, size))
            except Exception as error:  # noqa: BLE001 - a stranger's generator; raised when the rest is done
                self.problem = error
            self._ended = len(jobs) < size
        await clock.sleep(0)
        return jobs

    async def _read_async(self, size: int) -> list[Job]:
        """Read what an async iterable has ready; only the first job is waited for."""
        jobs: list[Job] = []
        while len(jobs) < size and not self._ended:
            coming = self._coming or asyncio.create_task(self._next(), name="read the next job")
            self._coming = coming
            if jobs:
                await clock.sleep(0)
                if not coming.done():
                    break
            await asyncio.wait([coming])
            self._coming = None
            self._collect(coming, jobs)
        return jobs

    async def _next(self) -> Job:
        """Read one job; the end of the input is an error of its own, because a task cannot raise it."""
        if self._async is None:
            raise EOFError
        try:
            return await anext(self._async)
        except StopAsyncIteration:
            raise EOFError from None

    def _collect(self, coming: asyncio.Task[Job], jobs: list[Job]) -> None:
        """Take one job in, or the end."""
        error = coming.exception()
        if error is None:
            jobs.append(coming.result())
            return
        self._ended = True
        if isinstance(error, Exception) and not isinstance(error, EOFError):
            self.problem = error

    def _items(self, jobs: list[Job]) -> list[Item]:
        """Make items of jobs; blocks where local files must be hashed."""
        first, self._index = self._index, self._index + len(jobs)
        return [read_job(job, index, self._keys, self._moulds) for index, job in enumerate(jobs, first)]


def _is_quick(job: Job) -> bool:
    """Tell prompts and requests without local files from what may have to be read and hashed."""
    if isinstance(job, Line):
        return job.job is None or _is_quick(job.job)
    if isinstance(job, tuple) and len(job) == 2:  # noqa: PLR2004 - a pair of a key and a request
        job = job[1]
    if isinstance(job, VideoRequest):
        return not job.has_local_media
    return isinstance(job, str) or (isinstance(job, Mapping) and _MEDIA.isdisjoint(job))
