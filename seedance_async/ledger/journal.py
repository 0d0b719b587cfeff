"""The journal: what became of every job, on disk before it matters.

One SQLite file with one row per job. The intent is durable before the POST goes out and the task's id right
after: whatever ends the process, the next run knows what is done, what goes on, and what must be looked for.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from seedance_async._wire import clock
from seedance_async.errors import JournalError
from seedance_async.ledger import _connect, _mounts, _moves, _reads, _schema
from seedance_async.ledger._thread import ConnectionThread
from seedance_async.ledger._writer import Writer
from seedance_async.ledger.lock import OwnerLock

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import AsyncGenerator, Callable, Collection, Sequence
    from types import TracebackType

    from seedance_async.errors import SeedanceError
    from seedance_async.ledger.intents import Intent
    from seedance_async.ledger.rows import JobState, JournalRow, PlannedRow
    from seedance_async.models import VideoTask

__all__ = ["Journal"]

_T = TypeVar("_T")


class Journal:
    """A journal file, open for one event loop; an ``IntentStore`` and what a batch needs besides.

    Use it as ``async with Journal.open("run.db") as journal``. Facts of many concurrent callers share one
    transaction; each caller returns when its own is on disk. The fact of a caller who is cancelled is written
    all the same.

    Attributes:
        path: the file, absolute and without links.
        read_only: whether writing is refused.
    """

    def __init__(self, path: Path, *, read_only: bool, account: str | None) -> None:
        self.path = path
        self.read_only = read_only
        self._account = account
        self._sender: str | None = None
        self._lock = OwnerLock(path.with_name(path.name + ".lock"))
        self._stack = AsyncExitStack()
        self._reader: ConnectionThread | None = None
        self._writer: Writer | None = None

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, read_only: bool = False, account: str | None = None
    ) -> Journal:
        """Name the journal; ``async with`` opens it.

        Args:
            path: the file; made when it does not exist, together with ``<path>.lock`` beside it.
            read_only: only look, also beside a running owner or at a copy of the file; no lock is taken.
            account: something that names the account and is no secret (its base URL, say); only a salted hash
                is kept, and a journal that was begun with another one is refused.

        Entering raises:
            JournalLocked: another process owns the journal.
            JournalError: it cannot be made or read, is not a journal, or lies on a network file system.
        """
        return cls(Path(path).resolve(), read_only=read_only, account=account)

    async def __aenter__(self) -> Self:
        now = clock.wall()
        try:
            if not self.read_only:
                self._stack.callback(self._lock.release)
                self._writer = Writer(self._thread("writer"))
                self._stack.push_async_callback(self._writer.close)
                await self._writer.thread.open(partial(self._own, now))
            self._reader = self._thread("reader")
            self._stack.push_async_callback(self._reader.close)
            await self._reader.open(partial(_connect.connect_reading, self.path, whole_check=self.read_only))
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Write what waits and give the file back; carried through even when the caller is cancelled."""
        await self._stack.aclose()

    async def sent_with(self, api_key: str) -> None:
        """Say whose key sends from here on: a POST that another key sent is not ruled out with this one.

        Only a salted hash of the key is kept, beside each POST.
        """
        self._sender = await self._read(partial(_schema.salted, words=api_key))

    # What a submit tells (the IntentStore).

    async def sending(self, intent: Intent) -> None:
        """Note that a POST goes out next; a key that was not planned gets a row without a request.

        Raises:
            JournalError: the key has a task or an open POST, or the fact cannot be written: do not send.
        """
        await self._write(partial(_moves.sending, intent=intent, sender=self._sender, now=clock.wall()))

    async def accepted(self, key: str, task_id: str) -> None:
        """Note the task of a key; the same id again changes nothing.

        Raises:
            JournalError: the key has another task, no POST is open, or the task is another key's.
        """
        await self._write(partial(_moves.accepted, key=key, task_id=task_id, now=clock.wall()))

    async def refused(self, key: str, error: SeedanceError) -> None:
        """Note that nothing exists and nothing is billed.

        Raises:
            JournalError: the key has a task, or is uncertain.
        """
        await self._write(partial(_moves.refused, key=key, error=error))

    async def absent(self, key: str) -> None:
        """Note that the POST is proven not to have been accepted: the job is planned again.

        Raises:
            JournalError: the key has a task.
        """
        await self._write(partial(_moves.absent, key=key))

    async def uncertain(self, key: str, error: SeedanceError) -> None:
        """Note that it stays unknown whether a task exists.

        Raises:
            JournalError: no POST of the key is open.
        """
        await self._write(partial(_moves.uncertain, key=key, error=error))

    async def find(self, key: str) -> Intent | None:
        """Give the last POST of a key whose outcome is open (state sending or uncertain), or None."""
        query = partial(_reads.find, key=key, sender=self._sender)
        # Behind the writes that are on their way: a submit that was cancelled a moment ago must be seen.
        return await (self._read(query) if self.read_only else self._write(query))

    # What a batch tells.

    async def plan(self, rows: Sequence[PlannedRow]) -> None:
        """Add jobs, durable together; of keys that are there only those still planned take the new request.

        Raises:
            JournalError: a request is not JSON; none of the rows is added then.
        """
        await self._write(partial(_moves.plan, rows=rows, now=clock.wall()))

    async def ended(self, key: str, task: VideoTask) -> None:
        """Note the end of a key's task, with tokens, error and record; the same end again changes nothing.

        Raises:
            JournalError: the task has not ended, is not the key's, or had ended otherwise.
        """
        await self._write(partial(_moves.ended, key=key, task=task, now=clock.wall()))

    async def saved(self, key: str, *, file: str, size: int, sha256: str) -> None:
        """Note where the video is; a second time it is where it is now.

        Raises:
            JournalError: the task has not succeeded.
        """
        await self._write(
            partial(_moves.saved, key=key, file=file, size=size, sha256=sha256, now=clock.wall())
        )

    async def reset(self, key: str) -> None:
        """Plan a refused, failed, expired or cancelled job again; its attempts stay on record.

        Raises:
            JournalError: the job has, or may have, a task that bills.
        """
        await self._write(partial(_moves.reset, key=key))

    # What can be asked.

    async def row(self, key: str) -> JournalRow | None:
        """Give one job with its whole request, or None."""
        found = await self.lookup([key], requests=True)
        return found.get(key)

    async def lookup(self, keys: Sequence[str], *, requests: bool = False) -> dict[str, JournalRow]:
        """Give the rows of some keys at once; unknown keys are left out.

        Args:
            keys: a few thousand at most, because all rows are in memory together.
            requests: with their whole requests, which may hold images.
        """
        return await self._read(partial(_reads.lookup, keys=keys, requests=requests))

    async def states(self, keys: Sequence[str]) -> dict[str, JobState]:
        """Give the states of some keys at once; unknown keys are left out."""
        return await self._read(partial(_reads.states, keys=keys))

    async def owners(self, task_ids: Collection[str]) -> dict[str, str]:
        """Give the keys of some tasks, those of earlier attempts too; unknown tasks are left out."""
        return await self._read(partial(_reads.owners, task_ids=task_ids))

    async def counts(self) -> dict[JobState, int]:
        """Give how many jobs are in each state, zeros included."""
        return await self._read(_reads.count)

    async def rows(
        self,
        *,
        states: Collection[JobState] | None = None,
        after: int = 0,
        limit: int | None = None,
        requests: bool = True,
    ) -> AsyncGenerator[JournalRow, None]:
        """Yield rows in the order in which they were planned, read page by page with flat memory.

        Args:
            states: only jobs that are in one of these when their page is read.
            after: only rows whose ``position`` is greater.
            limit: at most so many rows.
            requests: with their whole requests.
        """
        left = sys.maxsize if limit is None else limit
        while left > 0 and (states is None or states):
            query = partial(_reads.page, among=states, after=after, most=left, requests=requests)
            page = await self._read(query)
            if not page:
                return
            for row in page:
                yield row
            after, left = page[-1].position, left - len(page)

    async def copy(self, target: str | os.PathLike[str]) -> None:
        """Write a copy of this moment to another file, whole or not at all, while writing goes on.

        Raises:
            JournalError: the target exists, or cannot be written.
        """
        await self._read(partial(_connect.copy, target=Path(target)))

    @property
    def commits(self) -> int:
        """How many transactions went to the disk so far; many facts share one."""
        return self._writer.commits if self._writer is not None else 0

    # How it is done.

    def _thread(self, name: str) -> ConnectionThread:
        """Make a thread for one connection."""
        return ConnectionThread(f"seedance-journal-{name}", partial(_connect.explain, path=self.path))

    def _own(self, now: float) -> sqlite3.Connection:
        """Become the owner and connect; runs in the writer's thread."""
        _mounts.refuse_network(self.path)
        self._lock.acquire(journal=self.path, since=now)
        return _connect.connect_writing(self.path, now=now, account=self._account)

    async def _write(self, action: Callable[[sqlite3.Connection], _T]) -> _T:
        """Carry out an action on the writing connection and wait until it is durable."""
        if self.read_only:
            raise JournalError(f"The journal {self.path} was opened read-only.")
        if self._writer is None:
            raise _not_open()
        return await self._writer.run(action)

    async def _read(self, query: Callable[[sqlite3.Connection], _T]) -> _T:
        """Carry out a query on the reading connection."""
        if self._reader is None:
            raise _not_open()
        return await self._reader.run(query)


def _not_open() -> JournalError:
    """A journal does nothing outside its ``async with``."""
    return JournalError(
        "The journal is not open.", advice="Use it inside: async with Journal.open(path) as journal"
    )
