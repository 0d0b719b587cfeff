"""What no source tells of the server is a switch of the simulator, and each switch changes an answer.

The list is that of the project's notes on the API: whatever is marked "unconfirmed" or "conflict" there.
"""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import pytest
from attrs import fields_dict

from seedance_async.simulator import Behaviour, ByHand, Quotas
from tests.simulator.helpers import PRO_10, V20, V25, medium, order, simulated, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from seedance_async.simulator import Simulator
    from tests.simulator.helpers import Caller

    Probe = Callable[[Simulator, Caller], Awaitable[object]]

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

UNKNOWN = "cgt-20260101000000-abcde"


def create(*items: dict[str, object], **fields: object) -> Probe:
    """Status of a create."""

    async def probe(_: Simulator, api: Caller) -> object:
        return (await api.create(order(*items, **fields))).status  # type: ignore[arg-type]

    return probe


def listing(query: str) -> Probe:
    """Status, and how many of three tasks are shown in which order."""

    async def probe(_: Simulator, api: Caller) -> object:
        ids = [await api.new() for _ in range(3)]
        reply = await api.list(query)
        shown = [item["id"] for item in reply.json.get("items", [])] if reply.status == 200 else []
        return reply.status, [ids.index(one) for one in shown]

    return probe


async def unknown(_: Simulator, api: Caller) -> object:
    """What is said of a task that nobody knows."""
    reply = await api.get(UNKNOWN)
    return reply.status, reply.code


async def delete_of_cancelled(_: Simulator, api: Caller) -> object:
    """DELETE of a task that was cancelled."""
    task_id = await api.new()
    await api.delete(task_id)
    return (await api.delete(task_id)).status


async def delete_body(_: Simulator, api: Caller) -> object:
    """The body of a DELETE."""
    return (await api.delete(await api.new())).body


async def early_get(_: Simulator, api: Caller) -> object:
    """A get right after the create."""
    return (await api.get(await api.new())).status


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


async def large_body(_: Simulator, api: Caller) -> object:
    """A body over 64 MB."""
    data = io.BytesIO(b"x" * (64 * 1024 * 1024 + 1))
    async with api.http.post(f"{api.base}/contents/generations/tasks", data=data) as answer:
        return answer.status


def finished(field: str, *items: dict[str, object], **body: object) -> Probe:
    """A field of a finished record."""

    async def probe(sim: Simulator, api: Caller) -> object:
        task_id = await api.new(order(*items, **body))  # type: ignore[arg-type]
        sim.finish(task_id)
        record = (await api.get(task_id)).json
        return record["usage"]["total_tokens"] if field == "tokens" else record.get(field)

    return probe


DRAFT = create(text(), model=V25, draft=True, resolution="480p")
SEARCH = create(text(), medium("image"), model=V20, tools=[{"type": "web_search"}])
FRAME = create(text(), medium("image"), model=V25, ratio="16:9")
FALSE = create(text(), model=PRO_10, generate_audio=False)
UNREACHABLE = create(text(), medium("image", url="https://gone.example/a.png"))
EXPIRES = create(text(), execution_expires_after=3600)
TWO_RATIOS = finished("ratio", text("a cat --ratio 4:3"), model=PRO_10, ratio="1:1")

