"""Callbacks: each change is posted, tried again unless confirmed, and never to another machine."""

from __future__ import annotations

import asyncio

import pytest

from seedance_async.simulator import Behaviour, Fault
from tests.simulator.helpers import order, simulated, text
from tests.simulator.receiving import receiving

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_every_change_is_posted_when_it_happens() -> None:
    """Each change is posted at its moment though nobody looks; the body is the record."""
    async with receiving() as hook, simulated(queue_seconds=10, work_seconds=60) as (sim, api):
        began = asyncio.get_running_loop().time()
        task_id = await api.new(order(callback_url=hook.url))
        await asyncio.sleep(200)
        record = (await api.get(task_id)).json
        assert sim.counts["callback"] == 3
    assert hook.statuses == ["queued", "running", "succeeded"]
    assert [round(moment - began) for moment, _ in hook.calls] == [0, 10, 70]
    assert hook.calls[2][1] == record


async def test_cancel_is_not_posted() -> None:
    """A cancel is not called back about."""
    async with receiving() as hook, simulated(queue_seconds=10) as (_, api):
        task_id = await api.new(order(callback_url=hook.url))
        await api.delete(task_id)
        await asyncio.sleep(100)
    assert hook.statuses == ["queued"]


async def test_failed_and_expired_are_posted() -> None:
    """Failed and expired are called back about."""
    async with receiving() as hook, simulated(queue_seconds=4000) as (sim, api):
        failed = await api.new(order(callback_url=hook.url))
        await api.new(order(callback_url=hook.url, execution_expires_after=3600))
        await asyncio.sleep(5)
        sim.fail(failed)
        await asyncio.sleep(4000)
    assert hook.statuses == ["queued", "queued", "failed", "expired"]


async def test_unconfirmed_callbacks_are_tried_three_times() -> None:
    """Each callback is tried three times in all, and no more once confirmed."""
    async with (
        receiving(usual=500) as deaf,
        receiving(answers=[500]) as slow,
        simulated(work_seconds=100) as (sim, api),
    ):
        sim.server.behave(Behaviour(callback_spacing_seconds=2))
        await api.new(order(callback_url=deaf.url))
        await asyncio.sleep(50)
        assert deaf.statuses.count("queued") == deaf.statuses.count("running") == 3
        await api.new(order(callback_url=slow.url))
        await asyncio.sleep(10)
        assert len(slow.statuses) == 3


async def test_an_address_where_nobody_listens_costs_nothing() -> None:
    """A callback that cannot be delivered harms neither the task nor the simulator."""
    async with simulated(work_seconds=1) as (sim, api):
        task_id = await api.new(order(callback_url="http://127.0.0.1:9/x"))
        await asyncio.sleep(30)
        assert await api.status(task_id) == "succeeded"
        assert {seen.status for seen in sim.requests if seen.route == "callback"} == {0}


async def test_nothing_leaves_loopback() -> None:
    """A callback to another machine is never sent, and is logged as unanswered."""
    async with simulated(work_seconds=1) as (sim, api):
        await api.new(order(callback_url="https://example.com/hook"))
        await asyncio.sleep(30)
        assert {seen.status for seen in sim.requests if seen.route == "callback"} == {0}


async def test_forged_and_doubled_callbacks() -> None:
    """callback_forged sends a false one before, callback_copies sends each more than once."""
    tricky = Behaviour(callback_forged=True, callback_copies=2)
    async with receiving() as hook, simulated(work_seconds=5, behaviour=tricky) as (_, api):
        await api.new(order(callback_url=hook.url))
        await asyncio.sleep(30)
    assert sorted(hook.statuses) == ["failed"] * 3 + ["queued"] * 2 + ["running"] * 2 + ["succeeded"] * 2


async def test_callbacks_can_be_lost() -> None:
    """A fault on the callback route loses a try, and the next one gets through."""
    async with (
        receiving() as hook,
        simulated(work_seconds=5, faults=[Fault("reset", route="callback")]) as (sim, api),
    ):
        await api.new(order(text(), callback_url=hook.url))
        await asyncio.sleep(30)
        assert sim.counts["callback"] == 4
    assert sorted(hook.statuses) == ["queued", "running", "succeeded"]


async def test_single_callbacks_come_twice_or_forged() -> None:
    """Duplicate and forged strike the callback that is named, and both are logged."""
    faults = [Fault("forged", nth=2), Fault("duplicate", nth=3)]
    async with receiving() as hook, simulated(work_seconds=5, faults=faults) as (sim, api):
        task_id = await api.new(order(callback_url=hook.url))
        await asyncio.sleep(30)
        assert [one.fault for one in sim.requests if one.route == "callback"] == [
            "",
            "forged",
            "",
            "duplicate",
            "",
        ]
    assert hook.statuses == ["queued", "failed", "running", "succeeded", "succeeded"]
    assert hook.calls[1][1] == {"id": task_id, "status": "failed"}


async def test_switches_do_not_lose_a_callback() -> None:
    """A switched fault on any route leaves callbacks alone."""
    fault = Fault("switched", route="any", times=None, switches={"list_empty": True})
    async with receiving() as hook, simulated(work_seconds=5, faults=[fault]) as (_, api):
        await api.new(order(callback_url=hook.url))
        await asyncio.sleep(30)
    assert hook.statuses == ["queued", "running", "succeeded"]
