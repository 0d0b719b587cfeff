"""Faults: what the client meets, and whether the task exists afterwards."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal

import aiohttp
import pytest

from seedance_async.simulator import AtOnce, Behaviour, Fault, Moderation, Quotas, Scenario
from tests.simulator.helpers import PRO_15, order, simulated, text

if TYPE_CHECKING:
    from seedance_async.simulator.faults import FaultKind

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

LOST: list[tuple[FaultKind, type[BaseException]]] = [
    ("reset", aiohttp.ClientOSError),
    ("eof", aiohttp.ServerDisconnectedError),
    ("hang", TimeoutError),
    ("wrong_length", aiohttp.ClientPayloadError),
]
SPOILED: list[tuple[FaultKind, int]] = [
    ("status", 500),
    ("html", 502),
    ("truncated", 200),
    ("bad_utf8", 200),
    ("empty", 200),
    ("list_body", 200),
    ("string_error", 500),
]


@pytest.mark.parametrize(("kind", "error"), LOST)
@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
async def test_lost_answers(kind: FaultKind, error: type[BaseException], when: str, accepted: int) -> None:
    """A create whose answer is lost made a task `after`, and none `before`."""
    async with simulated(faults=[Fault(kind, when=when)]) as (sim, api):  # type: ignore[arg-type]
        with pytest.raises(error):
            await asyncio.wait_for(api.create(), 60)
        assert (sim.accepted, sim.billed, len(sim.ledger)) == (accepted, accepted, accepted)
        assert (await api.create()).status == 200


@pytest.mark.parametrize(("kind", "status"), SPOILED)
@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
async def test_spoiled_answers(kind: FaultKind, status: int, when: str, accepted: int) -> None:
    """A create whose answer is spoiled made a task `after`, and none `before`; the answer has no id."""
    async with simulated(faults=[Fault(kind, when=when)]) as (sim, api):  # type: ignore[arg-type]
        reply = await api.create()
        assert (reply.status, sim.accepted) == (status, accepted)
        with pytest.raises((ValueError, KeyError, TypeError)):
            str(reply.json["id"])
        assert (await api.create()).json["id"] in sim.tasks


async def test_late_answer_after_acceptance() -> None:
    """`late` after: the task exists at once, its answer comes `seconds` later."""
    async with simulated(faults=[Fault("late", when="after", seconds=30)]) as (sim, api):
        began = asyncio.get_running_loop().time()
        call = asyncio.create_task(api.create())
        await asyncio.sleep(5)
        assert sim.accepted == 1
        assert (await call).status == 200
        assert 30 <= asyncio.get_running_loop().time() - began < 31


async def test_late_acceptance_though_the_client_left() -> None:
    """`late` before: the task appears `seconds` later, even when the client gave up in between."""
    async with simulated(faults=[Fault("late", seconds=30)]) as (sim, api):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(api.create(), 10)
        assert sim.accepted == 0
        await asyncio.sleep(25)
        assert sim.accepted == 1


async def test_slow_body_comes_whole() -> None:
    """A slow body is complete and takes the seconds it was given; its headers come at once."""
    async with simulated(faults=[Fault("slow_body", route="list", seconds=16)]) as (_, api):
        began = asyncio.get_running_loop().time()
        async with api.http.get(f"{api.base}/contents/generations/tasks") as answer:
            assert asyncio.get_running_loop().time() - began < 1
            assert json.loads(await answer.read()) == {"total": 0, "items": []}
        assert 15 <= asyncio.get_running_loop().time() - began < 18


async def test_status_fault_carries_code_message_and_retry_after() -> None:
    """A 429 fault has the error body of the API with the given code, and Retry-After in either form."""
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    faults = [
        Fault("status", status=429, code="ServerOverloaded", message="slow down", retry_after=7),
        Fault("status", status=429, retry_after=date),
    ]
    async with simulated(faults=faults) as (sim, api):
        first, second = await api.create(), await api.create()
        assert sim.accepted == 0
    assert (first.status, first.code, first.headers["Retry-After"]) == (429, "ServerOverloaded", "7")
    assert first.message == f"slow down Request id: {first.headers['x-request-id']}"
    assert first.json["error"]["type"] == "TooManyRequests"
    assert second.headers["Retry-After"] == date


@pytest.mark.parametrize("status", [408, 418, 499, 500, 503, 520])
async def test_any_status(status: int) -> None:
    """Statuses that no table names are sent as they are."""
    async with simulated(faults=[Fault("status", status=status), Fault("html", status=status)]) as (_, api):
        assert [(await api.create()).status for _ in range(3)] == [status, status, 200]


async def test_nth_counts_the_requests_of_its_route() -> None:
    """nth=(1, 3) strikes the first and third create, whatever else is asked in between."""
    async with simulated(faults=[Fault("status", nth=(1, 3))]) as (_, api):
        seen: list[int] = []
        for _ in range(4):
            seen.append((await api.create()).status)
            await api.list()
    assert seen == [500, 200, 500, 200]


async def test_times_and_order() -> None:
    """Faults strike in the order in which they were added, each as often as it says, one at a time."""
    faults = [Fault("status", times=2), Fault("html")]
    async with simulated(faults=faults) as (_, api):
        assert [(await api.create()).status for _ in range(4)] == [500, 500, 502, 200]


async def test_endless_fault_until_cleared() -> None:
    """times=None strikes for ever, until clear_faults."""
    async with simulated() as (sim, api):
        sim.add_fault(Fault("status", route="any", times=None))
        assert [(await api.create()).status, (await api.list()).status] == [500, 500]
        sim.clear_faults()
        assert [(await api.create()).status, (await api.list()).status] == [200, 200]


async def test_probability_repeats_under_a_seed() -> None:
    """A fault with a probability strikes some requests, and the same ones for the same seed."""

    async def statuses(seed: int) -> list[int]:
        shaky = Scenario(faults=(Fault("status", times=None, probability=0.5),))
        async with simulated(seed=seed, scenario=shaky) as (_, api):
            return [(await api.create()).status for _ in range(20)]

    first = await statuses(3)
    assert set(first) == {200, 500}
    assert first == await statuses(3)
    assert first != await statuses(4)


async def test_faults_strike_every_route() -> None:
    """get, list, delete and video are struck like create."""
    async with simulated(behaviour=Behaviour(progression=AtOnce())) as (sim, api):
        task_id = await api.new()
        url = (await api.get(task_id)).json["content"]["video_url"]
        for route in ("get", "list", "delete", "video"):
            sim.add_fault(Fault("html", route=route, status=504))
        replies = [await api.get(task_id), await api.list(), await api.delete(task_id), await api.fetch(url)]
        assert [reply.status for reply in replies] == [504] * 4
        assert await api.status(task_id) == "succeeded"


async def test_delete_struck_after_has_its_effect() -> None:
    """A reset after a DELETE leaves the record erased; one before leaves it."""
    async with simulated(behaviour=Behaviour(progression=AtOnce())) as (sim, api):
        kept, lost = await api.new(), await api.new()
        for task_id, when in ((kept, "before"), (lost, "after")):
            sim.add_fault(Fault("status", route="delete", when=when, status=500))  # type: ignore[arg-type]
            assert (await api.delete(task_id)).status == 500
        assert list(sim.tasks) == [kept]


async def test_video_can_be_cut_short_and_corrupt() -> None:
    """truncated, bad_utf8 and wrong_length on the video route give short, changed and broken files."""
    async with simulated(behaviour=Behaviour(progression=AtOnce())) as (sim, api):
        url = (await api.get(await api.new())).json["content"]["video_url"]
        whole = await api.fetch(url)
        sim.add_fault(Fault("truncated", route="video"))
        sim.add_fault(Fault("bad_utf8", route="video"))
        sim.add_fault(Fault("wrong_length", route="video"))
        short, corrupt = await api.fetch(url), await api.fetch(url)
        assert short.body == whole.body[: len(whole.body) // 2]
        assert int(short.headers["Content-Length"]) == len(short.body)
        assert corrupt.body != whole.body
        with pytest.raises(aiohttp.ClientPayloadError):
            await api.fetch(url)


async def test_leaving_drops_what_hangs() -> None:
    """Leaving the simulator drops hanging, late and slow requests at once; a late create is not made."""
    faults = [Fault("hang"), Fault("late", when="after", seconds=3600), Fault("late", seconds=3600)]
    async with simulated(faults=faults) as (sim, api):
        calls = [asyncio.create_task(api.create()) for _ in range(3)]
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        await sim.__aexit__(None, None, None)
        ends = await asyncio.wait(calls, timeout=30)
        assert asyncio.get_running_loop().time() - began < 2
        assert (len(ends[0]), sim.accepted) == (3, 1)
        assert all(isinstance(call.exception(), aiohttp.ServerDisconnectedError) for call in calls)


async def test_clients_that_leave_are_not_logged_as_errors(caplog: pytest.LogCaptureFixture) -> None:
    """A client may leave a slow, late or hanging answer without a traceback in the server's log."""
    faults = [Fault("slow_body", seconds=80), Fault("late", when="after", seconds=50), Fault("hang")]
    async with simulated(faults=faults) as (sim, api):
        for _ in faults:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(api.create(), 20)
        await asyncio.sleep(200)
        assert (await api.create()).status == 200
        assert sim.accepted == 3
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_one_call_is_answered_under_other_switches() -> None:
    """switched: only the calls that are named meet the other behaviour."""
    fault = Fault("switched", route="list", nth=2, switches={"list_empty": True, "clock_skew": -3600.0})
    async with simulated(faults=[fault]) as (sim, api):
        await api.new()
        replies = [await api.list() for _ in range(3)]
        assert sim.requests[-2].fault == "switched"
        assert sim.server.world.behaviour == Behaviour()
    assert [reply.json.get("total") for reply in replies] == [1, None, 1]
    dates = [parsedate_to_datetime(reply.headers["Date"]) for reply in replies]
    assert timedelta(minutes=59) < dates[0] - dates[1] < timedelta(minutes=61)
    assert abs(dates[2] - dates[0]) < timedelta(minutes=1)


