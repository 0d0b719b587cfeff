"""A session in one process with its simulator: the same endings as over sockets, on the loop's clock."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from seedance_async import (
    AccountLimits,
    AuthenticationFailed,
    Billed,
    ConnectionFailed,
    InvalidRequest,
    RetryPolicy,
    SeedanceError,
    SeedanceSession,
    SubmitUncertain,
    TaskStatus,
    Timeouts,
    wait_for,
)
from seedance_async.events import RequestSent
from seedance_async.in_process import InProcess
from seedance_async.simulator import Behaviour, Broken, Fault, SimRequest, Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from seedance_async.events import Event

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

FAULTS = [
    Fault("reset", when="after"),
    Fault("eof", when="after"),
    Fault("hang", when="after"),
    Fault("late", when="after", seconds=100),
    Fault("late", when="before", seconds=100),
    Fault("wrong_length", when="after"),
    Fault("slow_body", when="after", seconds=8),
    Fault("slow_body", when="after", seconds=300),
    Fault("truncated", when="after"),
    Fault("bad_utf8", when="after"),
    Fault("empty", when="after"),
    Fault("html", when="after"),
    Fault("status", status=429, code="ModelAccountRpmRateLimitExceeded"),
    Fault("status", status=403, code="AccountOverdueError"),
]


@asynccontextmanager
async def joined(
    *, sockets: bool = False, latency: float = 0.0, sim: dict[str, Any] | None = None, **session: Any
) -> AsyncGenerator[tuple[Simulator, SeedanceSession]]:
    """A simulator, and a session that reaches it with or without sockets."""
    played: dict[str, Any] = {"work_seconds": 5.0, **(sim or {})}
    async with Simulator(**played) as server:
        carrier = None if sockets else InProcess(server, latency=latency)
        given: dict[str, Any] = {"limits": AccountLimits.unlimited(), "transport": carrier, **session}
        async with SeedanceSession("sk-in-process", server.base_url, **given) as client:
            yield server, client


async def ending(fault: Fault, *, sockets: bool) -> tuple[str, Billed | None, int, float]:
    """How a submit that meets a fault ends: the error, what it says of money, the ledger, the seconds."""
    retry = RetryPolicy(attempts=1, on_uncertain="raise")
    timeouts = Timeouts(request=10, connect=5)
    began = asyncio.get_running_loop().time()
    async with joined(sockets=sockets, sim={"faults": [fault]}, retry=retry, timeouts=timeouts) as (sim, api):
        error: SeedanceError | None = None
        try:
            await api.submit("a cat")
        except SeedanceError as raised:
            error = raised
        seconds = asyncio.get_running_loop().time() - began
        await asyncio.sleep(200)
        billed = error.billed if error else None
        return type(error).__name__, billed, sim.accepted, round(seconds)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.when}-{fault.seconds:g}")
async def test_a_fault_ends_as_over_sockets(fault: Fault) -> None:
    """Each fault gives the same error, the same doubt about money and the same ledger as a connection."""
    over_sockets = await ending(fault, sockets=True)
    inside = await ending(fault, sockets=False)
    assert inside[:3] == over_sockets[:3]
    # Over sockets the seconds for connecting may be used up by reading as well, and drops are whole bytes.
    assert -1 <= over_sockets[3] - inside[3] <= 5


async def test_a_whole_life(tmp_path: Path) -> None:
    """Submit, wait, look, list and land work without a socket on the API path."""
    async with joined() as (sim, session):
        video = await session.run("a cat", save_to=tmp_path / "cat.mp4", duration=4)
        assert video.task is not None
        assert video.task.status is TaskStatus.SUCCEEDED
        assert (tmp_path / "cat.mp4").read_bytes()[4:8] == b"ftyp"
        assert (await session.get(video.task.id)).id == video.task.id
        assert [task.id for task in (await session.list()).items] == [video.task.id]
        assert (sim.accepted, sim.billed, sim.leaks) == (1, 1, [])


async def test_the_simulator_sees_key_query_and_quoting() -> None:
    """Headers, repeated query keys and percent-escapes arrive as they do over HTTP."""
    async with joined(sim={"api_key": "another"}) as (sim, session):
        with pytest.raises(AuthenticationFailed):
            await session.get("../../models?x=")
        with pytest.raises(AuthenticationFailed):
            await session.list(task_ids=["a b", "c"])
        get, listed = sim.requests
        assert (get.route, get.path) == ("get", "/api/v3/contents/generations/tasks/..%2F..%2Fmodels%3Fx%3D")
        assert listed.query[-2:] == (("filter.task_ids", "a b"), ("filter.task_ids", "c"))
        assert {seen.key for seen in sim.requests} == {"Bearer ***"}


async def test_latency_passes_on_the_loops_clock() -> None:
    """An exchange takes its latency in virtual seconds, and its event says so."""
    events: list[Event] = []
    async with joined(latency=3.0, observer=events.append) as (_, session):
        await session.submit("a cat")
    assert [round(event.seconds, 3) for event in events if isinstance(event, RequestSent)] == [3.0]


async def test_a_caller_can_leave_before_and_after_the_order_is_out() -> None:
    """Left on the way there: nothing is ordered; left on the way back: the id is learned all the same."""
    async with joined(latency=2.0) as (sim, session):
        for leave_after, accepted in ((0.5, 0), (1.5, 1)):
            order = asyncio.create_task(session.submit("a cat"))
            await asyncio.sleep(leave_after)
            order.cancel()
            with pytest.raises(asyncio.CancelledError):
                await order
            assert (sim.accepted, session.uncertain) == (accepted, ())


async def test_a_late_order_is_made_though_the_client_left() -> None:
    """A request that the server handles late has its effect after the client's timeout."""
    fault = Fault("late", when="before", seconds=60)
    retry = RetryPolicy(on_uncertain="raise")
    async with joined(sim={"faults": [fault]}, retry=retry, timeouts=Timeouts(request=10)) as (sim, session):
        with pytest.raises(SubmitUncertain):
            await session.submit("a cat")
        assert sim.accepted == 0
        await asyncio.sleep(60)
        assert sim.accepted == 1


