"""A worker: takes jobs out of the queue, and brings back those of workers that died."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

import procrastinate
from attrs import define
from procrastinate.exceptions import ProcrastinateException

from seedance_async._wire import clock
from seedance_async.batch.policy import Policy
from seedance_async.errors import JournalError, SeedanceError
from seedance_async.outcomes import Outcome, OutcomeKind
from seedance_async.sharing import fulfil

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable

    from procrastinate.jobs import Job

    from seedance_async.ledger.claims import Claims
    from seedance_async.ledger.claims.postgres import Database
    from seedance_async.session import SeedanceSession

__all__ = ["TASK", "Again", "Worker"]

logger = logging.getLogger("seedance_async")

TASK: Final = "seedance"
"""Name of the task in the queue."""

_RESCUE: Final = 0x5EEDA9D0
_LONGEST_PAUSE: Final = 600.0
_MOST_MISTAKES: Final = 5
_POLL: Final = 1.0


class _LaterError(Exception):
    """Nothing is wrong with the job: what stood in its way may pass."""

    def __init__(self, error: BaseException | None) -> None:
        super().__init__(str(error))
        self.error = error


class Again(procrastinate.BaseRetryStrategy):
    """When a job is handed out again: after what may pass, after a worker was stopped, never after an end."""

    def __init__(self, lease: float) -> None:
        self._lease = lease

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        """Decide; a mistake of ours is tried five times."""
        if isinstance(exception, asyncio.CancelledError):
            return procrastinate.RetryDecision()
        if isinstance(exception, _LaterError):
            held = isinstance(exception.error, JournalError)
            pause = self._lease if held else self._lease * 2.0 ** min(job.attempts, 10)
            return procrastinate.RetryDecision(
                retry_in={"seconds": max(1, round(min(pause, _LONGEST_PAUSE)))}
            )
        if job.attempts >= _MOST_MISTAKES:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": 2**job.attempts})


@define(kw_only=True)
class Worker:
    """One worker of one process.

    Attributes:
        app: the queue.
        database: the limits' connections.
        claims: where every job is on record.
        session: submits, waits and fetches.
        queue: name of the queue.
        save_to: where videos go.
        lease: seconds without a sign of life after which a worker counts as dead.
        grace: seconds that jobs in hand may go on when the worker is stopped.
    """

    app: procrastinate.App
    database: Database
    claims: Claims
    session: SeedanceSession
    queue: str
    save_to: str | os.PathLike[str] | None
    lease: float
    grace: float

    async def run(
        self, concurrency: int, *, signals: bool, left: Callable[[], Awaitable[int]] | None
    ) -> None:
        """Work until cancelled, or until ``left`` says that nothing is left."""
        working = asyncio.create_task(
            self._work(concurrency, signals=signals), name=f"worker of {self.queue}"
        )
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(self._rescue(), name="rescue")]
            if left is not None:
                helpers.append(group.create_task(self._end(working, left), name="end"))
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({working})
                    return
                working.cancel()
                await asyncio.wait({working})
                raise asyncio.CancelledError
            finally:
                for helper in helpers:
                    helper.cancel()
                if working.done() and not working.cancelled():
                    working.result()

    async def carry_out(self, key: str) -> str:
        """Carry out one job; its outcome is a row of the claims, and its kind the result here."""
        outcome = await fulfil(self.session, self.claims, key=key, save_to=self.save_to)
        if _may_pass(outcome):
            raise _LaterError(outcome.error)
        return outcome.kind.value

    async def _work(self, concurrency: int, *, signals: bool) -> None:
        """Let the queue hand out jobs."""
        await self.app.run_worker_async(
            queues=[self.queue],
            concurrency=concurrency,
            install_signal_handlers=signals,
            update_heartbeat_interval=self.lease / 4,
            stalled_worker_timeout=self.lease,
            fetch_job_polling_interval=_POLL,
            shutdown_graceful_timeout=self.grace,
        )

    async def _end(self, working: asyncio.Task[None], left: Callable[[], Awaitable[int]]) -> None:
        """Stop when nothing is left."""
        number = 1
        while number:
            await clock.sleep(_POLL)
            try:
                number = await left()
            except SeedanceError as error:
                logger.warning("Nobody knows what is left: %s", error)
        working.cancel()

    async def _rescue(self) -> None:
        """Bring back what dead workers had in hand, again and again; a database that fails is asked again."""
        while True:
            try:
                await self._rescue_once()
            except (SeedanceError, ProcrastinateException) as error:
                logger.warning("Stalled jobs could not be brought back: %s", error)
            await clock.sleep(self.lease / 2)

    async def _rescue_once(self) -> None:
        """Put stalled jobs back into the queue; one worker at a time, or a job might be put back twice."""
        manager = self.app.job_manager
        async with self.database.transaction() as connection:
            cursor = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_RESCUE,))
            row: tuple[Any, ...] | None = await cursor.fetchone()
            if row is None or not row[0]:
                return
            for job in await manager.get_stalled_jobs(queue=self.queue, seconds_since_heartbeat=self.lease):
                logger.info("Job %s of a dead worker is brought back.", job.task_kwargs.get("key"))
                await manager.retry_job(job)


def _may_pass(outcome: Outcome) -> bool:
    """Tell what stood in the way of a job from what became of it."""
    if outcome.kind is OutcomeKind.SKIPPED:
        return True
    error = outcome.error
    return (
        outcome.kind is OutcomeKind.REFUSED and isinstance(error, SeedanceError) and Policy.blameless(error)
    )
