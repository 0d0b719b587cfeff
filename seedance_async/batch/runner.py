"""One run of a batch: reads jobs while there is room, works on each in a task, hands outcomes over."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from attrs import define, evolve, field

from seedance_async.batch.opening import settle_open
from seedance_async.batch.policy import Action, Policy
from seedance_async.batch.problems import BatchStopped, ChainBroken, SubmitsHalted, ungrouped
from seedance_async.batch.recall import KINDS, error_of, has_changed, outcome_of
from seedance_async.batch.source import MOST_AT_ONCE
from seedance_async.batch.worker import Progress, is_over, planned_row
from seedance_async.errors import SeedanceError
from seedance_async.ledger.rows import OPEN_STATES, JobState
from seedance_async.models import TaskStatus
from seedance_async.outcomes import Outcome, OutcomeKind

if TYPE_CHECKING:
    from seedance_async.batch.chaining import Chains
    from seedance_async.batch.jobs import Item
    from seedance_async.batch.outbox import Outbox
    from seedance_async.batch.source import Source
    from seedance_async.batch.worker import Worker
    from seedance_async.landing import Crew
    from seedance_async.ledger.journal import Journal
    from seedance_async.ledger.rows import JournalRow

__all__ = ["Run"]

_MOST_LINKS: Final = 10_000
_CHANGED: Final = (
    "The request has changed since that run: retry_failed (--retry-failed) orders it as it is now."
)
_MOST_ASIDE: Final = 1_000
_EXPECTED: Final = (JobState.ACCEPTED, JobState.SUCCEEDED, *OPEN_STATES)


@define(kw_only=True, eq=False)
class Run:
    """One run.

    Attributes:
        source: the input.
        outbox: where outcomes go.
        worker: carries out jobs.
        chains: lets links wait for what they need.
        journal: where the run is on record, or None.
        policy: what follows a failure.
        retried: ends of earlier runs that are submitted again.
        concurrency: jobs worked on at once.
    """

    source: Source
    outbox: Outbox
    worker: Worker
    chains: Chains
    journal: Journal | None
    policy: Policy
    retried: frozenset[OutcomeKind]
    concurrency: int
    _room: asyncio.Semaphore = field(init=False)
    _links_room: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(_MOST_LINKS), init=False)
    _at_work: int = field(default=0, init=False)
    _links: int = field(default=0, init=False)
    _aside: deque[Progress] = field(factory=deque[Progress], init=False)
    _moved: asyncio.Event = field(factory=asyncio.Event, init=False)
    _skipped: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._room = asyncio.Semaphore(self.concurrency)

    async def run(self) -> None:
        """Work through the input."""
        places = nullcontext() if self.worker.crew is None else self.worker.crew.places
        with ungrouped(), places:
            async with asyncio.TaskGroup() as group:
                await self._take_over()
                await self._read(group)
                await self._finish(group)
        if self.source.problem is not None:
            raise self.source.problem

    async def _take_over(self) -> None:
        """Settle what an earlier run left open, before anything is submitted."""
        if self.journal is None:
            return
        if self.worker.purse is not None:
            await self.worker.purse.take_over(self.journal)
        try:
            async with self.worker.brake.leavable("", submitting=False):
                self.worker.uncertain.update(
                    await settle_open(self.worker.session, self.journal, self.worker.intents)
                )
        except BatchStopped:
            return
        # By their keys no two jobs of a journal meet; by their numbers those of two inputs do.
        if self.worker.crew is not None and self.worker.crew.aim.needs_index:
            await self._keep_places(self.journal, self.worker.crew)

    async def _keep_places(self, journal: Journal, crew: Crew) -> None:
        """Keep the places of videos that earlier runs ordered, also of jobs that are not in this input."""
        async for row in journal.rows(states=_EXPECTED, requests=False):
            crew.expect(key=row.key, index=row.input_index or 0)

    def _give_back_place(self, outcome: Outcome) -> None:
        """Let others have the place of a job, unless its video may still come."""
        task = outcome.task
        if outcome.kind is OutcomeKind.SUCCEEDED or task is None:
            comes = outcome.kind is OutcomeKind.UNCERTAIN
        else:
            comes = not task.is_terminal or task.status is TaskStatus.SUCCEEDED
        if self.worker.crew is not None and not comes:
            self.worker.crew.places.give_back(outcome.key)

    async def _read(self, group: asyncio.TaskGroup) -> None:
        """Read and begin jobs until the input ends, or the batch is stopped."""
        while not self.worker.brake.stopping:
            async with self._room:
                # Only with room for one job is the next one read.
                size = max(1, self.concurrency - self._at_work, min(MOST_AT_ONCE, 2 * self._skipped))
            items = await self.source.chunk(size)
            if not items:
                return
            await self._begin(items, group)

    async def _begin(self, items: list[Item], group: asyncio.TaskGroup) -> None:
        """Hand over what is finished already, and begin the rest."""
        rows = await self.worker.books.lookup([item.key for item in items])
        over = {item.key for item in items if self._is_over(rows.get(item.key))}
        await self._plan([item for item in items if item.problem is None and item.key not in rows])
        self._skipped = len(items) if len(over) == len(items) else 0
        for item in items:
            row = rows.get(item.key)
            if item.problem is not None:
                refusal = Outcome(key=item.key, kind=OutcomeKind.REFUSED, error=item.problem)
                await self.outbox.put(refusal)
            elif row is not None and item.key in over:
                await self.outbox.put(await self._earlier(item, row))
            else:
                await self._start(await self._again(item, row), group)

    async def _earlier(self, item: Item, row: JournalRow) -> Outcome:
        """Give what an earlier run came to; a failure says where its job asks for another thing now."""
        outcome = outcome_of(row, item.request)
        request = item.request
        if isinstance(outcome.error, SeedanceError) and request is not None and not request.has_local_media:
            whole = await self.worker.books.row(item.key)
            if whole is not None and has_changed(whole, request):
                outcome.error.advice = _CHANGED
        return outcome

    def _is_over(self, row: JournalRow | None) -> bool:
        """Whether an earlier run has done all there is to do for a job."""
        if row is None:
            return False
        return is_over(row, saving=self.worker.crew is not None) and not self._is_retried(row)

    def _is_retried(self, row: JournalRow) -> bool:
        """Whether a job that has ended is submitted again: it was asked for, or nothing was wrong with it."""
        if row.state not in KINDS:
            return False
        # A process that dies between a 429 and its repeat leaves a refusal that was meant for that moment.
        error = error_of(row) if row.state is JobState.REFUSED else None
        return KINDS[row.state] in self.retried or (error is not None and self.policy.blameless(error))

    async def _plan(self, items: list[Item]) -> None:
        """Put new jobs on record together; those with local files follow one by one, when these are read."""
        rows = [
            planned_row(item, item.request)
            for item in items
            if item.request is not None and not item.request.has_local_media
        ]
        if rows:
            await self.worker.books.plan(rows)

    async def _again(self, item: Item, row: JournalRow | None) -> Progress:
        """Plan a job again that is to be retried."""
        if row is not None and self._is_retried(row):
            await self.worker.books.reset(item.key)
            row = evolve(row, state=JobState.PLANNED, task_id=None)
        return Progress(item=item, row=row)

    async def _start(self, job: Progress, group: asyncio.TaskGroup) -> None:
        """Begin a job once there is room; a link waits elsewhere for what it needs."""
        self.chains.begin(job)
        if (
            job.item.link is not None
            and job.request is None
            and (job.row is None or job.row.state is JobState.PLANNED)
        ):
            await self._links_room.acquire()
            self._links += 1
            group.create_task(self._link(job), name=f"link {job.key}")
            return
        await self._room.acquire()
        self._at_work += 1
        group.create_task(self._one(job), name=f"job {job.key}")

    async def _link(self, job: Progress) -> None:
        """Wait for the job that a link needs, then work on the link."""
        problem: SeedanceError | None = None
        try:
            async with self.worker.brake.leavable(job.key, submitting=True):
                job.request = await self.worker.session.prepare(await self.chains.request_for(job.item))
                await self._room.acquire()
                self._at_work += 1
        except SeedanceError as error:
            problem = error
        finally:
            self._links_room.release()
            self._links -= 1
            self._moved.set()
        if problem is None:
            await self._one(job)
        else:
            job.end(problem)
            await self.outbox.put(await self.worker.explain(job, problem))

    async def _one(self, job: Progress) -> None:
        """Work on one job; only when its outcome is taken there is room for another."""
        try:
            outcome = await self._outcome(job)
            if outcome is not None:
                self._give_back_place(outcome)
                await self.outbox.put(outcome)
        finally:
            self.worker.brake.forget(job.key)
            if self.worker.purse is not None:
                self.worker.purse.leave(job.key)
            self._room.release()
            self._at_work -= 1
            self._moved.set()

    async def _outcome(self, job: Progress) -> Outcome | None:
        """Turn whatever happens to one job into its outcome; None when it is put aside for later."""
        try:
            return await self.worker.carry_out(job)
        except SeedanceError as error:
            action = self._follow(error, ordered=job.task is not None)
            refused = job.key in self.worker.brake.sent and job.task is None
            if refused and self.policy.blameless(error):
                # Nothing is wrong with the job: the next run takes it up without being asked.
                await self._plan_again(job)
                if action is Action.LATER and self._put_aside(job):
                    return None
            job.end(error)
            return await self.worker.explain(job, error)

    def _follow(self, error: SeedanceError, *, ordered: bool = False) -> Action:
        """Do what the policy says."""
        if isinstance(error, BatchStopped | SubmitsHalted | ChainBroken):
            return Action.SKIP
        action = self.policy.action(error, ordered=ordered)
        if action is Action.STOP:
            self.worker.brake.halt(error)
        return action

    async def _plan_again(self, job: Progress) -> None:
        """Let a job that was refused for now be planned, if the journal can still be written."""
        try:
            await self.worker.books.reset(job.key)
        except SeedanceError as error:
            self._follow(error)

    def _put_aside(self, job: Progress) -> bool:
        """Keep a job for the end of the run, once."""
        if job.item.again or len(self._aside) >= _MOST_ASIDE or self.worker.brake.stopping:
            return False
        if self.worker.purse is not None:
            self.worker.purse.release(job.key)
        job.item = evolve(job.item, again=True)
        self._aside.append(job)
        return True

    async def _finish(self, group: asyncio.TaskGroup) -> None:
        """Work on what was put aside, until nothing is left that could be put aside."""
        while True:
            self._moved.clear()
            if self._at_work == 0 and self._aside:
                for _ in range(len(self._aside)):
                    await self._start(self._aside.popleft(), group)
            elif self._at_work == 0 and self._links == 0:
                return
            else:
                await self._moved.wait()

    def farewell(self) -> str:
        """Say in one line what goes on and how to go on."""
        where = f"journal={str(self.journal.path)!r}" if self.journal is not None else "a journal"
        how = "Run the same again" if self.journal is not None else "Nothing is kept: next time run"
        return (
            f"Stopping: no new submits, {self._at_work} jobs at work are put on record; their tasks go on at"
            f" the server. {how} with {where} to go on; stop once more to leave at once."
        )
