"""Carrying chains out: a link waits for the job it needs, without holding a place at work."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async.batch.problems import ChainBroken
from seedance_async.batch.recall import error_of, task_of
from seedance_async.errors import SeedanceError
from seedance_async.ledger.rows import JobState
from seedance_async.models import TaskStatus, VideoTask

if TYPE_CHECKING:
    from seedance_async.batch.books import Books
    from seedance_async.batch.jobs import Item
    from seedance_async.batch.worker import End, Progress
    from seedance_async.request import VideoRequest
    from seedance_async.session import SeedanceSession

__all__ = ["Chains"]

_REMEMBERED: Final = 2_000
_DONE: Final = frozenset({JobState.SUCCEEDED, JobState.SAVED})


@define(kw_only=True, eq=False)
class Chains:
    """Knows the jobs at work by key, and how the last 2,000 ended; older ones are in the journal.

    Attributes:
        session: looks at tasks of earlier runs.
        books: knows the jobs of earlier runs.
    """

    session: SeedanceSession
    books: Books
    _ends: OrderedDict[str, End] = field(factory=OrderedDict["str", "End"])

    def begin(self, job: Progress) -> None:
        """Let links find the job."""
        self._ends[job.key] = job.ended
        while len(self._ends) > _REMEMBERED and next(iter(self._ends.values())).done():
            self._ends.popitem(last=False)

    async def request_for(self, item: Item) -> VideoRequest:
        """Wait for the job that a link needs, and make the link's request of its task.

        Raises:
            ChainBroken: that job did not succeed, or is not known.
            InvalidRequest: its task does not give what the link needs.
        """
        link = item.link
        if link is None:
            raise ChainBroken("", "is not named.")
        task = await self._task(link.after)
        if link.takes == "last_frame" and not task.last_frame_url:
            # A row keeps no signed URL; the server does, for 24 hours.
            task = await self.session.get(task.id)
        return link.request_from(task)

    async def _task(self, key: str) -> VideoTask:
        """Give the succeeded task of a job."""
        coming = self._ends.get(key)
        # Shielded: a link that is left must not cancel what others wait for, too.
        end = await asyncio.shield(coming) if coming is not None else await self._end_on_record(key)
        if isinstance(end, SeedanceError):
            raise ChainBroken(key, f"did not succeed: {end}") from end
        if end.status is not TaskStatus.SUCCEEDED:
            raise ChainBroken(key, f"ended as {end.status.value}.")
        return end

    async def _end_on_record(self, key: str) -> VideoTask | SeedanceError:
        """Say how a job of an earlier run ended."""
        row = (await self.books.lookup([key])).get(key)
        task = task_of(row) if row is not None else None
        if row is None:
            raise ChainBroken(key, "is neither earlier in this batch nor in its journal.")
        if row.state in _DONE and task is not None:
            # Without its URLs: whoever needs them looks at the task again.
            return task.evolve(status=TaskStatus.SUCCEEDED, video_url=None, last_frame_url=None)
        error = error_of(row)
        raise ChainBroken(
            key, f"did not succeed: {error}" if error else f"is {row.state} and not in this run."
        )
