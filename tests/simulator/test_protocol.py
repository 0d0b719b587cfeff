"""Headers, keys, paths, bodies and the request log."""

from __future__ import annotations

import io
import json
import socket

import pytest

from seedance_async.simulator import AtOnce, Behaviour, ByHand, Moderation, Scenario, SimRequest
from tests.simulator.helpers import PRO_15, V25, calling, order, simulated, text

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

TASKS = "/contents/generations/tasks"


async def test_no_key_is_401() -> None:
    """Without an Authorization header the answer is the live 401, with its x-error-code."""
    async with simulated() as (sim, _), calling(sim, key="") as stranger:
        reply = await stranger.create()
        assert (reply.status, reply.code, sim.accepted) == (401, "AuthenticationError", 0)
    assert reply.message.startswith("the API key or AK/SK in the request is missing or invalid.")
    assert reply.headers["x-error-code"] == "AuthN_MissOrInvalidAuthorizationHeader"
    assert reply.json["error"]["type"] == "Unauthorized"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic abc", "abc", "Bearer two words"])
async def test_malformed_keys_are_401(header: str) -> None:
    """A header that is no `Bearer <key>` is told so."""
    async with simulated() as (sim, api):
        reply = await api.send("GET", f"{sim.base_url}{TASKS}", {"Authorization": header})
    assert (reply.status, reply.code) == (401, "AuthenticationError")
    assert reply.message.startswith("The API key format is incorrect. Request id: 02")
    assert reply.headers["x-error-code"] == "AuthN_AuthenticationError"


async def test_only_the_given_key_is_accepted() -> None:
    """With api_key set another well-formed key is 401; without it any will do."""
    async with simulated(api_key="test-key") as (sim, api), calling(sim, key="other") as other:
        assert [(await api.create()).status, (await other.create()).status] == [200, 401]
        assert sim.accepted == 1
    async with simulated() as (sim, _), calling(sim, key="anything") as other:
        assert (await other.create()).status == 200


async def test_error_bodies_have_four_keys_and_the_request_id() -> None:
    """An error has code, message, param and type, and its message ends with the id of the header."""
    async with simulated() as (_, api):
        reply = await api.create(order(duration=99))
    error = reply.json["error"]
    assert list(error) == ["code", "message", "param", "type"]
    assert (error["param"], error["type"]) == ("duration", "BadRequest")
    assert error["message"].endswith(f" Request id: {reply.headers['x-request-id']}")
    assert len(reply.headers["x-request-id"]) == 53
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_unknown_task_is_a_switch() -> None:
    """An unknown id is 404 ResourceNotFound by default, and whatever the behaviour says."""
    async with simulated() as (_, api):
        assert [(await api.get("cgt-x")).code, (await api.delete("cgt-x")).code] == ["ResourceNotFound"] * 2
    odd = Behaviour(unknown_status=400, unknown_code="InvalidParameter")
    async with simulated(behaviour=odd) as (_, api):
        reply = await api.get("cgt-x")
        assert (reply.status, reply.code) == (400, "InvalidParameter")


async def raw(port: int, request: str) -> bytes:
    """Send bytes as they are, which no client library would."""
    import asyncio

    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    answer = await asyncio.wait_for(reader.read(400), 10)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_paths_are_taken_as_sent() -> None:
    """Dots and escapes in a path reach no other route: an id is one segment."""
    async with simulated(behaviour=Behaviour(progression=AtOnce())) as (sim, api):
        await api.new()
        port = int(sim.origin.rpartition(":")[2])
        for path in (f"{TASKS}/../tasks", f"{TASKS}/a/b", "/models", f"{TASKS}x"):
            head = f"GET /api/v3{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n"
            assert (await raw(port, head)).startswith(b"HTTP/1.1 404")
        escaped = await api.send("GET", f"{sim.base_url}{TASKS}/..%2F..%2Fmodels")
        assert "The specified task ../../models is not found." in escaped.message


