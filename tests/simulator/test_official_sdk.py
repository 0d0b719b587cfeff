"""The official Python SDK lives a whole task life against the simulator."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async.simulator import Behaviour, ByHand, Fault, Simulator
from tests.simulator.helpers import PRO_15, text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

ark_sdk: Any = pytest.importorskip("volcenginesdkarkruntime")
sdk_errors: Any = pytest.importorskip("volcenginesdkarkruntime._exceptions")

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.looptime,
    # the SDK's own models, not ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@asynccontextmanager
async def sdk(**settings: Any) -> AsyncGenerator[tuple[Simulator, Any], None]:
    """A simulator and the SDK's task client on its Ark routes."""
    async with Simulator(**settings) as sim:
        client = ark_sdk.AsyncArk(base_url=sim.base_url, api_key="sdk-key")
        try:
            yield sim, client.content_generation.tasks
        finally:
            await client.close()


async def test_create_get_list_and_delete() -> None:
    """Create (with its nulls), get, list with repeated ids, and delete work on a task that succeeds."""
    async with sdk(queue_seconds=5, work_seconds=30) as (sim, tasks):
        made = await tasks.create(model=PRO_15, content=[text("a fox")], ratio="16:9", duration=5, seed=11)
        other = await tasks.create(model=PRO_15, content=[text("a dog")])
        assert None in sim.ledger[0].body.values(), "the SDK sends nulls for what is unset"
        queued = await tasks.get(task_id=made.id)
        assert (queued.id, queued.status, queued.model) == (made.id, "queued", PRO_15)
        await asyncio.sleep(40)
        done = await tasks.get(task_id=made.id)
        assert (done.status, done.seed, done.duration, done.ratio) == ("succeeded", 11, 5, "16:9")
        assert done.usage.completion_tokens == done.usage.total_tokens == 108_900
        assert done.content.video_url.startswith(f"{sim.origin}/video/{made.id}.mp4")
        listed = await tasks.list(status="succeeded", task_ids=[made.id, other.id], page_size=10)
        assert (listed.total, [item.id for item in listed.items]) == (2, [other.id, made.id])
        await tasks.delete(task_id=made.id)
        with pytest.raises(sdk_errors.ArkNotFoundError, match="is not found"):
            await tasks.get(task_id=made.id)
        assert (sim.accepted, sim.billed) == (2, 2)


async def test_cancel_of_a_queued_task() -> None:
    """DELETE of a queued task cancels it, of a running one raises 409."""
    async with sdk(behaviour=Behaviour(progression=ByHand())) as (sim, tasks):
        queued = await tasks.create(model=PRO_15, content=[text()])
        running = await tasks.create(model=PRO_15, content=[text()])
        sim.advance(running.id)
        await tasks.delete(task_id=queued.id)
        assert (await tasks.get(task_id=queued.id)).status == "cancelled"
        with pytest.raises(sdk_errors.ArkConflictError, match="RunningTaskDeletion"):
            await tasks.delete(task_id=running.id)
        assert sim.billed == 1


async def test_failed_tasks_are_read() -> None:
    """The error of a failed task reaches the SDK's model."""
    async with sdk(work_seconds=1) as (_, tasks):
        made = await tasks.create(model=PRO_15, content=[text("[fail:OutputVideoSensitiveContentDetected]")])
        await asyncio.sleep(2)
        found = await tasks.get(task_id=made.id)
    assert (found.status, found.error.code) == ("failed", "OutputVideoSensitiveContentDetected")


async def test_the_sdk_itself_bills_twice() -> None:
    """The SDK repeats a create whose answer was lost: one call, two paid tasks, and the ledger shows it."""
    async with sdk(faults=[Fault("status", when="after", status=500)]) as (sim, tasks):
        await tasks.create(model=PRO_15, content=[text()])
        assert (sim.accepted, sim.billed, sim.counts["create"]) == (2, 2, 2)