async def test_a_stopped_simulator_drops_late_orders() -> None:
    """A late request that still waits when the simulator stops is neither carried out nor left running."""
    async with Simulator(faults=[Fault("late", when="before", seconds=60)]) as sim:
        request = SimRequest(
            method="POST",
            path="/api/v3/contents/generations/tasks",
            headers={"authorization": "Bearer k"},
            body=b'{"model":"doubao-seedance-1-5-pro-251215","content":[{"type":"text","text":"a cat"}]}',
        )
        asking = asyncio.create_task(sim.ask(request))
        await asyncio.sleep(1)
    with pytest.raises(Broken, match="eof"):
        await asking
    await asyncio.sleep(100)
    assert sim.accepted == 0


async def test_a_simulator_that_is_not_running_refuses() -> None:
    """Before and after its block it is a server that refuses connections: nothing sent, nothing billed."""
    sim = Simulator()
    async with SeedanceSession(
        "k", "http://sim.test/api/v3", transport=InProcess(sim), retry=RetryPolicy(attempts=1)
    ) as session:
        with pytest.raises(ConnectionFailed, match="not running"):
            await session.submit("a cat")
        async with sim:
            task = await session.submit("a cat")
        with pytest.raises(ConnectionFailed):
            await session.get(task.id)


async def test_any_address_reaches_the_simulator() -> None:
    """The path alone picks the dialect: code with a fixed address can be tested and leaves nothing."""
    async with (
        Simulator() as sim,
        SeedanceSession("k", "https://www.kkiai.com/volc/v1", transport=InProcess(sim)) as session,
    ):
        task = await session.submit("a cat")
        assert task.raw == {"id": task.id, "status": "submitted"}
        assert sim.accepted == 1


async def test_http_and_transport_exclude_each_other() -> None:
    """Of two ways for the same requests one would silently lose."""
    async with aiohttp.ClientSession() as http, Simulator() as sim:
        with pytest.raises(InvalidRequest, match="transport"):
            SeedanceSession("k", http=http, transport=InProcess(sim))


async def test_hundreds_of_tasks_in_flight_are_watched() -> None:
    """Hundreds of waits through the in-process way end in virtual minutes, every task once."""
    async with joined(sim={"work_seconds": 120.0}) as (sim, session), asyncio.TaskGroup() as group:
        for number in range(300):
            task = await session.submit(f"cat {number}")
            group.create_task(wait_for(session, task))
    assert (sim.accepted, sim.billed) == (300, 300)


async def test_missing_lists_are_seen() -> None:
    """Switches of the simulator work as over HTTP: without a list, waiting goes on by single looks."""
    async with joined(sim={"behaviour": Behaviour(list_supported=False)}) as (sim, session):
        done = await wait_for(session, await session.submit("a cat"))
        assert done.status is TaskStatus.SUCCEEDED
        assert sim.counts["get"] > 0
