"""A succeeded task's video on its way to where it belongs: the session's part of it."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from attrs import define, field, frozen

from seedance_async.errors import (
    DownloadFailed,
    InvalidRequest,
    ResultMissing,
    SeedanceError,
    TaskCancelled,
    TaskEnded,
    TaskExpired,
    TaskFailed,
)
from seedance_async.media.download import Landed, land
from seedance_async.media.expected import FRAME, VIDEO
from seedance_async.media.files import check_folder, in_thread
from seedance_async.media.found import beside, found_in_store, found_on_disk, taking
from seedance_async.media.part import refuse_existing
from seedance_async.media.places import Places
from seedance_async.media.sidecar import sidecar, sidecar_path, write_sidecar
from seedance_async.media.targets import Aim, target_of
from seedance_async.models import TaskStatus, VideoTask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping

    from seedance_async.media.storage import Store
    from seedance_async.session import SeedanceSession

__all__ = ["Crew", "Place", "crew_for", "frame_name", "land_video", "refuse_taken", "url_of"]

_ENDINGS: dict[TaskStatus, type[TaskEnded]] = {
    TaskStatus.FAILED: TaskFailed,
    TaskStatus.EXPIRED: TaskExpired,
    TaskStatus.CANCELLED: TaskCancelled,
    TaskStatus.SUCCEEDED: ResultMissing,
}
_AT_SERVER: Final = "It is paid for and at the server, for 24 hours: download it to another name."
_AT_ONCE: Final = 8
"""Downloads at the same time: one account's videos come from one host, and a disk likes few writers."""


def url_of(task: VideoTask) -> str:
    """Give the signed URL of a task's video; raises what explains why there is none."""
    if task.video_url:
        return task.video_url
    ending = _ENDINGS.get(task.status)
    if ending is not None:
        raise ending(task)
    raise SeedanceError(f"Task {task.id} is {task.status.value}; wait for it first.")


