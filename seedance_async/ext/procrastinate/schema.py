"""The queue's tables: made once, brought up to date by newer versions, left alone where others own them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import procrastinate.schema as queue

from seedance_async.errors import JournalError

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from seedance_async.ledger.claims.postgres import Database

__all__ = ["migrate_queue"]

_FACT: Final = "procrastinate"
_LOCK: Final = 0x5EEDA9CF
_THERE: Final = "SELECT to_regclass('procrastinate_jobs') IS NOT NULL"
_READ: Final = "SELECT value FROM seedance_facts WHERE name = %s"
_NOTE: Final = """
INSERT INTO seedance_facts VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value"""


async def migrate_queue(database: Database) -> int:
    """Bring the queue's tables to the version of the library; a second time changes nothing.

    A database in which the application keeps its own procrastinate tables stays as it is: they are migrated
    as the application does it.

    Returns:
        How many scripts were run.

    Raises:
        JournalError: the database failed, or its tables are newer than the library.
    """
    scripts = await asyncio.to_thread(_scripts)
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        there = bool(await _value(connection, _THERE))
        newest = await _value(connection, _READ, (_FACT,))
        if there and newest is None:
            return 0
        if newest is not None and newest > scripts[-1].name:
            raise JournalError(
                f"The queue's tables are those of {newest}, and this procrastinate knows up to"
                f" {scripts[-1].name}.",
                advice="Use one version of procrastinate on all machines.",
            )
        due = [script.read_text(encoding="utf-8") for script in scripts if newest and script.name > newest]
        for text in due if there else [queue.SchemaManager.get_schema()]:
            await connection.execute(text.encode())
        await connection.execute(_NOTE, (_FACT, scripts[-1].name))
    return len(due) if there else 1


def _scripts() -> list[Path]:
    """List the library's scripts in their order."""
    return sorted(Path(queue.SchemaManager.get_migrations_path()).glob("*.sql"))


async def _value(connection: AsyncConnection[Any], query: str, values: tuple[Any, ...] = ()) -> Any:
    """Give the one value of a query, or None."""
    cursor = await connection.execute(query.encode(), values or None)
    row = await cursor.fetchone()
    return None if row is None else row[0]
