"""Running a command's coroutine on a fresh loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any, TypeVar

from seedance_async.cli.reporting import Terminated

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

__all__ = ["run_async"]

T = TypeVar("T")


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; Ctrl-C and SIGTERM cancel it, so that everything is closed in order.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
        Terminated: after SIGTERM.
    """
    return asyncio.run(_terminable(work))


async def _terminable(work: Coroutine[Any, Any, T]) -> T:
    """Let SIGTERM do what Ctrl-C does; asyncio.run only knows the latter."""
    with _on_sigterm() as told:
        try:
            return await work
        except asyncio.CancelledError:
            if told:
                raise Terminated from None
            raise


@contextlib.contextmanager
def _on_sigterm() -> Generator[list[bool]]:
    """Cancel the running task at SIGTERM; gives a list that is not empty once it came."""
    loop, task, told = asyncio.get_running_loop(), asyncio.current_task(), list[bool]()

    def heard(*_: object) -> None:
        told.append(True)
        if task is not None:
            loop.call_soon_threadsafe(task.cancel)

    try:
        # Not loop.add_signal_handler: a batch takes the signal over for a while and gives it back.
        before = signal.signal(signal.SIGTERM, heard)
    except ValueError:  # not the main thread
        yield told
        return
    try:
        yield told
    finally:
        signal.signal(signal.SIGTERM, before)
