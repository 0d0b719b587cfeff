"""Keys of jobs: given by the caller, or derived from the request; the same on every run, each used once."""

from __future__ import annotations

import sqlite3
from hashlib import blake2b
from typing import Final

__all__ = ["Keys"]

_LENGTH: Final = 16
"""Hex digits of a derived key: two of a million jobs share one with a chance of 3 in 100 million."""


class Keys:
    """Counts the keys of one run; close it.

    The counts live in a temporary database that SQLite removes, so a million jobs cost no memory.
    """

    def __init__(self) -> None:
        # One chunk of jobs is read in a thread, the next on the loop; never two at once.
        self._counts = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._counts.execute("PRAGMA journal_mode = OFF")
        # One transaction for all: beginning and ending one takes longer than what is done in it.
        self._counts.execute("BEGIN")
        self._counts.execute("CREATE TABLE counts (name INTEGER PRIMARY KEY, seen INTEGER NOT NULL)")

    def close(self) -> None:
        """Give the temporary file back."""
        self._counts.close()

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
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        number = int.from_bytes(digest, signed=True)
        if self._counts.execute("INSERT OR IGNORE INTO counts VALUES (?, 1)", (number,)).rowcount:
            return 1
        self._counts.execute("UPDATE counts SET seen = seen + 1 WHERE name = ?", (number,))
        seen: int = self._counts.execute("SELECT seen FROM counts WHERE name = ?", (number,)).fetchone()[0]
        return seen
