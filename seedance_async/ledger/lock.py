"""Who owns a journal: a lock file with its owner's name, free at once when the owner dies.

SQLite before 3.51.3 can corrupt a write-ahead log when two connections write
(https://www.sqlite.org/wal.html#walresetbug), so a journal has one writing process and one connection in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import weakref
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import define, field

from seedance_async.errors import JournalError, JournalLocked

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OwnerLock"]

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        """Lock one byte far behind the owner's name, which stays readable."""
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        """Lock the open file: the kernel gives it back when the process ends, however it ends."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@define(eq=False)
class OwnerLock:
    """The right to write one journal.

    Attributes:
        path: the lock file; it stays on disk, because removing it would let two owners lock two files.
    """

    path: Path
    _descriptor: int | None = field(default=None, init=False)

    def acquire(self, *, journal: Path, since: float) -> None:
        """Become the owner or say who is.

        Args:
            journal: the file that is locked, for the message.
            since: Unix seconds of now.

        Raises:
            JournalLocked: another process, or another Journal of this one, is the owner.
            JournalError: the lock file cannot be made.
        """
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        except OSError as error:
            raise JournalError(f"The lock file {self.path} cannot be made: {error.strerror}.") from error
        try:
            _take(descriptor)
            _write_owner(descriptor, since=since)
        except OSError as error:
            owner = _read_owner(descriptor)
            os.close(descriptor)
            raise _refusal(journal, owner, error) from error
        self._descriptor = descriptor
        _held.add(self)

    def release(self) -> None:
        """Give the right back; the second time does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def forget(self) -> None:
        """Close the copy of the lock that a forked child got, so that it does not outlive its owner."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


_held: weakref.WeakSet[OwnerLock] = weakref.WeakSet()


def _forget_all() -> None:
    """A forked child owns nothing."""
    for lock in list(_held):
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _write_owner(descriptor: int, *, since: float) -> None:
    """Write who owns the lock over whatever a crashed owner left."""
    when = datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds")
    owner = json.dumps({"pid": os.getpid(), "host": platform.node(), "since": when})
    os.ftruncate(descriptor, 0)
    os.write(descriptor, owner.encode())


def _read_owner(descriptor: int) -> str:
    """Put the owner's name in words; "" while it is being written."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        owner: Any = json.loads(
            os.pread(descriptor, 1024, 0) if hasattr(os, "pread") else os.read(descriptor, 1024)
        )
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    return ""


def _refusal(journal: Path, owner: str, error: OSError) -> JournalError:
    """Tell a lock that is held from a file system that has no locks."""
    if not isinstance(error, BlockingIOError | PermissionError):
        return JournalError(f"The journal {journal} cannot be locked: {error.strerror}.")
    who = owner or "another process"
    return JournalLocked(
        f"The journal {journal} is in use by {who}. Wait for it to end, or end it; nothing is left to tidy.",
        owner=owner,
    )
