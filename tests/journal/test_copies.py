"""A journal can be copied while it is written, and the copy opened to look at."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from seedance_async.errors import JournalError
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState, PlannedRow
from tests.journal.jobs import bring, intent

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio


async def _keep_writing(journal: Journal, between: asyncio.Lock) -> None:
    """Write until cancelled, and pause between two jobs while somebody holds the lock."""
    number = 0
    while True:
        number += 1
        async with between:
            await bring(journal, f"k{number}", JobState.SAVED)


async def _check_history(path: Path) -> int:
    """Read all of a copy: each row must be a whole one; give how many there are."""
    async with Journal.open(path, read_only=True) as copy:
        rows = [row async for row in copy.rows()]
    for row in rows:
        assert row.request == {"prompt": row.key}
        assert row.state is JobState.PLANNED or row.attempts == 1
    return len(rows)


@pytest.mark.parametrize("with_log", [True, False], ids=["with its log", "the file alone"])
async def test_a_plain_copy_mid_run_opens(tmp_path: Path, *, with_log: bool) -> None:
    """A file copied under way, with its log or without, opens and holds whole rows of an earlier moment."""
    path = tmp_path / "run.db"
    async with Journal.open(path) as journal:
        between = asyncio.Lock()
        writing = asyncio.create_task(_keep_writing(journal, between))
        found: list[int] = []
        for number in range(5):
            await asyncio.sleep(0.05)
            copy = tmp_path / f"copy{number}.db"
            # Between two writes: a copy that a write has torn is another test's matter.
            async with between:
                shutil.copy(path, copy)
                if with_log:
                    shutil.copy(path.with_name("run.db-wal"), copy.with_name(copy.name + "-wal"))
            found.append(await _check_history(copy))
        writing.cancel()
        await asyncio.wait([writing])
    assert found == sorted(found)
    assert found[-1] > 0 or not with_log


async def test_a_copy_of_a_fresh_file_alone_is_an_empty_journal(tmp_path: Path) -> None:
    """Even before the log was brought home once, the file alone is a journal and not a broken database."""
    path = tmp_path / "run.db"
    async with Journal.open(path) as journal:
        await journal.plan([PlannedRow(key="a")])
        shutil.copy(path, tmp_path / "copy.db")
        assert await _check_history(tmp_path / "copy.db") == 0


async def test_a_torn_copy_is_refused(tmp_path: Path) -> None:
    """A copy with pages of two moments is told to be damaged instead of being believed."""
    path = tmp_path / "run.db"
    async with Journal.open(path) as journal:
        await journal.plan([PlannedRow(key=f"k{n}", request={"prompt": "x" * 500}) for n in range(500)])
    early = path.read_bytes()
    async with Journal.open(path) as journal:
        for number in range(500):
            await journal.plan([PlannedRow(key=f"late{number}", request={"prompt": "y" * 900})])
    late = path.read_bytes()
    torn = tmp_path / "torn.db"
    torn.write_bytes(late[: len(late) // 2] + early[len(late) // 2 :])
    with pytest.raises(JournalError, match="damaged"):
        async with Journal.open(torn, read_only=True):
            pass


async def test_copy_is_of_one_moment_and_writes_over_nothing(tmp_path: Path) -> None:
    """journal.copy() gives a whole journal while writing goes on, and refuses a name that is taken."""
    async with Journal.open(tmp_path / "run.db") as journal:
        for number in range(300):
            await journal.sending(intent(f"k{number}"))
        writing = asyncio.create_task(_keep_writing(journal, asyncio.Lock()))
        await journal.copy(tmp_path / "copy.db")
        writing.cancel()
        await asyncio.wait([writing])
        with pytest.raises(JournalError, match="exists already"):
            await journal.copy(tmp_path / "copy.db")
        with pytest.raises(JournalError, match="cannot be used"):
            await journal.copy(tmp_path / "no" / "copy.db")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy.db", "run.db", "run.db.lock"]
    async with Journal.open(tmp_path / "copy.db") as copy:
        assert (await copy.counts())[JobState.SENDING] >= 300
        # A copy is a journal like any other: it can be gone on with.
        await copy.accepted("k0", "cgt-0")


async def test_a_copy_is_as_private_as_the_journal(tmp_path: Path) -> None:
    """Prompts may be private: nobody but the owner can read the journal or a copy of it."""
    before = os.umask(0o022)
    try:
        async with Journal.open(tmp_path / "run.db") as journal:
            await journal.copy(tmp_path / "copy.db")
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("run.db", "copy.db")}
    assert modes == {"run.db": 0o600, "copy.db": 0o600}


async def test_a_journal_that_cannot_be_written_to_can_be_read(tmp_path: Path) -> None:
    """A closed journal opens also where nothing can be made beside it (an archive, a read-only mount)."""
    place = tmp_path / "archive"
    place.mkdir()
    async with Journal.open(place / "run.db") as journal:
        await bring(journal, "a", JobState.SAVED)
    place.chmod(0o555)
    try:
        async with Journal.open(place / "run.db", read_only=True) as journal:
            assert await journal.states(["a"]) == {"a": JobState.SAVED}
    finally:
        place.chmod(0o755)