SWITCHES: list[tuple[str, dict[str, Any], Probe]] = [
    ("code and status for an unknown task", {"unknown_status": 400, "unknown_code": "X"}, unknown),
    ("DELETE of a cancelled task", {"cancelled_delete_status": 404}, delete_of_cancelled),
    ("body of a DELETE", {"delete_answers": ""}, delete_body),
    ("whether DELETE exists (gateways)", {"delete_supported": False}, delete_body),
    ("what queued and running records show", {"bare_records": "no"}, record_in_queue),
    ("what cancelled and expired records show", {"bare_endings": True}, record_of_cancelled),
    ("order of lists", {"list_order": "oldest"}, listing("page_size=3")),
    ("ceiling of page_size", {"list_page_cap": 2}, listing("page_size=3")),
    ("filter.status=expired", {"list_refuses_expired": True}, listing("filter.status=expired")),
    ("whether lists exist (gateways)", {"list_supported": False}, listing("")),
    ("lists that answer {} (gateways)", {"list_empty": True}, listing("")),
    ("filters of gateways", {"list_ignores_filters": True}, listing("filter.status=failed")),
    ("ids as a filter (gateways)", {"list_ignores_task_ids": True}, listing(f"filter.task_ids={UNKNOWN}")),
    ("how soon a task is listed", {"list_lag_seconds": 5.0}, listing("")),
    ("404 right after the create", {"get_lag_seconds": 5.0}, early_get),
    ("Retry-After", {"retry_after": "seconds"}, too_many_gets),
    ("code for too many gets and lists", {"calls_code": "AccountRateLimitExceeded"}, too_many_gets),
    ("a re-get renews the URL", {"resign_on_get": True}, signature),
    ("a fresh URL that is not ready", {"url_ready_seconds": 5.0}, fresh_url),
    ("413 for bodies over 64 MB", {"too_large_status": 400}, large_body),
    ("body field against text command", {"text_commands_win": False}, TWO_RATIOS),
    ("one frame more in the tokens", {"extra_token_frame": False}, finished("tokens", text(), model=PRO_10)),
    ("output_format before 2.5", {"ignores_output_format": True}, create(text(), output_format="mov")),
    ("drafts of 2.5", {"drafts_of_25": False}, DRAFT),
    ("web search beside media", {"web_search_with_media": False}, SEARCH),
    ("media that cannot be fetched", {"unreachable_hosts": frozenset({"gone.example"})}, UNREACHABLE),
    ("a fixed ratio for 2.5 frames", {"ratio_rule": "task"}, FRAME),
    ("an explicit false for an unknown field", {"refuses_explicit_false": False}, FALSE),
    ("whether our own field is taken", {"refuses_expires_after": True}, EXPIRES),
    ("echo of the time to live", {"echo_expires_after": False}, finished("execution_expires_after")),
]


@pytest.mark.parametrize(("what", "switch", "probe"), SWITCHES, ids=[row[0] for row in SWITCHES])
async def test_a_switch_changes_the_answer(what: str, switch: dict[str, Any], probe: Probe) -> None:
    """What nobody has confirmed can be played in more than one way, over the wire."""
    del what
    quotas = Quotas(lists_per_second=None, creates_per_minute=None)
    answers: list[object] = []
    for settings in ({}, switch):
        behaviour = Behaviour(progression=ByHand(), **settings)
        async with simulated(behaviour=behaviour, quotas=quotas) as (sim, api):
            answers.append(await probe(sim, api))
    assert answers[0] != answers[1]


async def test_media_that_cannot_be_fetched_may_fail_later() -> None:
    """The other rule accepts the order, and its task fails unbilled."""
    behaviour = Behaviour(unreachable_hosts=frozenset({"gone.example"}), unreachable_rule="task")
    async with simulated(behaviour=behaviour, work_seconds=1) as (sim, api):
        task_id = await api.new(order(text(), medium("image", url="https://gone.example/a.png")))
        await asyncio.sleep(2)
        record = (await api.get(task_id)).json
        assert (record["status"], record["error"]["code"], sim.billed) == ("failed", "InvalidParameter", 0)


CALLBACKS = {"callback_attempts", "callback_confirm_seconds", "callback_spacing_seconds", "callback_copies"}
# Published, or no claim about the server at all: where things are mounted, what time it is, what was set up.
KNOWN = {
    *("mounts", "progression", "url_seconds", "download_limit", "retention_seconds", "cancelled_seconds"),
    *("list_hides_flex", "list_stale_seconds", "clock_skew", "endpoint_model", "models_not_open", "assets"),
    *("callback_forged", "unreachable_rule"),
}


async def test_every_switch_is_judged_somewhere() -> None:
    """A switch that is added has to be listed here, or named among those that are no guesses."""
    listed = {name for _, switch, _ in SWITCHES for name in switch}
    assert set(fields_dict(Behaviour)) == listed | KNOWN | CALLBACKS
