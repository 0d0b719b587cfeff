"""Stopping a batch so that nothing is lost: by a method, or by Ctrl-C and SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["StopSwitch", "Stoppable"]

logger = logging.getLogger("seedance_async")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Stoppable(Protocol):
    """What a switch stops: a run."""

    def stop(self) -> str:
        """Stop gracefully; gives one line that says what goes on and how to go on."""
        ...

    def stop_at_once(self) -> None:
        """Stop now."""
        ...


class StopSwitch:
    """Stops batches: the first time gracefully, the second time at once; nothing is lost either way.

    The first time no further job is submitted, POSTs that are out are recorded, downloads that have begun are
    finished, and all other jobs are left: tasks go on at the server, and the next run with the same journal
    waits for them. The second time everything is left at once; a POST that is out is waited for a moment
    (``Timeouts.cancel``), and what becomes of it then is found by the next run.

    Use it as ``run_many(..., stop=switch)``, within ``with switch.on_signals():`` where Ctrl-C and SIGTERM
    shall stop the batch.

    Attributes:
        cancel_queued: whether tasks that are still queued at the server are cancelled by the first stop; read
            when it is thrown, not before.
        times: how often it was thrown.
        signal: the signal that threw it last, or None.
    """

    def __init__(
        self, *, cancel_queued: bool = False, tell: Callable[[str], object] = logger.warning
    ) -> None:
        """Make a switch.

        Args:
            cancel_queued: see above; running tasks cannot be cancelled (api docs 1521720).
            tell: called with one line when the batch stops.
        """
        self.cancel_queued = cancel_queued
        self.times = 0
        self.signal: signal.Signals | None = None
        self._tell = tell
        self._runs: list[Stoppable] = []

    def stop(self, *, cancel_queued: bool | None = None) -> None:
        """Throw the switch; call it on the event loop.

        Args:
            cancel_queued: whether tasks that are still queued are cancelled; None: as the switch was made.
        """
        if cancel_queued is not None:
            self.cancel_queued = cancel_queued
        self.times += 1
        for run in list(self._runs):
            self._apply(run)

    @contextlib.contextmanager
    def on_signals(self) -> Generator[None]:
        """Throw the switch at SIGINT and SIGTERM while the block runs; a third one does what it did before.

        Works in the main thread only, inside a running loop.
        """
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in _SIGNALS}

        def heard(number: int, _frame: object) -> None:
            self.signal = signal.Signals(number)
            # The handler runs between two steps of whatever is running; the loop is woken to do the rest.
            loop.call_soon_threadsafe(self.stop)
            if self.times >= 1:
                _restore(before)

        try:
            for number in _SIGNALS:
                signal.signal(number, heard)
            yield
        finally:
            _restore(before)

    @contextlib.contextmanager
    def attached(self, run: Stoppable) -> Generator[None]:
        """Stop this run, too, while the block runs."""
        self._runs.append(run)
        try:
            for _ in range(min(self.times, 1)):
                self._apply(run)
            yield
        finally:
            self._runs.remove(run)

    def _apply(self, run: Stoppable) -> None:
        """Stop one run."""
        if self.times > 1:
            run.stop_at_once()
        else:
            self._tell(run.stop())


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    """Give signals back to whoever had them."""
    for number, handler in handlers.items():
        signal.signal(number, handler)
