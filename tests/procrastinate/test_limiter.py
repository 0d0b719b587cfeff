"""The account's limits in PostgreSQL: rows that all workers share."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from seedance_async import AccountLimits, LimiterUnavailable
from seedance_async.ext.procrastinate import PostgresLimiter
from seedance_async.ledger.claims import Claims
from seedance_async.ledger.claims.postgres import Database
from seedance_async.ledger.rows import JobState
from tests.claims.stores import bring
from tests.postgres import database

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def limiters(
    dsn: str, number: int, limits: AccountLimits | None = None
) -> AsyncGenerator[list[PostgresLimiter]]:
    """Give limiters of several workers on one database."""
    databases = [Database(dsn) for _ in range(number)]
    try:
        for one in databases:
            await one.open()
        found = [PostgresLimiter(one, limits or AccountLimits()) for one in databases]
        await found[0].configure()
        yield found
    finally:
        for one in databases:
            await one.close()


def now() -> float:
    """Seconds on the running loop."""
    return asyncio.get_running_loop().time()


async def test_the_turns_of_all_workers_are_evenly_spaced() -> None:
    """Three workers that ask at once get turns no closer than the account allows, in one line."""
    async with limiters(database(), 3, AccountLimits(gets_per_second=100.0)) as workers:
        answered: list[float] = []

        async def ask(limiter: PostgresLimiter) -> None:
            for _ in range(10):
                wait = await limiter.turn("get")
                answered.append(now() + wait)

        begun = now()
        async with asyncio.TaskGroup() as group:
            for limiter in workers:
                group.create_task(ask(limiter))
    assert len(answered) == 30
    assert max(answered) - begun >= 29 / 98.0


async def test_a_hold_is_for_all_workers_and_halves_the_pace_once() -> None:
    """Two refusals of one moment are one piece of news; every turn gives a little of the pace back."""
    dsn = database()

    def rate() -> float:
        with psycopg.connect(dsn) as connection:
            query = "SELECT rate FROM seedance_paces WHERE route = 'list'"
            return float((connection.execute(query).fetchone() or (0,))[0])

    async with limiters(dsn, 2, AccountLimits(lists_per_second=10.0)) as (one, two):
        await one.turn("list")
        await one.slow_down("list", 5.0)
        await two.slow_down("list", 3.0)
        assert rate() == pytest.approx(4.9)
        assert 3.0 < await two.turn("list") <= 5.2
        assert rate() == pytest.approx(4.9 + 0.098)
        assert await one.turn("delete") == pytest.approx(0.0, abs=0.5)


async def test_a_slot_counts_a_job_once_whoever_asks() -> None:
    """At most so many jobs are alive; a job that is tried again by another worker has its slot."""
    async with limiters(database(), 2, AccountLimits(max_alive=2)) as (one, two):
        assert await one.take_slot("a")
        assert await two.take_slot("b")
        assert not await one.take_slot("c")
        assert await two.take_slot("a")
        await two.give_slot("b")
        await two.give_slot("nobody")
        assert await one.take_slot("c")


async def test_workers_that_ask_at_once_never_pass_the_number_of_slots() -> None:
    """Counting and taking are one step: of twenty jobs three get a slot."""
    async with limiters(database(), 4, AccountLimits(max_alive=3)) as workers:
        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(workers[n % 4].take_slot(f"job-{n}")) for n in range(20)]
        assert sum(done.result() for done in tries) == 3


async def test_the_slot_of_a_job_that_has_ended_is_free_again() -> None:
    """A worker that died between the end and the giving back keeps nobody out."""
    dsn = database()
    async with limiters(dsn, 1, AccountLimits(max_alive=2)) as (limiter,), Claims.open(dsn) as claims:
        await bring(claims, "ended", JobState.SUCCEEDED)
        await bring(claims, "alive", JobState.ACCEPTED)
        assert await limiter.take_slot("ended")
        assert await limiter.take_slot("alive")
        assert await limiter.take_slot("new")
        assert not await limiter.take_slot("newer")


async def test_limits_that_cannot_be_asked_say_so() -> None:
    """A database that is gone is no reason to send, and no stranger's exception."""
    one = Database(database())
    await one.open()
    limiter = PostgresLimiter(one, AccountLimits())
    with pytest.raises(LimiterUnavailable, match="never configured"):
        await limiter.turn("create")
    await one.rows("DROP TABLE seedance_paces")
    with pytest.raises(LimiterUnavailable, match="seedance_paces"):
        await limiter.turn("create")
    await one.close()
