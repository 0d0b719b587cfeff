"""One worker of a pipeline: a session on a loop of its own, fed by Ray with batches of rows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from contextlib import AsyncExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from attrs import define, evolve, field, frozen

from seedance_async._wire import clock
from seedance_async.errors import ClaimHeld, JournalError, SeedanceError
from seedance_async.ext.ray.limiter import ClusterLimiter
from seedance_async.ext.ray.meeting import check_shared
from seedance_async.ext.ray.rows import (
    COLUMNS,
    Result,
    given_key,
    read_row,
    refusal,
    result_of,
    said_of,
)
from seedance_async.ledger.claims import Claims
from seedance_async.outcomes import OutcomeKind
from seedance_async.session import SeedanceSession
from seedance_async.sharing import fulfil

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from seedance_async.ext.ray.rows import Asked
    from seedance_async.settings import AccountLimits, PollPolicy, RetryPolicy, Timeouts

__all__ = ["Maker", "Order"]

logger = logging.getLogger("seedance_async")

_HELD_PAUSE_SECONDS: Final = 2.0
_FAREWELL_SECONDS: Final = 5.0
_MOST_RACES: Final = 5


@frozen(kw_only=True)
class Order:
    """What a pipeline is told; it travels to the workers, so it holds no key.

    Attributes:
        save_to: where videos go, as for ``run_many``; None downloads nothing.
        claims: address of the store that says which job has which task.
        lease: seconds without a sign of life after which a worker's claims may be taken over.
        account: names the account on the cluster.
        base_url: address of the API; None takes that of the worker's environment.
        api_key: called on the worker for its key; None takes that of the worker's environment.
        timeouts: of the session.
        retry: of the session.
        poll: of the session.
        limits: of the account, over all workers.
        at_once: rows that one worker has in hand.
        fields: see :func:`seedance_async.ext.ray.rows.read_row`.
        defaults: see there.
        retry_failed: whether jobs that failed in an earlier run are submitted again.
    """

    save_to: str | None
    claims: str
    lease: float
    account: str
    base_url: str | None
    api_key: Callable[[], str] | None = field(repr=False)
    timeouts: Timeouts
    retry: RetryPolicy
    poll: PollPolicy
    limits: AccountLimits
    at_once: int
    fields: Mapping[str, str] | None
    defaults: Mapping[str, Any]
    retry_failed: bool


@define(eq=False)
class _Bench:
    """What the worker's loop has open, and the jobs at work on it."""

    order: Order
    limiter: ClusterLimiter
    session: SeedanceSession
    claims: Claims
    line: asyncio.Semaphore
    at_work: dict[str, asyncio.Task[Result]] = field(factory=dict[str, "asyncio.Task[Result]"])

    async def result(self, asked: Asked) -> Result:
        """Give the result of a job; rows of one key share it."""
        job = self.at_work.get(asked.key)
        if job is None:
            job = asyncio.create_task(self._made(asked), name=f"job {asked.key}")
            self.at_work[asked.key] = job
            job.add_done_callback(lambda _: self.at_work.pop(asked.key, None))
        return await asyncio.shield(job)  # the other rows of the key still wait for it

    async def _made(self, asked: Asked) -> Result:
        """Make one video; whatever goes wrong is a row, because an error would end the whole dataset."""
        async with self.line:
            try:
                return await self._fulfilled(asked)
            except Exception as error:  # the store's and the system's; nobody knows how far it came
                logger.exception("Job %s was left.", asked.key)
                return Result(key=asked.key, state=OutcomeKind.UNCERTAIN.value, error=said_of(error))

    async def _fulfilled(self, asked: Asked) -> Result:
        """Go on with a job until it has an outcome; one that another worker has in hand is waited for."""
        order, races = self.order, 0
        while True:
            outcome = await fulfil(
                self.session,
                self.claims,
                key=asked.key,
                request=asked.request,
                save_to=order.save_to,
                retry_failed=order.retry_failed,
            )
            # What another worker did between our look and our move is seen at the next look.
            races += not isinstance(outcome.error, ClaimHeld)
            if not isinstance(outcome.error, JournalError) or races > _MOST_RACES:
                return result_of(outcome)
            await clock.sleep(_HELD_PAUSE_SECONDS * 2**races)


