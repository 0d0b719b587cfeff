"""A run in a task of its own: whoever leaves the loop ends it, and a stop switch can reach it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from attrs import define, field

from seedance_async.media.files import ended

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from seedance_async.batch.runner import Run

__all__ = ["Handle", "leave"]


async def leave(work: asyncio.Task[Any]) -> None:
    """Cancel work and wait for its end, also when the caller is cancelled once more meanwhile.

    Else the journal would be closed under a POST that is about to learn its id.
    """
    work.cancel()
    try:
        await ended(asyncio.create_task(asyncio.wait({work})))
    finally:
        if not work.cancelled():
            work.exception()  # whoever leaves early does not want to know


@define(eq=False)
class Handle:
    """Runs a run while its block lasts; a ``Stoppable``."""

    _run: Run
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _at_once: bool = field(default=False, init=False)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run.run(), name="run_many")
        self._task.add_done_callback(lambda _: self._run.outbox.close())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            await leave(self._task)

    async def ended(self) -> None:
        """Raise what ended the run; nothing when it came to its end, or was stopped at once."""
        if self._task is None:
            return
        await asyncio.wait({self._task})
        if not (self._at_once and self._task.cancelled()):
            self._task.result()

    def stop(self) -> str:
        """Stop gracefully; gives one line that says what goes on and how to go on."""
        self._run.worker.brake.stop()
        return self._run.farewell()

    def stop_at_once(self) -> None:
        """Leave everything now."""
        self._at_once = True
        if self._task is not None:
            self._task.cancel()
