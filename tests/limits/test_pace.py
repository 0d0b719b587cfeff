"""Pace: windows, order, cancellation, holds, cuts and recovery."""

from __future__ import annotations

import asyncio
import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance_async._wire.pace import Pace
from seedance_async.errors import RateLimited
from tests.limits.helpers import EPS, most_in_window, now, slow, virtually

GAPS_MS = (7, 50, 100, 1000)

# Arrivals and gaps are whole milliseconds, departures of the impatient half ones: no two moments coincide.
plans = st.lists(st.tuples(st.integers(0, 400), st.none() | st.integers(0, 3000)), min_size=1, max_size=25)


async def _departures(pace: Pace, plan: list[tuple[int, int | None]]) -> dict[int, float]:
    """Let each waiter come after its pause and leave after its patience; tell when which of them went."""
    went: dict[int, float] = {}

    async def waiter(index: int) -> None:
        await pace.wait()
        went[index] = now()

    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        for index, (pause_ms, patience_ms) in enumerate(plan):
            await asyncio.sleep(pause_ms / 1000)
            task = group.create_task(waiter(index))
            if patience_ms is not None:
                loop.call_later((patience_ms + 0.5) / 1000, task.cancel)
    return went


def _model(gap_ms: int, plan: list[tuple[int, int | None]]) -> dict[int, float]:
    """Do the same with a pencil: those who leave before their turn do not count."""
    came = free = 0.0
    went: dict[int, float] = {}
    for index, (pause_ms, patience_ms) in enumerate(plan):
        came += pause_ms
        turn = max(came, free)
        if patience_ms is None or came + patience_ms >= turn:
            went[index] = turn / 1000
            free = turn + gap_ms
    return went


@settings(max_examples=60)
@given(st.sampled_from(GAPS_MS), plans)
def test_only_those_who_go_count_in_the_order_they_came(
    gap_ms: int, plan: list[tuple[int, int | None]]
) -> None:
    """Whoever comes and leaves whenever: each goes at the first moment that the gap and the line allow."""
    went = virtually(lambda: _departures(Pace(1000 / gap_ms), plan))
    assert went == pytest.approx(_model(gap_ms, plan), abs=EPS)


