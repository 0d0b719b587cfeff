"""The unfinished file: ``<name>.part``, and ``<name>.part.json`` that says what it is a part of.

The small file holds the server's validators and, every few megabytes, how much had arrived and its SHA-256.
What is on disk is believed only as far as that hash agrees: a part that survived a kill goes on, one that a
power cut left with holes starts again.  All methods block and are called from one thread at a time; long
files are brought to the disk while more of them arrives.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from seedance_async._wire.shapes import as_object, decoded
from seedance_async.errors import DownloadFailed, InvalidRequest
from seedance_async.media.files import on_disk, sync_directory, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Mark", "Part", "refuse_existing"]

_CHECKPOINT: Final = 8 << 20
_READ: Final = 1 << 20
_VERSION: Final = 1


def _sendable(text: str) -> str:
    """Give what can stand in a header, or ""."""
    return text if text.isascii() and text.isprintable() else ""


@frozen(kw_only=True)
class Mark:
    """What the server said of the file that is being fetched.

    Attributes:
        validator: strong ETag, else Last-Modified, for ``If-Range`` (RFC 9110, section 13.1.5); or "", also
            where it holds what cannot be sent back in a header.
        size: length of the whole file in bytes, or None when the server did not say.
    """

    validator: str = field(default="", converter=_sendable)
    size: int | None = None


@frozen(kw_only=True)
class _Saved:
    """One checkpoint: the first ``offset`` bytes have this hash."""

    mark: Mark
    offset: int
    sha256: str


def _saved(path: Path, task_id: str) -> _Saved | None:
    """Read a checkpoint; anything unreadable, or of another task, counts as none."""
    try:
        state = as_object(decoded(path.read_bytes())) or {}
    except OSError:
        return None
    if (state.get("version"), state.get("task_id")) != (_VERSION, task_id):
        return None
    match state:
        case {
            "validator": str(validator),
            "size": int() | None as size,
            "offset": int(offset),
            "sha256": str(sha256),
        } if offset > 0:
            mark = Mark(validator=validator, size=size)
            return _Saved(mark=mark, offset=offset, sha256=sha256) if mark.validator else None
        case _:
            return None


class Part:
    """A ``.part`` file, locked against other processes while it is open."""

    def __init__(self, target: Path, *, task_id: str) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self.state_path = target.with_name(f"{target.name}.part.json")
        self.task_id = task_id
        self.offset = 0
        self.mark = Mark()
        self._sum = hashlib.sha256()
        self._checkpoint = 0
        self._syncing: Future[None] | None = None
        self._syncs = ThreadPoolExecutor(1, thread_name_prefix="seedance-part")
        self._file = -1

    @property
    def sha256(self) -> str:
        """The hash of the bytes up to ``offset``."""
        return self._sum.hexdigest()

    def open(self) -> None:
        """Open or create the file, lock it, and take over what can be believed of it.

        Raises:
            DownloadFailed: the file system refused, or another process is landing the same file.
        """
        with on_disk(self.path, self.task_id):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A link planted under this name would send the video somewhere else.
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
            self._file = os.open(self.path, flags, 0o666)
            try:
                self._lock()
                self._take_over()
            except BaseException:
                self._shut()
                raise

    def _lock(self) -> None:
        """Take the file for this process; the system gives it back when the process dies."""
        if sys.platform == "win32":
            return
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(self.target, self.task_id) from None
        except OSError:
            return  # a file system without locks
        here = self.path.lstat() if os.path.lexists(self.path) else None
        if here is None or not os.path.samestat(here, os.fstat(self._file)):
            # Between open and lock the other process finished: this is its finished video, not a part.
            raise _taken(self.target, self.task_id)

    def _take_over(self) -> None:
        """Go on from the last checkpoint when the bytes on disk are those that it was written for."""
        saved = _saved(self.state_path, self.task_id)
        found = hashlib.sha256()
        if saved:
            for block in self._prefix(saved.offset):
                found.update(block)
        if saved and found.hexdigest() == saved.sha256:
            self.mark = saved.mark
            self.offset, self._checkpoint, self._sum = saved.offset, saved.offset, found
        os.ftruncate(self._file, self.offset)

    def _prefix(self, size: int) -> Iterator[bytes]:
        """Read the first ``size`` bytes, or fewer when the file is shorter."""
        os.lseek(self._file, 0, os.SEEK_SET)
        while size > 0 and (block := os.read(self._file, min(_READ, size))):
            yield block
            size -= len(block)

    def restart(self, mark: Mark) -> None:
        """Begin at byte 0, of the file that ``mark`` describes.

        Raises:
            DownloadFailed: the file system refused.
        """
        with on_disk(self.path, self.task_id):
            self.mark, self.offset, self._sum = mark, 0, hashlib.sha256()
            os.ftruncate(self._file, 0)
            self._save()

    def write(self, chunks: Sequence[bytes]) -> None:
        """Append; after a failure the file still ends where ``offset`` and the hash say.

        Raises:
            DownloadFailed: the disk is full, or the file system refused.
        """
        with on_disk(self.path, self.task_id):
            os.lseek(self._file, self.offset, os.SEEK_SET)
            for chunk in chunks:
                self._append(chunk)
            if self.offset - self._checkpoint >= _CHECKPOINT:
                self._save()
                self._sync_early()

    def _append(self, chunk: bytes) -> None:
        """Write and hash one chunk, also where the system takes only a piece of it at a time."""
        left = memoryview(chunk)
        while left:
            left = left[os.write(self._file, left) :]
        self._sum.update(chunk)
        self.offset += len(chunk)

    def _sync_early(self) -> None:
        """Begin to bring the file to the disk, so that the last sync is short; one at a time."""
        if self._syncing is None or self._syncing.done():
            self._hear_sync()
            self._begin_sync()

    def _begin_sync(self) -> None:
        """Bring what is written so far to the disk, while more is written."""
        self._syncing = self._syncs.submit(os.fsync, self._file)

    def _hear_sync(self) -> None:
        """Wait for a sync; after a failure nobody knows what is on the disk, and it is told only once."""
        syncing, self._syncing = self._syncing, None
        try:
            if syncing is not None:
                syncing.result()
        except OSError:
            self.mark = Mark()  # so that the part is given up, and not believed from memory
            raise

    def _save(self) -> None:
        """Write a checkpoint; it may be lost in a power cut, because it is checked when it is read."""
        state = {
            "version": _VERSION,
            "task_id": self.task_id,
            "validator": self.mark.validator,
            "size": self.mark.size,
            "offset": self.offset,
            "sha256": self.sha256,
        }
        write_whole(self.state_path, json.dumps(state).encode(), durable=False)
        self._checkpoint = self.offset

    def land(self, *, overwrite: bool) -> None:
        """Give the finished file its name; a crash at any point leaves the part or the whole, never both.

        Raises:
            InvalidRequest: the target has appeared meanwhile, and ``overwrite`` is False.
            DownloadFailed: the file system refused.
        """
        refuse_existing(self.target, overwrite=overwrite)
        with on_disk(self.target, self.task_id):
            self._hear_sync()
            self._begin_sync()
            self._hear_sync()
            self.state_path.unlink(missing_ok=True)
            if sys.platform == "win32":
                self._shut()  # Windows does not rename open files; elsewhere the lock holds to the end
            self.path.replace(self.target)
            sync_directory(self.target.parent)
        self._shut()

    def close(self) -> None:
        """Leave a part that can be taken over; does nothing after ``land``."""
        if self._file < 0:
            return
        try:
            # Where even the checkpoint finds no room, the one before it still holds.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.offset)
                self._keep()
        finally:
            self._shut()

    def _keep(self) -> None:
        """Write the last checkpoint; a part that nothing can be told of is not worth keeping."""
        if self.offset and self.mark.validator:
            self._save()
            return
        self.path.unlink(missing_ok=True)
        self.state_path.unlink(missing_ok=True)

    def _shut(self) -> None:
        """Close the file, which also gives the lock back."""
        self._syncs.shutdown()
        handle, self._file = self._file, -1
        if handle >= 0:
            os.close(handle)


def refuse_existing(target: Path, *, overwrite: bool) -> None:
    """Refuse to replace a file that nobody asked to replace.

    Raises:
        InvalidRequest: it exists, and ``overwrite`` is False; or it is a folder.
    """
    if os.path.isdir(target):  # noqa: PTH112 - Path.is_dir raises where a folder may not be looked into
        raise InvalidRequest(
            field="target", value=str(target), limit="must name a file, and this is a folder"
        )
    if not overwrite and os.path.lexists(target):
        limit = "exists already; move it away, or pass overwrite=True"
        raise InvalidRequest(field="target", value=str(target), limit=limit)


def _taken(target: Path, task_id: str) -> DownloadFailed:
    """Word the error of two landings of one file."""
    return DownloadFailed(
        f"{target} is being landed by another call or process.",
        task_id=task_id,
        advice="Wait for that one, or choose another name.",
    )