class Maker:
    """The callable class that Ray Data keeps alive in each actor.

    The session has a loop and a thread of its own: Ray Data stops the loop of an async class while the next
    step of the pipeline is slow, and a POST whose answer waits meanwhile would be taken for lost.

    Args:
        order: what the pipeline is told.
        limiter: handle of the account's limiter.
    """

    def __init__(self, order: Order, limiter: Any) -> None:
        self._order = order
        self._handle = limiter
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._bench: _Bench | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="seedance", daemon=True)
        self._thread.start()

    async def __call__(self, batch: Any) -> Any:
        """Make the videos of some rows; the rows come back with the columns of the result."""
        results = await self._on_loop(self._results(batch.to_pylist()))
        kept = batch.drop_columns([name for name in COLUMNS if name in batch.column_names])
        for name, column in zip(COLUMNS, _columns(results), strict=True):
            kept = kept.append_column(name, column)
        return kept

    def close(self) -> None:
        """Say good-bye, so that nobody waits for the end of our leases; a second time does nothing."""
        if self._loop.is_running():
            closing = asyncio.run_coroutine_threadsafe(self._stack.aclose(), self._loop)
            with contextlib.suppress(TimeoutError):
                closing.result(_FAREWELL_SECONDS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_FAREWELL_SECONDS)
            self._loop.close()

    def __del__(self) -> None:
        """Ray Data ends its actors by deleting the object."""
        self.close()

    async def _on_loop(self, work: Coroutine[Any, Any, list[Result]]) -> list[Result]:
        """Run something on the worker's own loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _results(self, rows: list[dict[str, Any]]) -> list[Result]:
        """Give the results of rows, in their order."""
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(self._result(row)) for row in rows]
        return [job.result() for job in jobs]

    async def _result(self, row: Mapping[str, Any]) -> Result:
        """Give the result of one row."""
        key = given_key(row, self._order.fields)
        try:
            asked = read_row(row, fields=self._order.fields, defaults=self._order.defaults)
            key = asked.key
            bench = await self._open()
        except SeedanceError as error:
            return refusal(key, error)
        return await bench.result(asked)

    async def _open(self) -> _Bench:
        """Open session and claims with the first row that needs them.

        Raises:
            SeedanceError: this worker has no key, or cannot reach what all workers must share.
        """
        async with self._opening:
            if self._bench is None:
                async with AsyncExitStack() as stack:
                    bench = await self._opened(stack)
                    self._stack = stack.pop_all()
                self._bench = bench
            return self._bench

    async def _opened(self, stack: AsyncExitStack) -> _Bench:
        """Open everything."""
        order, shared = self._order, ClusterLimiter(self._handle, self._order.account, self._order.limits)
        session = SeedanceSession(
            order.api_key() if order.api_key is not None else None,
            order.base_url,
            timeouts=order.timeouts,
            retry=order.retry,
            poll=order.poll,
            limits=evolve(order.limits, shared=shared),
        )
        limiter = await stack.enter_async_context(shared)
        await check_shared(order.claims, limiter.meet)
        opened = Claims.open(order.claims, lease=order.lease, account=session.settings.base_url)
        claims = await stack.enter_async_context(opened)
        await stack.enter_async_context(session)
        line = asyncio.Semaphore(order.at_once)
        return _Bench(order=order, limiter=limiter, session=session, claims=claims, line=line)


def _columns(results: list[Result]) -> list[Any]:
    """Give the results as columns of fixed types, also where all of them are None."""
    arrow = import_module("pyarrow")
    rows = [result.columns() for result in results]
    kinds = {"tokens": arrow.int64()}
    return [arrow.array([row[name] for row in rows], kinds.get(name, arrow.string())) for name in COLUMNS]
