"""Where a batch keeps what became of its jobs: a journal, or memory for a run that need not survive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from seedance_async.ledger.intents import IntentStore, MemoryIntents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.ledger.rows import JournalRow, PlannedRow
    from seedance_async.models import VideoTask

__all__ = ["Books", "MemoryBooks"]


class Books(IntentStore, Protocol):
    """What a batch writes and asks; the journal is one."""

    async def plan(self, rows: Sequence[PlannedRow]) -> None:
        """Add jobs; those that are there stay as they are."""

    async def lookup(self, keys: Sequence[str]) -> dict[str, JournalRow]:
        """Give the rows of some keys; unknown keys are left out."""
        ...

    async def row(self, key: str) -> JournalRow | None:
        """Give one job with its whole request, or None."""
        ...

    async def ended(self, key: str, task: VideoTask) -> None:
        """Note the end of a key's task."""

    async def saved(self, key: str, *, file: str, size: int, sha256: str) -> None:
        """Note where the video is."""

    async def reset(self, key: str) -> None:
        """Plan a job again that ended without a task that bills."""


@frozen(kw_only=True)
class MemoryBooks(MemoryIntents):
    """Remembers open submits only; every job is new to it."""

    async def plan(self, rows: Sequence[PlannedRow]) -> None:
        """Nothing would be there after a crash."""

    async def lookup(self, keys: Sequence[str]) -> dict[str, JournalRow]:  # noqa: ARG002 - it knows no jobs
        """Give nothing: there was no earlier run."""
        return {}

    async def row(self, key: str) -> JournalRow | None:  # noqa: ARG002 - as above
        """Give nothing: there was no earlier run."""
        return None

    async def ended(self, key: str, task: VideoTask) -> None:
        """The outcome says it."""

    async def saved(self, key: str, *, file: str, size: int, sha256: str) -> None:
        """The outcome says it."""

    async def reset(self, key: str) -> None:
        """Nothing is kept that could stand in the way."""
