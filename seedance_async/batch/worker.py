"""One job from where it stands to its outcome: submit, wait, land; each step on record before the next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from attrs import define, field

from seedance_async.batch.problems import BatchStopped, ChainBroken, SubmitsHalted
from seedance_async.batch.recall import KINDS, task_of
from seedance_async.cancelling import CancelResult
from seedance_async.errors import (
    Billed,
    BudgetExceeded,
    InvalidRequest,
    QuotaExhausted,
    SeedanceError,
    TaskCancelled,
)
from seedance_async.events import TaskResumed
from seedance_async.landing import url_of
from seedance_async.ledger.rows import OPEN_STATES, JobState, PlannedRow
from seedance_async.models import TaskStatus
from seedance_async.outcomes import Outcome, OutcomeKind, kind_of, path_of
from seedance_async.prices import estimate
from seedance_async.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import TypeAlias

    from seedance_async.batch.books import Books
    from seedance_async.batch.brake import Brake, BrakedIntents
    from seedance_async.batch.jobs import Item
    from seedance_async.batch.purse import Purse
    from seedance_async.batch.stopping import StopSwitch
    from seedance_async.landing import Crew
    from seedance_async.ledger.rows import JournalRow
    from seedance_async.models import VideoTask
    from seedance_async.request import VideoRequest
    from seedance_async.session import SeedanceSession

    End: TypeAlias = asyncio.Future[VideoTask | SeedanceError]

__all__ = ["Progress", "Worker", "is_over", "planned_row"]


def planned_row(item: Item, request: VideoRequest) -> PlannedRow:
    """Make the journal's row of a job whose request can be sent."""
    try:
        tokens: int | None = estimate(request).tokens
    except InvalidRequest:
        tokens = None
    after = item.link.after if item.link is not None else None
    return PlannedRow(
        key=item.key, index=item.index, request=request.to_body(), tokens_estimated=tokens, depends_on=after
    )


