"""Recorded answers judge the simulator: it answers with the fields, types and codes that were seen."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from seedance_async.simulator import Behaviour, ByHand, Fault, Quotas, Simulator

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

SAMPLES = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in (Path(__file__).parents[1] / "samples").glob("*.json")
}
TASKS = "/contents/generations/tasks"
KEY = "Bearer sk-test-0123456789abcdef"
HEADERS = {"Authorization": KEY}
BODY = {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": "a cat"}]}


def shape(value: Any) -> Any:
    """Reduce a JSON value to its field names and types."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in cast("dict[str, Any]", value).items()}
    return type(value).__name__


async def ask(url: str, **given: Any) -> tuple[int, Any]:
    """Send one request and give status and JSON."""
    async with (
        aiohttp.ClientSession(headers=HEADERS) as http,
        http.request(given.pop("method", "GET"), url, **given) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def create(url: str, **fields: Any) -> tuple[int, Any]:
    """Order a task."""
    return await ask(url + TASKS, method="POST", json={**BODY, **fields})


async def test_creates_answer_as_recorded() -> None:
    """Ark answers an id alone, the gateway adds `submitted`, the wrapper hides it in `data.task_id`."""
    mounts = {"/api/v3": "ark", "/volc/v1": "kkiai", "/wrapped": "crazyrouter"}
    async with Simulator(behaviour=Behaviour(mounts=mounts)) as sim:
        root = sim.base_url.removesuffix("/api/v3")
        for prefix, name in (("/api/v3", "ark"), ("/volc/v1", "kkiai"), ("/wrapped", "crazyrouter")):
            status, body = await create(root + prefix)
            recorded = SAMPLES[f"create-{name}"]
            assert (status, shape(body)) == (recorded["status"], shape(recorded["body"])), name


async def test_a_running_task_shows_the_recorded_fields_only() -> None:
    """Until the end a record holds id, model, status and two times."""
    async with Simulator(work_seconds=10.0) as sim:
        _, created = await create(sim.base_url)
        await asyncio.sleep(1.0)
        _, record = await ask(f"{sim.base_url}{TASKS}/{created['id']}")
        assert record["status"] == "running"
        assert shape(record) == shape(SAMPLES["get-running"]["body"])


async def test_a_succeeded_task_shows_the_recorded_fields() -> None:
    """A 2.0 success has every field of the recording, of the same type, and the recorded number of tokens."""
    recorded = SAMPLES["get-succeeded-2-0"]["body"]
    async with Simulator(work_seconds=1.0) as sim:
        asked = {"model": recorded["model"], "resolution": "720p", "ratio": "16:9", "duration": 5}
        _, created = await create(sim.base_url, **asked)
        await asyncio.sleep(2.0)
        _, record = await ask(f"{sim.base_url}{TASKS}/{created['id']}")
        assert shape(recorded).items() <= shape(record).items()
        assert record["usage"] == recorded["usage"]


async def test_a_failed_task_shows_code_and_message() -> None:
    """A failure carries an error object and neither content nor usage, with HTTP 200."""
    recorded = SAMPLES["get-failed-docs"]["body"]
    async with Simulator(work_seconds=10.0) as sim:
        _, created = await create(sim.base_url)
        sim.fail(created["id"], recorded["error"]["code"], recorded["error"]["message"])
        status, record = await ask(f"{sim.base_url}{TASKS}/{created['id']}")
        assert status == 200
        assert shape(record["error"]) == shape(recorded["error"])
        assert record["error"]["code"] == recorded["error"]["code"]
        assert record["error"]["message"].startswith(recorded["error"]["message"])
        assert not {"content", "usage"} & set(record)


async def test_lists_answer_as_recorded() -> None:
    """An empty list is `total` 0 and no items; a full one counts what matches."""
    async with Simulator() as sim:
        assert (await ask(sim.base_url + TASKS))[1] == SAMPLES["list-empty"]["body"]
        await create(sim.base_url)
        _, page = await ask(sim.base_url + TASKS)
        assert set(page) == set(SAMPLES["list-docs"]["body"])
        assert (page["total"], len(page["items"])) == (1, 1)


MODEL_25 = "doubao-seedance-2-5-260628"
IMAGES = [{"type": "image_url", "image_url": {"url": f"https://example.com/{name}.png"}} for name in "ab"]
NEW_API = Behaviour(mounts={"/api/v3": "newapi"})
# What is set, what is sent after a first create, and with which key.
REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "error-400-role": ({}, {"content": [{"type": "text", "text": "a fox"}, *IMAGES]}, KEY),
    "error-401-format": ({}, {}, "Basic abc"),
    "error-403-overdue": ({"quotas": Quotas(arrears=True)}, {}, KEY),
    "error-404-model": (
        {"behaviour": Behaviour(models_not_open=frozenset({MODEL_25}))},
        {"model": MODEL_25},
        KEY,
    ),
    "error-429-queue": ({"quotas": Quotas(max_running=0, max_queued=1)}, {}, KEY),
    "error-429-rpm": ({"quotas": Quotas(creates_per_minute=1)}, {}, KEY),
    "error-429-trial": ({"quotas": Quotas(free_trial_tokens=1)}, {}, KEY),
    "error-500": ({"faults": [Fault("status", nth=2)]}, {}, KEY),
    "error-new-api-balance": ({"behaviour": NEW_API, "quotas": Quotas(arrears=True)}, {}, KEY),
    "error-new-api-no-channel": ({"behaviour": NEW_API}, {"model": "unknown"}, KEY),
    "error-new-api-relayed": ({"behaviour": NEW_API}, {"duration": 99}, KEY),
}


