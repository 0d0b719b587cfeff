"""The limiter's logic, without Ray: turns, slots, leases, and being lost itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async import AccountLimits
from seedance_async._wire import clock
from seedance_async.ext.ray.desk import LEASE_SECONDS, ORPHAN_SECONDS, RENEW_SECONDS, AccountDesk
from seedance_async.ext.ray.turns import Turns
from tests.limits.helpers import most_in_window

asynchronous = pytest.mark.asyncio
virtual = pytest.mark.looptime(start=0.0)


def small(max_alive: float = 2) -> AccountLimits:
    """Limits that are quickly reached."""
    return AccountLimits(creates_per_minute=60.0, max_alive=max_alive)


@given(
    waits=st.lists(st.floats(0.0, 0.3), min_size=50, max_size=200),
    late=st.lists(st.floats(0.0, 0.02), min_size=200, max_size=200),
)
def test_no_window_holds_more_than_one_turn_too_many(waits: list[float], late: list[float]) -> None:
    """Whenever they are asked for, and 20 ms late at the server, no second sees more than 21 of 20 turns."""
    turns, now, moments = Turns(per_second=20.0), 0.0, list[float]()
    for wait, lateness in zip(waits, late, strict=False):
        now += wait
        moments.append(now + turns.take(now) + lateness)
    assert most_in_window(moments, 1.0) <= 21


def test_turns_are_taken_ahead_of_time() -> None:
    """Who asks early is told how long to wait, in the order of asking."""
    turns = Turns(per_second=10.0)
    assert [round(turns.take(5.0), 3) for _ in range(3)] == [0.0, 0.103, 0.206]
    assert turns.take(9.0) == 0.0


def test_a_slow_down_holds_and_halves_once_a_second() -> None:
    """Two refusals of one moment cut once; each turn gives 1 % of the pace back."""
    turns = Turns(per_second=10.0)
    turns.take(0.0)
    turns.slow_down(1.0, 2.0)
    turns.slow_down(1.5, 1.0)
    assert turns.take(1.5) == pytest.approx(1.5)
    assert turns.take(3.0) == pytest.approx(0.206, rel=0.05)
    for _ in range(60):
        turns.take(100.0)
    assert turns.gap == pytest.approx(0.103)


def test_a_pace_is_never_cut_to_nothing() -> None:
    """However often a server says no, one turn comes every ten seconds or so."""
    turns = Turns(per_second=10.0)
    for second in range(100):
        turns.slow_down(float(second), 0.0)
    assert turns.gap < 10.5
    free = Turns(per_second=math.inf)
    free.slow_down(0.0, 1.0)
    assert (free.take(0.0), free.take(0.0)) == (1.0, 1.0)


@virtual
@asynchronous
async def test_routes_do_not_wait_for_each_other() -> None:
    """Creates, gets, lists and deletes each have their own turns."""
    desk = AccountDesk(small())
    first = [await desk.turn("a", route) for route in ("create", "get", "list", "delete")]
    assert first == [0.0] * 4
    assert await desk.turn("b", "create") == pytest.approx(1.03)
    await desk.slow_down("list", 7.0)
    assert await desk.turn("a", "list") == pytest.approx(7.0)


@virtual
@asynchronous
async def test_slots_are_counted_over_all_workers() -> None:
    """The third job of two slots waits, whoever asks; a job that has a slot is not counted twice."""
    desk = AccountDesk(small())
    assert await desk.take_slot("a", "one")
    assert await desk.take_slot("b", "two")
    assert not await desk.take_slot("b", "three")
    assert await desk.take_slot("b", "one")  # it was retried elsewhere
    await desk.give_slot("one")
    await desk.give_slot("one")
    assert await desk.take_slot("b", "three")
    assert await desk.alive() == 2


@virtual
@asynchronous
async def test_slots_of_a_dead_worker_come_back_late() -> None:
    """Its tasks may be alive, so its slots count until somebody takes them up, or for 15 minutes."""
    desk = AccountDesk(small())
    await desk.take_slot("a", "one")
    await desk.take_slot("a", "two")
    await clock.sleep(LEASE_SECONDS + 1.0)
    await desk.renew("b", [])
    assert not await desk.take_slot("b", "three")
    assert await desk.take_slot("b", "one")
    await clock.sleep(ORPHAN_SECONDS + 1.0)
    await desk.renew("b", ["one"])
    assert await desk.take_slot("b", "three")
    assert await desk.alive() == 2


@virtual
@asynchronous
async def test_a_worker_that_renews_keeps_its_slots() -> None:
    """However long a task runs, its slot counts while its worker shows that it lives."""
    desk = AccountDesk(small(max_alive=1))
    await desk.take_slot("a", "one")
    for _ in range(600):
        await clock.sleep(RENEW_SECONDS)
        await desk.renew("a", ["one"])
    assert not await desk.take_slot("b", "two")


@virtual
@asynchronous
async def test_a_worker_that_leaves_is_forgotten() -> None:
    """Nothing waits for the lease of a worker that said good-bye."""
    desk = AccountDesk(small(max_alive=1))
    await desk.take_slot("a", "one")
    await desk.give_slot("one")
    await desk.leave("a")
    await desk.leave("a")
    assert repr(desk) == "<AccountDesk 0 workers, 0 of 1 slots out>"


@virtual
@asynchronous
async def test_a_replaced_desk_repeats_no_turn() -> None:
    """What the lost desk gave away a moment ago is not given again: one gap passes first."""
    lost = AccountDesk(small())
    given = clock.monotonic() + await lost.turn("a", "create")
    desk = AccountDesk(small(), replacing=True)
    assert clock.monotonic() + await desk.turn("a", "create") >= given + 1.0


@virtual
@asynchronous
async def test_a_replaced_desk_forgets_no_slot() -> None:
    """It gives no slot before every worker had the time to say what it holds."""
    desk = AccountDesk(small(), replacing=True)
    assert not await desk.take_slot("b", "three")
    await desk.renew("a", ["one", "two"])
    await clock.sleep(RENEW_SECONDS * 2)
    assert not await desk.take_slot("b", "three")
    await desk.give_slot("two")
    assert await desk.take_slot("b", "three")


@virtual
@asynchronous
async def test_workers_agree_on_the_first_word() -> None:
    """All hear the same word for a place, whoever came first."""
    desk = AccountDesk(small())
    words = [await desk.meet("file:///a", word) for word in ("x", "y")]
    assert [*words, await desk.meet("file:///b", "z")] == ["x", "x", "z"]


@virtual
@asynchronous
async def test_the_limits_can_be_compared() -> None:
    """Two instances with the same numbers are the same account."""
    assert await AccountDesk(small()).limits() == await AccountDesk(small()).limits()
    assert await AccountDesk(small()).limits() != await AccountDesk(small(max_alive=3)).limits()
