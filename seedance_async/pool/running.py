"""One run of a pool: a run_many for each account, and rounds until no job is left that another could do."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from seedance_async.batch import run_many
from seedance_async.batch.problems import SubmitsHalted
from seedance_async.errors import AuthenticationFailed, Billed, BudgetExceeded, QuotaExhausted, SeedanceError
from seedance_async.ledger.rows import JobState
from seedance_async.pool.dispatch import Dispatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from seedance_async.batch import StopSwitch
    from seedance_async.batch.source import Source
    from seedance_async.outcomes import Outcome
    from seedance_async.pool.accounts import Lane

__all__ = ["PooledRun"]

_UNAUTHORIZED: Final = 401
_MOST_AT_ONCE: Final = 1000
_READY: Final = 100


@define(kw_only=True, eq=False)
class PooledRun:
    """One run.

    Attributes:
        source: the input.
        lanes: the accounts.
        how: what every account's run_many is given.
        concurrency: jobs at work on each account; None: what may be alive there.
        stop: stops all.
    """

    source: Source
    lanes: Sequence[Lane]
    how: Mapping[str, Any]
    concurrency: int | None
    stop: StopSwitch | None
    _dispatch: Dispatch = field(init=False)
    _ready: asyncio.Queue[Outcome | None] = field(factory=lambda: asyncio.Queue[Any](_READY), init=False)
    _finals: list[Outcome] = field(factory=list["Outcome"], init=False)

    def __attrs_post_init__(self) -> None:
        self._dispatch = Dispatch(source=self.source, lanes=self.lanes, finish=self._finals.append)

    async def outcomes(self) -> AsyncGenerator[Outcome]:
        """Give the outcomes as they come; leaving cancels what has not been sent."""
        driver = asyncio.create_task(self._drive(), name="pool of accounts")
        try:
            while (outcome := await self._ready.get()) is not None:
                yield outcome
            await driver
        finally:
            driver.cancel()
            await asyncio.wait([driver])
        if self.source.problem is not None:
            raise self.source.problem

    async def _drive(self) -> None:
        """Run rounds until nothing is left that an account could do."""
        try:
            # A job comes back at most once from each account, so there are no more rounds than accounts.
            for _ in range(len(self.lanes) + 1):
                busy = [lane for lane in self.lanes if self._dispatch.has_work(lane)]
                if not busy or (self.stop is not None and self.stop.times):
                    break
                async with asyncio.TaskGroup() as group:
                    for lane in busy:
                        group.create_task(self._run(lane), name=f"account {lane.account.name}")
            self._dispatch.stop()
            await self._tell_finals()
        finally:
            # Whoever reads the outcomes must not wait for ever; after a cancellation nobody reads.
            await self._ready.put(None)

    async def _run(self, lane: Lane) -> None:
        """Let one account work, and take back what it has not sent."""
        outcomes = run_many(
            lane.account.session,
            self._dispatch.feed(lane),
            journal=lane.journal,
            budget=lane.account.budget,
            concurrency=self._concurrency(lane),
            stop=self.stop,
            **self.how,
        )
        async for outcome in outcomes:
            if (error := await self._declined(lane, outcome)) is None:
                self._dispatch.settled(outcome.key)
                await self._ready.put(outcome)
            else:
                self._dispatch.set_aside(lane, error)
                self._dispatch.back(lane, outcome)
            await self._tell_finals()
        await self._tell_finals()

    def _concurrency(self, lane: Lane) -> int | None:
        """Take no more jobs than may be alive, so that the others find their way to accounts with room."""
        alive = lane.account.session.settings.limits.max_alive
        if self.concurrency is not None or self.how["save_to"] is not None or math.isinf(alive):
            return self.concurrency
        return min(_MOST_AT_ONCE, int(alive))

    async def _declined(self, lane: Lane, outcome: Outcome) -> SeedanceError | None:
        """Give the account's own trouble because of which a job was not sent; None where it is the job's.

        The journal has the last word: only what it knows as planned, or not at all, was never sent.
        """
        error = _trouble(outcome)
        if error is None or lane.journal is None:
            return error
        states = await lane.journal.states([outcome.key])
        return error if states.get(outcome.key, JobState.PLANNED) is JobState.PLANNED else None

    async def _tell_finals(self) -> None:
        """Hand over the outcomes of jobs that no account takes."""
        while self._finals:
            await self._ready.put(self._finals.pop())


def _trouble(outcome: Outcome) -> SeedanceError | None:
    """Find what kept an account from sending a job, if it is a matter of the account and nothing was sent."""
    error = outcome.error
    if isinstance(error, SubmitsHalted):
        error = error.__cause__
    known = isinstance(error, AuthenticationFailed | QuotaExhausted | BudgetExceeded)
    if not known or not isinstance(error, SeedanceError) or outcome.task is not None:
        return None
    # A 403 may concern one model alone, and says so of the job.
    if isinstance(error, AuthenticationFailed) and error.status != _UNAUTHORIZED:
        return None
    unsent = outcome.kind.value in {"skipped", "refused"} and error.billed is Billed.NO
    return error if unsent else None
