"""Questions to a simulator whose answers show how a switch of its behaviour is set."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

from seedance_async.simulator import SimRequest
from tests.simulator.helpers import TASKS, calling, order
from tests.simulator.receiving import receiving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from seedance_async.simulator import Simulator
    from tests.simulator.helpers import Caller

Probe: TypeAlias = "Callable[[Simulator, Caller], Awaitable[object]]"

UNKNOWN = "cgt-20260101000000-abcde"
_TOO_LARGE = 64 * 1024 * 1024 + 1


def create(*items: dict[str, object], **fields: Any) -> Probe:
    """Status of a create."""

    async def probe(_: Simulator, api: Caller) -> object:
        return (await api.create(order(*items, **fields))).status

    return probe


def listing(query: str) -> Probe:
    """Status, and how many of three tasks are shown in which order."""

    async def probe(_: Simulator, api: Caller) -> object:
        ids = [await api.new() for _ in range(3)]
        reply = await api.list(query)
        shown = [item["id"] for item in reply.json.get("items", [])] if reply.status == 200 else []
        return reply.status, [ids.index(one) for one in shown]

    return probe


def finished(field: str, *items: dict[str, object], **body: Any) -> Probe:
    """A field of a finished record."""

    async def probe(sim: Simulator, api: Caller) -> object:
        task_id = await api.new(order(*items, **body))
        sim.finish(task_id)
        record = (await api.get(task_id)).json
        return record["usage"]["total_tokens"] if field == "tokens" else record.get(field)

    return probe


async def listed_identifier(sim: Simulator, api: Caller) -> object:
    """What get and list show of the end user's identifier."""
    task_id = await api.new(order(safety_identifier="user-7"))
    sim.finish(task_id)
    records = [(await api.get(task_id)).json, (await api.list()).json["items"][0]]
    return [record.get("safety_identifier") for record in records]


async def unknown(_: Simulator, api: Caller) -> object:
    """What is said of a task that nobody knows."""
    reply = await api.get(UNKNOWN)
    return reply.status, reply.code, reply.message.partition(" Request id")[0]


async def delete_of_cancelled(_: Simulator, api: Caller) -> object:
    """DELETE of a task that was cancelled."""
    task_id = await api.new()
    await api.delete(task_id)
    reply = await api.delete(task_id)
    return reply.status, reply.code


async def delete_of_running(sim: Simulator, api: Caller) -> object:
    """The error about a DELETE of a task that runs."""
    task_id = await api.new()
    sim.advance(task_id)
    reply = await api.delete(task_id)
    return reply.status, reply.code, reply.json["error"]["type"]


async def delete_body(_: Simulator, api: Caller) -> object:
    """The body of a DELETE."""
    return (await api.delete(await api.new())).body


async def early_get(_: Simulator, api: Caller) -> object:
    """A get right after the create."""
    return (await api.get(await api.new())).status


async def get_after_the_end(sim: Simulator, api: Caller) -> object:
    """A get right after the task has ended."""
    task_id = await api.new()
    sim.finish(task_id)
    return await api.status(task_id)


async def list_after_the_end(sim: Simulator, api: Caller) -> object:
    """A list right after the task has ended."""
    sim.finish(await api.new())
    return (await api.list()).json["items"][0]["status"]


async def after_an_hour(_: Simulator, api: Caller) -> object:
    """A task that nothing ends, an hour later."""
    task_id = await api.new()
    await asyncio.sleep(3600)
    return await api.status(task_id)


async def record_in_queue(_: Simulator, api: Caller) -> object:
    """The fields of a queued record."""
    return set((await api.get(await api.new())).json)


async def record_of_cancelled(_: Simulator, api: Caller) -> object:
    """The fields of a cancelled record."""
    task_id = await api.new()
    await api.delete(task_id)
    return set((await api.get(task_id)).json)


async def too_many_gets(_: Simulator, api: Caller) -> object:
    """Code and headers of the 429 for gets."""
    task_id = await api.new()
    replies = [await api.get(task_id) for _ in range(25)]
    last = replies[-1]
    return last.status, last.code, "Retry-After" in last.headers


async def signature(sim: Simulator, api: Caller) -> object:
    """Whether a later get renews the URL."""
    task_id = await api.new()
    sim.finish(task_id)
    first = (await api.get(task_id)).json["content"]["video_url"]
    await asyncio.sleep(100)
    return (await api.get(task_id)).json["content"]["video_url"] == first


async def fresh_url(sim: Simulator, api: Caller) -> object:
    """A download right after the success."""
    task_id = await api.new()
    sim.finish(task_id)
    return (await api.fetch((await api.get(task_id)).json["content"]["video_url"])).status


async def large_body(sim: Simulator, _: Caller) -> object:
    """A body over 64 MB, handed over without a socket."""
    headers = {"authorization": "Bearer key"}
    request = SimRequest(method="POST", path=f"/api/v3{TASKS}", headers=headers, body=bytes(_TOO_LARGE))
    answer = await sim.ask(request)
    return answer.status, b'"RequestBodyTooLarge"' in answer.body


async def kkiai_shapes(sim: Simulator, _: Caller) -> object:
    """The fields of a create and of a get on the routes of kkiai."""
    async with calling(sim, sim.kkiai_url) as api:
        created = (await api.create()).json
        name = next(iter(sim.tasks))
        return set(created), set((await api.get(name)).json)


def called_back(**receiver: Any) -> Probe:
    """Moments, statuses and signatures of the callbacks about one task."""

    async def probe(sim: Simulator, api: Caller) -> object:
        async with receiving(**receiver) as hook:
            began = asyncio.get_running_loop().time()
            task_id = await api.new(order(callback_url=hook.url))
            for _ in range(2):
                await asyncio.sleep(0.4)
                sim.advance(task_id)
            await asyncio.sleep(60)
            seen = [headers.get("X-Signature") for headers in hook.headers]
            calls = [(round(moment - began, 1), body["status"]) for moment, body in hook.calls]
            return list(zip(calls, seen, strict=True))

    return probe
