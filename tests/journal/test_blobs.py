"""Long texts and bytes are stored once and come back whole."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async.ledger.blobs import LONGEST_INLINE, fold, unfold
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import PlannedRow

if TYPE_CHECKING:
    from pathlib import Path

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_long = st.integers(LONGEST_INLINE - 1, LONGEST_INLINE + 1).map("é".__mul__)
_leaves = st.none() | st.booleans() | st.integers() | _texts | _long | st.binary(max_size=9)
_names = _texts | st.sampled_from(["$blob", "$bytes", "$literal"])
_values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=8,
)


@given(value=_values)
def test_folding_is_undone_whole(value: Any) -> None:
    """Whatever a request holds, names that look like our marks included, unfolding gives it back."""
    shelf: dict[str, bytes] = {}

    def keep(content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        shelf[name] = content
        return name

    assert unfold(fold(value, keep), shelf.__getitem__) == value


@pytest.mark.asyncio
async def test_one_image_in_many_rows_is_stored_once(tmp_path: Path) -> None:
    """A reference image that a thousand jobs share takes its room once, over several plans and runs."""
    path = tmp_path / "run.db"
    image = "data:image/png;base64," + "iVBORw0K" * 50_000
    for run in range(3):
        async with Journal.open(path) as journal:
            rows = [
                PlannedRow(key=f"{run}-{n}", request={"prompt": str(n), "image": image}) for n in range(300)
            ]
            await journal.plan(rows)
            row = await journal.row(f"{run}-299")
        assert row is not None
        assert row.request == {"prompt": "299", "image": image}
    assert path.stat().st_size < 2 * len(image)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        kept = connection.execute("SELECT sha256, length(content) FROM blobs").fetchall()
    assert kept == [(hashlib.sha256(image.encode()).hexdigest(), len(image))]


@pytest.mark.asyncio
async def test_a_page_of_heavy_rows_ends_early(tmp_path: Path) -> None:
    """Rows with images of their own are read a few at a time, and no row is missed between pages."""
    async with Journal.open(tmp_path / "run.db") as journal:
        for number in range(6):
            image = bytes([number]) * (6 << 20)
            await journal.plan([PlannedRow(key=str(number), request={"image": image})])
        seen = [(row.key, len((row.request or {})["image"])) async for row in journal.rows()]
    assert seen == [(str(number), 6 << 20) for number in range(6)]
