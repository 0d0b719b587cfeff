"""Opening and closing a session: once each, in one event loop."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, Self

from seedance_async.errors import SessionClosed
from seedance_async.wiring import Core, Settings, open_core

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    import aiohttp

    from seedance_async.callbacks import CallbackReceiver
    from seedance_async.events import Event
    from seedance_async.watcher import Watcher

__all__ = ["Lifecycle"]


class _State(enum.Enum):
    """A session is opened once and closed once."""

    NEW = "new"
    OPEN = "open"
    CLOSED = "closed"


class Lifecycle:
    """What has settings at once, parts from the first use on, and nothing after ``close()``."""

    def __init__(self, settings: Settings, callbacks: CallbackReceiver | None) -> None:
        self._settings = settings
        self._callbacks = callbacks
        self._state = _State.NEW
        self._opened: Core | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._settings.base_url} {self._state.value}>"

    async def __aenter__(self) -> Self:
        _ = self._core  # shows a closed session or a wrong loop at once
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    if not TYPE_CHECKING:

        def __enter__(self) -> Self:
            """Explain itself: type checkers refuse this before it runs."""
            raise TypeError(f"{type(self).__name__} is asynchronous: use 'async with', not 'with'.")

        def __exit__(self, *_: object) -> None:
            """Python asks for it before it calls ``__enter__``."""

    @property
    def closed(self) -> bool:
        """True after :meth:`close`."""
        return self._state is _State.CLOSED

    # -- for the rooms that work on a session's behalf

    @property
    def settings(self) -> Settings:
        """What the session was given."""
        return self._settings

    @property
    def watcher(self) -> Watcher:
        """The one watcher of this session; ``wait_for`` and its like use it."""
        return self._core.watcher

    @property
    def http(self) -> aiohttp.ClientSession:
        """The aiohttp session for reads; it carries no key."""
        return self._core.transport.http

    @property
    def emit(self) -> Callable[[Event], None]:
        """Hands an event to the observer."""
        return self._core.calls.emit

    async def close(self) -> None:
        """Let every waiter go with SessionClosed and close what is owned; a second time does nothing."""
        core, self._opened = self._opened, None
        self._state = _State.CLOSED
        if core is None:
            return
        if self._callbacks is not None:
            self._callbacks.unbind(core.watcher)
        await core.close()

    @property
    def _core(self) -> Core:
        """The open parts; opened at the first use, in the loop that uses them."""
        core = self._open()
        if core.loop is not asyncio.get_running_loop():
            raise SessionClosed(
                "The session was opened in another event loop.",
                advice="Open one SeedanceSession per event loop.",
            )
        return core

    def _open(self) -> Core:
        """Open unless open; a closed session stays closed."""
        if self._state is _State.CLOSED:
            raise SessionClosed("The session is closed.", advice="Open a new SeedanceSession.")
        if self._opened is None:
            self._opened = open_core(self._settings)
            self._state = _State.OPEN
            if self._callbacks is not None:
                self._callbacks.bind(self._opened.watcher)
        return self._opened
