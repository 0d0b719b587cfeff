"""One SQLite connection in a thread of its own, so that the disk never holds up the event loop.

The thread is reached through ``run_in_executor`` only: a virtual loop clock (looptime) waits for its futures.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from attrs import define, field

from seedance_async.errors import JournalError
from seedance_async.media.files import ended

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ConnectionThread"]

_T = TypeVar("_T")


@define(eq=False)
class ConnectionThread:
    """Carries out actions one after the other on a connection that only its thread uses.

    Attributes:
        name: name of the thread, for debuggers.
        explain: turns SQLite's errors into ours.
    """

    name: str
    explain: Callable[[Exception], JournalError]
    _executor: ThreadPoolExecutor = field(init=False)
    _connection: sqlite3.Connection | None = field(default=None, init=False)
    _usable: bool = field(default=False, init=False)
    _process: int = field(factory=os.getpid, init=False)
    _loop: asyncio.AbstractEventLoop = field(factory=asyncio.get_running_loop, init=False)

    def __attrs_post_init__(self) -> None:
        """The thread itself starts with the first action."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=self.name)

    async def open(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Connect in the thread.

        Raises:
            JournalError: what ``connect`` ran into.
        """
        try:
            await ended(self._loop.run_in_executor(self._executor, self._connect, connect))
        except (sqlite3.Error, OSError) as error:
            raise self.explain(error) from error
        self._usable = True

    def check_usable(self) -> None:
        """Threads and futures belong to one loop of one process.

        Raises:
            JournalError: closed, or opened by another loop or process.
        """
        if os.getpid() != self._process:
            raise JournalError("The journal was opened by the parent process; open another one here.")
        if asyncio.get_running_loop() is not self._loop:
            raise JournalError("The journal was opened in another event loop; open another one here.")
        if not self._usable:
            raise JournalError("The journal is not open.")

    def start(self, action: Callable[[sqlite3.Connection], _T]) -> asyncio.Future[_T]:
        """Hand an action to the thread; it is carried out whether or not somebody waits for it."""
        return self._loop.run_in_executor(self._executor, partial(self._carry_out, action))

    async def run(self, action: Callable[[sqlite3.Connection], _T]) -> _T:
        """Carry out an action and wait for its result.

        Raises:
            JournalError: the file cannot be read, or the journal is not open.
        """
        self.check_usable()
        try:
            return await self.start(action)
        except sqlite3.Error as error:
            raise self.explain(error) from error

    def refuse_more(self) -> None:
        """Let nobody begin anything; what was begun goes on."""
        self._usable = False

    async def close(self) -> None:
        """Disconnect after everything that was begun; carried through even when the caller is cancelled."""
        self.refuse_more()
        try:
            await ended(self._loop.run_in_executor(self._executor, self._disconnect))
        finally:
            self._executor.shutdown(wait=False)

    # What follows runs in the thread.

    def _connect(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Keep the connection where only this thread uses it."""
        self._connection = connect()

    def _carry_out(self, action: Callable[[sqlite3.Connection], _T]) -> _T:
        """Give the connection to an action."""
        if self._connection is None:
            raise JournalError("The journal is not open.")
        return action(self._connection)

    def _disconnect(self) -> None:
        """Close the connection; the writer's brings its log home into the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
