"""Claims in PostgreSQL (extra ``postgres``): a version is a conditional UPDATE, time is the database's."""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from seedance_async.errors import JournalError, MissingExtra
from seedance_async.ledger.claims.claim import read_claim, write_claim
from seedance_async.ledger.claims.tables import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Generator, Mapping, Sequence

    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    from seedance_async.ledger.claims.claim import Claim, Owner

__all__ = ["Database", "PostgresShelf"]

_PATIENCE: Final = 30.0
_PAGE: Final = 1000

_MAKE_FIRST: Final = """
INSERT INTO seedance_claims (key, version, state, document) VALUES (%(key)s, 1, %(state)s, %(document)s)
ON CONFLICT (key) DO NOTHING RETURNING key"""
_MAKE_NEXT: Final = """
UPDATE seedance_claims SET version = %(version)s, state = %(state)s, document = %(document)s,
    changed_at = clock_timestamp()
WHERE key = %(key)s AND version = %(version)s - 1 RETURNING key"""
_BEAT: Final = """
INSERT INTO seedance_owners (id, host, pid, alive_at) VALUES (%s, %s, %s, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET alive_at = excluded.alive_at"""
_ALIVE: Final = """
SELECT id FROM seedance_owners JOIN unnest(%s::text[], %s::float[]) AS asked (owner, lease) ON owner = id
WHERE clock_timestamp() - alive_at <= lease * interval '1 second'"""
# Whoever has been silent for a day left no other trace than this row.
_FORGET: Final = "DELETE FROM seedance_owners WHERE clock_timestamp() - alive_at > interval '1 day'"


class Database:
    """A pool of connections in autocommit mode; each statement is durable when it returns.

    Args:
        dsn: ``postgresql://user@host:port/database``; or anything that libpq takes.
        most: connections at most.

    Raises:
        MissingExtra: psycopg is not installed.
    """

    def __init__(self, dsn: str, *, most: int = 4) -> None:
        try:
            self._psycopg: Any = import_module("psycopg")
            pools: Any = import_module("psycopg_pool")
        except ImportError:
            raise MissingExtra("PostgreSQL", extra="postgres") from None
        self._pool: AsyncConnectionPool = pools.AsyncConnectionPool(
            dsn, min_size=1, max_size=most, timeout=_PATIENCE, open=False, kwargs={"autocommit": True}
        )

    async def open(self) -> None:
        """Connect, and bring the tables up to date.

        Raises:
            JournalError: the database cannot be reached, or its tables are newer than this library.
        """
        with self._talking():
            try:
                await self._pool.open(wait=True, timeout=_PATIENCE)
                async with self._pool.connection() as connection:
                    await migrate(connection)
            except BaseException:
                await self._pool.close()
                raise

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    async def rows(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Carry out a statement of this library and give its rows.

        Raises:
            JournalError: the database failed.
        """
        with self._talking():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query.encode(), values or None)
                return await cursor.fetchall() if cursor.description is not None else []

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncConnection[Any]]:
        """Carry out several statements together or not at all.

        Raises:
            JournalError: the database failed.
        """
        with self._talking():
            async with self._pool.connection() as connection, connection.transaction():
                yield connection

    @contextlib.contextmanager
    def _talking(self) -> Generator[None]:
        """Turn what the database says into our error; its words may hold values, so only their first line."""
        try:
            yield
        except self._psycopg.Error as error:
            line = (str(error).splitlines() or [type(error).__name__])[0][:300]
            raise JournalError(f"The database of the claims failed: {line}") from error


class PostgresShelf:
    """The tables ``seedance_*`` of one database."""

    def __init__(self, dsn: str, **options: Any) -> None:
        self._database = Database(dsn, **options)
        self._owner: Owner | None = None

    async def open(self, owner: Owner) -> None:
        """Connect, bring the tables up to date, and give the first sign of life."""
        await self._database.open()
        self._owner = owner
        await self.beat()
        await self._database.rows(_FORGET)

    async def close(self) -> None:
        """Take the sign of life away and close the connections."""
        owner, self._owner = self._owner, None
        try:
            if owner is not None:
                await self._database.rows("DELETE FROM seedance_owners WHERE id = %s", [owner.id])
        finally:
            await self._database.close()

    async def account(self, hint: str) -> str:
        """Keep the hint unless there is one, and give what is kept."""
        insert = "INSERT INTO seedance_facts VALUES ('account', %s) ON CONFLICT DO NOTHING"
        await self._database.rows(insert, [hint])
        found = await self._database.rows("SELECT value FROM seedance_facts WHERE name = 'account'")
        return str(found[0][0])

    async def read(self, keys: Collection[str]) -> Mapping[str, Claim]:
        """Give the newest versions of some claims."""
        query = "SELECT document FROM seedance_claims WHERE key = ANY(%s)"
        claims = [read_claim(text) for (text,) in await self._database.rows(query, [list(keys)])]
        return {claim.key: claim for claim in claims}

    async def make(self, claim: Claim) -> bool:
        """Make a version: the first by INSERT, the others where the one before is the newest."""
        values = {
            "key": claim.key,
            "version": claim.version,
            "state": claim.row.state.value,
            "document": write_claim(claim),
        }
        return bool(await self._database.rows(_MAKE_FIRST if claim.version == 1 else _MAKE_NEXT, values))

    async def keys(self) -> AsyncGenerator[str, None]:
        """Give the keys of all claims, read page by page."""
        query = "SELECT key FROM seedance_claims WHERE key > %s ORDER BY key LIMIT %s"
        last = ""
        while page := await self._database.rows(query, [last, _PAGE]):
            for (key,) in page:
                yield key
            last = page[-1][0]

    async def open_claims(self) -> list[Claim]:
        """Give all claims that are open."""
        query = "SELECT document FROM seedance_claims WHERE state IN ('sending', 'uncertain')"
        return [read_claim(text) for (text,) in await self._database.rows(query)]

    async def assign(self, task_id: str, key: str, attempt: int) -> str:
        """Note whose task it is unless that is noted, and give the key that is noted."""
        insert = "INSERT INTO seedance_tasks VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
        await self._database.rows(insert, [task_id, key, attempt])
        return (await self.assigned([task_id]))[task_id][0]

    async def assigned(self, task_ids: Collection[str]) -> Mapping[str, tuple[str, int]]:
        """Give key and attempt of those tasks that were assigned."""
        query = "SELECT task_id, key, attempt FROM seedance_tasks WHERE task_id = ANY(%s)"
        found = await self._database.rows(query, [list(task_ids)])
        return {task_id: (key, attempt) for task_id, key, attempt in found}

    async def put_request(self, key: str, text: str) -> None:
        """Keep the request of a job, unless there is one."""
        insert = "INSERT INTO seedance_requests VALUES (%s, %s) ON CONFLICT DO NOTHING"
        await self._database.rows(insert, [key, text])

    async def requests(self, keys: Collection[str]) -> Mapping[str, str]:
        """Give the requests of some jobs."""
        query = "SELECT key, document FROM seedance_requests WHERE key = ANY(%s)"
        return dict(await self._database.rows(query, [list(keys)]))

    async def beat(self) -> None:
        """Write down that the owner is alive."""
        if self._owner is not None:
            await self._database.rows(_BEAT, [self._owner.id, self._owner.host, self._owner.pid])

    async def dead(self, owners: Collection[Owner]) -> set[str]:
        """Judge by the database's clock."""
        asked = [[owner.id for owner in owners], [owner.lease for owner in owners]]
        alive = {found for (found,) in await self._database.rows(_ALIVE, asked)}
        return {owner.id for owner in owners} - alive
