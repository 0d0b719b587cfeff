"""A succeeded task's video on its way to disk: the session's part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedance_async.errors import (
    ResultMissing,
    SeedanceError,
    TaskCancelled,
    TaskEnded,
    TaskExpired,
    TaskFailed,
)
from seedance_async.media.download import Landed, land
from seedance_async.media.targets import target_of
from seedance_async.models import TaskStatus, VideoTask

if TYPE_CHECKING:
    import os

    from seedance_async.session import SeedanceSession

__all__ = ["land_video", "url_of"]

_ENDINGS: dict[TaskStatus, type[TaskEnded]] = {
    TaskStatus.FAILED: TaskFailed,
    TaskStatus.EXPIRED: TaskExpired,
    TaskStatus.CANCELLED: TaskCancelled,
    TaskStatus.SUCCEEDED: ResultMissing,
}


def url_of(task: VideoTask) -> str:
    """Give the signed URL of a task's video; raises what explains why there is none."""
    if task.video_url:
        return task.video_url
    ending = _ENDINGS.get(task.status)
    if ending is not None:
        raise ending(task)
    raise SeedanceError(f"Task {task.id} is {task.status.value}; wait for it first.")


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
    """Fetch the video; where its URL is refused, a fresh look at the task may bring a fresh URL."""

    async def refresh() -> str:
        return url_of(await session.get(task.id))

    return await land(
        session.http,
        url_of(task),
        target_of(save_to, task, key=key, index=index, folder=folder),
        task_id=task.id,
        refresh=refresh,
        timeouts=session.settings.timeouts,
        retry=session.settings.retry,
        emit=session.emit,
        overwrite=overwrite,
    )
