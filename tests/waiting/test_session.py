"""Waiting end to end: a session, the simulated server, and time that passes at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from seedance_async.callbacks import CallbackReceiver
from seedance_async.errors import SessionClosed
from seedance_async.events import ListUnusable, TaskChanged
from seedance_async.models import TaskStatus
from seedance_async.session import SeedanceSession
from seedance_async.settings import AccountLimits, PollPolicy
from seedance_async.simulator import AfterSeconds, Behaviour, Fault, Quotas, Simulator
from seedance_async.waiting import as_completed, wait_for
from tests.waiting.helpers import now

if TYPE_CHECKING:
    from seedance_async.events import Event
    from seedance_async.models import VideoTask

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def submitted(session: SeedanceSession, count: int, **fields: Any) -> list[VideoTask]:
    """Submit many at once."""
    async with asyncio.TaskGroup() as group:
        orders = [group.create_task(session.submit("a cat", **fields)) for _ in range(count)]
    return [order.result() for order in orders]


async def all_succeed(session: SeedanceSession, tasks: list[VideoTask]) -> None:
    """Wait for all of them."""
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(wait_for(session, task)) for task in tasks]
    assert {wait.result().status for wait in waits} == {TaskStatus.SUCCEEDED}


async def test_two_hundred_waits_survive_an_outage_of_ten_minutes() -> None:
    """Ten minutes of 503 in the middle of 200 waits end none of them."""
    behaviour = Behaviour(progression=AfterSeconds(run=150.0, jitter=0.9))
    async with (
        Simulator(behaviour=behaviour) as sim,
        SeedanceSession("k", sim.base_url, limits=AccountLimits.unlimited()) as session,
    ):
        tasks = await submitted(session, 200)
        waits = asyncio.create_task(all_succeed(session, tasks))
        await asyncio.sleep(60.0)
        for route in ("get", "list"):
            sim.add_fault(Fault("status", route=route, status=503, times=None))
        await asyncio.sleep(600.0)
        assert not waits.done()
        sim.clear_faults()
        await waits
    assert now() < 700.0


async def test_many_share_the_quotas_of_the_account() -> None:
    """With the real quotas enforced, 120 tasks end soon after the server is done, with hardly a 429."""
    quotas = Quotas(creates_per_minute=None, max_running=10)
    behaviour = Behaviour(progression=AfterSeconds(run=20.0, jitter=0.3))
    async with Simulator(quotas=quotas, behaviour=behaviour) as sim:
        limits = AccountLimits(creates_per_minute=6000.0, max_alive=500)
        async with SeedanceSession("k", sim.base_url, limits=limits) as session:
            await all_succeed(session, await submitted(session, 120))
        ended = max(task.changed for task in sim.tasks.values())
        assert now() - ended < 5.0
        assert sum(seen.status == 429 for seen in sim.requests) <= 5


async def test_a_submit_that_waits_for_a_slot_gets_it_though_nobody_waits() -> None:
    """With two slots and nobody waiting, six submits go through as tasks end."""
    async with Simulator(work_seconds=10.0) as sim:
        limits = AccountLimits(max_alive=2)
        async with SeedanceSession("k", sim.base_url, limits=limits) as session:
            await submitted(session, 6)
        assert sim.accepted == 6
    assert 20.0 < now() < 60.0


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(list_supported=False),
        Behaviour(list_empty=True),
        Behaviour(list_ignores_task_ids=True),
        Behaviour(list_page_cap=20),
        Behaviour(list_lag_seconds=15.0),
    ],
    ids=["no list", "empty", "ignores ids", "page cap", "lag"],
)
async def test_a_gateways_list_may_be_anything(behaviour: Behaviour) -> None:
    """Whatever a gateway's list is like, every task is seen to end, and trouble is said once."""
    events: list[Event] = []
    async with (
        Simulator(work_seconds=25.0, behaviour=behaviour) as sim,
        SeedanceSession(
            "k",
            sim.kkiai_url,
            limits=AccountLimits(creates_per_minute=6000.0),
            observer=events.append,
        ) as session,
    ):
        # Others on the account: a list that ignores ids shows them, too.
        others = await submitted(session, 30)
        await all_succeed(session, await submitted(session, 30))
        assert len(others) == 30
    assert now() < 80.0
    assert sum(isinstance(event, ListUnusable) for event in events) <= 1


async def test_flex_tasks_are_found() -> None:
    """Flex tasks, which a default list hides, are watched by lists of their own."""
    async with Simulator(work_seconds=30.0) as sim:
        async with SeedanceSession("k", sim.base_url, limits=AccountLimits.unlimited()) as session:
            tasks = await submitted(session, 20, service_tier="flex")
            tasks += await submitted(session, 20)
            await all_succeed(session, tasks)
        assert sim.counts["get"] <= 4


async def test_callbacks_bring_the_news_at_once() -> None:
    """With a receiver, an end is known within a second though the interval is a minute."""
    events: list[tuple[float, Event]] = []
    poll = PollPolicy(interval=60.0, max_interval=60.0)
    async with Simulator(work_seconds=5.0) as sim, CallbackReceiver() as receiver:
        async with SeedanceSession(
            "k",
            sim.base_url,
            poll=poll,
            limits=AccountLimits.unlimited(),
            callbacks=receiver,
            observer=lambda event: events.append((now(), event)),
        ) as session:
            tasks = await submitted(session, 20)
            known = {task.id: now() async for task in as_completed(session, tasks)}
        lags = [known[task.id] - task.changed for task in sim.tasks.values()]
    assert max(lags) < 1.0
    assert sum(isinstance(event, TaskChanged) for _, event in events) >= 20


async def test_a_borrowed_session_that_is_closed_ends_the_waits() -> None:
    """Nobody waits for looks that can never go out any more."""
    http = aiohttp.ClientSession()
    async with Simulator(work_seconds=50.0) as sim, SeedanceSession("k", sim.base_url, http=http) as session:
        wait = asyncio.create_task(wait_for(session, await session.submit("a cat")))
        await asyncio.sleep(10.0)
        await http.close()
        with pytest.raises(SessionClosed):
            await asyncio.wait_for(wait, timeout=10.0)
