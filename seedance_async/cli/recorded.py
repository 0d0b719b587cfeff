"""``seedance generate --journal``: an order on record, which the same command never pays for twice."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from seedance_async.batch.jobs import Item
    from seedance_async.ledger.journal import Journal
    from seedance_async.ledger.rows import JournalRow
    from seedance_async.media.download import Landed
    from seedance_async.models import VideoTask
    from seedance_async.outcomes import Outcome
    from seedance_async.request import VideoRequest
    from seedance_async.session import SeedanceSession

__all__ = ["Record", "named", "recorded"]


def named(request: VideoRequest, key: str | None) -> Item:
    """Give a request its key, derived as in a batch where none is given; blocks where files must be hashed.

    Raises:
        SeedanceError: the key is none, or a local file cannot be read.
    """
    from seedance_async.batch.jobs import read_job
    from seedance_async.batch.keys import Keys

    keys = Keys()
    try:
        item = read_job(request if key is None else (key, request), 0, keys)
    finally:
        keys.close()
    if item.problem is not None:
        raise item.problem
    return item


@asynccontextmanager
async def recorded(
    session: SeedanceSession, request: VideoRequest, *, path: str | None, key: str | None
) -> AsyncGenerator[Record | None]:
    """Open the journal of an order; None where there is none.

    Raises:
        JournalLocked: another process owns the journal.
        JournalError: it cannot be opened, or was begun on another server.
    """
    from seedance_async.batch.opening import journal_of

    if path is None:
        yield None
        return
    item = await asyncio.to_thread(named, request, key)
    async with journal_of(path, session) as journal:
        yield Record(session=session, journal=journal, item=item)


@frozen(kw_only=True)
class Record:
    """One order in a journal.

    Attributes:
        session: orders and looks.
        journal: where every step is put before the next one is taken.
        item: the request and its key.
    """

    session: SeedanceSession
    journal: Journal
    item: Item

    async def done(self) -> Outcome | None:
        """Give the outcome of an earlier command whose video is still there, or None."""
        from seedance_async.batch.recall import outcome_of

        row = await self.journal.row(self.item.key)
        file = row.file if row is not None else None
        if row is None or file is None or not await asyncio.to_thread(Path(file).is_file):
            return None
        return outcome_of(row, self.item.request)

    async def order(self, request: VideoRequest) -> VideoTask:
        """Give the task of the order: the one on record, or else a new one.

        What ended without a video bills nothing and is ordered again: whoever repeats the command wants it.

        Raises:
            SubmitUncertain: an earlier order of this key may have a task, and it was not found.
            SeedanceError: as :meth:`seedance_async.SeedanceSession.submit`.
        """
        from seedance_async.batch.opening import settle_open
        from seedance_async.batch.recall import task_of
        from seedance_async.batch.worker import planned_row
        from seedance_async.ledger.rows import JobState

        key = self.item.key
        ready = await self.session.prepare(request)
        unsettled = await settle_open(self.session, self.journal, self.journal)
        if key in unsettled:
            raise unsettled[key]
        row = await self.journal.row(key)
        if row is None:
            await self.journal.plan([planned_row(self.item, ready)])
        elif _has_task(row) and (task := task_of(row)) is not None:
            return task
        elif row.state is not JobState.PLANNED:
            await self.journal.reset(key)
        return await self.session.order(ready, key=key, intents=self.journal)

    async def ended(self, task: VideoTask) -> None:
        """Note the end of the task."""
        await self.journal.ended(self.item.key, task)

    async def saved(self, landed: Landed) -> None:
        """Note where the video is."""
        file = str(await asyncio.to_thread(Path(landed.path).resolve))
        await self.journal.saved(self.item.key, file=file, size=landed.size, sha256=landed.sha256)


def _has_task(row: JournalRow) -> bool:
    """Whether a row's task goes on or has a video."""
    from seedance_async.ledger.rows import JobState

    return row.state in {JobState.ACCEPTED, JobState.SUCCEEDED, JobState.SAVED}
