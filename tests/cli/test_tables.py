"""Tables for a terminal: what is left out where it is narrow, and what never is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from seedance_async.cli.tables import Column, table
from seedance_async.errors import ContentRejected
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import PlannedRow
from tests.cli.helpers import invoke

if TYPE_CHECKING:
    from pathlib import Path

LONG = "the video shows " + "a crowd and " * 20 + "a square"
COLUMNS = (Column("key"), Column("ended", rank=4), Column("file or error", running_over=True))


@pytest.mark.parametrize(("width", "titles"), [(80, "key ended file or error"), (40, "key file or error")])
def test_a_long_text_at_the_end_is_shown_whole(width: int, titles: str) -> None:
    """It runs over the edge, and costs only so many other columns as a text of usual length does."""
    rows = [("k1", "2026-01-01 10:00", LONG), ("k2", "2026-01-01 10:01", "k2.mp4")]
    lines = table(COLUMNS, rows, width=width)
    assert " ".join(lines[0].split()) == titles
    assert lines[1].endswith(LONG)
    assert lines[2].endswith("k2.mp4")


def test_what_went_wrong_is_shown_on_a_narrow_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal's table keeps its errors, however long one of them is."""
    monkeypatch.setenv("COLUMNS", "80")

    async def write() -> None:
        async with Journal.open(tmp_path / "run.db") as journal:
            await journal.plan([PlannedRow(key="k1")])
            await journal.sending(Intent(key="k1", fingerprint=172_811, sent_at=1.0))
            await journal.refused("k1", ContentRejected(LONG, status=400))

    asyncio.run(write())
    ran = invoke(capsys, "journal", "show", str(tmp_path / "run.db"), "--text")
    assert "file or error" in ran.out
    assert LONG in ran.out
