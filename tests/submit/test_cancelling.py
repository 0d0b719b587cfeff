"""session.cancel(): one DELETE on a fresh look that says queued, and never a paid result erased."""

from __future__ import annotations

import asyncio

import pytest

from seedance_async import Billed, InvalidRequest, SeedanceError, TaskNotFound, TaskStatus
from seedance_async.cancelling import CancelResult
from seedance_async.simulator import AfterSeconds, Behaviour, ByHand, Fault
from tests.submit.helpers import Stand, standing

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

BY_HAND = Behaviour(progression=ByHand())


async def brought_to(stand: Stand, status: str) -> str:
    """Submit a task and bring it to a status."""
    task_id = await stand.submit()
    if status == "running":
        stand.sim.advance(task_id)
    elif status == "succeeded":
        stand.sim.finish(task_id)
    elif status == "failed":
        stand.sim.fail(task_id)
    elif status == "expired":
        await asyncio.sleep(220_000.0)
    elif status == "cancelled":
        await stand.session.cancel(task_id)
    return task_id


async def sent(stand: Stand, route: str) -> None:
    """Wait, without letting virtual time pass, until the server has such a request."""
    for _ in range(1000):
        if stand.sim.counts[route]:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"no {route} was sent")


@pytest.mark.parametrize(
    ("status", "result", "billed"),
    [
        ("queued", CancelResult.CANCELLED, Billed.NO),
        ("running", CancelResult.RUNNING, Billed.MAYBE),
        ("succeeded", CancelResult.ENDED, Billed.YES),
        ("failed", CancelResult.ENDED, Billed.NO),
        ("expired", CancelResult.ENDED, Billed.NO),
        ("cancelled", CancelResult.CANCELLED, Billed.NO),
    ],
)
async def test_what_a_cancel_does_in_each_status(status: str, result: CancelResult, billed: Billed) -> None:
    """Only a queued task is cancelled; everything else is said and left as it is."""
    async with standing(behaviour=BY_HAND) as stand:
        task_id = await brought_to(stand, status)
        before = stand.sim.counts["delete"]
        done = await stand.session.cancel(task_id)
        assert (done.result, done.billed) == (result, billed)
        assert task_id in str(done)
        assert stand.sim.counts["delete"] - before == (status == "queued")
        assert task_id in stand.sim.tasks
        expected = "cancelled" if status == "queued" else status
        assert stand.sim.ledger[0].status == expected


async def test_an_unknown_task_is_not_found() -> None:
    """A cancel of a task that the server does not know sends no DELETE."""
    async with standing() as stand:
        with pytest.raises(TaskNotFound):
            await stand.session.cancel("cgt-20260101000000-aaaaa")
        assert stand.sim.counts["delete"] == 0


async def test_a_task_that_starts_between_look_and_delete_is_running() -> None:
    """The server's 409 is an answer, not an error: the task runs and will bill."""
    refused = Fault(kind="status", route="delete", status=409, code="InvalidAction.RunningTaskDeletion")
    async with standing(behaviour=BY_HAND, faults=[refused]) as stand:
        task_id = await stand.submit()
        cancelling = asyncio.create_task(stand.session.cancel(task_id))
        await sent(stand, "delete")
        stand.sim.advance(task_id)
        assert (await cancelling).result is CancelResult.RUNNING
        assert stand.sim.counts["delete"] == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "eof", "hang", "html"])
async def test_a_lost_delete_is_decided_anew(kind: str, when: str) -> None:
    """After a DELETE whose answer is lost comes a look; only if that says queued, another DELETE."""
    fault = Fault(kind=kind, route="delete", when=when)  # type: ignore[arg-type]
    async with standing(behaviour=BY_HAND, faults=[fault]) as stand:
        task_id = await stand.submit()
        done = await stand.session.cancel(task_id)
        assert done.result is CancelResult.CANCELLED
        assert stand.sim.counts["delete"] == (2 if when == "before" else 1)


@pytest.mark.parametrize("kind", ["reset", "eof", "html"])
async def test_every_delete_follows_a_look_that_says_queued(kind: str) -> None:
    """Even when all DELETEs are lost, between two of them there is a GET, and after a few the cancel gives
    up.
    """
    fault = Fault(kind=kind, route="delete", times=None)  # type: ignore[arg-type]
    async with standing(behaviour=BY_HAND, faults=[fault]) as stand:
        task_id = await stand.submit()
        with pytest.raises(SeedanceError):
            await stand.session.cancel(task_id)
        routes = [request.route for request in stand.sim.requests if request.route in {"get", "delete"}]
        assert all(routes[place - 1] == "get" for place, route in enumerate(routes) if route == "delete")
        assert 1 <= routes.count("delete") <= 3


async def test_a_dropped_connection_does_not_replay_a_delete() -> None:
    """The HTTP library would send a DELETE again by itself; here the task ends meanwhile, and its
    result stays.
    """
    fault = Fault(kind="reset", route="delete", when="before")
    async with standing(behaviour=BY_HAND, faults=[fault]) as stand:
        task_id = await stand.submit()
        cancelling = asyncio.create_task(stand.session.cancel(task_id))
        await sent(stand, "delete")
        stand.sim.finish(task_id)
        done = await cancelling
        assert (done.result, done.billed) == (CancelResult.ENDED, Billed.YES)
        assert stand.sim.counts["delete"] == 1
        assert task_id in stand.sim.tasks


async def test_a_look_that_took_long_is_not_acted_on() -> None:
    """A GET that says queued but arrives half a minute later sends no DELETE: the task has ended since."""
    behaviour = Behaviour(progression=AfterSeconds(queue=5.0, run=10.0))
    async with standing(behaviour=behaviour) as stand:
        task_id = await stand.submit()
        stand.sim.add_fault(Fault(kind="late", route="get", when="after", seconds=30.0, nth=(1, 2)))
        done = await stand.session.cancel(task_id)
        assert (done.result, done.billed) == (CancelResult.ENDED, Billed.YES)
        assert stand.sim.counts["delete"] == 0
        assert task_id in stand.sim.tasks


async def test_a_cancelled_task_gives_its_slot_back() -> None:
    """After a cancel, the next submit finds the slot free."""
    async with standing(behaviour=BY_HAND) as stand:
        task_id = await stand.submit()
        slots = stand.session._core.account.slots  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        assert slots.held == 1
        await stand.session.cancel(task_id)
        assert slots.held == 0


@pytest.mark.parametrize("status", ["queued", "running"])
async def test_delete_refuses_what_has_not_ended(status: str) -> None:
    """delete() is for records of ended tasks; a task alive is left alone, without a DELETE."""
    async with standing(behaviour=BY_HAND) as stand:
        task_id = await brought_to(stand, status)
        with pytest.raises(InvalidRequest, match=status):
            await stand.session.delete(task_id)
        assert stand.sim.counts["delete"] == 0
        assert task_id in stand.sim.tasks


@pytest.mark.parametrize("status", ["succeeded", "failed", "expired"])
async def test_delete_erases_what_has_ended(status: str) -> None:
    """An ended task's record goes with one DELETE, and only because somebody asked for exactly that."""
    async with standing(behaviour=BY_HAND) as stand:
        task_id = await brought_to(stand, status)
        assert (await stand.session.get(task_id)).status is TaskStatus(status)
        await stand.session.delete(task_id)
        assert stand.sim.counts["delete"] == 1
        assert task_id not in stand.sim.tasks
