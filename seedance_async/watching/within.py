"""One request of the watcher, bounded in time, and cancellations that nobody asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["nobody_asked", "within"]

_Answer = TypeVar("_Answer")


def nobody_asked() -> bool:
    """Whether the CancelledError that is being handled is nobody's wish: the running task was not cancelled.

    Whoever awaits a future that is cancelled gets one, too. aiohttp, for one, cancels what waits for the
    address of a host when its session is closed.
    """
    task = asyncio.current_task()
    return task is not None and not task.cancelling()


async def within(seconds: float, request: Awaitable[_Answer]) -> _Answer:
    """Await an answer; a cancellation that nobody asked for is a failure like any other.

    Raises:
        TimeoutError: it took too long.
        ConnectionAbortedError: the request was cancelled from below.
    """
    try:
        async with asyncio.timeout(seconds):
            return await request
    except asyncio.CancelledError:
        if not nobody_asked():
            raise
        raise ConnectionAbortedError("The request was cancelled from below.") from None
