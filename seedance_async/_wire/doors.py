"""Who is inside when a session closes: calls that wait are sent out with SessionClosed."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, field

from seedance_async.errors import SessionClosed

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Doors"]


@define
class Doors:
    """Keeps count of the calls inside, and sends them out when the session closes."""

    _inside: set[asyncio.Task[object]] = field(factory=set["asyncio.Task[object]"], init=False)
    _sent_out: set[asyncio.Task[object]] = field(factory=set["asyncio.Task[object]"], init=False)
    _left: asyncio.Event = field(factory=asyncio.Event, init=False)

    @contextmanager
    def inside(self) -> Generator[None]:
        """Be inside for the length of a block.

        Raises:
            SessionClosed: the session was closed meanwhile.
        """
        task = asyncio.current_task()
        if task is None or task in self._inside:
            yield
            return
        self._inside.add(task)
        try:
            yield
        except asyncio.CancelledError:
            # Only our own cancellation becomes an error; the caller's goes on, as in asyncio.timeout().
            if task in self._sent_out and task.uncancel() <= 0:
                raise SessionClosed("The session was closed during this call.") from None
            raise
        finally:
            self._inside.discard(task)
            self._sent_out.discard(task)
            self._left.set()

    async def send_out(self) -> None:
        """End every call inside; a POST that is out is given its moment to learn its id."""
        leaving = self._inside - {asyncio.current_task()}
        for task in leaving:
            self._sent_out.add(task)
            task.cancel()
        while leaving & self._inside:
            # Their blocks end within Timeouts.cancel; the tasks are the caller's and may go on.
            self._left.clear()
            await self._left.wait()