def told(body: dict[str, Any]) -> tuple[Any, Any]:
    """Shape and code of an error; a body that is relayed inside a message is looked at as well."""
    if "error" in body:
        return shape(body), body["error"]["code"]
    relayed = body["message"]
    return shape(body), told(json.loads(relayed)) if relayed.startswith("{") else body["code"]


@pytest.mark.parametrize("name", REFUSALS)
async def test_refusals_are_those_that_were_recorded(name: str) -> None:
    """What the simulator refuses by itself has the status, the fields and the code of the recording."""
    settings, fields, key = REFUSALS[name]
    recorded = SAMPLES[name]
    async with Simulator(**settings) as sim:
        await create(sim.base_url)
        headers = {"Authorization": key}
        status, body = await ask(
            sim.base_url + TASKS, method="POST", json={**BODY, **fields}, headers=headers
        )
    assert (status, told(body)) == (recorded["status"], told(recorded["body"]))


async def test_a_running_task_is_not_deleted() -> None:
    """DELETE of a running task is the recorded 409, and of any other task an empty object."""
    recorded = SAMPLES["error-409-running"]
    async with Simulator(behaviour=Behaviour(progression=ByHand())) as sim:
        ids = [(await create(sim.base_url))[1]["id"] for _ in range(2)]
        sim.advance(ids[0])
        status, body = await ask(f"{sim.base_url}{TASKS}/{ids[0]}", method="DELETE")
        assert (status, told(body)) == (recorded["status"], told(recorded["body"]))
        assert (await ask(f"{sim.base_url}{TASKS}/{ids[1]}", method="DELETE"))[1] == SAMPLES["delete"]["body"]


async def test_new_api_answers_about_tasks_as_recorded() -> None:
    """An unknown task is a 400 there; a finished one has every field of the recording around Ark's own."""
    async with Simulator(work_seconds=1.0, behaviour=NEW_API) as sim:
        unknown = SAMPLES["error-new-api-unknown-task"]
        assert await ask(f"{sim.base_url}{TASKS}/asyntask_x") == (unknown["status"], unknown["body"])
        _, created = await create(sim.base_url)
        await asyncio.sleep(2.0)
        _, body = await ask(f"{sim.base_url}{TASKS}/{created['data']['task_id']}")
    recorded = shape(SAMPLES["get-new-api"]["body"])
    inner = recorded["data"].pop("data")
    assert recorded["data"].items() <= shape(body)["data"].items()
    assert inner.keys() <= body["data"]["data"].keys()


async def test_every_sample_names_its_source_and_a_date() -> None:
    """Who judges by a recording has to know whose it is, and of when."""
    undated = [name for name, one in SAMPLES.items() if not re.search(r"20\d\d-\d\d-\d\d", one["source"])]
    assert (len(SAMPLES) > 30, undated) == (True, [])
