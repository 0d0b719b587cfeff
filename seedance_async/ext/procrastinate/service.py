"""The service: puts jobs into the queue, says what became of them, and works."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, Self

import procrastinate
from attrs import evolve
from procrastinate.exceptions import ProcrastinateException

from seedance_async.asked import as_request
from seedance_async.errors import JournalError
from seedance_async.ext.procrastinate.limiter import PostgresLimiter
from seedance_async.ext.procrastinate.schema import migrate_queue
from seedance_async.ext.procrastinate.worker import TASK, Again, Worker
from seedance_async.ledger.claims import Claims
from seedance_async.ledger.claims.postgres import Database
from seedance_async.media.inputs import resolve
from seedance_async.session import SeedanceSession
from seedance_async.settings import AccountLimits
from seedance_async.sharing import plan_job

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
    from types import TracebackType

    from procrastinate.tasks import Task
    from procrastinate.types import JSONDict

    from seedance_async.ledger.rows import JobState, JournalRow
    from seedance_async.request import VideoRequest

__all__ = ["Service"]

_QUEUE: Final = "seedance"
_TOGETHER: Final = 500


class Service:
    """One account's queue, claims and limits in one database; another account has another database.

    Use it with ``async with``, which makes the tables or brings them up to date.

    Args:
        dsn: ``postgresql://user@host:port/database``.
        limits: what the account may do, all workers together.
        lease: seconds, 1 and up, without a sign of life after which a worker counts as dead.

    Raises:
        InvalidRequest: a setting is not valid.
    """

    def __init__(self, dsn: str, *, limits: AccountLimits | None = None, lease: float = 30.0) -> None:
        self.limits = limits or AccountLimits()
        self._lease = lease
        self._database = Database(dsn, most=8)
        self._claims = Claims.open(dsn, lease=lease)
        connector = procrastinate.PsycopgConnector(conninfo=dsn, min_size=1, max_size=8)
        self._app = procrastinate.App(connector=connector)
        self._worker: Worker | None = None
        self._stack = AsyncExitStack()
        self._task: Task[..., Any, Any] = self._app.task(name=TASK, queue=_QUEUE, retry=Again(lease))(
            self._job
        )

    async def __aenter__(self) -> Self:
        try:
            await self._database.open()
            self._stack.push_async_callback(self._database.close)
            await migrate_queue(self._database)
            await self._stack.enter_async_context(self._claims)
            await self._stack.enter_async_context(self._app.open_async())
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    # What an application does.

    async def submit(self, key: str, request: VideoRequest | str | Mapping[str, Any]) -> None:
        """Put one job into the queue; see :meth:`submit_many`."""
        await self.submit_many([(key, request)])

    async def submit_many(self, jobs: Iterable[tuple[str, VideoRequest | str | Mapping[str, Any]]]) -> int:
        """Put jobs into the queue, each under a key that is its own for ever; gives how many.

        A key that is there keeps its request, and is not paid again: to put it in twice does no harm.

        Raises:
            InvalidRequest: a request is always wrong; those before it are in the queue.
            JournalError: the database failed.
        """
        number, keys = 0, list[str]()
        for key, asked in jobs:
            wanted = as_request(asked)
            if wanted.has_local_media:
                wanted = await asyncio.to_thread(resolve, wanted)
            await plan_job(self._claims, key, wanted)
            keys.append(key)
            if len(keys) >= _TOGETHER:
                number += await self._defer(keys)
                keys = []
        return number + await self._defer(keys)

    async def row(self, key: str) -> JournalRow | None:
        """Give what is on record of a job, or None."""
        return await self._claims.row(key)

    async def rows(self, *, states: Collection[JobState] | None = None) -> AsyncGenerator[JournalRow, None]:
        """Yield what is on record of all jobs, without their requests."""
        async for row in self._claims.rows(states=states, requests=False):
            yield row

    async def waiting(self) -> int:
        """Count the jobs that are in the queue or in a worker's hands.

        Raises:
            JournalError: the database failed.
        """
        query = (
            "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = %s AND status IN ('todo', 'doing')"
        )
        return int((await self._database.rows(query, [_QUEUE]))[0][0])

    # What a worker does.

    async def work(
        self,
        *,
        save_to: str | os.PathLike[str] | None = None,
        concurrency: int = 100,
        until_empty: bool = False,
        open_session: Callable[[AccountLimits], SeedanceSession] | None = None,
        signals: bool = False,
        grace: float = 10.0,
    ) -> None:
        """Carry out jobs until cancelled.

        Args:
            save_to: a folder that all workers see, or ``s3://bucket/folder``; None fetches nothing.
            concurrency: jobs that this worker has in hand at once.
            until_empty: return when no job is left, in no worker's hands either.
            open_session: makes the session of these limits; ``SeedanceSession(limits=...)`` by default.
            signals: end well on SIGINT and SIGTERM. For programs.
            grace: seconds that jobs in hand may go on when the worker is stopped; then they are put back.

        Raises:
            JournalError: the database failed at the start, or this service works already.
            LimiterUnavailable: as above.
        """
        if self._worker is not None:
            raise JournalError("This service works already: open another one, or give it more concurrency.")
        limiter = PostgresLimiter(self._database, self.limits)
        await limiter.configure()
        make = open_session or _open_session
        async with make(evolve(self.limits, shared=limiter)) as session:
            self._worker = Worker(
                app=self._app,
                database=self._database,
                claims=self._claims,
                session=session,
                queue=_QUEUE,
                save_to=save_to,
                lease=self._lease,
                grace=grace,
            )
            try:
                await self._worker.run(
                    concurrency, signals=signals, left=self.waiting if until_empty else None
                )
            finally:
                self._worker = None

    async def _job(self, key: str) -> str:
        """Carry out one job of the queue."""
        if self._worker is None:
            raise JournalError("Nobody works here.")
        return await self._worker.carry_out(key)

    async def _defer(self, keys: list[str]) -> int:
        """Put keys into the queue together."""
        if keys:
            try:
                jobs: list[JSONDict] = [{"key": key} for key in keys]
                await self._task.batch_defer_async(*jobs)
            except ProcrastinateException as error:
                raise JournalError(f"The queue failed: {error}") from error
        return len(keys)


def _open_session(limits: AccountLimits) -> SeedanceSession:
    """Make a session whose key and address come from the environment."""
    return SeedanceSession(limits=limits)
