"""Recorded answers judge the simulator: it answers with the fields, types and codes that were seen."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from seedance_async.simulator import Behaviour, Fault, Simulator

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

SAMPLES = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in (Path(__file__).parents[1] / "samples").glob("*.json")
}
TASKS = "/contents/generations/tasks"
HEADERS = {"Authorization": "Bearer sk-test-0123456789abcdef"}
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


@pytest.mark.parametrize("name", ["error-401-format", "error-429-rpm", "error-429-queue", "error-500"])
async def test_errors_have_the_recorded_shape(name: str) -> None:
    """Four keys under `error`, the recorded status and code."""
    recorded = SAMPLES[name]
    code = recorded["body"]["error"]["code"]
    fault = Fault(kind="status", status=recorded["status"], code=code, when="before")
    async with Simulator(faults=[fault]) as sim:
        status, body = await create(sim.base_url)
        assert (status, shape(body)) == (recorded["status"], shape(recorded["body"]))
        assert body["error"]["code"] == code
