"""Many callers share a transaction, and none loses or spoils another's fact."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sqlite3
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from seedance_async.errors import JournalError
from seedance_async.ledger import _connect
from seedance_async.ledger._thread import ConnectionThread
from seedance_async.ledger._writer import Writer
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState, PlannedRow
from tests.journal.jobs import bring, intent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio


async def test_concurrent_facts_share_a_transaction(tmp_path: Path) -> None:
    """Four hundred facts of two hundred concurrent submits take a handful of syncs and all are on disk."""
    async with Journal.open(tmp_path / "run.db") as journal:

        async def submit(number: int) -> None:
            await journal.sending(intent(f"k{number}"))
            await journal.accepted(f"k{number}", f"cgt-{number}")

        before = journal.commits
        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(submit(number))
        assert journal.commits - before <= 10
        assert (await journal.counts())[JobState.ACCEPTED] == 200


async def test_a_mistake_is_its_callers_own(tmp_path: Path) -> None:
    """One illegal move in a shared transaction fails alone, and its neighbours are written."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "done", JobState.SAVED)
        moves = [journal.sending(intent(key)) for key in ("a", "done", "b")]
        before = journal.commits
        results = await asyncio.gather(*moves, return_exceptions=True)
        assert journal.commits - before <= 2
        assert [type(result) for result in results] == [type(None), JournalError, type(None)]
        states = await journal.states(["a", "done", "b"])
    assert states == {"a": JobState.SENDING, "done": JobState.SAVED, "b": JobState.SENDING}


async def test_a_cancelled_caller_leaves_its_fact(tmp_path: Path) -> None:
    """A submit that is cancelled while it notes its intent is seen by the next look at that key."""
    async with Journal.open(tmp_path / "run.db") as journal:
        waiting = asyncio.create_task(journal.sending(intent("a")))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await journal.find("a") == intent("a")
        await journal.accepted("a", "cgt-a")
        assert await journal.states(["a"]) == {"a": JobState.ACCEPTED}


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    """Facts that were given before the end are on disk after it, also those that no transaction had begun."""
    path = tmp_path / "run.db"
    async with Journal.open(path) as journal, asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(journal.sending(intent(f"k{number}")))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        await journal.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM jobs WHERE state = 'sending'").fetchone() == (50,)
    assert not path.with_name("run.db-wal").exists()


async def test_a_cancelled_close_still_closes(tmp_path: Path) -> None:
    """Leaving in a hurry writes everything, gives the file back at once, and passes the cancellation on."""
    path = tmp_path / "run.db"

    async def run() -> None:
        async with Journal.open(path) as journal:
            facts = [asyncio.create_task(journal.sending(intent(f"k{number}"))) for number in range(20)]
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_soon(task.cancel)
        await asyncio.wait(facts)

    task = asyncio.create_task(run())
    with pytest.raises(asyncio.CancelledError):
        await task
    async with Journal.open(path) as journal:
        assert (await journal.counts())[JobState.SENDING] == 20


@pytest.mark.parametrize("turns", range(12))
async def test_cancelled_opening_leaves_no_owner(tmp_path: Path, turns: int) -> None:
    """Whenever the caller leaves while the journal opens, the next one can open it."""
    path = tmp_path / "run.db"

    async def run() -> None:
        async with Journal.open(path):
            await asyncio.sleep(0)

    task = asyncio.create_task(run())
    for _ in range(turns):
        await asyncio.sleep(0.0005)
    task.cancel()
    await asyncio.wait([task])
    async with Journal.open(path) as journal:
        await journal.plan([PlannedRow(key="a")])
        assert (await journal.counts())[JobState.PLANNED] == 1


async def test_outside_its_block_a_journal_does_nothing(tmp_path: Path) -> None:
    """A journal that is not open yet, or not any more, says so instead of waiting for ever."""
    journal = Journal.open(tmp_path / "run.db")
    with pytest.raises(JournalError, match="not open"):
        await journal.sending(intent("a"))
    with pytest.raises(JournalError, match="not open"):
        await journal.counts()
    async with journal:
        assert journal.commits == 0
    with pytest.raises(JournalError, match="not open"):
        await journal.sending(intent("a"))
    with pytest.raises(JournalError, match="not open"):
        await journal.counts()
    await journal.close()


@contextlib.asynccontextmanager
async def _full_at(path: Path, pages: int) -> AsyncGenerator[Writer]:
    """Give a writer whose file cannot grow beyond some pages: SQLite answers as on a full disk."""
    writer = Writer(ConnectionThread("test-writer", partial(_connect.explain, path=path)))

    def connect() -> sqlite3.Connection:
        connection = _connect.connect_writing(path, now=0.0, account=None)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    await writer.thread.open(connect)
    try:
        yield writer
    finally:
        await writer.close()