@define(kw_only=True, eq=False)
class Progress:
    """How far one job has come.

    Attributes:
        item: the job.
        row: what an earlier run left of it, or None.
        request: what is sent, its local files read.
        task: the last record of its task.
        ended: set to the task when it has ended, or to what became of the job instead; links wait for it.
    """

    item: Item
    row: JournalRow | None = None
    request: VideoRequest | None = None
    task: VideoTask | None = None
    ended: End = field(factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def key(self) -> str:
        """Names the job."""
        return self.item.key

    @property
    def index(self) -> int:
        """Where the job stands in the input it was ordered from; until then, in this one."""
        # What was only planned is planned anew, and its old number may be that of another job now.
        begun = self.row is not None and self.row.state is not JobState.PLANNED
        index = self.row.input_index if self.row is not None and begun else None
        return self.item.index if index is None else index

    def end(self, how: VideoTask | SeedanceError) -> None:
        """Tell the links; a second time does nothing."""
        if not self.ended.done():
            self.ended.set_result(how)

    def outcome(self, kind: OutcomeKind, error: SeedanceError | None = None, path: Any = None) -> Outcome:
        """Give the outcome."""
        request = self.request or self.item.request
        return Outcome(key=self.key, kind=kind, request=request, task=self.task, path=path, error=error)


@define(kw_only=True, eq=False)
class Worker:
    """Carries out jobs; it keeps nothing of its own, so any number may be at work.

    Attributes:
        session: submits, watches and cancels.
        books: what must be durable.
        intents: the books behind the brake, for submits.
        brake: ends submits and waits.
        purse: the budget, or None.
        crew: lands videos, or None where nothing is saved.
        uncertain: what reconciling at the start could not settle, by key.
        stop: says, when the batch is stopped, whether tasks that are still queued are cancelled; None: no.
    """

    session: SeedanceSession
    books: Books
    intents: BrakedIntents
    brake: Brake
    purse: Purse | None
    crew: Crew | None
    uncertain: dict[str, SeedanceError]
    stop: StopSwitch | None

    async def carry_out(self, job: Progress) -> Outcome:
        """Do what is left to do for one job.

        Raises:
            SeedanceError: it did not succeed; :meth:`explain` makes an outcome of it.
        """
        state = job.row.state if job.row is not None else JobState.PLANNED
        if state is not JobState.PLANNED and self.crew is not None:
            self.crew.expect(key=job.key, index=job.index)
        if state in OPEN_STATES:
            raise self.uncertain.get(job.key) or BatchStopped
        if job.row is not None and state is not JobState.PLANNED:
            job.task = task_of(job.row)
            if job.task is not None:
                self.session.emit(TaskResumed(key=job.key, task_id=job.task.id))
            if self.purse is not None:
                self.purse.resume(job.key)
        if state is JobState.PLANNED:
            await self._submit(job)
        if state in {JobState.PLANNED, JobState.ACCEPTED}:
            await self._wait(job)
        return await self._landed(job)

    async def _submit(self, job: Progress) -> None:
        """Order the task, once."""
        async with self.brake.leavable(job.key, submitting=True):
            if self.purse is not None:
                # Before anything that a thread does: the first jobs of the input get the money.
                await self.purse.reserve(job.key, self._wanted(job))
            request = await self.prepared(job)
            if job.row is not None or job.item.request is None or job.item.request.has_local_media:
                # Links and jobs with local files go on record now that their body is known; what an earlier
                # run planned may have been another request under the same key.
                await self.books.plan([planned_row(job.item, request)])
            if self.crew is not None:
                await self._prove(self.crew)
                self.crew.keep(key=job.key, index=job.index)
                await self.crew.refuse_taken(
                    key=job.key, index=job.index, output_format=request.output_format
                )
            job.task = await self.session.order(request, key=job.key, intents=self.intents)

    async def _prove(self, crew: Crew) -> None:
        """See that videos can land; where they cannot, no other job is submitted either."""
        try:
            await crew.prove()
        except InvalidRequest as error:
            self.brake.halt(error)
            raise

    async def prepared(self, job: Progress) -> VideoRequest:
        """Read the local files of a job."""
        if job.request is None:
            job.request = await self.session.prepare(self._wanted(job))
        return job.request

    @staticmethod
    def _wanted(job: Progress) -> VideoRequest:
        """Give what the job asks for, its local files read or not."""
        wanted = job.request or job.item.request
        if wanted is None:
            raise InvalidRequest(field="request", limit=f"is missing in job {job.key!r}")
        return wanted

    async def _wait(self, job: Progress) -> None:
        """Wait for the end of the task and put it on record."""
        task = job.task
        if task is None:
            raise InvalidRequest(field="task_id", limit=f"is missing in the journal for job {job.key!r}")
        async with self.brake.leavable(job.key, submitting=False):
            task = job.task = await wait_for(self.session, task, raise_on_failure=False)
        await self.books.ended(job.key, task)
        if self.purse is not None:
            self.purse.settle(job.key, task)
        job.end(task)
        if task.status is not TaskStatus.SUCCEEDED:
            url_of(task)

    async def _landed(self, job: Progress) -> Outcome:
        """Bring the video home, if that was asked for."""
        task = job.task
        if self.crew is None or task is None:
            return job.outcome(OutcomeKind.SUCCEEDED)
        if self.brake.stopping:
            raise BatchStopped
        landed = await self.crew.land(task, await self._body(job), key=job.key, index=job.index)
        path: Path | str = landed.path
        await self.books.saved(job.key, file=str(path), size=landed.size, sha256=landed.sha256)
        return job.outcome(OutcomeKind.SUCCEEDED, path=path)

    async def _body(self, job: Progress) -> Mapping[str, Any]:
        """Give the body that was sent, in this run or in an earlier one."""
        if job.request is not None:
            return job.request.to_body()
        row = await self.books.row(job.key)
        return (row.request if row is not None else None) or {}

    # -- what went wrong

    async def explain(self, job: Progress, error: SeedanceError) -> Outcome:
        """Make the outcome of a job that did not succeed."""
        task: VideoTask | None = getattr(error, "task", None)
        job.task = task or job.task
        if isinstance(error, BatchStopped):
            return await self._stopped(job)
        if self.purse is not None and job.task is None and error.billed is Billed.NO:
            self.purse.release(job.key)
        return job.outcome(self._kind(job, error), error, path_of(error))

    def _kind(self, job: Progress, error: SeedanceError) -> OutcomeKind:
        """Sort an error into a kind."""
        if isinstance(error, SubmitsHalted | ChainBroken | BudgetExceeded):
            return OutcomeKind.SKIPPED
        if isinstance(error, QuotaExhausted) and job.task is None and job.key not in self.brake.sent:
            # The account was told to stop by another job's submit.
            return OutcomeKind.SKIPPED
        task = job.task
        return kind_of(error, accepted=task is not None, ended=task is not None and task.is_terminal)

    async def _stopped(self, job: Progress) -> Outcome:
        """Say what is left of a job when the batch is stopped; cancel it first where that was asked for."""
        if job.key in self.brake.lost or (job.row is not None and job.row.state in OPEN_STATES):
            return job.outcome(OutcomeKind.UNCERTAIN, BatchStopped(lost=True))
        if job.task is None:
            if self.purse is not None:
                self.purse.release(job.key)
            return job.outcome(OutcomeKind.SKIPPED, BatchStopped())
        if self.stop is not None and self.stop.cancel_queued and not job.task.is_terminal:
            return await self._cancelled(job, job.task)
        return job.outcome(OutcomeKind.SKIPPED, BatchStopped(job.task))

    async def _cancelled(self, job: Progress, task: VideoTask) -> Outcome:
        """Cancel a task if it is still queued."""
        try:
            cancellation = await self.session.cancel(task.id)
        except SeedanceError:
            return job.outcome(OutcomeKind.SKIPPED, BatchStopped(task))
        job.task = cancellation.task
        if cancellation.result is not CancelResult.CANCELLED:
            return job.outcome(OutcomeKind.SKIPPED, BatchStopped(task))
        await self.books.ended(job.key, cancellation.task)
        if self.purse is not None:
            self.purse.settle(job.key, cancellation.task)
        return job.outcome(OutcomeKind.CANCELLED, TaskCancelled(cancellation.task))


def is_over(row: JournalRow, *, saving: bool) -> bool:
    """Whether an earlier run left nothing to do for a job, unless it is asked to be tried again."""
    return row.state in KINDS and not (saving and row.state is JobState.SUCCEEDED)
