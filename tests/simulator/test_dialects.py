"""A task's life in the words of the gateways that wrap Ark's answers."""

from __future__ import annotations

import json

import pytest

from seedance_async.simulator import Behaviour, ByHand
from tests.simulator.helpers import Reply, calling, order, simulated

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def answers(dialect: str) -> dict[str, Reply]:
    """A task's life in a dialect."""
    there = Behaviour(mounts={"/gw/v1": dialect}, progression=ByHand())
    async with simulated(behaviour=there) as (sim, _), calling(sim, f"{sim.origin}/gw/v1") as api:
        found = {"create": await api.create()}
        task_id, failing = next(iter(sim.tasks)), await api.create()
        assert failing.status == 200
        sim.fail(list(sim.tasks)[1])
        found["queued"] = await api.get(task_id)
        sim.advance(task_id)
        found["running"] = await api.get(task_id)
        sim.finish(task_id)
        found["succeeded"] = await api.get(task_id)
        found["failed"] = await api.get(list(sim.tasks)[1])
        found["unknown"] = await api.get("none")
        found["invalid"] = await api.create(order(duration=99))
        found["list"] = await api.list()
        found["delete"] = await api.delete(task_id)
        found["model"] = await api.create(order(model="none"))
        assert (await api.fetch(url_in(found["succeeded"]))).status == 200
        assert len(sim.tasks) == 2
    return found


def url_in(reply: Reply) -> str:
    """The video URL of a wrapped record."""
    data = reply.json["data"]
    return str(data["result_url"] if "result_url" in data else data["content"]["video_url"])


async def test_new_api_dialect() -> None:
    """new-api wraps records, shouts statuses, says 400 of unknown tasks, and neither lists nor deletes."""
    found = await answers("newapi")
    created = found["create"].json
    assert created["code"] == "success"
    assert created["data"]["task_id"].startswith("asyntask_")
    shown = [found[name].json["data"]["status"] for name in ("queued", "running", "succeeded", "failed")]
    assert shown == ["SUBMITTED", "IN_PROGRESS", "SUCCESS", "FAILURE"]
    assert found["succeeded"].json["data"]["data"]["usage"]["total_tokens"] == 108_900
    assert "unexpected internal error" in found["failed"].json["data"]["fail_reason"]
    assert (found["unknown"].status, found["unknown"].json["code"]) == (400, "task_not_exist")
    invalid = found["invalid"].json
    assert invalid["code"] == "fail_to_fetch_task"
    assert json.loads(invalid["message"])["error"]["param"] == "duration"
    assert found["model"].status == 503
    assert found["model"].json["error"]["type"] == "new_api_error"
    assert {found["list"].status, found["delete"].status} == {400}


async def test_crazyrouter_dialect() -> None:
    """The crazyrouter gateway answers code 0 and data, with statuses of its own."""
    found = await answers("crazyrouter")
    created = found["create"].json
    assert (created["code"], created["message"]) == (0, "success")
    assert created["data"]["task_id"].startswith("volc_task_")
    shown = [found[name].json["data"]["status"] for name in ("queued", "running", "succeeded", "failed")]
    assert shown == ["SUBMITTED", "PROCESSING", "SUCCESS", "FAILED"]
    assert found["succeeded"].json["data"]["content"]["duration"] == 5
    assert {found["list"].status, found["delete"].status} == {404}
