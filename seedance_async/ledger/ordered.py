"""Asking a journal whether a job is ordered, without a loop: a file of jobs is checked in a thread."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from seedance_async.ledger import _connect, _reads
from seedance_async.ledger.rows import JobState

if TYPE_CHECKING:
    import os

__all__ = ["is_ordered"]


def is_ordered(journal: str | os.PathLike[str], key: str) -> bool:
    """Whether a job is past ``planned`` in a journal; one that does not exist knows none. Blocks.

    Raises:
        JournalError: the file is not a journal of this version.
    """
    path = Path(journal).resolve()
    if not path.is_file():
        return False
    try:
        with closing(_connect.connect_reading(path)) as connection:
            state = _reads.states(connection, [key]).get(key, JobState.PLANNED)
    except sqlite3.Error as error:
        raise _connect.explain(error, path) from error
    return state is not JobState.PLANNED
