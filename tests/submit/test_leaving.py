"""The caller leaves: before the first byte, while the answer is on its way, twice, by a timeout, by
closing.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as budgeted
from hypothesis import strategies as st

from seedance_async import AccountLimits, SeedanceError, SubmitUncertain, Timeouts, VideoRequest, wait_for
from seedance_async.events import SubmitAccepted, SubmitLost
from seedance_async.simulator import Behaviour, Fault, Simulator
from tests.submit.helpers import Stand, standing
from tests.submit.test_sweeps import run

pytestmark = pytest.mark.looptime

HANG = Fault(kind="hang", when="after")
REQUEST = VideoRequest(prompt="a cat", duration=4, resolution="480p")


def slow(seconds: float) -> Fault:
    """An answer that is on its way for so long."""
    return Fault(kind="late", when="after", seconds=seconds)


def held(stand: Stand) -> int:
    """Slots that are out; the counters belong to the account, and no public name shows them."""
    return stand.session._core.account.slots.held  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


async def cancelled_after(stand: Stand, seconds: float, *, times: int = 1) -> asyncio.Task[Any]:
    """Submit, cancel after so many seconds (and again a moment later), and give the ended task."""
    task = asyncio.create_task(stand.session.submit(REQUEST, key="mine"))
    await asyncio.sleep(seconds)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0.1)
    await asyncio.wait({task})
    return task


@pytest.mark.asyncio
async def test_before_the_first_byte_nothing_was_ordered() -> None:
    """A submit that is cancelled while it waits for its turn sends nothing and leaves nothing open."""
    limits = AccountLimits(creates_per_minute=1.0)
    async with standing(session={"limits": limits}) as stand:
        await stand.submit("first")
        task = await cancelled_after(stand, 5.0)
        assert task.cancelled()
        assert stand.sim.counts["create"] == 1
        assert stand.session.uncertain == ()
        assert held(stand) == 1


@pytest.mark.asyncio
async def test_cancelled_in_the_same_moment_nothing_was_ordered() -> None:
    """A task that is cancelled before it ran a single step, or while it connects, orders nothing."""
    async with standing() as stand:
        for steps in (0, 1, 2):
            task = asyncio.create_task(stand.session.submit(REQUEST))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled()
        assert stand.sim.accepted == 0
        assert stand.session.uncertain == ()
        assert held(stand) == 0


@pytest.mark.asyncio
async def test_an_answer_that_comes_soon_is_still_taken() -> None:
    """Cancelled while the answer is a second away: the id is learned, told, and the task holds its slot."""
    async with standing(faults=[slow(1.5)], work_seconds=60.0) as stand:
        task = await cancelled_after(stand, 0.5)
        assert task.cancelled()
        (told,) = stand.told(SubmitAccepted)
        assert (told.key, told.task_id) == ("mine", stand.sim.ledger[0].id)
        assert stand.session.uncertain == ()
        assert held(stand) == 1
        await wait_for(stand.session, told.task_id)
        assert held(stand) == 0


@pytest.mark.asyncio
async def test_an_answer_that_does_not_come_is_recorded_as_uncertain() -> None:
    """Cancelled while the server hangs: after a moment the caller goes, and the open submit is reported and
    found.
    """
    async with standing(faults=[HANG]) as stand:
        begun = asyncio.get_running_loop().time()
        task = await cancelled_after(stand, 0.5)
        assert task.cancelled()
        assert asyncio.get_running_loop().time() - begun == pytest.approx(2.5, abs=0.2)
        assert [event.key for event in stand.told(SubmitLost)] == ["mine"]
        assert [intent.key for intent in stand.session.uncertain] == ["mine"]
        assert held(stand) == 0
        found = await stand.session.reconcile("mine")
        assert found is not None
        assert found.id == stand.sim.ledger[0].id
        assert stand.sim.counts["create"] == 1


@pytest.mark.asyncio
async def test_a_refusal_that_comes_while_leaving_leaves_nothing_open() -> None:
    """Cancelled, and the answer is a no: nothing exists and nothing is uncertain."""
    behaviour = Behaviour(models_not_open=frozenset({"doubao-seedance-1-5-pro-251215"}))
    async with standing(faults=[slow(1.0)], behaviour=behaviour) as stand:
        task = await cancelled_after(stand, 0.5)
        assert task.cancelled()
        assert stand.session.uncertain == ()
        assert stand.sim.accepted == 0


@pytest.mark.asyncio
async def test_an_answer_that_is_lost_while_leaving_is_uncertain() -> None:
    """Cancelled, and then the POST breaks off: it may have been accepted, is reported, and is found."""
    session = {"timeouts": Timeouts(request=2.0, cancel=5.0)}
    async with standing(faults=[HANG], session=session) as stand:
        task = await cancelled_after(stand, 0.5)
        assert task.cancelled()
        assert asyncio.get_running_loop().time() == pytest.approx(2.0, abs=0.2)
        assert [event.key for event in stand.told(SubmitLost)] == ["mine"]
        assert [intent.key for intent in stand.session.uncertain] == ["mine"]
        found = await stand.session.reconcile("mine")
        assert found is not None
        assert found.id == stand.sim.ledger[0].id


@pytest.mark.asyncio
async def test_a_second_cancel_does_not_wait() -> None:
    """Ctrl-C twice leaves at once; the open submit is still on record, and is found later."""
    async with standing(faults=[HANG]) as stand:
        begun = asyncio.get_running_loop().time()
        task = await cancelled_after(stand, 0.5, times=2)
        assert task.cancelled()
        assert asyncio.get_running_loop().time() - begun <= 1.0
        assert [intent.key for intent in stand.session.uncertain] == ["mine"]
        found = await stand.session.reconcile("mine")
        assert found is not None
        assert stand.sim.counts["create"] == 1


@pytest.mark.asyncio
async def test_leaving_at_once_can_be_chosen() -> None:
    """`Timeouts(cancel=0)` does not wait for the id at all, and records the submit."""
    session = {"timeouts": Timeouts(cancel=0.0)}
    async with standing(faults=[slow(1.0)], session=session) as stand:
        begun = asyncio.get_running_loop().time()
        await cancelled_after(stand, 0.5)
        assert asyncio.get_running_loop().time() - begun <= 0.7
        assert [intent.key for intent in stand.session.uncertain] == ["mine"]


@pytest.mark.asyncio
async def test_a_timeout_around_the_submit_is_a_timeout() -> None:
    """`asyncio.timeout` comes through as TimeoutError, and what was sent stays on record."""
    async with standing(faults=[HANG]) as stand:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5.0):
                await stand.session.submit(REQUEST, key="mine")
        assert [intent.key for intent in stand.session.uncertain] == ["mine"]
        assert stand.sim.counts["create"] == 1


@pytest.mark.asyncio
async def test_leaving_during_the_search_keeps_the_record() -> None:
    """Cancelled while the lost task is looked for: the submit stays uncertain, and the search can be taken
    up.
    """
    async with standing(faults=[Fault(kind="reset", when="after")], work_seconds=60.0) as stand:
        task = await cancelled_after(stand, 10.0)
        assert task.cancelled()
        assert [intent.key for intent in stand.session.uncertain] == ["mine"]
        found = await stand.session.reconcile("mine")
        assert found is not None
        assert stand.sim.counts["create"] == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("seconds", [0.0, 0.5, 10.0], ids=["at once", "in flight", "while searching"])
async def test_closing_the_session_ends_its_submits(seconds: float) -> None:
    """close() during a submit: an error of ours in a bounded time; what may exist is on record, nothing is
    repeated.
    """
    fault = Fault(kind="reset", when="after") if seconds > 1.0 else HANG
    async with standing(faults=[fault], work_seconds=60.0) as stand:
        task = asyncio.create_task(stand.session.submit(REQUEST, key="mine"))
        await asyncio.sleep(seconds)
        await stand.session.close()
        done, _ = await asyncio.wait({task}, timeout=300.0)
        assert done == {task}
        assert isinstance(task.exception(), SeedanceError)
        assert stand.sim.counts["create"] <= 1
        if stand.sim.accepted:
            assert isinstance(task.exception(), SubmitUncertain)
            assert [intent.key for intent in stand.session.uncertain] == ["mine"]


@given(
    delays=st.lists(st.floats(0.0, 8.0), min_size=1, max_size=6),
    again=st.booleans(),
    kinds=st.lists(st.sampled_from(["fine", "late", "hang", "reset"]), min_size=1, max_size=6),
)
@budgeted(max_examples=25)
def test_leaving_at_any_moment_loses_nothing(delays: list[float], kinds: list[str], *, again: bool) -> None:
    """Whenever they are cancelled: no slot, no task and no exception is left over, and every order is
    accounted for.
    """
    complaints: list[dict[str, Any]] = []

    async def storm() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with standing(work_seconds=3.0) as stand:
            for kind in kinds:
                stand.sim.add_fault(_fault(kind))
            keys = [f"job {number}" for number in range(len(delays))]
            tasks = [asyncio.create_task(_cancelled(stand, key, delay, again=again))
                     for key, delay in zip(keys, delays, strict=True)]  # fmt: skip
            await asyncio.wait(tasks)
            await _account_for_all(stand, stand.sim)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(storm())
    gc.collect()
    assert complaints == []


def _fault(kind: str) -> Fault:
    """Make the fault of one draw."""
    if kind == "fine":
        return slow(0.0)
    return slow(3.0) if kind == "late" else Fault(kind="hang" if kind == "hang" else "reset", when="after")


async def _cancelled(stand: Stand, key: str, delay: float, *, again: bool) -> None:
    """Submit a prompt named like its key, and leave after the delay."""
    task = asyncio.create_task(stand.session.submit(key, key=key, duration=4, resolution="480p"))
    await asyncio.sleep(delay)
    task.cancel()
    if again:
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.wait({task})


async def _account_for_all(stand: Stand, sim: Simulator) -> None:
    """Every task of the ledger is known by an event or open under its key; then no slot is out any more."""
    told = {event.task_id for event in stand.told(SubmitAccepted)}
    open_keys = {intent.key for intent in stand.session.uncertain}
    prompts = [entry.prompt for entry in sim.ledger]
    assert len(prompts) == len(set(prompts))
    for entry in sim.ledger:
        assert entry.id in told or entry.prompt in open_keys
    for task_id in told:
        await wait_for(stand.session, task_id)
    assert held(stand) == 0
