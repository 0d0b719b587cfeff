"""One job of several machines: from where it stands to its outcome, each step on record in shared claims.

What engines are built on that hand out jobs at least once: called again for a key, by whatever machine, a job
goes on where it stands, and nothing is paid twice::

    async with Claims.open("s3://bucket/claims") as claims, SeedanceSession() as session:
        await fulfil(session, claims, key="cat", request={"prompt": "a cat surfing"}, save_to="out/")
"""

from __future__ import annotations

import asyncio
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from attrs import define, evolve

from seedance_async._wire.limits import account_for
from seedance_async.asked import as_request
from seedance_async.batch.policy import Policy
from seedance_async.batch.recall import KINDS, error_of, outcome_of, request_of, task_of
from seedance_async.errors import (
    Billed,
    ClaimHeld,
    InvalidRequest,
    JournalError,
    LimiterUnavailable,
    SeedanceError,
)
from seedance_async.landing import crew_for, url_of
from seedance_async.ledger.rows import OPEN_STATES, JobState, PlannedRow
from seedance_async.media.targets import aim_of
from seedance_async.models import TaskStatus, VideoTask
from seedance_async.outcomes import Outcome, OutcomeKind, kind_of, path_of
from seedance_async.prices import estimate
from seedance_async.waiting import wait_for

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Mapping

    from seedance_async.landing import Crew
    from seedance_async.ledger.claims import Claims
    from seedance_async.ledger.rows import JournalRow
    from seedance_async.request import VideoRequest
    from seedance_async.session import SeedanceSession

__all__ = ["fulfil", "plan_job", "settle_abandoned"]

_AT_ONCE: Final = 100
_lines: weakref.WeakKeyDictionary[SeedanceSession, asyncio.Semaphore] = weakref.WeakKeyDictionary()
"""By session, what bounds its landings at the same time over all jobs."""
_in_hand: weakref.WeakKeyDictionary[Claims, set[str]] = weakref.WeakKeyDictionary()
"""By claims, the keys of the jobs that calls of this process are at."""
_SUBMITTED_FROM: Final = OPEN_STATES | {JobState.PLANNED, JobState.REFUSED}


async def fulfil(
    session: SeedanceSession,
    claims: Claims,
    *,
    key: str,
    request: VideoRequest | str | Mapping[str, Any] | None = None,
    save_to: str | os.PathLike[str] | None = None,
    retry_failed: bool = False,
) -> Outcome:
    """Do what is left to do for one job; whatever happens to it is in the outcome.

    Args:
        session: submits, waits and fetches.
        claims: where the job is on record; its key never has two tasks.
        key: names the job on all machines.
        request: what is wanted; may be left out for a job that is on record, and changes nothing there.
        save_to: a folder, ``s3://bucket/folder`` or a template in one; None fetches nothing.
        retry_failed: submit a job again that was refused, failed, expired or was cancelled.

    Returns:
        An Outcome; SKIPPED (with the error) where nothing was done and another try may help: another machine
        or call holds the job, or the claims or shared limits cannot be reached.
    """
    job = _Job(session=session, claims=claims, key=key)
    try:
        with _alone(claims, key):
            return await job.carry_out(request, save_to, retry_failed=retry_failed)
    except SeedanceError as error:
        return job.ended_with(error)


async def plan_job(claims: Claims, key: str, request: VideoRequest) -> None:
    """Put a job on record that is not there yet; its local files must have been read.

    Raises:
        JournalError: the claims cannot be written.
    """
    try:
        tokens: int | None = estimate(request).tokens
    except InvalidRequest:
        tokens = None
    await claims.plan([PlannedRow(key=key, request=request.to_body(), tokens_estimated=tokens)])


async def settle_abandoned(session: SeedanceSession, claims: Claims) -> dict[str, Outcome]:
    """Look for the tasks of submits whose machine died; each is looked for by exactly one of those who ask.

    Returns:
        By key: SUCCEEDED is never among them. SKIPPED: the task was found and goes on (``task``), or there is
        none and the job is planned again (no task, no error), or another machine was faster (an error).
        UNCERTAIN: it can be neither found nor ruled out.
    """
    found: dict[str, Outcome] = {}
    line = asyncio.Semaphore(_AT_ONCE)

    async def settle(key: str) -> None:
        async with line:
            job = _Job(session=session, claims=claims, key=key)
            try:
                with _alone(claims, key):
                    job.task = await session.reconcile(key, intents=claims)
                found[key] = job.outcome(OutcomeKind.SKIPPED)
            except SeedanceError as error:
                found[key] = job.ended_with(error)

    async with asyncio.TaskGroup() as group:
        for key in await claims.abandoned():
            group.create_task(settle(key), name=f"reconcile {key}")
    return found


