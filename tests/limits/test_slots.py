"""Slots: never over the limit, first come first served, nothing lost to cancellation."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance_async._wire.slots import Slot, Slots
from seedance_async.errors import QuotaExhausted
from tests.limits.helpers import EPS, now, spent, virtually

# (pause before it comes, time it holds the slot, patience or None), all in milliseconds that never coincide.
visits = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 300), st.none() | st.integers(0, 500)),
    min_size=1,
    max_size=30,
)


async def _visit(slots: Slots, plan: list[tuple[int, int, int | None]]) -> tuple[list[int], int]:
    """Let each visitor take a slot for a while or lose patience; tell who got one in turn, and the most."""
    order, most = list[int](), 0

    async def visitor(index: int, hold_ms: int) -> None:
        nonlocal most
        slot = await slots.acquire()
        order.append(index)
        most = max(most, slots.held)
        try:
            slots.bind(slot, str(index))
            await asyncio.sleep(hold_ms / 1000 + index * 1e-5)
        finally:
            slots.ended(str(index))

    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        for index, (pause_ms, hold_ms, patience_ms) in enumerate(plan):
            await asyncio.sleep(pause_ms / 1000)
            task = group.create_task(visitor(index, hold_ms))
            if patience_ms is not None:
                loop.call_later(patience_ms / 1000, task.cancel)
    return order, most


@settings(max_examples=80)
@given(st.integers(1, 4), visits)
def test_slots_hold_the_limit_and_the_order_and_lose_nothing(
    limit: int, plan: list[tuple[int, int, int | None]]
) -> None:
    """Whoever comes and is cancelled when: never over the limit, in order, and all are back at the end."""
    slots = Slots(limit)
    order, most = virtually(lambda: _visit(slots, plan))
    assert most <= limit
    assert order == sorted(order)
    patient = {index for index, (_, _, patience) in enumerate(plan) if patience is None}
    assert patient <= set(order)
    assert (slots.held, slots.waiting, list(slots.alive)) == (0, 0, [])


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(["take", "cancel", "end", "shrink", "grow", "smaller", "larger"]), max_size=60)
)
def test_no_order_of_events_loses_a_slot(acts: list[str]) -> None:
    """Asking, cancelling, ending, resizing in any order: free slots and waiters never stand side by side."""

    async def scene() -> None:
        slots, wanted, ids = Slots(4), list[asyncio.Task[Slot]](), iter(range(1000))
        for act in acts:
            if act == "take":
                wanted.append(asyncio.create_task(slots.acquire()))
            elif act == "cancel" and wanted:
                await _leave(wanted.pop(len(wanted) // 2))
            elif act == "end":
                for task in [one for one in wanted if one.done()][:1]:
                    wanted.remove(task)
                    task_id = str(next(ids))
                    slots.bind(task.result(), task_id)
                    slots.ended(task_id)
            elif act == "shrink":
                slots.shrink()
            elif act == "grow":
                slots.grow()
            else:
                slots.resize(slots.limit + (1 if act == "larger" else -1))
            await asyncio.sleep(0.7)
            assert not (slots.free and slots.waiting)
        for task in wanted:
            (await task).release()
        assert (slots.held, slots.waiting) == (0, 0)

    virtually(scene)


async def _leave(task: asyncio.Task[Slot]) -> None:
    """Cancel a submit wherever it is; one that has its slot gives it back, as its owner would."""
    if not task.cancel():
        task.result().release()


@pytest.mark.asyncio
@pytest.mark.looptime
@pytest.mark.parametrize("cancelled", ["before", "after"])
async def test_a_waiter_that_is_cancelled_when_served_passes_the_slot_on(cancelled: str) -> None:
    """Cancelled in the moment of the hand-out, a waiter keeps nothing: the next has the slot."""
    slots = Slots(1)
    slot = await slots.acquire()
    first = asyncio.create_task(slots.acquire())
    second = asyncio.create_task(slots.acquire())
    await asyncio.sleep(0)
    if cancelled == "before":
        first.cancel()
    slot.release()
    first.cancel()
    assert isinstance(await second, Slot)
    assert (first.cancelled(), slots.held, slots.waiting) == (True, 1, 0)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_newcomer_does_not_overtake() -> None:
    """A slot that comes free belongs to the head of the line, even before the head has run."""
    slots, order = Slots(1), list[str]()

    async def take(name: str) -> None:
        slot = await slots.acquire()
        order.append(name)
        slot.release()

    slot = await slots.acquire()
    async with asyncio.TaskGroup() as group:
        group.create_task(take("waiter"))
        await asyncio.sleep(0)
        slot.release()
        group.create_task(take("newcomer"))
    assert order == ["waiter", "newcomer"]


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_release_and_ended_count_once() -> None:
    """Giving a slot back twice, by either way, or an unknown id, makes no slot out of nothing."""
    rooms = list[int]()
    slots = Slots(2, room=lambda: rooms.append(1))
    slot = await slots.acquire()
    slots.bind(slot, "cgt-1")
    slots.ended("cgt-unknown")
    assert list(slots.alive) == ["cgt-1"]
    for _ in range(2):
        slots.ended("cgt-1")
        slot.release()
    assert (slots.held, slots.free, rooms) == (0, 2, [1])


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_refused_submit_makes_no_room_at_the_server() -> None:
    """A slot that was never bound comes back without the news that a task ended."""
    rooms = list[int]()
    slots = Slots(2, room=lambda: rooms.append(1))
    (await slots.acquire()).release()
    assert (slots.held, rooms) == (0, [])


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_one_task_counts_once() -> None:
    """Two submits that found the same task hold one slot between them."""
    slots = Slots(3)
    for _ in range(2):
        slots.bind(await slots.acquire(), "cgt-1")
    assert (slots.held, list(slots.alive)) == (1, ["cgt-1"])
    slots.ended("cgt-1")
    assert slots.held == 0


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_binding_a_slot_that_was_given_back_takes_it_again() -> None:
    """A task that is paid counts, even if its slot was released too early."""
    slots = Slots(1)
    slot = await slots.acquire()
    slot.release()
    slots.bind(slot, "cgt-1")
    assert (slots.held, slots.free) == (1, 0)
    slots.ended("cgt-1")
    assert slots.held == 0


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_tasks_of_an_earlier_run_count() -> None:
    """Tasks found alive pass the limit, and a new submit waits until all but one slot of them are back."""
    slots = Slots(2)
    for task_id in ("a", "b", "c", "c"):
        slots.occupy(task_id)
    assert (slots.held, slots.free) == (3, 0)
    waiter = asyncio.create_task(slots.acquire())
    slots.ended("a")
    await asyncio.sleep(0)
    assert not waiter.done()
    slots.ended("b")
    assert isinstance(await waiter, Slot)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_full_queue_cuts_to_three_quarters_of_what_is_out() -> None:
    """The cut starts from what was really in use, and there is one a second."""
    slots = Slots(100)
    out = [await slots.acquire() for _ in range(40)]
    assert [slots.shrink(), slots.shrink()] == [True, False]
    assert (slots.limit, slots.free) == (30, 0)
    await asyncio.sleep(2.0)
    assert not slots.shrink()
    for slot in out[:10]:
        slot.release()
    assert slots.shrink()
    assert slots.limit == 22


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_the_last_slot_is_never_cut() -> None:
    """A server that is always full leaves one slot, or nothing would ever be tried again."""
    slots = Slots(3)
    for _ in range(10):
        if slots.free:
            await slots.acquire()
        slots.shrink()
        await asyncio.sleep(1.0)
    slots.resize(0)
    assert slots.limit == 1


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_accepted_submits_bring_slots_back_up_to_the_setting() -> None:
    """A round of accepted submits is worth one slot; the setting is the ceiling."""
    slots = Slots(8)
    slots.resize(4)
    for _ in range(5):
        slots.grow()
    assert slots.free == 5
    for _ in range(100):
        slots.grow()
    assert slots.limit == 8


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_more_slots_serve_the_line_in_order() -> None:
    """A larger limit serves as many heads of the line at once as it has slots."""
    slots, order = Slots(1), list[int]()

    async def take(index: int) -> None:
        await slots.acquire()
        order.append(index)

    await slots.acquire()
    waiters = [asyncio.create_task(take(index)) for index in range(5)]
    await asyncio.sleep(0)
    slots.resize(4)
    await asyncio.sleep(0.1)
    assert (order, slots.waiting) == ([0, 1, 2], 2)
    slots.resize(math.inf)
    await asyncio.wait(waiters)
    assert order == [0, 1, 2, 3, 4]
    assert math.isinf(slots.free)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_fail_waiting_gives_each_waiter_its_own_error_and_keeps_the_slots() -> None:
    """Everybody in line raises its own instance, one is cancelled in that moment, and no slot is gone."""
    slots = Slots(1)
    slot = await slots.acquire()
    waiters = [asyncio.create_task(slots.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    slots.fail_waiting(spent)
    waiters[1].cancel()
    await asyncio.wait(waiters)
    errors = [waiter.exception() for waiter in (waiters[0], waiters[2])]
    assert all(isinstance(error, QuotaExhausted) for error in errors)
    assert errors[0] is not errors[1]
    assert waiters[1].cancelled()
    slot.release()
    assert (slots.held, slots.free, slots.waiting) == (0, 1, 0)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_waiting_takes_as_long_as_the_slot_is_out() -> None:
    """A waiter goes in the moment a slot comes back, not at the next round of some poll."""
    slots = Slots(1)
    slot = await slots.acquire()
    asyncio.get_running_loop().call_later(3.25, slot.release)
    await slots.acquire()
    assert now() == pytest.approx(3.25, abs=EPS)
