"""A service on PostgreSQL: its tables, its rows, and what its workers do without dying."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from attrs import evolve

from seedance_async import (
    AccountLimits,
    InvalidRequest,
    JournalError,
    MissingExtra,
    PollPolicy,
    SeedanceSession,
)
from seedance_async.ext.procrastinate import Service, __main__
from seedance_async.ext.procrastinate.schema import migrate_queue
from seedance_async.ledger.claims.postgres import Database
from seedance_async.ledger.claims.tables import MIGRATIONS, migrate
from seedance_async.ledger.rows import JobState
from seedance_async.simulator import Simulator
from tests.postgres import database

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-test-0123456789abcdef"
CHEAP: dict[str, Any] = {"duration": 4, "resolution": "480p"}
QUICK = AccountLimits(creates_per_minute=60_000, gets_per_second=500, lists_per_second=100)

pytestmark = pytest.mark.asyncio


def tables(dsn: str) -> set[str]:
    """List the tables of a database."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in found}


async def test_workers_that_start_together_make_the_tables_once() -> None:
    """Four services open one empty database at once, and a fifth later: all work, nothing is made twice."""
    dsn = database()

    async def opened() -> int:
        async with Service(dsn) as service:
            return await service.waiting()

    async with asyncio.TaskGroup() as group:
        starts = [group.create_task(opened()) for _ in range(4)]
    assert [start.result() for start in starts] == [0, 0, 0, 0]
    before = tables(dsn)
    assert await opened() == 0
    assert tables(dsn) == before
    assert {"seedance_claims", "seedance_paces", "procrastinate_jobs"} <= before


async def test_an_older_database_is_brought_up_to_date_and_a_newer_one_refused() -> None:
    """Each step is taken once; tables that this version does not know are left alone."""
    dsn = database()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        assert await migrate(connection, migrations=MIGRATIONS[:1]) == 1
        assert "seedance_paces" not in tables(dsn)
        assert await migrate(connection) == 1
        assert await migrate(connection) == 0
        later = (*MIGRATIONS, evolve(MIGRATIONS[-1], version=99, statements=("CREATE TABLE later ()",)))
        assert await migrate(connection, migrations=later) == 1
    with pytest.raises(JournalError, match="version 99"):
        async with Service(dsn):
            pass


async def test_the_queues_tables_go_from_version_to_version_and_others_are_left_alone() -> None:
    """Only the scripts that are due are run; an application's own procrastinate stays as it is."""
    dsn = database()
    one = Database(dsn)
    await one.open()
    assert await migrate_queue(one) == 1
    assert await migrate_queue(one) == 0
    await one.rows("UPDATE seedance_facts SET value = '99.00.00_01_later.sql' WHERE name = 'procrastinate'")
    with pytest.raises(JournalError, match="99"):
        await migrate_queue(one)
    await one.rows("DELETE FROM seedance_facts WHERE name = 'procrastinate'")
    assert await migrate_queue(one) == 0
    await one.close()


async def test_what_became_of_each_job_is_a_row(tmp_path: Path) -> None:
    """Done, refused and failed: no failure stops the worker, and a key put in twice is paid once."""

    def open_session(limits: AccountLimits) -> SeedanceSession:
        return SeedanceSession(KEY, sim.base_url, limits=limits, poll=PollPolicy(interval=0.1))

    async with Simulator(work_seconds=0.1) as sim, Service(database(), limits=QUICK, lease=5.0) as service:
        with pytest.raises(InvalidRequest):
            await service.submit("wrong", {"prompt": "x", "duration": 99, "ratio": "no"})
        jobs = [
            ("refused", {"prompt": "[refuse:InvalidParameter]", **CHEAP}),
            ("failed", {"prompt": "[fail:InternalServiceError]", **CHEAP}),
            ("done", {"prompt": "y", **CHEAP}),
            ("done", {"prompt": "y", **CHEAP}),
        ]
        assert await service.submit_many(jobs) == 4
        await service.work(open_session=open_session, until_empty=True, save_to=tmp_path)
        rows = {row.key: row async for row in service.rows()}
        assert {key: row.state for key, row in rows.items()} == {
            "refused": JobState.REFUSED,
            "failed": JobState.FAILED,
            "done": JobState.SAVED,
        }
        assert "InvalidParameter" in (rows["refused"].error or "")
        assert (tmp_path / "done.mp4").stat().st_size == rows["done"].size
        assert (await service.row("nobody"), await service.waiting()) == (None, 0)
        assert sim.accepted == 2


async def test_a_worker_that_is_stopped_puts_back_what_it_has_in_hand() -> None:
    """Cancelled in the middle, its job goes on with the next worker, and is paid once."""

    def open_session(limits: AccountLimits) -> SeedanceSession:
        return SeedanceSession(KEY, sim.base_url, limits=limits, poll=PollPolicy(interval=0.1))

    async with Simulator(work_seconds=2.0) as sim, Service(database(), limits=QUICK, lease=5.0) as service:
        await service.submit("cat", {"prompt": "a cat", **CHEAP})
        working = asyncio.create_task(service.work(open_session=open_session, grace=0.1))
        while sim.accepted == 0:  # noqa: ASYNC110 - the server rings no bell
            await asyncio.sleep(0.02)
        working.cancel()
        await asyncio.wait({working})
        assert working.cancelled()
        assert await service.waiting() == 1
        await service.work(open_session=open_session, until_empty=True)
        row = await service.row("cat")
        assert row is not None
        assert (row.state, sim.accepted) == (JobState.SUCCEEDED, 1)


async def test_the_program_takes_its_limits_and_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker without a key ends with a sentence, not with a traceback."""
    assert not os.environ.get("SEEDANCE_API_KEY")
    monkeypatch.delenv("PGPASSWORD", raising=False)
    code = await asyncio.to_thread(__main__.main, [database(), "--until-empty", "--max-alive", "3"])
    assert code == 1
    assert "SEEDANCE_API_KEY" in capsys.readouterr().err


async def test_without_the_extra_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed procrastinate learns what to install."""
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    for name in [name for name in sys.modules if name.startswith("seedance_async.ext.procrastinate")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtra, match=r"seedance-async\[postgres\]"):
        importlib.import_module("seedance_async.ext.procrastinate")
