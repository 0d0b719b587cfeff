"""An event loop whose clock all but stands while there is work and jumps over the time when there is none.

What waits an hour takes no time, and everything happens in the same order as it would in an hour.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["VirtualLoop", "run_virtually"]

_T = TypeVar("_T")

_BEGIN: Final = 1e9
"""No machine has been up for 31 years, so this clock is never taken for the real one."""

_PASS: Final = 1e-6
"""Seconds that one pass of the loop takes: whoever sleeps for less than a float can tell must not spin."""


class _Jumping(selectors.DefaultSelector):
    """Looks for what sockets and threads bring; where there is nothing, the clock jumps to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.now = _BEGIN
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Give what is ready; time passes only where nothing is, and no thread is at work."""
        ready = super().select(0)
        self.now += _PASS
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None or self.threads:
            return super().select(None)
        self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a clock of its own; the work of ``to_thread`` takes no time on it."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds on the clock that jumps."""
        return self._jumping.now

    def run_in_executor(self, executor: Any, func: Callable[..., _T], *args: Any) -> asyncio.Future[_T]:  # type: ignore[override]
        """Run in a thread; the clock waits for it."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _future: asyncio.Future[Any]) -> None:
        """Let the clock go on."""
        self._jumping.threads -= 1


def run_virtually(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end on a fresh virtual loop.

    Raises:
        RuntimeError: an event loop is running in this thread; call it through ``asyncio.to_thread``.
    """
    if _runs_a_loop():
        work.close()
        raise RuntimeError("an event loop is running in this thread: call it through asyncio.to_thread")
    # Debug mode keeps a stack for every timer: a plan of minutes would take an hour.
    with asyncio.Runner(loop_factory=VirtualLoop, debug=False) as runner:
        return runner.run(work)


def _runs_a_loop() -> bool:
    """Tell whether a loop is running in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
