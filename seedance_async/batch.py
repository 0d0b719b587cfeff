"""Many prompts: each gets one Outcome as it ends, and one bad prompt never hurts its neighbours."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, field

from seedance_async._wire import clock
from seedance_async.errors import InvalidRequest, QuotaExhausted, SeedanceError
from seedance_async.landing import land_video
from seedance_async.ledger.intents import MemoryIntents
from seedance_async.outcomes import Outcome, OutcomeKind, kind_of
from seedance_async.request import VideoRequest
from seedance_async.waiting import wait_for

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from seedance_async.models import VideoTask
    from seedance_async.session import SeedanceSession

__all__ = ["Job", "run_many"]

Job = VideoRequest | str | Mapping[str, Any] | tuple[str, VideoRequest | str | Mapping[str, Any]]
"""What a batch takes: a request, a prompt, a mapping of its fields, or a pair of a key and one of these."""

_BESIDES_ALIVE = 32
_MOST_AT_ONCE = 1000


async def run_many(
    session: SeedanceSession,
    requests: Iterable[Job] | AsyncIterable[Job],
    *,
    save_to: str | os.PathLike[str] | None = None,
    concurrency: int | None = None,
) -> AsyncIterator[Outcome]:
    """Run many prompts and give an Outcome for each as it ends, in the order of ending.

    The input is read lazily, only as far as there is room, so it may be endless. Leaving the loop cancels
    what has not been sent and stops waiting for the rest, which goes on at the server.

    Args:
        session: the session that submits, watches and downloads.
        requests: an iterable or async iterable of jobs.
        save_to: a folder, or a template with ``{key}``, ``{task_id}`` or ``{index}``; None downloads nothing.
        concurrency: prompts worked on at once; default: the account's ``max_alive`` and some that download.
    """
    batch = _Batch(session=session, save_to=save_to, concurrency=_concurrency(session, concurrency))
    running = asyncio.create_task(batch.run(requests), name="run_many")
    try:
        while (outcome := await batch.outcomes.get()) is not None:
            yield outcome
        await running
    finally:
        running.cancel()
        await asyncio.wait({running})


def _concurrency(session: SeedanceSession, asked: int | None) -> int:
    """Give the number of prompts worked on at once."""
    if asked is None:
        alive = session.settings.limits.max_alive
        return _MOST_AT_ONCE if math.isinf(alive) else min(_MOST_AT_ONCE, int(alive) + _BESIDES_ALIVE)
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:
        raise InvalidRequest(field="concurrency", value=asked, limit="must be a whole number from 1 up")
    return asked


@define(kw_only=True)
class _Batch:
    """One run: reads jobs while there is room, works on each in a task of its own, hands outcomes over."""

    session: SeedanceSession
    save_to: str | os.PathLike[str] | None
    concurrency: int
    outcomes: asyncio.Queue[Outcome | None] = field(init=False)
    stopped: QuotaExhausted | None = None
    _intents: MemoryIntents = field(factory=MemoryIntents)
    _room: asyncio.Semaphore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.outcomes = asyncio.Queue(maxsize=self.concurrency)
        self._room = asyncio.Semaphore(self.concurrency)

    async def run(self, requests: Iterable[Job] | AsyncIterable[Job]) -> None:
        """Work through the input; the last thing handed over is None."""
        try:
            async with asyncio.TaskGroup() as group:
                keys = _Keys()
                index = 0
                async for job in _each(requests):
                    await self._room.acquire()
                    group.create_task(self._one(index, job, keys))
                    index += 1
        finally:
            # Nobody reads any more when the caller has left, and a full queue must not hold the end up.
            if not self.outcomes.full():
                self.outcomes.put_nowait(None)

    async def _one(self, index: int, job: Job, keys: _Keys) -> None:
        """Work on one job; only when its outcome is taken there is room for another."""
        try:
            await self.outcomes.put(await self._outcome(index, job, keys))
        finally:
            self._room.release()

    async def _outcome(self, index: int, job: Job, keys: _Keys) -> Outcome:
        """Turn whatever happens to one job into its outcome."""
        key, request, task = f"#{index}", None, None
        try:
            key, request = await self._prepared(job, keys, key)
            if self.stopped is not None:
                return Outcome(key=key, kind=OutcomeKind.SKIPPED, request=request, error=self.stopped)
            task = await self.session.order(request, key=key, intents=self._intents)
            task = await wait_for(self.session, task)
            path = await self._landed(task, key, index)
        except QuotaExhausted as error:
            self.stopped = error
            return Outcome(key=key, kind=OutcomeKind.REFUSED, request=request, task=task, error=error)
        except SeedanceError as error:
            kind = kind_of(error, accepted=task is not None)
            return Outcome(
                key=key, kind=kind, request=request, task=getattr(error, "task", task), error=error
            )
        return Outcome(key=key, kind=OutcomeKind.SUCCEEDED, request=request, task=task, path=path)

    async def _prepared(self, job: Job, keys: _Keys, fallback: str) -> tuple[str, VideoRequest]:
        """Read one job; a key is derived from what was asked for."""
        given, wanted = job if isinstance(job, tuple) else (None, job)
        request = _request(wanted)
        digest = await asyncio.to_thread(request.digest) if request.has_local_media else request.digest()
        key = given if given is not None else keys.derive(digest)
        if not isinstance(key, str) or not key:
            raise InvalidRequest(
                field="key", value=key, limit=f"must be a text that is not empty (job {fallback})"
            )
        return key, await self.session.prepare(request)

    async def _landed(self, task: VideoTask, key: str, index: int) -> Path | str | None:
        """Bring the video to disk, if it was asked for."""
        if self.save_to is None:
            return None
        landed = await land_video(self.session, task, self.save_to, key=key, index=index, folder=True)
        return landed.path


class _Keys:
    """Derives keys from requests: the same on every run, and twins are counted apart."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def derive(self, digest: str) -> str:
        """Give the key of a request; the second of the same gets ``-2``."""
        short = digest[:16]
        number = int(short, 16)
        count = self._seen[number] = self._seen.get(number, 0) + 1
        return short if count == 1 else f"{short}-{count}"


def _request(wanted: VideoRequest | str | Mapping[str, Any]) -> VideoRequest:
    """Make a request of one job."""
    if isinstance(wanted, VideoRequest):
        return wanted
    if isinstance(wanted, str):
        return VideoRequest(prompt=wanted)
    if not isinstance(wanted, Mapping):
        raise InvalidRequest(
            field="request", value=wanted, limit="must be a VideoRequest, a prompt or a mapping"
        )
    try:
        return VideoRequest(**wanted)
    except TypeError as error:
        raise InvalidRequest(str(error), field="request", value=sorted(map(str, wanted))) from error


async def _each(requests: Iterable[Job] | AsyncIterable[Job]) -> AsyncIterator[Job]:
    """Read either kind of iterable."""
    if isinstance(requests, AsyncIterable):
        async for job in requests:
            yield job
    else:
        for job in requests:
            yield job
            await clock.sleep(0)
