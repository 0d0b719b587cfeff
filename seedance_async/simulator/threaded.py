"""The simulator for code that knows no asyncio: it runs in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections import Counter, deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from types import TracebackType

    from seedance_async.simulator.service import Simulator


_CHANGING: Final = (deque, Counter, list)


class ThreadedSimulator:
    """Starts a simulator in a thread; everything that :class:`Simulator` has is read and called from here.

        with ThreadedSimulator(Simulator(work_seconds=0.1)) as sim:
            subprocess.run([...], env={"ARK_BASE_URL": sim.base_url})
            assert sim.billed == 1

    What it hands out (requests, counts, ledger) is a copy of that moment. Time is the machine's.

    Args:
        sim: A simulator that was not started.
    """

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        """Start, and wait until it listens.

        Raises:
            OSError: The port is taken.
        """
        ready = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(ready,), name="seedance simulator")
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and wait for the end; the ledger can still be read."""
        loop, stop, thread = self._loop, self._stop, self._thread
        if loop is not None and stop is not None and thread is not None:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            self._loop = None

    def __getattr__(self, name: str) -> Any:
        """Whatever the simulator has, read in its own thread."""
        value = self._there(lambda: _copied(getattr(self._sim, name)))
        if not callable(value):
            return value

        def call(*args: Any, **named: Any) -> Any:
            return self._there(lambda: _copied(value(*args, **named)))

        return call

    def _work(self, ready: threading.Event) -> None:
        """The thread."""
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that started this one
            self._failure = error
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        async with self._sim:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            ready.set()
            await self._stop.wait()

    def _there(self, action: Callable[[], Any]) -> Any:
        """Run something in the simulator's loop; before and after its life here."""
        if self._loop is None:
            return action()

        async def act() -> Any:
            return action()

        done: Future[Any] = asyncio.run_coroutine_threadsafe(act(), self._loop)
        return done.result()


def _copied(value: Any) -> Any:
    """A copy of what the simulator goes on changing."""
    if isinstance(value, MappingProxyType):
        return dict(cast("Mapping[str, object]", value))
    return copy.copy(value) if type(value) in _CHANGING else value
