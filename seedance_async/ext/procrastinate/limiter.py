"""One account's limits for all workers: a row per route and a row per job alive, in PostgreSQL.

A turn is one UPDATE of the route's row, so the database puts all workers into one line; the turns are evenly
spaced (GCRA without a burst), 2 % wider than the limit for the network's jitter, by the database's clock.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from seedance_async.errors import JournalError, LimiterUnavailable

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from seedance_async.ledger.claims.postgres import Database
    from seedance_async.settings import AccountLimits

__all__ = ["PostgresLimiter"]

_MARGIN: Final = 0.98

_CONFIGURE: Final = """
INSERT INTO seedance_paces (account, route, configured, rate, last_at, cut_at)
VALUES (%(account)s, %(route)s, %(rate)s, %(rate)s, '-infinity', '-infinity')
ON CONFLICT (account, route) DO UPDATE
SET configured = excluded.configured, rate = least(seedance_paces.rate, excluded.configured)"""
# A rate that was cut grows by 1 % of the configured one with every turn; gaps under a millisecond are none.
_TURN: Final = """
UPDATE seedance_paces SET
    last_at = greatest(last_at + make_interval(secs => 1 / rate), clock_timestamp()),
    rate = least(configured, rate + least(configured, 1000) * 0.01)
WHERE account = %(account)s AND route = %(route)s
RETURNING extract(epoch FROM last_at - clock_timestamp())::float"""
_SLOW_DOWN: Final = """
UPDATE seedance_paces SET
    last_at = greatest(last_at, clock_timestamp() + make_interval(secs => %(hold)s - 1 / rate)),
    rate = CASE WHEN cut_at > clock_timestamp() - interval '1 second' THEN rate
        ELSE greatest(least(rate, 1000) / 2, least(configured, 0.1)) END,
    cut_at = CASE WHEN cut_at > clock_timestamp() - interval '1 second' THEN cut_at
        ELSE clock_timestamp() END
WHERE account = %(account)s AND route = %(route)s"""
_DOOR: Final = "SELECT pg_advisory_xact_lock(hashtext('seedance slots'), hashtext(%(account)s))"
# Forgotten are the slots of jobs that have ended, of jobs that nobody has begun for an hour, and of tasks
# that are older than a task can be (api docs 1520757: execution_expires_after is at most 72 hours).
_TIDY: Final = """
DELETE FROM seedance_slots AS slot WHERE account = %(account)s AND (
    taken_at < clock_timestamp() - interval '72 hours'
    OR EXISTS (SELECT FROM seedance_claims AS claim WHERE claim.key = slot.key
        AND claim.state IN ('succeeded', 'saved', 'failed', 'expired', 'cancelled'))
    OR (taken_at < clock_timestamp() - interval '1 hour' AND NOT EXISTS (
        SELECT FROM seedance_claims AS claim WHERE claim.key = slot.key
        AND claim.state IN ('sending', 'uncertain', 'accepted'))))"""
_TAKE: Final = """
INSERT INTO seedance_slots (account, key, taken_at)
SELECT %(account)s, %(key)s, clock_timestamp()
WHERE (SELECT count(*) FROM seedance_slots WHERE account = %(account)s) < %(most)s
    OR EXISTS (SELECT FROM seedance_slots WHERE account = %(account)s AND key = %(key)s)
ON CONFLICT (account, key) DO UPDATE SET taken_at = excluded.taken_at
RETURNING key"""
_GIVE: Final = "DELETE FROM seedance_slots WHERE account = %(account)s AND key = %(key)s"


class PostgresLimiter:
    """Grants turns and slots of one account; a ``SharedLimiter``.

    Args:
        database: where the rows are; open.
        limits: what the account may do; the worker that configures last counts.
        account: names the account, for several in one database.
    """

    def __init__(self, database: Database, limits: AccountLimits, *, account: str = "default") -> None:
        self._database = database
        self._account = account
        self._most = limits.max_alive
        self._rates = {
            "create": limits.creates_per_minute / 60.0,
            "get": limits.gets_per_second,
            "list": limits.lists_per_second,
            "delete": limits.deletes_per_second,
        }

    async def configure(self) -> None:
        """Write the limits down; to be called once before the others.

        Raises:
            LimiterUnavailable: the database cannot be asked.
        """
        for route, rate in self._rates.items():
            await self._rows(_CONFIGURE, route=route, rate=rate * _MARGIN)

    async def turn(self, route: str) -> float:
        """Take the account's next turn; gives the seconds from now until it, 0 and up.

        Raises:
            LimiterUnavailable: the database cannot be asked.
        """
        found = await self._rows(_TURN, route=route)
        if not found:
            raise LimiterUnavailable(f"The limits of account {self._account!r} were never configured.")
        return max(0.0, float(found[0][0]))

    async def slow_down(self, route: str, hold: float) -> None:
        """Let nobody go for ``hold`` seconds, and then at half the pace; at most one cut a second.

        Raises:
            LimiterUnavailable: the database cannot be asked.
        """
        await self._rows(_SLOW_DOWN, route=route, hold=hold)

    async def take_slot(self, key: str) -> bool:
        """Count the job as alive if there is room, or if it is counted already.

        Raises:
            LimiterUnavailable: the database cannot be asked.
        """
        values = {"account": self._account, "key": key, "most": self._most}
        with _unavailable():
            async with self._database.transaction() as connection:
                # A count sees what was there when its statement began: the door comes first, by itself.
                await connection.execute(_DOOR.encode(), values)
                for statement in (_TAKE, _TIDY, _TAKE):
                    cursor = await connection.execute(statement.encode(), values)
                    if statement is _TAKE and cursor.rowcount:
                        return True
        return False

    async def give_slot(self, key: str) -> None:
        """Count the job no more.

        Raises:
            LimiterUnavailable: the database cannot be asked.
        """
        await self._rows(_GIVE, key=key)

    async def _rows(self, statement: str, **values: Any) -> Sequence[tuple[Any, ...]]:
        """Carry out one statement for this account."""
        with _unavailable():
            return await self._database.rows(statement, {"account": self._account, **values})


@contextlib.contextmanager
def _unavailable() -> Generator[None]:
    """Say of a database that fails what it means here: nobody knows whether there is room."""
    try:
        yield
    except JournalError as error:
        raise LimiterUnavailable(f"The shared limits cannot be asked. {error.message}") from error
