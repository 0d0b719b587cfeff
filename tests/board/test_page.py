"""The page without a browser: one answer, nothing from elsewhere, and what it is told about the server."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from seedance_async.simulator import AtOnce, Behaviour, ByHand, Fault, SimRequest
from tests.simulator.helpers import TASKS, Caller, order, simulated, text

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def board(api: Caller) -> Any:
    """What the page is told."""
    return (await api.send("GET", f"{api.base.removesuffix('/api/v3')}/_sim/board")).json


async def test_one_path_speaks_to_browsers_and_programs() -> None:
    """`/_sim/` is a page for a browser, and JSON as ever for everybody else."""
    async with simulated() as (sim, api):
        page = await api.send("GET", sim.board_url, HTML)
        bare = await api.send("GET", sim.board_url.rstrip("/"), HTML)
        state = await api.send("GET", sim.board_url, {"Accept": "application/json"})
        below = await api.send("GET", f"{sim.board_url}state", HTML)
    assert page.headers["Content-Type"] == bare.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.body.startswith(b"<!doctype html>")
    assert state.json["accepted"] == below.json["accepted"] == 0


async def test_the_page_asks_nothing_of_anybody() -> None:
    """No address in it, no placeholder left, and a policy that would forbid any other source."""
    async with simulated() as (sim, api):
        page = await api.send("GET", sim.board_url, HTML)
        again = await api.send("GET", sim.board_url, HTML)
    content = page.body.decode()
    assert re.findall(r"https?://|//[a-z]+\.|@import|<<\w+>>", content) == []
    policy = page.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
    assert nonce is not None
    assert content.count(f'nonce="{nonce[1]}"') == 2
    assert nonce[1] not in again.body.decode()
    assert {"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert (page.headers["X-Frame-Options"], page.headers["Cache-Control"]) == ("DENY", "no-store")


async def test_the_page_knows_every_kind_of_fault() -> None:
    """The kinds offered on the page are those that there are, but the one that needs switches."""
    from seedance_async.simulator.faults import KINDS

    async with simulated() as (sim, api):
        content = (await api.send("GET", sim.board_url, HTML)).body.decode()
    listed = re.search(r"const KINDS = \[(.*?)\];", content, re.DOTALL)
    assert listed is not None
    assert [*json.loads(f"[{listed[1]}]"), "switched"] == list(KINDS)


async def test_it_shows_tasks_ledger_requests_and_faults() -> None:
    """Newest first, with what each is worth, and the key nowhere."""
    async with simulated(behaviour=Behaviour(progression=ByHand())) as (sim, api):
        first, second = await api.new(), await api.new(order(text("a dog"), execution_expires_after=172_950))
        sim.fail(first, "OutputVideoSensitiveContentDetected")
        sim.add_fault(Fault("reset", route="get", nth=(2,)))
        await api.get(second)
        shown = await board(api)
    assert shown["sums"] == {
        "accepted": 2,
        "billed": 1,
        "tokens": 108_900,
        "alive": 1,
        "queued": 1,
        "leaks": 0,
    }
    assert [(one["id"], one["status"], one["error"], one["ended"]) for one in shown["tasks"]] == [
        (second, "queued", "", False),
        (first, "failed", "OutputVideoSensitiveContentDetected", True),
    ]
    assert [(one["billed"], one["tokens"], one["fingerprint"]) for one in shown["ledger"]] == [
        ("open", 108_900, 172_950),
        ("not billed", 0, None),
    ]
    assert [(one["route"], one["key"]) for one in shown["requests"]] == [
        ("get", "Bearer ***"),
        ("create", "Bearer ***"),
        ("create", "Bearer ***"),
    ]
    assert [(one["kind"], one["route"], one["fired"]) for one in shown["faults"]] == [("reset", "get", 0)]
    assert "test-key" not in json.dumps(shown)


async def test_it_says_how_often_a_fault_has_fired() -> None:
    """An armed fault shows how often it struck."""
    async with simulated(faults=[Fault("status", times=3)]) as (_, api):
        await api.create()
        await api.create()
        assert [(one["times"], one["fired"]) for one in (await board(api))["faults"]] == [(3, 2)]


async def test_a_leak_and_a_signature() -> None:
    """A key that went to the video host is counted; signatures do not fill the lines of requests."""
    async with simulated(behaviour=Behaviour(progression=AtOnce())) as (_, api):
        url = (await api.get(await api.new())).json["content"]["video_url"]
        await api.send("GET", url)
        shown = await board(api)
    assert shown["sums"]["leaks"] == 1
    assert shown["requests"][0]["route"] == "video"
    assert "X-Tos-Expires=86400" in shown["requests"][0]["path"]
    assert "Signature" not in json.dumps(shown["requests"])
    assert shown["tasks"][0]["video"] == url


async def test_it_stays_small() -> None:
    """250 long prompts are 200 rows of their beginnings; the count tells how many there are."""
    body = json.dumps(order(text("long " * 1000))).encode()
    create = SimRequest(
        method="POST", path=f"/api/v3{TASKS}", headers={"authorization": "Bearer k"}, body=body
    )
    async with simulated() as (sim, api):
        for _ in range(250):
            await sim.ask(create)
        shown = await board(api)
    assert (len(shown["tasks"]), shown["task_count"], len(shown["ledger"]), len(shown["requests"])) == (
        200,
        250,
        200,
        100,
    )
    assert {len(one["prompt"]) for one in shown["tasks"]} == {301}


async def test_looking_at_the_board_is_no_look_at_a_task() -> None:
    """The board moves nothing on and is not counted as a request."""
    async with simulated(behaviour=Behaviour()) as (sim, api):
        task_id = await api.new()
        for _ in range(5):
            await board(api)
        assert (sim.tasks[task_id].looks, sum(sim.counts.values())) == (0, 1)