async def test_posts_below_a_task_fall_into_create() -> None:
    """POST to a guessed cancel route is a create, as on the real server: a full body makes a task."""
    async with simulated() as (sim, api):
        task_id = await api.new()
        url = f"{sim.base_url}{TASKS}/{task_id}/cancel"
        empty = await api.send("POST", url, None, b"{}")
        assert (empty.status, empty.code) == (400, "MissingParameter")
        assert (await api.send("POST", url, None, json.dumps(order()).encode())).status == 200
        assert sim.accepted == 2


async def test_methods_that_no_route_has() -> None:
    """PUT and PATCH are 404 and make nothing."""
    async with simulated() as (sim, api):
        for method in ("PUT", "PATCH", "DELETE"):
            assert (await api.send(method, f"{sim.base_url}{TASKS}", None, b"{}")).status == 404
        assert sim.accepted == 0


@pytest.mark.timeout(240)
async def test_bodies_over_64_mb_are_413() -> None:
    """A body over 64 MB is read and refused by name; one just below is taken."""
    async with simulated() as (sim, api):
        size = 64 * 1024 * 1024
        body = b'{"model":"' + PRO_15.encode() + b'","content":[{"type":"text","text":"a"}],"x":"'
        whole = body + b"y" * (size - len(body) - 2) + b'"}'
        async with api.http.post(f"{sim.base_url}{TASKS}", data=io.BytesIO(whole + b" ")) as answer:
            assert answer.status == 413
        assert sim.accepted == 0
        headers = {"authorization": "Bearer k"}
        taken = SimRequest(method="POST", path=f"/api/v3{TASKS}", headers=headers, body=whole)
        assert (await sim.ask(taken)).status == 200


async def test_inline_media_are_folded_in_the_ledger() -> None:
    """The ledger keeps each body, with long base64 cut out."""
    from tests.simulator.helpers import medium

    uri = "data:audio/mp3;base64," + "A" * 100_000
    async with simulated() as (sim, api):
        body = order(text("hi"), medium("audio", "reference_audio", uri), model=V25)
        await api.new(body)
        entry = sim.ledger[0]
    assert (entry.prompt, entry.model, entry.fingerprint) == ("hi", V25, None)
    assert len(json.dumps(entry.body)) < 500
    assert "data:audio/mp3;base64,<folded>" in json.dumps(entry.body)


async def test_ledger_shows_the_fingerprint_as_sent() -> None:
    """The fingerprint of an entry is the execution_expires_after of the request."""
    async with simulated(work_seconds=5) as (sim, api):
        await api.new(order(execution_expires_after=172_811))
        entry = sim.ledger[0]
        assert (entry.fingerprint, entry.billed, entry.tokens) == (172_811, None, 108_900)
        assert entry.body["execution_expires_after"] == 172_811


async def test_requests_are_counted_and_remembered_without_the_key() -> None:
    """The log knows routes, statuses and counts of requests; no key is in it."""
    async with simulated(api_key="test-key") as (sim, api):
        await api.get(await api.new())
        await api.list("page_size=3")
        await api.create(order(duration=99))
        seen = [(one.route, one.method, one.status) for one in sim.requests]
        assert seen == [
            ("create", "POST", 200),
            ("get", "GET", 200),
            ("list", "GET", 200),
            ("create", "POST", 400),
        ]
        assert sim.counts == {"create": 2, "get": 1, "list": 1}
        assert sim.requests[2].query == (("page_size", "3"),)
        assert {one.key for one in sim.requests} == {"Bearer ***"}
        assert "test-key" not in repr(sim.requests) + repr(sim.server)


async def test_moderation_words_of_a_scenario() -> None:
    """Words refuse a create or doom a task; a doomed task is accepted and not billed."""
    strict = Scenario(
        moderation=Moderation(
            refuse={"famous singer": "InputTextSensitiveContentDetected"},
            fail={"猫": "OutputVideoSensitiveContentDetected"},
        ),
        behaviour=Behaviour(progression=AtOnce()),
    )
    async with simulated(scenario=strict) as (sim, api):
        refused = await api.create(order(text("A FAMOUS Singer dances")))
        assert (refused.status, refused.code, sim.accepted) == (400, "InputTextSensitiveContentDetected", 0)
        record = (await api.get(await api.new(order(text("一只猫"))))).json
        assert (record["status"], sim.accepted, sim.billed) == ("failed", 1, 0)
        assert record["error"]["code"] == "OutputVideoSensitiveContentDetected"
        assert record["error"]["message"].startswith(
            "The request failed because the output video may contain sensitive information. Request id: 02"
        )