async def refuse_taken(save_to: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Look before a submit whether a video could land: a paid one should not find its place taken.

    Raises:
        InvalidRequest: there is a file of that name, the template is none, or the folder cannot be written.
    """
    # Where the name depends on the task's id it is new in any case.
    target = target_of(save_to, VideoTask(id="cgt-none"))
    await in_thread(refuse_existing, target, overwrite=overwrite)
    await in_thread(check_folder, target.parent)


async def land_video(
    session: SeedanceSession,
    task: VideoTask,
    save_to: str | os.PathLike[str],
    *,
    key: str = "",
    index: int = 0,
    folder: bool = False,
    overwrite: bool = False,
) -> Landed:
    """Fetch the video; where its URL is refused, a fresh look at the task may bring a fresh URL.

    Raises:
        TaskEnded: there is no video.
        DownloadFailed: it could not be brought to disk, also because its name is taken or none.
    """

    async def refresh() -> str:
        return url_of(await session.get(task.id))

    url = url_of(task)
    with _paid_for(task):
        return await land(
            session.http,
            url,
            target_of(save_to, task, key=key, index=index, folder=folder),
            task_id=task.id,
            refresh=refresh,
            timeouts=session.settings.timeouts,
            retry=session.settings.retry,
            emit=session.emit,
            overwrite=overwrite,
        )


@contextmanager
def _paid_for(task: VideoTask) -> Generator[None]:
    """Say of a task that has ended that its video is paid for: "nothing was sent" would be wrong."""
    try:
        yield
    except InvalidRequest as error:
        raise DownloadFailed(
            f"The video of task {task.id} cannot land: {error.message}.", task_id=task.id, advice=_AT_SERVER
        ) from error


class Place(Protocol):
    """A folder on disk, or in an object store."""

    async def prove(self) -> None:
        """See that something can be written there."""
        ...

    async def holds(self, name: str) -> bool:
        """Tell whether there is something of this name."""
        ...

    async def land(self, http: Any, url: str, name: str, **how: Any) -> Landed:
        """Fetch what belongs to a video to this name, whole or not at all."""
        ...

    async def found(self, name: str, task_id: str, *, sole: bool) -> Landed | None:
        """Give the task's video if it is there whole; raises DownloadFailed where another's may be."""
        ...

    async def bring(self, http: Any, url: str, name: str, told: Mapping[str, Any], **how: Any) -> Landed:
        """Fetch a video to this name and write its sidecar, which tells ``told``: request and task."""
        ...


@frozen
class _Folder:
    """A folder on disk."""

    path: Path

    async def prove(self) -> None:
        """See that a file can be written there."""
        await in_thread(check_folder, self.path)

    async def holds(self, name: str) -> bool:
        """Tell whether there is a file of this name."""
        return await in_thread(os.path.exists, self.path / name)

    async def land(self, http: Any, url: str, name: str, **how: Any) -> Landed:
        """Fetch what belongs to a video to this name, whole or not at all."""
        return await land(http, url, self.path / name, overwrite=True, **how)

    async def found(self, name: str, task_id: str, *, sole: bool) -> Landed | None:
        """Give the task's video if it is there whole; raises DownloadFailed where another's may be."""
        return await in_thread(found_on_disk, self.path / name, task_id, sole=sole)

    async def bring(self, http: Any, url: str, name: str, told: Mapping[str, Any], **how: Any) -> Landed:
        """Fetch a video to this name, its sidecar first: a file without one is nobody's that we know."""
        path = self.path / name

        def describe(landed: Landed) -> None:
            write_sidecar(path, landed=landed, **told)

        # What is there now has been looked at; what comes meanwhile has not.
        overwrite = await self.holds(name)
        return await land(http, url, path, describe=describe, overwrite=overwrite, **how)


@frozen
class _Bucket:
    """A folder in an object store."""

    store: Store

    async def prove(self) -> None:
        """Believe it: whatever was written to try it would cost a request, and stay after a kill."""

    async def holds(self, name: str) -> bool:
        """Tell whether there is an object of this name."""
        return await self.store.size(name) is not None

    async def land(self, http: Any, url: str, name: str, **how: Any) -> Landed:
        """Stream what belongs to a video into this object, whole or not at all."""
        return await self.store.land(http, url, name, overwrite=True, **how)

    async def found(self, name: str, task_id: str, *, sole: bool) -> Landed | None:
        """Give the task's video if it is there whole; raises DownloadFailed where another's is."""
        # By a name with the task's id it meets nobody else's, and some may only write to their bucket.
        return None if sole else await found_in_store(self.store, name, task_id)

    async def bring(self, http: Any, url: str, name: str, told: Mapping[str, Any], **how: Any) -> Landed:
        """Stream a video into this object; its checksum, and so its sidecar, is known when it is there."""
        landed = await self.store.land(http, url, name, overwrite=True, **how)
        with beside(landed, "its sidecar was not written", how["task_id"]):
            text = await in_thread(partial(sidecar, name, landed=landed, **told))
            await self.store.put(sidecar_path(Path(name)).name, text)
        return landed


def crew_for(session: SeedanceSession, aim: Aim, *, at_once: int | None = None) -> Crew:
    """Make the crew that lands the videos of a batch.

    Raises:
        MissingExtra: an object store is meant, and the extra ``storage`` is not installed.
        InvalidRequest: the address is not one of an object store.
    """
    if not aim.remote:
        place: Place = _Folder(Path(aim.folder))
    else:
        from seedance_async.media.storage import Store

        place = _Bucket(Store(aim.folder))
    return Crew(session=session, aim=aim, place=place, line=asyncio.Semaphore(at_once or _AT_ONCE))


@define(kw_only=True, eq=False)
class Crew:
    """Lands videos, few at a time, each with its sidecar and, where it was asked for, its last frame.

    Attributes:
        session: whose tasks they are.
        aim: where they go and what they are called.
        place: how to get there.
        places: what is kept for videos that are not there yet.
        line: bounds how many land at once.
    """

    session: SeedanceSession
    aim: Aim
    place: Place
    line: asyncio.Semaphore = field(repr=False)
    places: Places = field(factory=Places, init=False, repr=False)
    _proved: bool = field(default=False, init=False)
    _proving: asyncio.Lock = field(factory=asyncio.Lock, init=False, repr=False)

    async def prove(self) -> None:
        """See before the first submit that videos can land at all.

        Raises:
            InvalidRequest: nothing can be written there.
        """
        async with self._proving:
            if not self._proved:
                await self.place.prove()
                self._proved = True

    def keep(self, *, key: str, index: int) -> None:
        """Keep the place of a job's video, from before its submit.

        Raises:
            InvalidRequest: another video is to land there.
        """
        if self.aim.is_fixed:
            self.places.keep(self._where(self.aim.name(key=key, index=index)), key, name=f"job {key!r}")

    def expect(self, *, key: str, index: int) -> None:
        """Keep the place of a video that is ordered already; where another has it, landing will tell."""
        with suppress(InvalidRequest):
            self.keep(key=key, index=index)

    async def refuse_taken(self, *, key: str, index: int, output_format: str | None) -> None:
        """Look before a submit whether the name is free: a paid video should not find its place taken.

        Raises:
            InvalidRequest: there is a file of that name.
        """
        if not self.aim.is_fixed:
            return
        name = self.aim.name(key=key, index=index, output_format=output_format)
        if await self.place.holds(name):
            limit = "exists already, so nothing was sent: move it away, or save to another place"
            raise InvalidRequest(field="save_to", value=f"{self.aim.folder}/{name}", limit=limit)

    async def land(self, task: VideoTask, request: Mapping[str, Any], *, key: str, index: int) -> Landed:
        """Bring everything of a succeeded task home: video, sidecar, last frame.

        What an earlier run has brought whole is not fetched again, and another task's video is not replaced.

        Args:
            task: the task; a record without fresh URLs is looked at again.
            request: the body that was sent, for the sidecar; whether it asked for the last frame decides
                whether that lands too. Empty where nobody knows it.
            key: key of the job.
            index: where the job stands in the input.

        Raises:
            TaskEnded: there is no video.
            DownloadFailed: it could not be brought home; with ``path``, only what belongs to it could not.
        """
        async with self.line:
            record = task if task.video_url else await self.session.get(task.id)
            format_ = record.output_format
            name = self.aim.name(key=key, index=index, task_id=record.id, output_format=format_)
            with _paid_for(record), taking(self._where(name), record.id):
                landed = await self._video(record, name, request)
                # In a rescue without a journal nobody knows what was asked for.
                if record.last_frame_url and (not request or request.get("return_last_frame")):
                    with beside(landed, "its last frame did not land", record.id):
                        frame = frame_name(name, record.last_frame_url)
                        await self._frame(record, frame, record.last_frame_url)
        return landed

    def _where(self, name: str) -> str:
        """Give the whole place of a name."""
        return f"{self.aim.folder}/{name}"

    async def _video(self, task: VideoTask, name: str, request: Mapping[str, Any]) -> Landed:
        """Bring the video home with its sidecar, unless both are there."""
        found = await self.place.found(name, task.id, sole=not self.aim.is_fixed)
        if found is not None:
            return found

        async def refresh() -> str:
            return url_of(await self.session.get(task.id))

        told = {"request": request, "task": task}
        return await self.place.bring(
            self.session.http, url_of(task), name, told, expected=VIDEO, **self._how(task, refresh)
        )

    async def _frame(self, task: VideoTask, name: str, url: str) -> Landed:
        """Bring the last frame home."""

        async def refresh() -> str:
            return (await self.session.get(task.id)).last_frame_url or ""

        return await self.place.land(self.session.http, url, name, expected=FRAME, **self._how(task, refresh))

    def _how(self, task: VideoTask, refresh: Callable[[], Awaitable[str]]) -> dict[str, Any]:
        """Give what all downloads of a task have in common."""
        settings = self.session.settings
        return {
            "task_id": task.id,
            "refresh": refresh,
            "timeouts": settings.timeouts,
            "retry": settings.retry,
            "emit": self.session.emit,
        }


def frame_name(video: str, url: str) -> str:
    """Name the last frame after its video: ``cat.last.png`` for ``cat.mp4``."""
    path = url.partition("?")[0].lower()
    suffix = ".jpg" if path.endswith((".jpg", ".jpeg")) else ".png"
    return f"{video.rpartition('.')[0] or video}.last{suffix}"
