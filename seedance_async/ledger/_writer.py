"""Group commit: while the disk syncs one transaction, more facts gather, and the next one takes them all."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Callable

    from seedance_async.errors import JournalError
    from seedance_async.ledger._thread import ConnectionThread

__all__ = ["Writer"]

_T = TypeVar("_T")


@define(eq=False)
class _Job:
    """One fact on its way to the disk, and the caller who waits for it (or has left)."""

    action: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]


@define(eq=False)
class Writer:
    """Carries out actions in the order in which they were given, many to a transaction.

    Attributes:
        thread: the thread with the one connection that writes.
        commits: transactions that went to the disk.
    """

    thread: ConnectionThread
    commits: int = field(default=0, init=False)
    _waiting: list[_Job] = field(factory=list[_Job], init=False)
    _busy: bool = field(default=False, init=False)

    async def run(self, action: Callable[[sqlite3.Connection], _T]) -> _T:
        """Carry out an action and wait until it is durable; a caller who leaves does not take it back.

        Raises:
            JournalError: the action does not fit what the journal holds, the disk failed, or it is closed.
        """
        self.thread.check_usable()
        job = _Job(action, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if not self._busy:
            self._start()
        result: _T = await job.done
        return result

    async def close(self) -> None:
        """Write what still waits, then disconnect; carried through even when the caller is cancelled."""
        self.thread.refuse_more()
        if self._waiting:
            # The thread takes these after the transaction it is at.
            self._start()
        await self.thread.close()

    def _start(self) -> None:
        """Give everything that waits to the thread as one transaction."""
        jobs, self._waiting = self._waiting, []
        self._busy = True
        running = self.thread.start(partial(_commit, [job.action for job in jobs]))
        running.add_done_callback(partial(self._settle, jobs))

    def _settle(self, jobs: list[_Job], running: asyncio.Future[list[Any]]) -> None:
        """Tell each caller what became of its fact, and start the next transaction."""
        self._busy = False
        if self._waiting:
            self._start()
        failure = running.exception()
        self.commits += failure is None
        results = running.result() if failure is None else [failure] * len(jobs)
        for job, result in zip(jobs, results, strict=True):
            self._tell(job, result)

    def _tell(self, job: _Job, result: Any) -> None:
        """Wake one caller."""
        if job.done.done():
            return  # it was cancelled, and its fact is on disk all the same
        if isinstance(result, Exception):
            job.done.set_exception(self._as_ours(result))
        else:
            job.done.set_result(result)

    def _as_ours(self, error: Exception) -> JournalError:
        """One error object per caller: a shared one would mix their tracebacks."""
        ours = self.thread.explain(error)
        ours.__cause__ = error if ours is not error else None
        return ours


def _commit(actions: list[Callable[[sqlite3.Connection], Any]], connection: sqlite3.Connection) -> list[Any]:
    """Carry out all actions in one transaction; give a result or an error for each."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        results = [_carry_out(connection, action) for action in actions]
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself when the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return results


def _carry_out(connection: sqlite3.Connection, action: Callable[[sqlite3.Connection], Any]) -> Any:
    """Carry out one action whole or not at all, so that one caller's mistake is not its neighbours'."""
    connection.execute("SAVEPOINT one")
    try:
        result = action(connection)
    except sqlite3.OperationalError:
        raise  # the disk or the file: no fact of this transaction is safe
    except Exception as error:  # noqa: BLE001 - handed to the caller whose action it is
        connection.execute("ROLLBACK TO one")
        result = error
    connection.execute("RELEASE one")
    return result
