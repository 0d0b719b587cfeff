"""When a call is repeated: the decision as a table, and that tenacity carries it out."""

from __future__ import annotations

import asyncio
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async._wire.retry import GiveUp, Retry, decide, repeat
from seedance_async.errors import (
    AnswerLost,
    Billed,
    ConnectionFailed,
    InvalidRequest,
    RateLimited,
    RequestRefused,
    SeedanceError,
    ServerFailed,
)
from seedance_async.settings import RetryPolicy

POLICY = RetryPolicy(attempts=4, budget=60.0, wait_initial=1.0, wait_max=8.0, retry_after_max=30.0)


def quiet(attempt: int, wait: float, error: BaseException) -> None:
    """Take note of a repeat and say nothing."""


def limited(retry_after: float | None) -> RateLimited:
    """Make a 429."""
    return RateLimited("slow down", status=429, retry_after=retry_after)


@pytest.mark.parametrize(
    ("error", "attempt", "elapsed", "expected"),
    [
        (ConnectionFailed("x"), 1, 0.0, 1.0),
        (ConnectionFailed("x"), 2, 0.0, 2.0),
        (ConnectionFailed("x"), 3, 0.0, 4.0),
        (ConnectionFailed("x"), 4, 0.0, None),
        (ConnectionFailed("x"), 1, 59.0, 1.0),
        (ConnectionFailed("x"), 1, 59.5, None),
        (AnswerLost("x"), 1, 0.0, 1.0),
        (AnswerLost("x", billed=Billed.MAYBE), 1, 0.0, None),
        (ServerFailed("x", status=500), 1, 0.0, 1.0),
        (ServerFailed("x", status=500, billed=Billed.MAYBE), 1, 0.0, None),
        (limited(None), 1, 0.0, 1.0),
        (limited(20.0), 1, 0.0, 21.0),
        (limited(30.0), 1, 0.0, 31.0),
        (limited(31.0), 1, 0.0, None),
        (limited(29.0), 1, 40.0, None),
        (RequestRefused("x", status=400), 1, 0.0, None),
        (InvalidRequest(field="x"), 1, 0.0, None),
        (KeyError("x"), 1, 0.0, None),
    ],
)
def test_the_decision(error: BaseException, attempt: int, elapsed: float, expected: float | None) -> None:
    """With the jitter at its most, the wait is the one of the docs; None means giving up."""
    verdict = decide(POLICY, attempt=attempt, elapsed=elapsed, error=error, draw=1.0)
    assert (verdict.after if isinstance(verdict, Retry) else None) == expected
    assert expected is not None or (isinstance(verdict, GiveUp) and verdict.why)


@pytest.mark.parametrize(
    ("asked", "attempt", "expected"), [(None, 1, 1.0), (None, 2, 2.0), (None, 9, 4.0), (20.0, 9, 21.0)]
)
def test_the_jitter_is_a_part_of_its_bound(asked: float | None, attempt: int, expected: float) -> None:
    """Half a draw waits half the bound; above what the server asks, half of the first bound."""
    policy = RetryPolicy(wait_initial=2.0, wait_max=8.0)
    assert decide(policy, attempt=attempt, elapsed=0.0, error=limited(asked), draw=0.5) == Retry(
        after=expected
    )


@given(
    attempt=st.integers(1, 2000),
    elapsed=st.floats(0, 1e6),
    draw=st.floats(0, 1),
    asked=st.none() | st.floats(0, 1e9),
)
def test_no_decision_passes_the_policy(
    attempt: int, elapsed: float, draw: float, asked: float | None
) -> None:
    """A wait is finite, never below what the server asks, and never ends past the budget."""
    verdict = decide(POLICY, attempt=attempt, elapsed=elapsed, error=limited(asked), draw=draw)
    if isinstance(verdict, Retry):
        assert math.isfinite(verdict.after)
        assert verdict.after >= (asked or 0.0)
        assert elapsed + verdict.after <= POLICY.budget
        assert attempt < POLICY.attempts


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_sixty_calls_at_once_do_not_mix_their_attempts() -> None:
    """Each call through one policy counts its own attempts and gets its own result."""
    failures = {number: number % 3 for number in range(60)}

    async def call(number: int, attempt: int) -> int:
        await asyncio.sleep(0.01)
        if attempt <= failures[number]:
            raise ConnectionFailed("not yet")
        return number

    async def one(number: int) -> int:
        return await repeat(POLICY, lambda attempt: call(number, attempt), on_retry=quiet)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(60)]
    assert [task.result() for task in tasks] == list(range(60))


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_the_budget_is_never_overshot() -> None:
    """No attempt starts later than the budget after the first, however long the waits are."""
    policy = RetryPolicy(attempts=100, budget=10.0, wait_initial=4.0, wait_max=4.0)
    starts: list[float] = []
    await asyncio.sleep(1000.0)  # a loop's clock begins anywhere

    async def call(_: int) -> None:
        starts.append(asyncio.get_running_loop().time())
        raise ConnectionFailed("never")

    with pytest.raises(ConnectionFailed):
        await repeat(policy, call, on_retry=quiet)
    assert len(starts) > 2
    assert starts[-1] - starts[0] <= 10.0


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_each_wait_is_told_before_it_begins() -> None:
    """An observer hears of every repeat: which attempt failed, with what, and the very wait that follows."""
    starts: list[float] = []
    told: list[tuple[int, float, BaseException]] = []
    errors = [limited(asked) for asked in (5.0, 10.0, 20.0, 1.0)]

    async def call(attempt: int) -> None:
        starts.append(asyncio.get_running_loop().time())
        raise errors[attempt - 1]

    def note(attempt: int, wait: float, error: BaseException) -> None:
        told.append((attempt, wait, error))

    with pytest.raises(RateLimited) as caught:
        await repeat(POLICY, call, on_retry=note)
    assert caught.value is errors[3]
    assert [(attempt, error) for attempt, _, error in told] == [*enumerate(errors[:3], start=1)]
    assert [later - sooner for sooner, later in pairwise(starts)] == pytest.approx(
        [wait for _, wait, _ in told], abs=1e-4
    )


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_cancelling_a_wait_ends_the_call() -> None:
    """A call that sleeps between attempts is left at once and not called again."""
    calls = 0

    async def call(_: int) -> None:
        nonlocal calls
        calls += 1
        raise limited(20.0)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(repeat(POLICY, call, on_retry=quiet), timeout=5.0)
    await asyncio.sleep(60.0)
    assert calls == 1


@pytest.mark.asyncio
async def test_an_error_comes_through_as_it_is() -> None:
    """The caller sees the server's own error, not a wrapper of the retry library."""
    error = RequestRefused("no", status=400)

    async def call(_: int) -> None:
        raise error

    with pytest.raises(SeedanceError) as caught:
        await repeat(POLICY, call, on_retry=quiet)
    assert caught.value is error
