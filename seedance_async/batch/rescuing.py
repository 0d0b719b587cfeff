"""Rescue: find what was paid for and is not on disk, and fetch it before its URL dies.

A video URL lives 24 hours and a record 7 days (api docs 1521309). With a journal, everything that it knows of
is looked after: open submits are reconciled, tasks that have ended meanwhile are put on record, and videos
that are missing on disk are fetched. Without one, the account's own list of the last 7 days is gone through.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async.batch.handle import leave
from seedance_async.batch.opening import open_books, settle_open
from seedance_async.batch.outbox import Outbox
from seedance_async.batch.problems import ungrouped
from seedance_async.batch.recall import request_of
from seedance_async.errors import InvalidRequest, SeedanceError
from seedance_async.landing import Crew, crew_for, url_of
from seedance_async.ledger.rows import OPEN_STATES, JobState, JournalRow
from seedance_async.media.files import in_thread
from seedance_async.media.sidecar import told_of
from seedance_async.media.targets import aim_of
from seedance_async.models import TaskStatus, VideoTask
from seedance_async.outcomes import Outcome, OutcomeKind, kind_of, path_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from seedance_async.ledger.journal import Journal
    from seedance_async.session import SeedanceSession

__all__ = ["rescue"]

_AT_ONCE: Final = 16
_PAGE: Final = 100
_LAST_PAGE: Final = 500
_WORTH_A_LOOK: Final = (JobState.ACCEPTED, JobState.SUCCEEDED, JobState.SAVED, *OPEN_STATES)


async def rescue(
    session: SeedanceSession,
    *,
    save_to: str | os.PathLike[str],
    journal: str | os.PathLike[str] | Journal | None = None,
) -> AsyncGenerator[Outcome]:
    """Fetch paid videos that are not where they should be; nothing is ever submitted.

    Args:
        session: an open session.
        save_to: as for ``run_many``. Without a journal files are named after their task, unless a template
            says otherwise, and a task counts as landed when a sidecar in this folder names it.
        journal: look after the jobs of this journal; None goes through the account's last 7 days.

    Yields:
        An Outcome per video that was missing: SUCCEEDED with its path, or why it could not be had; and one
        per job of the journal that is still UNCERTAIN. What is on disk already, or still runs, is passed
        over.

    Raises:
        InvalidRequest: ``save_to`` is not valid; without a journal it needs ``{key}`` or ``{task_id}`` in its
            template.
        JournalError: the journal cannot be used.
        SeedanceError: the account's tasks cannot be listed.
    """
    aim = aim_of(save_to)
    if journal is None and aim.needs_index:
        limit = "must hold {key} or {task_id} in a rescue without a journal, which has no places to count"
        raise InvalidRequest(field="save_to", value=os.fspath(save_to), limit=limit)
    async with open_books(journal, session) as (_, opened):
        crew = crew_for(session, aim)
        found = _of_account(session, crew) if opened is None else _of_journal(session, opened, crew)
        search = _Search(session=session, crew=crew, journal=opened)
        async for outcome in search.outcomes(found):
            yield outcome


@define(kw_only=True)
class _Loss:
    """One paid video that may be missing.

    Attributes:
        key: names its job; the task's id where nothing else is known.
        index: where the job stood in its input.
        row: what the journal says, or None.
        task: what the list says, or None.
    """

    key: str
    index: int = 0
    row: JournalRow | None = None
    task: VideoTask | None = None

    @property
    def task_id(self) -> str:
        """Id of the task, "" while it is not known."""
        known = self.task.id if self.task is not None else self.row.task_id if self.row is not None else None
        return known or ""


@define(kw_only=True)
class _Search:
    """Fetches losses, some at a time."""

    session: SeedanceSession
    crew: Crew
    journal: Journal | None
    _outbox: Outbox = field(factory=lambda: Outbox(_AT_ONCE))

    async def outcomes(self, losses: AsyncGenerator[_Loss]) -> AsyncGenerator[Outcome]:
        """Give an outcome for each loss that turns out to be one."""
        searching = asyncio.create_task(self._all(losses), name="rescue")
        searching.add_done_callback(lambda _: self._outbox.close())
        try:
            while (outcome := await self._outbox.take()) is not None:
                yield outcome
            await searching
        finally:
            await leave(searching)

    async def _all(self, losses: AsyncGenerator[_Loss]) -> None:
        """Work through the losses."""
        line = asyncio.Semaphore(_AT_ONCE)

        async def one(loss: _Loss) -> None:
            try:
                outcome = await self._fetch(loss)
                if outcome is not None:
                    await self._outbox.put(outcome)
            finally:
                line.release()

        with ungrouped():
            async with asyncio.TaskGroup() as group:
                async for loss in losses:
                    await line.acquire()
                    group.create_task(one(loss), name=f"rescue {loss.key}")

    async def _fetch(self, loss: _Loss) -> Outcome | None:
        """Bring one video home; None when nothing is lost."""
        row, task = loss.row, loss.task
        request = request_of(row) if row is not None else None
        if row is not None and row.state in OPEN_STATES:
            error = SeedanceError(
                f"Whether job {row.key!r} has a task is unknown: {row.error or 'not looked for'}"
            )
            return Outcome(key=loss.key, kind=OutcomeKind.UNCERTAIN, request=request, error=error)
        try:
            if task is None or not task.video_url:
                task = await self.session.get(loss.task_id)
            if not task.is_terminal:
                return None
            await self._note_end(loss, task)
            if task.status is not TaskStatus.SUCCEEDED:
                url_of(task)
            body = dict(row.request) if row is not None and row.request else {}
            landed = await self.crew.land(task, body, key=loss.key, index=loss.index)
            if self.journal is not None:
                path = str(landed.path)
                await self.journal.saved(loss.key, file=path, size=landed.size, sha256=landed.sha256)
        except SeedanceError as error:
            kind = kind_of(error, accepted=True, ended=task is not None and task.is_terminal)
            where = path_of(error)
            return Outcome(key=loss.key, kind=kind, request=request, task=task, path=where, error=error)
        return Outcome(key=loss.key, kind=OutcomeKind.SUCCEEDED, request=request, task=task, path=landed.path)

    async def _note_end(self, loss: _Loss, task: VideoTask) -> None:
        """Put the end of a job's task on record."""
        if self.journal is not None and loss.row is not None and loss.row.state is JobState.ACCEPTED:
            await self.journal.ended(loss.key, task)


