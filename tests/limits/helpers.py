"""What the tests of limits share: a virtual loop for hypothesis, refusals of a server, collected events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import looptime

from seedance_async.errors import QueueFull, QuotaExhausted, RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

T = TypeVar("T")

EPS = 1e-4
"""Seconds; looptime counts in microseconds."""
_STUCK = 100_000.0


def virtually(main: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run a coroutine on a loop of its own in virtual time; whoever waits for ever raises TimeoutError."""

    async def bounded() -> T:
        async with asyncio.timeout(_STUCK):
            return await main()

    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0.0)) as runner:
        return runner.run(bounded())


def now() -> float:
    """Seconds on the running loop."""
    return asyncio.get_running_loop().time()


def slow(retry_after: float | None = None) -> RateLimited:
    """Make the refusal that means slow down."""
    code = "ModelAccountRpmRateLimitExceeded"
    return RateLimited("Slow down.", status=429, code=code, retry_after=retry_after)


def crowded(retry_after: float | None = None) -> QueueFull:
    """Make the refusal that means: too many tasks are queued."""
    return QueueFull("Queue full.", status=429, code="QuotaExceeded", retry_after=retry_after)


def spent() -> QuotaExhausted:
    """Make the refusal that means stop."""
    return QuotaExhausted("Spend limit reached.", status=429, code="SetLimitExceeded", request_id="0217")


def most_in_window(times: Iterable[float], seconds: float) -> int:
    """Count the most moments that any half-open window of this length holds."""
    ordered = sorted(times)
    most = first = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= seconds - EPS:
            first += 1
        most = max(most, last - first + 1)
    return most
