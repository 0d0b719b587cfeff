"""When a call is repeated: one pure decision, carried out by tenacity."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from seedance_async._wire import clock
from seedance_async.errors import Billed, SeedanceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from seedance_async.settings import RetryPolicy

__all__ = ["GiveUp", "Retry", "decide", "repeat"]

T = TypeVar("T")


@frozen(kw_only=True)
class Retry:
    """Repeat the call after so many seconds."""

    after: float


@frozen(kw_only=True)
class GiveUp:
    """Do not repeat the call, and why."""

    why: str


def decide(
    policy: RetryPolicy, *, attempt: int, elapsed: float, error: BaseException, draw: float
) -> Retry | GiveUp:
    """Decide what follows a failed attempt.

    Args:
        policy: how often and how long.
        attempt: how many attempts were made, this one included; from 1.
        elapsed: seconds since the first attempt began.
        error: what the attempt ended with.
        draw: a number from 0 to 1 for the jitter.
    """
    if not isinstance(error, SeedanceError) or not error.transient:
        return GiveUp(why="repeating it would not help")
    if error.billed is not Billed.NO:
        return GiveUp(why="it may have been accepted, and a second one would be billed too")
    if attempt >= policy.attempts:
        return GiveUp(why=f"{attempt} attempts were made")
    asked: float = getattr(error, "retry_after", None) or 0.0
    if asked > policy.retry_after_max:
        return GiveUp(
            why=f"the server asks to wait {asked:.0f} s, and retry_after_max is {policy.retry_after_max:.0f}"
        )
    # Full jitter, but never below what the server asks for; the doubling stops before it can overflow.
    ceiling = min(policy.wait_max, policy.wait_initial * 2.0 ** min(attempt - 1, 60))
    after = max(asked, draw * ceiling) if not asked else asked + draw * policy.wait_initial
    if elapsed + after > policy.budget:
        return GiveUp(why=f"the budget of {policy.budget:.0f} s would be passed")
    return Retry(after=after)


async def repeat(
    policy: RetryPolicy,
    call: Callable[[int], Awaitable[T]],
    *,
    on_retry: Callable[[int, float, BaseException], None],
) -> T:
    """Call ``call(attempt)`` until it returns or :func:`decide` gives up; errors come through unwrapped."""
    started = clock.monotonic()
    try:
        return await call(1)
    except SeedanceError as error:
        failed = [error]
    # Apart, because nearly every call ends well at once, and hundreds may be under way.
    return await _go_on(policy, call, failed, started=started, on_retry=on_retry)


async def _go_on(
    policy: RetryPolicy,
    call: Callable[[int], Awaitable[T]],
    failed: list[SeedanceError],
    *,
    started: float,
    on_retry: Callable[[int, float, BaseException], None],
) -> T:
    """Decide about the first failure and those that follow.

    The first one is taken out of its list: a frame that kept an error would be kept by the error's traceback.
    """
    waits: list[float] = [0.0]

    def again(error: BaseException) -> bool:
        attempt = len(waits)
        verdict = decide(
            policy, attempt=attempt, elapsed=clock.monotonic() - started, error=error, draw=random.random()
        )
        if isinstance(verdict, GiveUp):
            return False
        on_retry(attempt, verdict.after, error)
        waits.append(verdict.after)
        return True

    def wait(_: RetryCallState) -> float:
        return waits[-1]

    # A fresh object per call: one AsyncRetrying shared by concurrent calls mixes up their states.
    retrying = AsyncRetrying(retry=retry_if_exception(again), wait=wait, sleep=clock.sleep, reraise=True)
    async for attempt in retrying:
        with attempt:
            if failed:
                raise failed.pop()
            return await call(len(waits))
    raise AssertionError(
        "tenacity ended without a result"
    )  # pragma: no cover - reraise=True never comes here