def _insert(key: str, connection: sqlite3.Connection, *, size: int = 0) -> None:
    """Add a row of some size."""
    connection.execute(
        "INSERT INTO jobs (key, state, request, planned_at) VALUES (?, 'planned', ?, 0)", (key, "x" * size)
    )


async def test_a_full_disk_is_told_to_all_who_share_the_transaction(tmp_path: Path) -> None:
    """Nobody is told that a fact is on disk when it is not, and the next one that fits goes through."""
    async with _full_at(tmp_path / "run.db", pages=40) as writer:
        await writer.run(partial(_insert, "before"))
        big = partial(_insert, "big", size=4_000_000)
        facts = [writer.run(action) for action in (partial(_insert, "small"), big, partial(_insert, "late"))]
        results = await asyncio.gather(*facts, return_exceptions=True)
        told = [result for result in results if isinstance(result, JournalError)]
        assert len({id(error) for error in told}) == len(told) >= 2
        assert all("the disk is full" in str(error) for error in told)
        await writer.run(partial(_insert, "after"))
    with contextlib.closing(sqlite3.connect(tmp_path / "run.db")) as connection:
        keys = {key for (key,) in connection.execute("SELECT key FROM jobs")}
        assert keys >= {"before", "after"}
        assert "big" not in keys
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of one megabyte of its own, where the machine lets us mount one."""
    libc = ctypes.CDLL(None, use_errno=True)
    place = tmp_path / "disk"
    place.mkdir()
    if not hasattr(libc, "mount") or libc.mount(b"tmpfs", os.fsencode(place), b"tmpfs", 0, b"size=1m"):
        pytest.skip("only root may mount a small disk")
    try:
        yield place
    finally:
        libc.umount2(os.fsencode(place), 2)


async def test_a_really_full_disk_loses_nothing(small_disk: Path) -> None:
    """When the disk runs full the error says so, earlier facts stay, and room lets the journal go on."""
    ballast = small_disk / "ballast"
    async with Journal.open(small_disk / "run.db") as journal:
        await bring(journal, "a", JobState.SENDING)
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        big = [PlannedRow(key=f"k{number}", request={"prompt": "x" * 4000}) for number in range(300)]
        with pytest.raises(JournalError, match="the disk is full"):
            await journal.plan(big)
        states = await journal.states(["a"])
        ballast.unlink()
        await journal.accepted("a", "cgt-a")
    async with Journal.open(small_disk / "run.db") as journal:
        assert states == {"a": JobState.SENDING}
        assert await journal.states(["a"]) == {"a": JobState.ACCEPTED}


async def test_the_writing_connection_syncs_every_commit_off_the_loop(tmp_path: Path) -> None:
    """A power cut must not take an acknowledged fact, and no sync may hold up the event loop's thread."""
    async with _full_at(tmp_path / "run.db", pages=1000) as writer:

        def look(connection: sqlite3.Connection) -> tuple[str, int, int]:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            return mode, connection.execute("PRAGMA synchronous").fetchone()[0], threading.get_ident()

        mode, synchronous, thread = await writer.run(look)
    assert (mode, synchronous) == ("wal", 2)  # 2 is FULL
    assert thread != threading.get_ident()


async def test_a_file_that_breaks_mid_transaction_fails_all_of_it(tmp_path: Path) -> None:
    """Where SQLite gives up in the middle, nothing of that transaction stays, and the next starts clean."""
    async with _full_at(tmp_path / "run.db", pages=1000) as writer:
        await writer.run(partial(_insert, "before"))

        def broken(connection: sqlite3.Connection) -> None:
            connection.execute("SELECT * FROM nowhere")

        facts = [writer.run(action) for action in (partial(_insert, "a"), partial(_insert, "b"), broken)]
        first, second, third = await asyncio.gather(*facts, return_exceptions=True)
        # The first was on its way alone; the second shared its transaction with the broken one.
        assert first is None
        assert isinstance(second, JournalError)
        assert isinstance(third, JournalError)
        assert "nowhere" in str(third)
        await writer.run(partial(_insert, "after"))
    with contextlib.closing(sqlite3.connect(tmp_path / "run.db")) as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM jobs ORDER BY position")]
    assert keys == ["before", "a", "after"]


async def test_closing_takes_what_no_transaction_had_begun(tmp_path: Path) -> None:
    """Facts that gather behind the last transaction get one of their own before the connection closes."""
    async with _full_at(tmp_path / "run.db", pages=1000) as writer:
        facts = [asyncio.create_task(writer.run(partial(_insert, f"k{number}"))) for number in range(9)]
        await asyncio.sleep(0)
        assert writer.commits == 0
    await asyncio.gather(*facts)
    assert writer.commits == 2
