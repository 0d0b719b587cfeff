"""What can be asked of a journal, as queries on a connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import fields_dict

from seedance_async.ledger import blobs
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.rows import JobState, JournalRow

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

__all__ = ["COLUMNS", "count", "find", "lookup", "owners", "page", "states"]

COLUMNS = tuple(fields_dict(JournalRow))
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM jobs"  # noqa: S608 - names of this module's own class
_STATES = {state.value: state for state in JobState}

_PAGE_ROWS = 500
_PAGE_BYTES = 16 << 20
"""A page ends early at this weight of blobs: a few rows with images weigh as much as thousands without."""


class _Shelf:
    """Gives blobs, each read once per page, and counts what they weigh."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._read: dict[str, bytes] = {}
        self.weight = 0

    def __call__(self, name: str) -> bytes:
        """Find the bytes of a sha256."""
        if name not in self._read:
            found = self._connection.execute("SELECT content FROM blobs WHERE sha256 = ?", (name,)).fetchone()
            content: bytes = found[0]
            self._read[name] = content
            self.weight += len(content)
        return self._read[name]


def _row(values: Sequence[Any], shelf: _Shelf | None) -> JournalRow:
    """Make a row of what the database gave; without a shelf it comes without its request."""
    named = dict(zip(COLUMNS, values, strict=True))
    named["state"] = _STATES[named["state"]]
    request, record = named["request"], named["record"]
    named["request"] = blobs.unfold(json.loads(request), shelf) if shelf is not None and request else None
    named["record"] = json.loads(record) if record else None
    return JournalRow(**named)


def lookup(connection: sqlite3.Connection, keys: Sequence[str], *, requests: bool) -> dict[str, JournalRow]:
    """Give the rows of some keys; unknown keys are left out."""
    shelf = _Shelf(connection) if requests else None
    query = _SELECT + " WHERE key IN (SELECT value FROM json_each(?))"  # noqa: S608 - and bound values
    found = connection.execute(query, (json.dumps(list(keys)),))
    rows = [_row(values, shelf) for values in found]
    return {row.key: row for row in rows}


def states(connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, JobState]:
    """Give the states of some keys; unknown keys are left out."""
    query = "SELECT key, state FROM jobs WHERE key IN (SELECT value FROM json_each(?))"
    found = connection.execute(query, (json.dumps(list(keys)),))
    return {key: JobState(state) for key, state in found}


def owners(connection: sqlite3.Connection, task_ids: Collection[str]) -> dict[str, str]:
    """Give the keys of some tasks, those of earlier attempts too; unknown tasks are left out."""
    query = "SELECT task_id, key FROM attempts WHERE task_id IN (SELECT value FROM json_each(?))"
    return dict(connection.execute(query, (json.dumps(list(task_ids)),)).fetchall())


def count(connection: sqlite3.Connection) -> dict[JobState, int]:
    """Give how many jobs are in each state."""
    found: dict[str, int] = dict(
        connection.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall()
    )
    return {state: found.get(state, 0) for state in JobState}


def page(
    connection: sqlite3.Connection,
    *,
    among: Collection[JobState] | None,
    after: int,
    most: int,
    requests: bool,
) -> list[JournalRow]:
    """Give the next rows in the order in which they were planned; an empty page is the end."""
    where, values = _next_positions(among, after, min(most, _PAGE_ROWS))
    shelf = _Shelf(connection) if requests else None
    rows: list[JournalRow] = []
    for found in connection.execute(f"{_SELECT} {where}", values):
        rows.append(_row(found, shelf))
        if shelf is not None and shelf.weight > _PAGE_BYTES:
            break
    return rows


def _next_positions(among: Collection[JobState] | None, after: int, most: int) -> tuple[str, tuple[Any, ...]]:
    """Write the condition of a page and its values.

    Each state's positions come in order from the index and are merged, so a page costs what it holds: one
    condition over several states would sort all that is left of them for every page.
    """
    if among is None:
        return "WHERE position > ? ORDER BY position LIMIT ?", (after, most)
    parts = " UNION ALL ".join("SELECT position FROM jobs WHERE state = ? AND position > ?" for _ in among)
    values = [value for state in among for value in (state.value, after)]
    return f"WHERE position IN ({parts} ORDER BY position LIMIT ?) ORDER BY position", (*values, most)


def find(connection: sqlite3.Connection, key: str, *, sender: str | None) -> Intent | None:
    """Give the last POST of a key whose outcome is open, or None; ``sender`` is who asks."""
    row = connection.execute(
        "SELECT number, fingerprint, facts, sent_at, until, clock_offset, sender FROM attempts"
        " WHERE key = ? AND outcome IN ('sending', 'uncertain') ORDER BY number DESC LIMIT 1",
        (key,),
    ).fetchone()
    if row is None:
        return None
    number, fingerprint, facts, sent_at, until, offset, sent_by = row
    return Intent(
        key=key,
        attempt=number,
        fingerprint=fingerprint,
        facts=json.loads(facts),
        sent_at=sent_at,
        until=until,
        clock_offset=offset,
        elsewhere=None not in (sender, sent_by) and sender != sent_by,
    )
