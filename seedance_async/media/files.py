"""Small disk work: in a thread, whole or not at all, and with errors that say what to do."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from seedance_async.errors import DownloadFailed, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["check_folder", "ended", "in_thread", "on_disk", "sync_directory", "write_whole"]

P = ParamSpec("P")
T = TypeVar("T")

# EFBIG: a quota per file (RLIMIT_FSIZE) or a file system without large files.
_FULL: Final = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a blocking function in a thread, and wait for its end even when the caller leaves.

    Unlike ``asyncio.to_thread``: a file must not be closed or its lock given back under a running write. Disk
    calls are short, so a cancellation is late by one of them and never lost.
    """
    work = asyncio.get_running_loop().run_in_executor(None, partial(function, *args, **kwargs))
    return await ended(work)


async def ended(work: asyncio.Future[T]) -> T:
    """Wait for work that cannot be stopped; a cancellation that came meanwhile is raised afterwards."""
    left: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            left = error
    if left is not None:
        work.exception()  # so that asyncio does not report it as never looked at
        raise left
    return work.result()


@contextmanager
def on_disk(path: Path, task_id: str = "") -> Generator[None]:
    """Turn what the file system says into DownloadFailed, which a network error never becomes.

    Raises:
        DownloadFailed: the disk is full, or the file system refused.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full(path, task_id, error) from error
        why = error.strerror or type(error).__name__
        raise DownloadFailed(
            f"The file system refused {path}: {why}.",
            task_id=task_id,
            advice="Mend the folder, then download again: what has arrived is kept.",
        ) from error


def check_folder(folder: Path) -> None:
    """Make a folder and try a file in it, before anything is paid for that is to land there; blocks.

    Raises:
        InvalidRequest: the file system refused.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".seedance-", dir=folder):
            pass
    except OSError as error:
        why = error.strerror or type(error).__name__
        limit = (
            f"no file can be written there ({why}), so nothing was sent: mend the folder, or save elsewhere"
        )
        raise InvalidRequest(field="save_to", value=str(folder), limit=limit) from error


def _full(path: Path, task_id: str, error: OSError) -> DownloadFailed:
    """Word the error of a full disk."""
    try:
        free = f"{shutil.disk_usage(path.parent).free} bytes are free"
    except OSError:
        free = "free space unknown"
    return DownloadFailed(
        f"The disk is full: {path} cannot grow ({error.strerror}; {free}).",
        task_id=task_id,
        advice="Make room, then download again: what has arrived is kept and gone on from.",
    )


def sync_directory(folder: Path) -> None:
    """Make a rename in the folder survive a power cut; Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, data: bytes, *, durable: bool) -> None:
    """Write a small file whole or not at all; ``durable`` also makes it survive a power cut.

    Raises:
        OSError: the file system refused; the old file, if any, is still there.
    """
    handle, name = _scrap(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.truncate()
            file.write(data)
            file.flush()
            if durable:
                os.fsync(handle)
            if sys.platform != "win32":
                Path(name).replace(path)  # while the lock is held, which closing the file gives back
        if sys.platform == "win32":
            Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    if durable:
        sync_directory(path.parent)


def _scrap(path: Path) -> tuple[int, str]:
    """Open the file that will take the place of another.

    Its name is always the same, so that what a kill leaves behind is taken up by whoever writes that file
    next; a lock lets writers of the same file take turns.
    """
    if sys.platform == "win32":
        return tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    import fcntl

    scrap = path.with_name(f".{path.name}.tmp")
    while True:
        handle = os.open(scrap, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
            # While this one waited for the lock, another writer may have finished and taken the file away.
            if os.path.lexists(scrap) and os.path.samestat(scrap.lstat(), os.fstat(handle)):
                return handle, str(scrap)
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
