"""The control door: everything that a program in another language needs, and nothing for foreign pages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seedance_async.simulator import Behaviour, ByHand, Fault
from seedance_async.simulator.scenario_files import gallery, load_scenario
from tests.simulator.helpers import Caller, simulated

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def door(api: Caller, method: str, path: str, body: object = None, **headers: str) -> Any:
    """One call; returns status and JSON."""
    url = f"{api.base.removesuffix('/api/v3')}/_sim{path}"
    data = None if body is None else json.dumps(body).encode()
    reply = await api.send(method, url, {"Content-Type": "application/json", **headers}, data)
    return reply.status, reply.json


async def test_state_tasks_ledger_and_requests() -> None:
    """The door shows counts, tasks with their prompts, ledger entries and requests, without the key."""
    async with simulated(behaviour=Behaviour(progression=ByHand())) as (_, api):
        task_id = await api.new()
        _, state = await door(api, "GET", "/")
        _, tasks = await door(api, "GET", "/tasks")
        _, ledger = await door(api, "GET", "/ledger")
        _, seen = await door(api, "GET", "/requests")
    assert (state["accepted"], state["billed"], state["alive"], state["queued"]) == (1, 1, 1, 1)
    assert (tasks[0]["id"], tasks[0]["prompt"], tasks[0]["status"]) == (task_id, "a cat surfing", "queued")
    assert (ledger[0]["id"], ledger[0]["billed"], ledger[0]["tokens"]) == (task_id, None, 108_900)
    assert (seen[0]["route"], seen[0]["key"]) == ("create", "Bearer ***")
    assert "test-key" not in json.dumps(seen)


async def test_door_calls_are_not_counted_as_requests() -> None:
    """Looking through the door changes neither counts nor log."""
    async with simulated() as (sim, api):
        await door(api, "GET", "/state")
        assert (sum(sim.counts.values()), len(sim.requests)) == (0, 0)


async def test_faults_come_and_go() -> None:
    """POST arms a fault, GET shows it, DELETE disarms all."""
    async with simulated() as (sim, api):
        status, armed = await door(api, "POST", "/faults", {"kind": "status", "status": 503, "times": 2})
        assert (status, armed[0]["kind"], armed[0]["status"]) == (200, "status", 503)
        assert (await api.create()).status == 503
        assert await door(api, "DELETE", "/faults") == (200, [])
        assert (await api.create()).status == 200
        sim.add_fault(Fault("reset"))
        assert (await door(api, "GET", "/faults"))[1][0]["kind"] == "reset"


async def test_behaviour_quotas_and_moderation_change_while_running() -> None:
    """PATCH changes single switches from the next request on."""
    async with simulated() as (_, api):
        patched = await door(
            api, "PATCH", "/behaviour", {"list_supported": False, "progression": {"kind": "by_hand"}}
        )
        assert (patched[0], patched[1]["list_supported"], patched[1]["progression"]) == (
            200,
            False,
            {"kind": "by_hand"},
        )
        assert (await api.list()).status == 404
        assert (await door(api, "PATCH", "/quotas", {"creates_per_minute": 1}))[1]["creates_per_minute"] == 1
        assert [(await api.create()).status for _ in range(2)] == [200, 429]
        await door(api, "PATCH", "/moderation", {"refuse": {"cat": "InputTextSensitiveContentDetected"}})
        assert (await api.create()).code == "InputTextSensitiveContentDetected"
        assert (await door(api, "GET", "/behaviour"))[1]["list_supported"] is False
        assert (await door(api, "GET", "/quotas"))[1]["creates_per_minute"] == 1


async def test_tasks_are_pushed_through_the_door() -> None:
    """advance, finish and fail push a task; GET shows it."""
    async with simulated(behaviour=Behaviour(progression=ByHand())) as (sim, api):
        first, second = await api.new(), await api.new()
        assert (await door(api, "POST", f"/tasks/{first}/advance"))[1]["status"] == "running"
        assert (await door(api, "POST", f"/tasks/{first}/finish"))[1]["status"] == "succeeded"
        body = {"code": "InternalServiceError", "message": "boom"}
        failed = (await door(api, "POST", f"/tasks/{second}/fail", body))[1]
        assert failed["error"]["message"].startswith("boom Request id: ")
        assert (await door(api, "GET", f"/tasks/{second}"))[1]["status"] == "failed"
        assert sim.billed == 1


async def test_reset_through_the_door() -> None:
    """A reset begins anew."""
    async with simulated() as (sim, api):
        await api.new()
        assert (await door(api, "POST", "/reset"))[1]["accepted"] == 0
        assert sim.accepted == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/nothing", None, 404, "known: "),
        ("PUT", "/faults", None, 404, "known: "),
        ("GET", "/tasks/none", None, 404, "no task 'none'"),
        ("PUT", "/scenario/strom", None, 404, "no scenario 'strom'; known: arrears, "),
        ("PUT", "/scenario/%2Fetc%2Fpasswd", None, 404, "no scenario"),
        (
            "PUT",
            "/scenario",
            {"faults": [{"kind": "no"}]},
            400,
            "Scenario.faults, number 1: Fault.kind: expected",
        ),
        ("POST", "/faults", {"kind": "explode"}, 400, "Fault.kind: expected 'reset' or"),
        ("POST", "/faults", [], 400, "expected a JSON object"),
        ("PATCH", "/behaviour", {"speed": 3}, 400, "unknown field 'speed'"),
        ("PATCH", "/quotas", {"max_running": "ten"}, 400, "expected int or null, got 'ten'"),
    ],
)
async def test_mistakes_are_explained(method: str, path: str, body: object, status: int, words: str) -> None:
    """A mistake at the door is answered with what would have been right."""
    async with simulated() as (_, api):
        found, answer = await door(api, method, path, body)
    assert found == status
    assert words in answer["error"]


async def test_bytes_that_are_no_json() -> None:
    """A body that is no JSON is a 400."""
    async with simulated() as (sim, api):
        json_type = {"Content-Type": "application/json"}
        reply = await api.send("POST", f"{sim.origin}/_sim/faults", json_type, b"{\xff")
    assert reply.status == 400


async def test_unknown_push_of_a_task() -> None:
    """A task can be pushed in three ways only."""
    async with simulated() as (_, api):
        task_id = await api.new()
        status, answer = await door(api, "POST", f"/tasks/{task_id}/explode")
    assert (status, "finish, fail or advance" in answer["error"]) == (404, True)


async def test_scenarios_are_listed_played_and_shown() -> None:
    """A scenario is played by its name or as data, and the tasks that are there stay."""
    async with simulated() as (sim, api):
        await api.new()
        _, listed = await door(api, "GET", "/scenarios")
        assert {"name": "no-list", "about": load_scenario("no-list").about} in listed
        assert (await door(api, "PUT", "/scenario/no-list"))[1]["behaviour"]["list_supported"] is False
        assert (await api.list()).status == 404
        own = {"name": "own", "quotas": {"arrears": True}, "moderation": {"refuse": {"cat": "X"}}}
        assert (await door(api, "PUT", "/scenario", own))[0] == 200
        assert (await api.list()).json["total"] == 1
        assert (await api.create()).code == "X"
        assert (await door(api, "GET", "/moderation"))[1]["refuse"] == {"cat": "X"}
        assert (await door(api, "GET", "/scenario"))[1]["name"] == sim.scenario.name == "own"
        assert (await door(api, "GET", "/state"))[1]["scenario"] == "own"


async def test_what_the_door_shows_can_be_sent_back() -> None:
    """The JSON of a scenario, its unlimited quotas and endless faults too, is a scenario again."""
    async with simulated() as (sim, api):
        for scenario in gallery():
            sim.play(scenario)
            data = (await door(api, "GET", "/scenario"))[1]
            assert (await door(api, "PUT", "/scenario", data))[0] == 200
            assert sim.scenario == scenario