async def _of_journal(session: SeedanceSession, journal: Journal, crew: Crew) -> AsyncGenerator[_Loss]:
    """Give the jobs of a journal that have, or may have, a video which is not on disk."""
    if not journal.read_only:
        await settle_open(session, journal, journal)
    async for row in journal.rows(states=_WORTH_A_LOOK):
        if row.state is not JobState.SAVED or not await _lies(row.file, crew):
            yield _Loss(key=row.key, index=row.input_index or 0, row=row)


async def _lies(file: str | None, crew: Crew) -> bool:
    """Whether a saved file is still where it was saved."""
    if not file:
        return False
    if "://" in file:
        return await crew.place.holds(file.rpartition("/")[2])
    return await in_thread(Path(file).exists)


async def _of_account(session: SeedanceSession, crew: Crew) -> AsyncGenerator[_Loss]:
    """Give the succeeded tasks of the account's last 7 days that no sidecar in the folder names."""
    landed = await in_thread(_landed_in, crew.aim.folder) if not crew.aim.remote else frozenset[str]()
    seen: set[str] = set()
    for tier in ("default", "flex"):
        for number in range(1, _LAST_PAGE + 1):
            page = await session.list(status="succeeded", service_tier=tier, page_num=number, page_size=_PAGE)
            # New tasks push older ones to the next page while this goes on, so some are seen twice.
            fresh = [task for task in page.items if task.id not in seen]
            seen.update(task.id for task in fresh)
            for task in fresh:
                if task.id not in landed and not await _is_held(task, crew):
                    yield _Loss(key=task.id, task=task)
            if not fresh or not page.has_more:
                break


async def _is_held(task: VideoTask, crew: Crew) -> bool:
    """Whether there is a file under the name that this task's video would get."""
    if task.status is not TaskStatus.SUCCEEDED:
        return True  # the server ignores the filter; nothing was paid for
    return await crew.place.holds(
        crew.aim.name(key=task.id, index=0, task_id=task.id, output_format=task.output_format)
    )


def _landed_in(folder: str) -> frozenset[str]:
    """Collect the tasks whose sidecars lie in a folder beside their videos."""
    return frozenset(
        told.task_id
        for path in Path(folder).glob("*.json")
        if (told := told_of(path.with_suffix(""))) is not None
    )