@define(kw_only=True)
class _Job:
    """One job on its way."""

    session: SeedanceSession
    claims: Claims
    key: str
    request: VideoRequest | None = None
    task: VideoTask | None = None

    async def carry_out(
        self, asked: VideoRequest | str | Mapping[str, Any] | None, save_to: Any, *, retry_failed: bool
    ) -> Outcome:
        """Go from step to step."""
        crew = None if save_to is None else _crew(self.session, save_to)
        row = await self._on_record(asked)
        if retry_failed and row.state in KINDS and KINDS[row.state] is not OutcomeKind.SUCCEEDED:
            await self.claims.reset(self.key)
            row = await self._on_record(asked)
        if _is_over(row, saving=crew is not None):
            return outcome_of(row, self.request)
        self.task = task_of(row)
        if row.state in _SUBMITTED_FROM:
            self.task = await self._submitted(crew, fresh=row.state is JobState.PLANNED)
            row = await self._on_record(None)
        if row.state is JobState.ACCEPTED:
            await self._waited()
        return await self._landed(crew, row)

    async def _on_record(self, asked: VideoRequest | str | Mapping[str, Any] | None) -> JournalRow:
        """Read the job's row; make it first where there is none."""
        row = await self.claims.row(self.key)
        if row is None:
            if asked is None:
                limit = f"is missing: job {self.key!r} is not on record"
                raise InvalidRequest(field="request", limit=limit)
            self.request = await self.session.prepare(as_request(asked))
            await plan_job(self.claims, self.key, self.request)
            row = await self.claims.row(self.key)
        if row is None:
            raise InvalidRequest(field="key", value=self.key, limit="could not be put on record")
        self.request = self.request or request_of(row)
        return row

    async def _submitted(self, crew: Crew | None, *, fresh: bool) -> VideoTask:
        """Order the task, once; what an earlier machine left open is looked for first."""
        if self.request is None:
            raise InvalidRequest(field="request", limit=f"of job {self.key!r} cannot be read")
        if crew is not None and fresh:
            await crew.prove()
            await crew.refuse_taken(key=self.key, index=0, output_format=self.request.output_format)
        return await self.session.order(self.request, key=self.key, intents=self.claims)

    async def _waited(self) -> None:
        """Wait for the end of the task and put it on record; until then it counts as alive."""
        if self.task is None:
            raise InvalidRequest(field="task_id", limit=f"is missing in the claim of job {self.key!r}")
        account_for(self.session.settings.limits).occupy(self.task.id, self.key)
        self.task = await wait_for(self.session, self.task, raise_on_failure=False)
        await self.claims.ended(self.key, self.task)
        if self.task.status is not TaskStatus.SUCCEEDED:
            url_of(self.task)

    async def _landed(self, crew: Crew | None, row: JournalRow) -> Outcome:
        """Bring the video home, if that was asked for."""
        if crew is None or self.task is None:
            return self.outcome(OutcomeKind.SUCCEEDED)
        body = row.request or (self.request.to_body() if self.request is not None else {})
        landed = await crew.land(self.task, body, key=self.key, index=0)
        await self.claims.saved(self.key, file=str(landed.path), size=landed.size, sha256=landed.sha256)
        return self.outcome(OutcomeKind.SUCCEEDED, path=landed.path)

    def outcome(self, kind: OutcomeKind, error: SeedanceError | None = None, path: Any = None) -> Outcome:
        """Give the outcome."""
        return Outcome(key=self.key, kind=kind, request=self.request, task=self.task, path=path, error=error)

    def ended_with(self, error: SeedanceError) -> Outcome:
        """Sort an error into an outcome."""
        task: VideoTask | None = getattr(error, "task", None)
        self.task = task or self.task
        ended = self.task is not None and self.task.is_terminal
        kind = kind_of(error, accepted=self.task is not None, ended=ended)
        # Nobody has said no: the claims, the shared limits or another machine stand in the way for now.
        held = isinstance(error, ClaimHeld | LimiterUnavailable) or (
            isinstance(error, JournalError) and error.billed is Billed.NO
        )
        return self.outcome(OutcomeKind.SKIPPED if held else kind, error, path_of(error))


@contextmanager
def _alone(claims: Claims, key: str) -> Generator[None]:
    """Keep a second call away from a job: its claim is ours already, and says nothing against it.

    Raises:
        ClaimHeld: another call has it in hand.
    """
    keys = _in_hand.setdefault(claims, set())
    if key in keys:
        raise ClaimHeld(key=key, owner=str(claims.owner))
    keys.add(key)
    try:
        yield
    finally:
        keys.discard(key)


def _crew(session: SeedanceSession, save_to: Any) -> Crew:
    """Make the crew of one job, which stands in line with those of the session's other jobs."""
    crew = crew_for(session, aim_of(save_to))
    return evolve(crew, line=_lines.setdefault(session, crew.line))


def _is_over(row: JournalRow, *, saving: bool) -> bool:
    """Whether nothing is left to do; a refusal that was meant for that moment says nothing of the job."""
    if row.state is JobState.REFUSED:
        error = error_of(row)
        return error is None or not Policy.blameless(error)
    return row.state in KINDS and not (saving and row.state is JobState.SUCCEEDED)