@settings(max_examples=30)
@given(st.floats(0.5, 50.0), st.floats(0.1, 70.0), st.sampled_from(["ramp", "flat"]), st.data())
def test_no_window_holds_more_than_rate_times_window_and_one(
    rate: float, window: float, form: str, data: st.DataObject
) -> None:
    """Pauses, cuts, holds and recoveries at random moments never let a window pass its quota."""
    pauses = data.draw(st.lists(st.floats(0.0, 30.0), min_size=1, max_size=6))
    acts = data.draw(st.lists(st.sampled_from(["cut", "grow", "hold", "room", "one"]), max_size=12))

    async def scene() -> list[float]:
        pace, times = Pace(rate, ramp=form == "ramp"), list[float]()
        changes = {
            "cut": pace.cut,
            "grow": pace.grow,
            "hold": lambda: pace.hold(0.3),
            "room": lambda: pace.hold_for_room(0.5),
            "one": pace.let_one_go,
        }

        async def send() -> None:
            await pace.wait()
            times.append(now())

        for index, pause in enumerate(pauses):
            async with asyncio.TaskGroup() as group:
                for _ in range(10):
                    group.create_task(send())
                for act in acts[index::3]:
                    await asyncio.sleep(0.17)
                    changes[act]()
            await asyncio.sleep(pause)
        return times

    times = virtually(scene)
    assert len(times) == 10 * len(pauses)
    assert most_in_window(times, window) <= math.floor(rate * window + EPS) + 1


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_six_hundred_a_minute_hold_in_sliding_and_fixed_windows() -> None:
    """A fan-out of 1,500 at 600 a minute: no minute, wherever it starts, sees more than 601."""
    pace, times = Pace(10.0, ramp=True), list[float]()

    async def send() -> None:
        await pace.wait()
        times.append(now())

    async with asyncio.TaskGroup() as group:
        for _ in range(1500):
            group.create_task(send())
    assert most_in_window(times, 60.0) <= 601
    by_minute = [sum(1 for moment in times if start <= moment < start + 60) for start in (0, 60, 120)]
    assert max(by_minute) <= 601
    assert times[-1] == pytest.approx(149.9 + 4.95, abs=0.2)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_start_ramps_up_and_so_does_one_after_an_idle_minute() -> None:
    """The first second sends a tenth of the pace, the eleventh all of it; the same after a minute's rest."""
    pace = Pace(10.0, ramp=True)
    for _ in range(2):
        started, times = now(), list[float]()
        while now() < started + 12.0:
            await pace.wait()
            times.append(now() - started)
        assert sum(moment < 0.99 for moment in times) == 1
        assert sum(moment < 10.0 for moment in times) == pytest.approx(50.5, abs=1.5)
        assert sum(10.0 <= moment < 11.0 for moment in times) == pytest.approx(10, abs=1)
        await asyncio.sleep(60.1)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_head_that_is_cancelled_when_called_passes_its_turn_on() -> None:
    """Cancelled between the call and its run, a waiter takes no token: the next goes in the same moment."""
    pace = Pace(1000.0)
    pace.hold_for_room(60.0)
    first = asyncio.create_task(pace.wait())
    second = asyncio.create_task(pace.wait())
    await asyncio.sleep(0)
    pace.let_one_go()
    first.cancel()
    assert await second == pytest.approx(0.0, abs=EPS)
    assert first.cancelled()
    assert pace.waiting == 0


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_newcomer_does_not_overtake_the_head_that_is_called() -> None:
    """Between the call and the head's run a newcomer joins the line, although the gap is over."""
    pace = Pace(1000.0)
    pace.hold_for_room(60.0)
    head = asyncio.create_task(pace.wait())
    await asyncio.sleep(0)
    newcomer = asyncio.create_task(pace.wait())
    pace.let_one_go()
    await asyncio.sleep(1.0)
    assert (head.done(), newcomer.done(), pace.waiting) == (True, False, 1)
    assert await newcomer == pytest.approx(60.0, abs=EPS)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_hold_holds_everybody_and_lets_them_go_spaced() -> None:
    """Nobody goes before the end of the hold, and there is no stampede after it."""
    pace, times = Pace(10.0), list[float]()

    async def send() -> None:
        await pace.wait()
        times.append(now())

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(send())
        await asyncio.sleep(0.15)
        pace.hold(7.0)
        pace.hold(2.0)
    assert times == pytest.approx([0.0, 0.1, 7.15, 7.25, 7.35], abs=EPS)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_hold_for_room_lets_one_go_for_each_call() -> None:
    """Two pieces of room let two go; the others go when the hold ends."""
    pace, times = Pace(100.0), list[float]()

    async def send() -> None:
        await pace.wait()
        times.append(now())

    pace.hold_for_room(15.0)
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(send())
        await asyncio.sleep(3.0)
        pace.let_one_go()
        pace.let_one_go()
    assert times == pytest.approx([3.0, 3.01, 15.0, 15.01], abs=EPS)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_room_from_before_the_refusal_counts_for_nothing() -> None:
    """A task that ended before the queue was found full has not made room since."""
    pace = Pace(100.0)
    pace.let_one_go()
    pace.hold_for_room(5.0)
    pace.let_one_go()
    pace.hold_for_room(15.0)
    assert await pace.wait() == pytest.approx(15.0, abs=EPS)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_cut_halves_once_a_second_and_successes_bring_the_rate_back() -> None:
    """Refusals of one moment are one cut; fifty successes undo a halving and no success passes the limit."""
    pace = Pace(10.0)
    assert [pace.cut(), pace.cut()] == [True, False]
    assert pace.rate == pytest.approx(5.0)
    await asyncio.sleep(1.0)
    assert pace.cut()
    assert pace.rate == pytest.approx(2.5)
    for _ in range(75):
        pace.grow()
    assert pace.rate == pytest.approx(10.0)
    pace.grow()
    assert pace.rate <= 10.0


