"""The journal's tables, and the way from an older file to them."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from typing import TYPE_CHECKING

from attrs import frozen

from seedance_async.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "APPLICATION_ID",
    "MIGRATIONS",
    "Migration",
    "check_account",
    "check_version",
    "migrate",
    "salted",
    "version_of",
]

APPLICATION_ID = 0x5EEDA9CE
"""Bytes 68 to 71 of the file (https://www.sqlite.org/fileformat.html): a journal, and no other database."""

OLDEST_SQLITE = (3, 38, 0)  # STRICT tables came with 3.37, JSON functions in every build with 3.38.


@frozen
class Migration:
    """One step from a version of the tables to the next; its statements and its row are written together."""

    version: int
    name: str
    statements: tuple[str, ...]


_META = "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"

_JOBS = """
CREATE TABLE jobs (
    position INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    input_index INTEGER,
    state TEXT NOT NULL,
    depends_on TEXT,
    request TEXT,
    tokens_estimated INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    fingerprint INTEGER,
    task_id TEXT,
    tokens INTEGER,
    record TEXT,
    error_type TEXT,
    error_code TEXT,
    error TEXT,
    file TEXT,
    size INTEGER,
    sha256 TEXT,
    planned_at REAL NOT NULL,
    sent_at REAL,
    accepted_at REAL,
    ended_at REAL,
    saved_at REAL
) STRICT"""

_ATTEMPTS = """
CREATE TABLE attempts (
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    fingerprint INTEGER,
    facts TEXT NOT NULL,
    sent_at REAL NOT NULL,
    until REAL NOT NULL,
    clock_offset REAL NOT NULL,
    outcome TEXT NOT NULL,
    task_id TEXT,
    PRIMARY KEY (key, number)
) STRICT, WITHOUT ROWID"""

_BLOBS = "CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT"

# Positions of one state are read page by page in their order.
_BY_STATE = "CREATE INDEX jobs_by_state ON jobs (state, position)"
# One task never belongs to two keys, and reconciling asks whose a listed task is.
_BY_TASK = "CREATE UNIQUE INDEX attempts_by_task ON attempts (task_id) WHERE task_id IS NOT NULL"

MIGRATIONS = (
    Migration(1, "first tables", (_META, _JOBS, _ATTEMPTS, _BLOBS, _BY_STATE, _BY_TASK)),
    Migration(2, "whose key sent it", ("ALTER TABLE attempts ADD COLUMN sender TEXT",)),
)
"""Every step in its order; a released one is never changed."""

_STEPS = """
CREATE TABLE migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at REAL NOT NULL
) STRICT"""


def version_of(connection: sqlite3.Connection) -> int:
    """Give the version of the tables in a file; 0 for an empty one.

    Raises:
        JournalError: the file is a database of something else, or SQLite is too old.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise JournalError(
            f"The journal needs SQLite 3.38 or newer, and this Python has {sqlite3.sqlite_version}."
        )
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not tables:
        return 0
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise JournalError("The file is a database, and not a journal of this library.")
    return int(connection.execute("SELECT max(version) FROM migrations").fetchone()[0])


def migrate(
    connection: sqlite3.Connection, *, now: float, migrations: Sequence[Migration] = MIGRATIONS
) -> None:
    """Bring a file to the newest version; an interrupted step leaves the version before it.

    Raises:
        JournalError: the file is not a journal, or was made by a newer version of this library.
    """
    version = version_of(connection)
    _refuse_newer(version, newest=migrations[-1].version)
    for step in migrations:
        if step.version > version:
            _apply(connection, step, now=now)


def check_version(connection: sqlite3.Connection) -> None:
    """See that a file can be read as it is, without writing to it.

    Raises:
        JournalError: the file is not a journal, or of another version.
    """
    version = version_of(connection)
    newest = MIGRATIONS[-1].version
    _refuse_newer(version, newest=newest)
    if version < newest:
        raise JournalError(
            f"The journal has version {version} of the tables, and {newest} is needed.",
            advice="Open it once for writing, which brings it up to date.",
        )


def _refuse_newer(version: int, *, newest: int) -> None:
    """Tables of a later version may mean something else."""
    if version > newest:
        raise JournalError(
            f"The journal has version {version} of the tables, and this library knows up to {newest}.",
            advice="Use the newer version of seedance-async that wrote it.",
        )


def _apply(connection: sqlite3.Connection, step: Migration, *, now: float) -> None:
    """Carry out one step and note it, together or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if step.version == 1:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(_STEPS)
        for statement in step.statements:
            connection.execute(statement)
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (step.version, step.name, now))
        if step.version == 1:
            _note_birth(connection, now=now)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _note_birth(connection: sqlite3.Connection, *, now: float) -> None:
    """Note when the journal was made, and the salt of its account hint."""
    facts = [("created_at", repr(now)), ("salt", secrets.token_hex(16))]
    connection.executemany("INSERT INTO meta VALUES (?, ?)", facts)


def salted(connection: sqlite3.Connection, words: str) -> str:
    """Give a hash that tells words apart inside this file, and says nothing about them elsewhere."""
    salt = connection.execute("SELECT value FROM meta WHERE name = 'salt'").fetchone()[0]
    return hashlib.sha256(f"{salt}:{words}".encode()).hexdigest()


def check_account(connection: sqlite3.Connection, account: str) -> None:
    """Hold a journal to the account it was begun with; only a salted hash of the hint is kept.

    Raises:
        JournalError: the journal was begun with another account.
    """
    hint = salted(connection, account)
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('account', ?)", (hint,))
    kept = connection.execute("SELECT value FROM meta WHERE name = 'account'").fetchone()[0]
    if kept != hint:
        raise JournalError(
            "The journal belongs to another account.",
            advice="Use the account it was begun with, or another file.",
        )
