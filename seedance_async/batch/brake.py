"""The brake of a batch: submits end first, waits when asked to, and never a POST that is out."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from attrs import define, field

from seedance_async._wire import clock
from seedance_async.batch.problems import BatchStopped, SubmitsHalted
from seedance_async.errors import Billed, JournalError, SeedanceError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Mapping

    from seedance_async.batch.books import Books
    from seedance_async.ledger.intents import Intent

__all__ = ["Brake", "BrakedIntents"]


@define(eq=False)
class _Place:
    """A stretch of work that may be left."""

    key: str
    submitting: bool
    leave: asyncio.Timeout


@define(kw_only=True, eq=False)
class Brake:
    """Says whether jobs may be submitted and waited for; one per run.

    Attributes:
        halted: the error after which nothing more is submitted, or None.
        stopping: whether the batch was asked to stop; then waits are left, too.
        sent: keys of jobs at work whose POST went out in this run.
        lost: keys of jobs at work of which nobody knows whether they have a task.
    """

    halted: SeedanceError | None = None
    stopping: bool = False
    sent: set[str] = field(factory=set[str])
    lost: set[str] = field(factory=set[str])
    _posting: set[str] = field(factory=set[str])
    _places: set[_Place] = field(factory=set[_Place])

    def check(self) -> None:
        """Refuse to begin a submit.

        Raises:
            BatchStopped: the batch was asked to stop.
            SubmitsHalted: an earlier job ended so that no more are submitted.
        """
        if self.stopping:
            raise BatchStopped
        if self.halted is not None:
            raise SubmitsHalted(self.halted)

    def halt(self, error: SeedanceError) -> None:
        """Let nothing more be submitted; what is in flight goes on, and so do searches for what was lost."""
        if self.halted is None:
            self.halted = error
            self._leave_what_may_be_left()

    def stop(self) -> None:
        """Leave all that can be left; POSTs that are out and downloads go on to their end."""
        if not self.stopping:
            self.stopping = True
            self._leave_what_may_be_left()

    @asynccontextmanager
    async def leavable(self, key: str, *, submitting: bool) -> AsyncGenerator[None]:
        """Work that may be left at any await, but not while the key's POST is out.

        Args:
            key: the job.
            submitting: whether it may lead to a submit; such work is left by a halt as well.

        Raises:
            BatchStopped, SubmitsHalted: it was left, or not begun.
        """
        if submitting or self.stopping:
            self.check()
        leave = asyncio.timeout(None)
        try:
            async with leave:
                place = _Place(key, submitting, leave)
                self._places.add(place)
                try:
                    yield
                finally:
                    self._places.discard(place)
        except TimeoutError:
            # WaitTimeout is a TimeoutError, too: only ours is turned into what it means.
            if leave.expired():
                self.check()
            raise

    def posting(self, key: str) -> None:
        """A POST goes out next."""
        self._posting.add(key)
        self.sent.add(key)

    def posted(self, key: str) -> None:
        """The end of a POST is recorded; who wanted to leave may go now."""
        self._posting.discard(key)
        if self.stopping or self.halted is not None:
            self._leave_what_may_be_left()

    def forget(self, key: str) -> None:
        """The job is done with."""
        self.sent.discard(key)
        self.lost.discard(key)

    def _leave_what_may_be_left(self) -> None:
        """End the stretches of work that need not be finished."""
        for place in self._places:
            # A halt waits for the end of a search: who does not wait takes a paid order for one not sent.
            leaving = self.stopping or (place.submitting and place.key not in self.lost)
            # A place that has expired already must not be moved.
            if leaving and place.key not in self._posting and place.leave.when() is None:
                place.leave.reschedule(clock.monotonic())


@define(eq=False)
class BrakedIntents:
    """The books as submits see them: a brake in front of each POST, and a watch on those that are out.

    It is an ``IntentStore``.
    """

    _books: Books
    _brake: Brake

    async def sending(self, intent: Intent) -> None:
        """Make the POST durable, unless there shall be none.

        Raises:
            BatchStopped, SubmitsHalted: there shall be none.
        """
        self._brake.check()
        self._brake.posting(intent.key)
        try:
            await self._books.sending(intent)
        except BaseException:
            self._brake.posted(intent.key)
            raise

    async def accepted(self, key: str, task_id: str) -> None:
        """Note the task."""
        async with self._told(key):
            await self._books.accepted(key, task_id)
            self._brake.lost.discard(key)

    async def refused(self, key: str, error: SeedanceError) -> None:
        """Note that nothing exists."""
        async with self._told(key):
            await self._books.refused(key, error)

    async def absent(self, key: str) -> None:
        """Note that nothing was accepted."""
        async with self._told(key):
            await self._books.absent(key)
            self._brake.lost.discard(key)

    async def uncertain(self, key: str, error: SeedanceError) -> None:
        """Note that nobody knows."""
        self._brake.lost.add(key)
        async with self._told(key):
            await self._books.uncertain(key, error)

    async def find(self, key: str) -> Intent | None:
        """Give the open intent of the key, or None."""
        return await self._books.find(key)

    async def owners(self, task_ids: Collection[str]) -> Mapping[str, str]:
        """Give the keys of those tasks that belong to jobs of these books."""
        return await self._books.owners(task_ids)

    @asynccontextmanager
    async def _told(self, key: str) -> AsyncGenerator[None]:
        """Tell the brake, and what it means when the end of a POST cannot be written down."""
        try:
            yield
        except JournalError as error:
            # The row on disk still says that a POST is out; the next run looks for its task.
            error.billed = Billed.MAYBE
            raise
        finally:
            self._brake.posted(key)