async def test_a_create_under_other_switches_is_a_create() -> None:
    """Switched on create: a refusal of that server creates nothing, anything else does."""
    faults = [
        Fault("switched", nth=1, switches={"models_not_open": frozenset({PRO_15})}),
        Fault("switched", nth=2, switches={"mounts": {"/api/v3": "crazyrouter"}}),
    ]
    async with simulated(faults=faults) as (sim, api):
        refused, wrapped, plain = [await api.create() for _ in range(3)]
        assert (refused.status, refused.code) == (404, "ModelNotOpen")
        assert wrapped.json["data"]["task_id"].startswith("volc_task_")
        assert (plain.json["id"] in sim.tasks, sim.accepted) == (True, 2)


async def test_playing_another_scenario_keeps_the_tasks() -> None:
    """play: switches, limits, faults and words change at once; tasks, ledger and counts stay."""
    scenario = Scenario(
        name="other",
        behaviour=Behaviour(list_supported=False),
        quotas=Quotas(creates_per_minute=1),
        faults=[Fault("status")],
        moderation=Moderation(refuse={"cat": "InputTextSensitiveContentDetected"}),
    )
    async with simulated(faults=[Fault("hang", route="get")]) as (sim, api):
        task_id = await api.new()
        sim.play(scenario)
        assert await api.status(task_id) == "running"
        assert (await api.list()).status == 404
        assert [(await api.create()).status for _ in range(2)] == [500, 400]
        assert [(await api.create(order(text("a dog")))).status for _ in range(2)] == [200, 429]
        assert (sim.accepted, sim.counts["create"], sim.scenario) == (2, 5, scenario)
        sim.reset()
        assert (sim.accepted, len(sim.server.faults.armed), sim.scenario) == (0, 1, scenario)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_slow_create_is_a_create(when: Literal["before", "after"]) -> None:
    """A slow answer is whole in the end, so the task that it names exists."""
    async with simulated(faults=[Fault("slow_body", when=when, seconds=8)]) as (sim, api):
        assert (await api.create()).json["id"] in sim.tasks