async def test_draft_and_its_second_step() -> None:
    """A finished draft becomes the full video by its id alone, and keeps what the draft fixed."""
    second = order({"type": "draft_task", "draft_task": {"id": "?"}})
    async with simulated(behaviour=Behaviour(progression=ByHand())) as (sim, api):
        draft = await api.new(order(text("a fox"), draft=True, duration=6, ratio="1:1", seed=9))
        second["content"] = [{"type": "draft_task", "draft_task": {"id": draft}}]
        assert (await api.create(second)).status == 400
        sim.finish(draft)
        fixed = await api.create({**second, "duration": 5})
        assert (fixed.status, fixed.json["error"]["param"]) == (400, "duration")
        assert (await api.create({**second, "model": V25})).status == 400
        full = await api.new(second)
        sim.finish(full)
        record = (await api.get(full)).json
    wanted = {
        "draft_task_id": draft,
        "draft": False,
        "resolution": "720p",
        "duration": 6,
        "ratio": "1:1",
        "seed": 9,
    }
    assert wanted.items() <= record.items()


async def test_second_step_of_a_25_draft_is_1080p() -> None:
    """A 2.5 draft becomes 1080p and nothing else, and web search is echoed and counted."""
    async with simulated(behaviour=Behaviour(progression=AtOnce())) as (_, api):
        searched = order(text(), model=V25, draft=True, duration=4, tools=[{"type": "web_search"}])
        draft = await api.new(searched)
        record = (await api.get(draft)).json
        assert record["usage"]["tool_usage"] == {"web_search": 1}
        assert record["tools"] == [{"type": "web_search"}]
        second = order({"type": "draft_task", "draft_task": {"id": draft}}, model=V25)
        assert (await api.create({**second, "resolution": "720p"})).status == 400
        assert (await api.create({**second, "draft": True})).status == 400
        full = (await api.get(await api.new(second))).json
    assert (full["resolution"], full["duration"]) == ("1080p", 4)


async def test_delete_can_be_missing_or_answer_nothing() -> None:
    """delete_supported=False is 404; delete_answers may be an empty body."""
    async with simulated(queue_seconds=9, behaviour=Behaviour(delete_supported=False)) as (_, api):
        task_id = await api.new()
        assert (await api.delete(task_id)).status == 404
        assert await api.status(task_id) == "queued"
    async with simulated(queue_seconds=9, behaviour=Behaviour(delete_answers="")) as (_, api):
        assert (await api.delete(await api.new())).body == b""


async def test_expiry_echo_can_be_switched_off() -> None:
    """echo_expires_after=False hides the field in finished records."""
    behaviour = Behaviour(progression=AtOnce(), echo_expires_after=False)
    async with simulated(behaviour=behaviour) as (_, api):
        assert "execution_expires_after" not in (await api.get(await api.new())).json


async def test_binds_loopback_only() -> None:
    """The simulator listens on 127.0.0.1 and on no other address of the machine."""
    async with simulated() as (sim, _):
        assert sim.base_url.startswith("http://127.0.0.1:")
        port = int(sim.origin.rpartition(":")[2])
        with socket.socket() as other:
            other.bind(("127.0.0.2", port))


async def test_ids_and_seeds_repeat_under_a_seed() -> None:
    """The same seed gives the same random parts, another seed others."""

    async def made(seed: int) -> list[str]:
        async with simulated(seed=seed, behaviour=Behaviour(progression=AtOnce())) as (_, api):
            ids = [await api.new() for _ in range(3)]
            seeds = [(await api.get(one)).json["seed"] for one in ids]
        return [f"{one[-5:]} {number}" for one, number in zip(ids, seeds, strict=True)]

    assert await made(1) == await made(1)
    assert await made(1) != await made(2)
