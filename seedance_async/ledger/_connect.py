"""Opening the journal's file for its one writer and for readers, and putting SQLite's errors in words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from seedance_async.errors import JournalError
from seedance_async.ledger import _schema

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["connect_reading", "connect_writing", "copy", "explain"]

_BUSY_SECONDS = 10.0  # Some other program may look into the file; nobody else of this library writes to it.

_DURABLE = (
    "PRAGMA synchronous = FULL",
    # macOS only: there an ordinary fsync leaves the data in the drive's own memory.
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA temp_store = MEMORY",
    # One big plan must not leave a big log behind for ever.
    "PRAGMA journal_size_limit = 67108864",
)


def connect_writing(path: Path, *, now: float, account: str | None) -> sqlite3.Connection:
    """Open or make the file for the one connection that writes.

    Raises:
        JournalError: no such directory, not a journal, of a newer version, of another account, or one file
            under several names.
    """
    if not path.parent.is_dir():
        raise JournalError(f"The journal {path} cannot be made: the directory {path.parent} does not exist.")
    _make_private(path)
    _refuse_names(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS)
    try:
        # First of all, so that a database of something else stays as it is.
        _schema.version_of(connection)
        _write_ahead(connection)
        _schema.migrate(connection, now=now)
        if account is not None:
            _schema.check_account(connection, account)
        # From here on even a copy of the file without its log is a journal.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_private(path: Path) -> None:
    """Make a new file for its owner alone, and so SQLite's log beside it: prompts may be private."""
    with contextlib.suppress(OSError):  # SQLite says better what is wrong with the path
        path.touch(mode=0o600, exist_ok=True)


def _refuse_names(path: Path) -> None:
    """Refuse a file with a hard link: under each name it has another lock and another log."""
    names = path.stat().st_nlink if path.is_file() else 1
    if names > 1:
        raise JournalError(
            f"The journal {path} has {names} names (hard links), so that two owners could write to it:"
            " nothing was written.",
            advice="Remove the other names; for a copy that may be used beside it take journal.copy().",
        )


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the write-ahead log on, and every commit to the disk before it counts."""
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise JournalError(
            f"The journal needs SQLite's write-ahead log, and the file system allows only {mode!r}."
        )
    for pragma in _DURABLE:
        connection.execute(pragma)


def connect_reading(path: Path, *, whole_check: bool = False) -> sqlite3.Connection:
    """Open the file for reading only.

    Args:
        path: the journal, beside its writer or a copy of it.
        whole_check: look at every page first: a copy may have been taken in the middle of a write.

    Raises:
        JournalError: no such file, or not a journal of this version.
    """
    if not path.is_file():
        raise JournalError(f"The journal {path} does not exist.")
    # A reader makes a log's index beside the file; where it cannot, nobody else can write either.
    mode = "mode=ro" if os.access(path.parent, os.W_OK) else "mode=ro&immutable=1"
    connection = sqlite3.connect(
        f"{path.as_uri()}?{mode}", uri=True, isolation_level=None, timeout=_BUSY_SECONDS
    )
    try:
        _schema.check_version(connection)
        if whole_check:
            _check_pages(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_pages(connection: sqlite3.Connection) -> None:
    """Refuse a torn copy instead of answering from it."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise JournalError(
            f"The journal is damaged: {found}.",
            advice="If it is a copy taken while the journal was written, take another with journal.copy().",
        )


def copy(connection: sqlite3.Connection, target: Path) -> None:
    """Copy what a connection sees to a new file, which gets its name when it is whole.

    Raises:
        JournalError: the target exists.
    """
    if target.exists():
        raise JournalError(f"The copy {target} exists already; it is not written over.")
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    _make_private(part)
    try:
        with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as into:
            connection.backup(into)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)


def explain(error: Exception, path: Path) -> JournalError:
    """Say what happened to the journal, and that what was acknowledged before stays."""
    if isinstance(error, JournalError):
        return error
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if name == "SQLITE_FULL":
        return JournalError(
            f"The journal {path} cannot be written: the disk is full. What was written before is safe.",
            advice="Free some space and run again.",
        )
    if name in {"SQLITE_CORRUPT", "SQLITE_NOTADB"}:
        return JournalError(f"The file {path} is damaged, or not a journal ({error}).")
    return JournalError(
        f"The journal {path} cannot be used: {error} ({name}). What was written before is safe."
    )
