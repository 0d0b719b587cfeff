"""The only place that asks the time.

Monotonic time is the running loop's own, so a virtual loop clock (looptime) moves timeouts, pacing and
polling together. Wall time is needed only to compare with what a server says (``created_at``, the Date
header).
"""

from __future__ import annotations

import asyncio
import time
import weakref

__all__ = ["monotonic", "sleep", "wall"]

_SAME_CLOCK_SECONDS = 1.0
# Where a virtual loop clock started on the wall: both clocks must move together, or windows of
# time make no sense.
_virtual_epochs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, float] = weakref.WeakKeyDictionary()


def monotonic() -> float:
    """Seconds on the running loop's clock; raises RuntimeError outside a coroutine."""
    return asyncio.get_running_loop().time()


def wall() -> float:
    """Unix seconds; on a loop with a virtual clock they advance with that clock."""
    loop = asyncio.get_running_loop()
    if abs(loop.time() - time.monotonic()) < _SAME_CLOCK_SECONDS:
        return time.time()
    epoch = _virtual_epochs.setdefault(loop, time.time() - loop.time())
    return epoch + loop.time()


async def sleep(seconds: float) -> None:
    """Sleep on the loop's clock; zero and below only yield once."""
    await asyncio.sleep(max(0.0, seconds))