@pytest.mark.asyncio
@pytest.mark.looptime
@pytest.mark.parametrize(("rate", "slowest"), [(10.0, 0.1), (0.25, 0.1), (0.05, 0.05)])
async def test_cuts_end_somewhere(rate: float, slowest: float) -> None:
    """However often it is cut, a pace goes once in ten seconds, or at its own rate if that is slower."""
    pace = Pace(rate)
    for _ in range(40):
        pace.cut()
        await asyncio.sleep(1.0)
    assert pace.rate == pytest.approx(slowest)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_growing_wakes_the_head_earlier() -> None:
    """A head that waits for a long gap goes sooner once the rate recovers."""
    pace = Pace(100.0)
    for _ in range(11):
        pace.cut()
        await asyncio.sleep(1.0)
    await pace.wait()
    waiter = asyncio.create_task(pace.wait())
    await asyncio.sleep(0.5)
    pace.grow()
    assert await waiter == pytest.approx(1 / 1.1, abs=0.01)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_an_infinite_pace_waits_never() -> None:
    """Without a limit a thousand requests go in one moment, without giving the loop a turn."""
    pace, turns = Pace(math.inf, ramp=True), list[int]()
    asyncio.get_running_loop().call_soon(turns.append, 1)
    assert sum([await pace.wait() for _ in range(1000)]) == 0.0
    assert turns == []


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_an_infinite_pace_can_be_slowed_down_and_recovers() -> None:
    """Told to slow down, it goes at half of what it had sent in a second, and is whole again in the end."""
    pace = Pace(math.inf)
    for _ in range(40):
        await pace.wait()
    assert pace.cut()
    assert pace.rate == pytest.approx(20.0)
    await pace.wait()
    assert await pace.wait() == pytest.approx(1 / 20, abs=EPS)
    for _ in range(10_000):
        pace.grow()
    assert math.isinf(pace.rate)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_fail_waiting_gives_each_waiter_its_own_error() -> None:
    """Everybody in line raises, each its own instance, and the line serves the next comer."""
    pace = Pace(1.0)
    await pace.wait()
    waiters = [asyncio.create_task(pace.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    pace.fail_waiting(slow)
    await asyncio.wait(waiters)
    errors = [waiter.exception() for waiter in waiters]
    assert all(isinstance(error, RateLimited) for error in errors)
    assert len({id(error) for error in errors}) == 3
    assert await pace.wait() == pytest.approx(1.0, abs=EPS)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_one_timer_serves_the_whole_line() -> None:
    """A thousand waiters plan one wake-up, not a thousand."""
    pace = Pace(10.0)
    planned = 0
    loop = asyncio.get_running_loop()
    call_at = loop.call_at

    def counting(when: float, callback: object, *args: object, **kwargs: object) -> asyncio.TimerHandle:
        nonlocal planned
        planned += 1
        return call_at(when, callback, *args, **kwargs)  # type: ignore[arg-type]

    loop.call_at = counting  # type: ignore[method-assign]
    waiters = [asyncio.create_task(pace.wait()) for _ in range(1000)]
    await asyncio.sleep(0)
    assert (pace.waiting, planned) == (999, 1)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.wait(waiters)
    assert pace.waiting == 0


def test_gaps_do_not_shrink_when_a_timer_is_early() -> None:
    """A hundred requests at 3 a second take 33 s: trifles of single gaps never add up."""

    async def scene() -> list[float]:
        pace, times = Pace(3.0), list[float]()
        for _ in range(100):
            await pace.wait()
            times.append(now())
        return times

    times = virtually(scene)
    assert times[-1] == pytest.approx(33.0, abs=EPS)
    assert min(later - earlier for earlier, later in pairwise(times)) >= 1 / 3 - EPS
