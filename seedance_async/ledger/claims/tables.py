"""The tables of claims and limits in PostgreSQL, and the way from an older database to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from seedance_async.errors import JournalError

if TYPE_CHECKING:
    from psycopg import AsyncConnection

__all__ = ["MIGRATIONS", "Migration", "migrate"]

# Any number that nobody else takes: two workers that start together must not both make the tables.
_LOCK: Final = 0x5EEDA9CE


@frozen
class Migration:
    """One step from a version of the tables to the next; its statements and its row are written together."""

    version: int
    name: str
    statements: tuple[str, ...]


_CLAIMS = """
CREATE TABLE seedance_claims (
    key text PRIMARY KEY,
    version integer NOT NULL,
    state text NOT NULL,
    document text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
)"""
_OPEN = "CREATE INDEX seedance_claims_open ON seedance_claims (key) WHERE state IN ('sending', 'uncertain')"
_REQUESTS = "CREATE TABLE seedance_requests (key text PRIMARY KEY, document text NOT NULL)"
_TASKS = """
CREATE TABLE seedance_tasks (
    task_id text PRIMARY KEY,
    key text NOT NULL,
    attempt integer NOT NULL
)"""
_OWNERS = """
CREATE TABLE seedance_owners (
    id text PRIMARY KEY,
    host text NOT NULL,
    pid integer NOT NULL,
    alive_at timestamptz NOT NULL
)"""
_FACTS = "CREATE TABLE seedance_facts (name text PRIMARY KEY, value text NOT NULL)"
_PACES = """
CREATE TABLE seedance_paces (
    account text NOT NULL,
    route text NOT NULL,
    configured double precision NOT NULL,
    rate double precision NOT NULL,
    last_at timestamptz NOT NULL,
    cut_at timestamptz NOT NULL,
    PRIMARY KEY (account, route)
)"""
_SLOTS = """
CREATE TABLE seedance_slots (
    account text NOT NULL,
    key text NOT NULL,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (account, key)
)"""

MIGRATIONS: Final = (
    Migration(1, "claims", (_CLAIMS, _OPEN, _REQUESTS, _TASKS, _OWNERS, _FACTS)),
    Migration(2, "limits", (_PACES, _SLOTS)),
)
"""Every step in its order; a released one is never changed."""

_STEPS = """
CREATE TABLE IF NOT EXISTS seedance_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


async def migrate(connection: AsyncConnection[Any], *, migrations: tuple[Migration, ...] = MIGRATIONS) -> int:
    """Bring a database to the newest version; a second time, or another worker at once, changes nothing.

    Returns:
        How many steps were taken; an interrupted one leaves the version before it.

    Raises:
        JournalError: the tables were made by a newer version of this library.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await connection.execute(_STEPS)
        cursor = await connection.execute("SELECT coalesce(max(version), 0) FROM seedance_migrations")
        version = int((await cursor.fetchone() or (0,))[0])
        if version > migrations[-1].version:
            raise JournalError(
                f"The database has version {version} of the tables, and this library knows up to"
                f" {migrations[-1].version}.",
                advice="Use one version of seedance-async on all machines.",
            )
        due = [step for step in migrations if step.version > version]
        for step in due:
            for statement in step.statements:
                await connection.execute(statement.encode())
            await connection.execute(
                "INSERT INTO seedance_migrations (version, name) VALUES (%s, %s)", (step.version, step.name)
            )
    return len(due)
