"""The start of a run: what an earlier one left open is settled before anything new is submitted."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from seedance_async._wire.limits import account_for
from seedance_async.batch.books import Books, MemoryBooks
from seedance_async.batch.problems import ungrouped
from seedance_async.errors import SeedanceError, SubmitUncertain
from seedance_async.events import SubmitLost
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import OPEN_STATES, JobState

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator

    from seedance_async.ledger.intents import IntentStore
    from seedance_async.session import SeedanceSession

__all__ = ["journal_of", "open_books", "settle_open"]

_AT_ONCE: Final = 1000


@asynccontextmanager
async def open_books(
    journal: str | os.PathLike[str] | Journal | None, session: SeedanceSession
) -> AsyncGenerator[tuple[Books, Journal | None]]:
    """Open a journal by its path, take over an open one, or keep the books in memory.

    Raises:
        JournalLocked: another process owns the journal.
        JournalError: it cannot be opened, or was begun on another server.
    """
    if journal is None:
        yield MemoryBooks(), None
    elif isinstance(journal, Journal):
        await journal.sent_with(session.settings.api_key)
        yield journal, journal
    else:
        async with journal_of(journal, session) as opened:
            yield opened, opened


@asynccontextmanager
async def journal_of(path: str | os.PathLike[str], session: SeedanceSession) -> AsyncGenerator[Journal]:
    """Open a journal for the account and the key of a session.

    Raises:
        JournalLocked: another process owns the journal.
        JournalError: it cannot be opened, or was begun on another server.
    """
    async with Journal.open(path, account=session.settings.base_url) as opened:
        await opened.sent_with(session.settings.api_key)
        yield opened


async def settle_open(
    session: SeedanceSession, journal: Journal, intents: IntentStore
) -> dict[str, SeedanceError]:
    """Count what is alive, then look for the task of every submit whose end is unknown.

    Args:
        session: looks and takes slots.
        journal: says what is open.
        intents: where findings are recorded.

    Returns:
        What stays unknown, by key.

    Raises:
        JournalError: what was found cannot be put on record.
    """
    account = account_for(session.settings.limits)
    async for row in journal.rows(states={JobState.ACCEPTED}, requests=False):
        if row.task_id:
            account.occupy(row.task_id, row.key)
    lost = {row.key: row.fingerprint async for row in journal.rows(states=OPEN_STATES, requests=False)}
    most = session.settings.retry.reconcile_budget
    why = f"an earlier run ended before it came; this may take minutes, {most:.0f} s at most"
    unsettled: dict[str, SeedanceError] = {}
    line = asyncio.Semaphore(_AT_ONCE)

    async def settle(key: str) -> None:
        async with line:
            # Nothing else is heard meanwhile, and whoever waits in silence takes the run for dead.
            session.emit(SubmitLost(key=key, fingerprint=lost[key], error=why))
            try:
                await session.reconcile(key, intents=intents)
            except SubmitUncertain as error:
                unsettled[key] = error

    with ungrouped():
        async with asyncio.TaskGroup() as group:
            for key in lost:
                group.create_task(settle(key), name=f"reconcile {key}")
    return unsettled
