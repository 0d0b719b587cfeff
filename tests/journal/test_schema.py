"""The file's version, its migrations, and that the reference page tells the tables as they are."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest

from seedance_async.errors import JournalError
from seedance_async.ledger._schema import MIGRATIONS, Migration, migrate
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from tests.journal.jobs import bring

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "journal.md"
NEWEST = MIGRATIONS[-1].version


def _open_raw(path: Path) -> contextlib.closing[sqlite3.Connection]:
    """Open a file past the journal."""
    return contextlib.closing(sqlite3.connect(path, isolation_level=None))


def _versions(path: Path) -> list[int]:
    """Give the steps that a file has gone through."""
    with _open_raw(path) as connection:
        return [version for (version,) in connection.execute("SELECT version FROM migrations ORDER BY 1")]


@pytest.mark.asyncio
async def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    """A file of no bytes (made by a temporary-file helper, say) is version 0 and gets every step."""
    path = tmp_path / "run.db"
    path.touch()
    async with Journal.open(path) as journal:
        await bring(journal, "a", JobState.ACCEPTED)
    assert _versions(path) == [step.version for step in MIGRATIONS] == list(range(1, NEWEST + 1))


@pytest.mark.asyncio
async def test_a_new_journal_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Neither the file nor SQLite's log beside it can be read by others: prompts may be private."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", JobState.ACCEPTED)
        modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.glob("run.db*")}
    assert modes.pop("run.db") == modes.pop("run.db-wal") == modes.pop("run.db-shm") == 0


@pytest.mark.asyncio
async def test_a_file_of_version_one_comes_up_to_date_with_its_rows(tmp_path: Path) -> None:
    """A file that the first version made opens today: its rows are there and its jobs go on."""
    path = tmp_path / "run.db"
    with _open_raw(path) as connection:
        migrate(connection, now=0.0, migrations=MIGRATIONS[:1])
        connection.execute(
            "INSERT INTO jobs (key, state, request, planned_at) VALUES ('a', 'planned', ?, 5.0)",
            ('{"prompt":"old"}',),
        )
    async with Journal.open(path) as journal:
        row = await journal.row("a")
    assert row is not None
    assert (row.state, row.request, row.planned_at) == (JobState.PLANNED, {"prompt": "old"}, 5.0)
    assert _versions(path)[-1] == NEWEST


@pytest.mark.asyncio
async def test_a_later_step_keeps_rows_and_is_taken_once(tmp_path: Path) -> None:
    """A step that a future version adds is applied to a filled journal, once, and noted."""
    path = tmp_path / "run.db"
    async with Journal.open(path) as journal:
        await bring(journal, "a", JobState.SAVED)
    later = (*MIGRATIONS, Migration(NEWEST + 1, "prices", ("ALTER TABLE jobs ADD COLUMN cost TEXT",)))
    for _ in range(2):
        with _open_raw(path) as connection:
            migrate(connection, now=7.0, migrations=later)
            assert connection.execute("SELECT key, state, cost FROM jobs").fetchall() == [
                ("a", "saved", None)
            ]
    assert _versions(path)[-2:] == [NEWEST, NEWEST + 1]


@pytest.mark.asyncio
async def test_a_step_that_fails_leaves_the_version_before(tmp_path: Path) -> None:
    """A step that breaks half-way is undone whole, so that the file works with the version it had."""
    path = tmp_path / "run.db"
    async with Journal.open(path) as journal:
        await bring(journal, "a", JobState.PLANNED)
    broken = Migration(NEWEST + 1, "broken", ("ALTER TABLE jobs ADD COLUMN cost TEXT", "CREATE NONSENSE"))
    with _open_raw(path) as connection, pytest.raises(sqlite3.OperationalError):
        migrate(connection, now=0.0, migrations=(*MIGRATIONS, broken))
    async with Journal.open(path) as journal:
        assert await journal.states(["a"]) == {"a": JobState.PLANNED}
    assert _versions(path)[-1] == NEWEST


@pytest.mark.asyncio
@pytest.mark.parametrize("read_only", [True, False])
async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path, *, read_only: bool) -> None:
    """Tables of a version that this library does not know are neither read nor written."""
    path = tmp_path / "run.db"
    async with Journal.open(path):
        pass
    with _open_raw(path) as connection:
        connection.execute("INSERT INTO migrations VALUES (?, 'from the future', 0)", (NEWEST + 1,))
    with pytest.raises(JournalError, match=f"version {NEWEST + 1}.*up to {NEWEST}.*newer version"):
        async with Journal.open(path, read_only=read_only):
            pass


@pytest.mark.asyncio
@pytest.mark.parametrize("read_only", [True, False])
async def test_databases_of_others_stay_untouched(tmp_path: Path, *, read_only: bool) -> None:
    """A file that is another program's database, or none, is refused and not a byte of it changes."""
    other = tmp_path / "other.db"
    with _open_raw(other) as connection:
        connection.execute("CREATE TABLE jobs (key TEXT)")
    text = tmp_path / "notes.txt"
    text.write_text("not a database " * 100)
    for path, words in ((other, "not a journal"), (text, "damaged, or not a journal")):
        before = path.read_bytes()
        with pytest.raises(JournalError, match=words):
            async with Journal.open(path, read_only=read_only):
                pass
        assert path.read_bytes() == before


@pytest.mark.asyncio
async def test_an_empty_file_cannot_be_read_as_a_journal(tmp_path: Path) -> None:
    """Reading alone does not migrate: the error says to open the file for writing once."""
    path = tmp_path / "run.db"
    path.touch()
    with pytest.raises(JournalError, match="Open it once for writing"):
        async with Journal.open(path, read_only=True):
            pass


@pytest.mark.asyncio
async def test_a_journal_stays_with_its_account(tmp_path: Path) -> None:
    """A journal begun with one account refuses another, and does not tell which it was."""
    path = tmp_path / "run.db"
    hint = "https://ark.example/api/v3"
    for account in (None, hint, hint, None):
        async with Journal.open(path, account=account):
            pass
    with pytest.raises(JournalError, match="another account"):
        async with Journal.open(path, account="https://elsewhere.example"):
            pass
    assert b"ark.example" not in path.read_bytes()


@pytest.mark.asyncio
async def test_the_reference_tells_every_table_and_column(tmp_path: Path) -> None:
    """The schema page lists the tables and columns of a new journal in their order, no more and no fewer."""
    path = tmp_path / "run.db"
    async with Journal.open(path):
        pass
    with _open_raw(path) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        real = {name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for name in tables}
    assert _told_columns(REFERENCE.read_text()) == real


def _told_columns(page: str) -> dict[str, list[str]]:
    """Read the first cells of the table under each ``### `name``` heading."""
    told: dict[str, list[str]] = {}
    for part in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        name = re.match(r"`(\w+)`", part)
        if name is not None:
            told[name[1]] = re.findall(r"^\| `(\w+)` \|", part, flags=re.MULTILINE)
    return told


def test_the_reference_tells_every_state() -> None:
    """The page's table of states is complete."""
    told = re.findall(r"^\| \*\*(\w+)\*\* \|", REFERENCE.read_text(), flags=re.MULTILINE)
    assert told == [state.value for state in JobState]
