"""Keys of jobs: given by the caller, or derived from the request; the same on every run, each used once."""

from __future__ import annotations

import sqlite3
from typing import Final

__all__ = ["Keys"]

_LENGTH: Final = 16
"""Hex digits of a derived key: two of a million jobs share one with a chance of 3 in 100 million."""

_FEW: Final = 1 << 17
"""Names that are counted in memory, in some 10 MB."""


class Keys:
    """Counts the keys of one run; close it.

    Beyond 131,072 names the counts live in a temporary database that SQLite removes, so a million jobs cost
    no more memory.
    """

    def __init__(self) -> None:
        # By the number that stands for a name in this process: 64 bits, and keyed, so nobody makes two meet.
        self._few: dict[int, int] = {}
        self._many: sqlite3.Connection | None = None

    def close(self) -> None:
        """Give the temporary file back."""
        if self._many is not None:
            self._many.close()

    def claim(self, key: str) -> bool:
        """Take a key that the caller gave; False when this run has seen it before."""
        return self._count(key) == 1

    def derive(self, digest: str) -> str:
        """Give the key of a request: the beginning of its digest, ``-2`` added for its first twin."""
        short = digest[:_LENGTH]
        number = self._count(short)
        if number == 1:
            return short
        key = f"{short}-{number}"
        self._count(key)
        return key

    def _count(self, name: str) -> int:
        """Count one more use of a name."""
        number = hash(name)
        if self._many is not None:
            return _count(self._many, number)
        seen = self._few[number] = self._few.get(number, 0) + 1
        if len(self._few) > _FEW:
            self._many, self._few = _moved(self._few), {}
        return seen


def _moved(few: dict[int, int]) -> sqlite3.Connection:
    """Bring counts into a temporary database."""
    # One chunk of jobs is read in a thread, the next on the loop; never two at once.
    many = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    many.execute("PRAGMA journal_mode = OFF")
    # One transaction for all: beginning and ending one takes longer than what is done in it.
    many.execute("BEGIN")
    many.execute("CREATE TABLE counts (name INTEGER PRIMARY KEY, seen INTEGER NOT NULL)")
    many.executemany("INSERT INTO counts VALUES (?, ?)", few.items())
    return many


def _count(many: sqlite3.Connection, number: int) -> int:
    """Count one more use of a name in the database."""
    if many.execute("INSERT OR IGNORE INTO counts VALUES (?, 1)", (number,)).rowcount:
        return 1
    many.execute("UPDATE counts SET seen = seen + 1 WHERE name = ?", (number,))
    seen: int = many.execute("SELECT seen FROM counts WHERE name = ?", (number,)).fetchone()[0]
    return seen
