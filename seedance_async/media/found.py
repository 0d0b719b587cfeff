"""What lies already where a video is to land: the sidecar beside it says whose it is, and what it should be.

A video that an earlier run has brought home is believed, and not fetched again. That of another task is never
written over. On disk the sidecar comes first, so that a file without one is somebody else's and stays; a
sidecar without its video says nothing. In a store, where nothing but batches lands, an object without one is
replaced: it is what a process left that died between this very video and its sidecar.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from seedance_async.errors import DownloadFailed, SeedanceError
from seedance_async.media.download import Landed
from seedance_async.media.files import on_disk
from seedance_async.media.places import arriving
from seedance_async.media.sidecar import sidecar_path, told_by, told_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from seedance_async.media.sidecar import Told
    from seedance_async.media.storage import Store

__all__ = ["beside", "found_in_store", "found_on_disk", "taking"]


def found_on_disk(path: Path, task_id: str, *, sole: bool = False) -> Landed | None:
    """Give the task's video if it is on disk whole, by its checksum. Blocking: call it in a thread.

    Args:
        path: where the video goes.
        task_id: whose video it is.
        sole: the name holds the task's id, so that a file without a sidecar is this task's, too.

    Raises:
        DownloadFailed: the video of another task is there, or a file that no sidecar tells of, or the file
            system refused.
    """
    told = _ours(told_of(path), str(path), task_id)
    if told is None:
        if not sole and os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises where one may not look
            raise _unknown(str(path), task_id)
        return None
    with on_disk(path, task_id), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    return Landed(path=path, size=size, sha256=digest) if digest == told.sha256 else None


async def found_in_store(store: Store, name: str, task_id: str) -> Landed | None:
    """Give the task's video if it is in the store with the size that its sidecar tells.

    Raises:
        DownloadFailed: the video of another task is there, or the store refused.
    """
    size = await store.size(name)
    text = None if size is None else await store.read(sidecar_path(Path(name)).name)
    where = store.locate(name)
    told = _ours(None if text is None else told_by(text), where, task_id)
    # An object is checked on its way and appears whole or not at all: it is not read again for its hash.
    return Landed(path=where, size=size, sha256=told.sha256) if told and size and told.size == size else None


def _ours(told: Told | None, where: str, task_id: str) -> Told | None:
    """Pass on what a sidecar tells of this task's video, and stop before that of another."""
    if told is not None and told.task_id != task_id:
        raise _occupied(where, told.task_id, task_id)
    return told


@contextmanager
def taking(where: str, task_id: str) -> Generator[None]:
    """Keep a place for one task's video until its sidecar lies there.

    Raises:
        DownloadFailed: the video of another task is on its way there.
    """
    with arriving(where, task_id) as other:
        if other is not None:
            raise _occupied(where, other, task_id)
        yield


def _occupied(where: str, owner: str, task_id: str) -> DownloadFailed:
    """Word the error of two videos under one name."""
    return DownloadFailed(
        f"save_to leads to {where!r}, which is the place of task {owner}; the video of task {task_id} does"
        " not replace that one.",
        task_id=task_id,
        advice="Fetch it under a name of its own while its URL lives (24 hours): with {key} in save_to and"
        f" the same journal, or with session.download({task_id!r}).",
    )


def _unknown(where: str, task_id: str) -> DownloadFailed:
    """Word the error of a file that came from elsewhere: a video of ``session.download``, say."""
    return DownloadFailed(
        f"save_to leads to {where!r}, where a file lies that no sidecar tells of; the video of task {task_id}"
        " does not replace it.",
        task_id=task_id,
        advice="Move it away and run the same again while the URL of the video lives (24 hours), or fetch it"
        f" under a name of its own with session.download({task_id!r}).",
    )


@contextmanager
def beside(landed: Landed, what: str, task_id: str) -> Generator[None]:
    """Say of what fails after a video that the video itself has landed, and where.

    Raises:
        DownloadFailed: with the ``path`` of the video.
    """
    try:
        yield
    except SeedanceError as error:
        raise DownloadFailed(
            f"The video is at {landed.path}, but {what}: {error.message}",
            task_id=task_id,
            status=getattr(error, "status", None),
            path=landed.path,
            advice=error.advice,
        ) from error.__cause__ or error
