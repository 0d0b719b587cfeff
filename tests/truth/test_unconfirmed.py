"""What no source tells of the server is a switch of the simulator, and each switch changes an answer.

The list is that of the project's notes on the API: whatever is marked "unconfirmed" or "conflict" there.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from attrs import fields_dict

from seedance_async.simulator import Behaviour, ByHand, Quotas
from tests.simulator.helpers import LITE_I2V, PRO_10, V20, V25, medium, order, simulated, text
from tests.truth import probes
from tests.truth.probes import UNKNOWN, Probe, called_back, create, finished, listing

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

FILM = "https://example.com/a.mp4"
ADAPTIVE = create(text(), medium("image", "reference_image"), model=LITE_I2V, ratio="adaptive")
DRAFT = create(text(), model=V25, draft=True, resolution="480p")
SEARCH = create(text(), medium("image"), model=V20, tools=[{"type": "web_search"}])
FRAME = create(text(), medium("image"), model=V25, ratio="16:9")
FALSE = create(text(), model=PRO_10, generate_audio=False)
FLEX = create(text(), medium("image", "first_frame"), model=LITE_I2V, service_tier="flex")
UNREACHABLE = create(text(), medium("image", url="https://gone.example/a.png"))
EXPIRES = create(text(), execution_expires_after=3600)
TWO_RATIOS = finished("ratio", text("a cat --ratio 4:3"), model=PRO_10, ratio="1:1")
LEAST = finished("tokens", text(), medium("video", "reference_video", FILM), model=V20, duration=10)
REFUSING = called_back(usual=500)

SWITCHES: list[tuple[str, dict[str, Any], Probe]] = [
    ("status of an unknown task", {"unknown_status": 400}, probes.unknown),
    ("code for an unknown task", {"unknown_code": "NotFound.Task"}, probes.unknown),
    ("sentence about an unknown task", {"unknown_message": "No {id} here."}, probes.unknown),
    ("DELETE of a cancelled task", {"cancelled_delete_status": 404}, probes.delete_of_cancelled),
    ("code of that", {"cancelled_delete_code": "ResourceNotFound"}, probes.delete_of_cancelled),
    ("type of the 409", {"running_delete_type": "BadRequest"}, probes.delete_of_running),
    ("body of a DELETE", {"delete_answers": ""}, probes.delete_body),
    ("whether DELETE exists (gateways)", {"delete_supported": False}, probes.delete_body),
    ("what queued and running records show", {"bare_records": "no"}, probes.record_in_queue),
    ("what cancelled and expired records show", {"bare_endings": True}, probes.record_of_cancelled),
    ("order of lists", {"list_order": "oldest"}, listing("page_size=3")),
    ("ceiling of page_size", {"list_page_cap": 2}, listing("page_size=3")),
    ("page_size above the ceiling", {"list_page_rule": "refused"}, listing("page_size=3")),
    ("filter.status=expired", {"list_refuses_expired": True}, listing("filter.status=expired")),
    ("whether lists exist (gateways)", {"list_supported": False}, listing("")),
    ("lists that answer {} (gateways)", {"list_empty": True}, listing("")),
    ("filters of gateways", {"list_ignores_filters": True}, listing("filter.status=failed")),
    ("ids as a filter (gateways)", {"list_ignores_task_ids": True}, listing(f"filter.task_ids={UNKNOWN}")),
    ("how soon a task is listed", {"list_lag_seconds": 5.0}, listing("")),
    ("safety_identifier in lists", {"list_shows_identifier": False}, probes.listed_identifier),
    ("404 right after the create", {"get_lag_seconds": 5.0}, probes.early_get),
    ("how old a get's status is (gateways)", {"get_stale_seconds": 15.0}, probes.get_after_the_end),
    ("how old a list's statuses are (gateways)", {"list_stale_seconds": 15.0}, probes.list_after_the_end),
    ("a gateway's own time-out", {"gives_up_seconds": 1800.0}, probes.after_an_hour),
    ("shapes of kkiai", {"mounts": {"/volc/v1": "newapi"}}, probes.kkiai_shapes),
    ("Retry-After", {"retry_after": "seconds"}, probes.too_many_gets),
    ("code for too many gets and lists", {"calls_code": "AccountRateLimitExceeded"}, probes.too_many_gets),
    ("a re-get renews the URL", {"resign_on_get": True}, probes.signature),
    ("a fresh URL that is not ready", {"url_ready_seconds": 5.0}, probes.fresh_url),
    ("413 for bodies over 64 MB", {"too_large_status": 400}, probes.large_body),
    ("its code", {"too_large_code": "RequestTooLarge"}, probes.large_body),
    ("body field against text command", {"text_commands_win": False}, TWO_RATIOS),
    ("one frame more in the tokens", {"extra_token_frame": False}, finished("tokens", text(), model=PRO_10)),
    ("least tokens with input video", {"least_video_tokens": "none"}, LEAST),
    ("flex tokens of the lite models", {"flex_quota_covers_lite": False}, FLEX),
    ("output_format before 2.5", {"ignores_output_format": True}, create(text(), output_format="mov")),
    ("drafts of 2.5", {"drafts_of_25": False}, DRAFT),
    ("web search beside media", {"web_search_with_media": False}, SEARCH),
    ("adaptive with lite's reference images", {"adaptive_lite_references": False}, ADAPTIVE),
    ("media that cannot be fetched", {"unreachable_hosts": frozenset({"gone.example"})}, UNREACHABLE),
    ("when that is noticed", {"unreachable_rule": "task"}, UNREACHABLE),
    ("a fixed ratio for 2.5 frames", {"ratio_rule": "task"}, FRAME),
    ("an explicit false for an unknown field", {"refuses_explicit_false": False}, FALSE),
    ("whether our own field is taken", {"refuses_expires_after": True}, EXPIRES),
    ("echo of the time to live", {"echo_expires_after": False}, finished("execution_expires_after")),
    ("how often a callback is tried", {"callback_attempts": 1}, REFUSING),
    ("only 200 confirms a callback", {"callback_ack": "200"}, called_back(usual=204)),
    ("any answer confirms a callback", {"callback_ack": "any"}, REFUSING),
    ("which callbacks are tried again", {"callback_repeats": "results"}, REFUSING),
    ("how long an answer may take", {"callback_confirm_seconds": 1.0}, called_back(seconds=2.0)),
    ("pause between callbacks", {"callback_spacing_seconds": 3.0}, REFUSING),
    ("order of callbacks", {"callback_in_order": True}, called_back(answers=[500])),
    ("signature of callbacks", {"callback_headers": {"X-Signature": "abc"}}, called_back()),
    ("callbacks that come twice", {"callback_copies": 2}, called_back()),
]
# Switches that matter only beside another.
BESIDE: dict[str, dict[str, Any]] = {
    "list_page_rule": {"list_page_cap": 2},
    "unreachable_rule": {"unreachable_hosts": frozenset({"gone.example"})},
}


@pytest.mark.parametrize(("what", "switch", "probe"), SWITCHES, ids=[row[0] for row in SWITCHES])
async def test_a_switch_changes_the_answer(what: str, switch: dict[str, Any], probe: Probe) -> None:
    """What nobody has confirmed can be played in more than one way."""
    del what
    quotas = Quotas(lists_per_second=None, creates_per_minute=None, flex_tokens_per_day=1)
    beside = BESIDE.get(next(iter(switch)), {})
    answers: list[object] = []
    for settings in (beside, {**beside, **switch}):
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


async def test_a_gateway_that_gives_up_bills_nothing() -> None:
    """A task that a gateway's time-out fails says so, and costs nothing; one that ended before is paid."""
    async with simulated(behaviour=Behaviour(gives_up_seconds=600), work_seconds=900) as (sim, api):
        late, quick = await api.new(), await api.new()
        sim.finish(quick)
        await asyncio.sleep(1000)
        record = (await api.get(late)).json
        assert (record["status"], record["error"]["code"], sim.billed) == ("failed", "TaskTimeout", 1)


async def test_callbacks_in_order_wait_for_the_one_before() -> None:
    """A refused callback holds up the next ones of its task where the order is kept, and none where not."""
    seen: list[list[str]] = []
    for in_order in (False, True):
        behaviour = Behaviour(progression=ByHand(), callback_in_order=in_order)
        async with simulated(behaviour=behaviour) as (sim, api):
            calls: Any = await called_back(answers=[500])(sim, api)
            seen.append([status for (_, status), _ in calls])
    assert seen == [
        ["queued", "running", "succeeded", "queued"],
        ["queued", "queued", "running", "succeeded"],
    ]


@pytest.mark.parametrize(
    ("resolution", "seconds", "paid"), [("720p", 4, 9), ("720p", 12, 20), ("1080p", 10, 18), ("4k", 10, 15)]
)
async def test_the_least_that_a_video_task_costs(resolution: str, seconds: int, paid: int) -> None:
    """Below 5/3 (1080p: 9/5) of its output a task with 5 s of input is billed that; 4k has no known least."""
    pixels = {"720p": 1280 * 720, "1080p": 1920 * 1080, "4k": 3840 * 2160}[resolution]
    film = medium("video", "reference_video", FILM)
    probe = finished("tokens", text(), film, model=V20, duration=seconds, resolution=resolution, ratio="16:9")
    async with simulated(behaviour=Behaviour(progression=ByHand())) as (sim, api):
        assert await probe(sim, api) == pixels * (24 * paid + 1) // 1024


# Published, or no claim about the server at all: how tasks go on, what time it is, what was set up.
KNOWN = {
    *("progression", "url_seconds", "download_limit", "retention_seconds", "cancelled_seconds"),
    *("list_hides_flex", "clock_skew", "endpoint_model", "models_not_open", "assets", "callback_forged"),
}


async def test_every_switch_is_judged_somewhere() -> None:
    """A switch that is added has to be listed here, or named among those that are no guesses."""
    listed = {name for _, switch, _ in SWITCHES for name in switch}
    assert set(fields_dict(Behaviour)) == listed | KNOWN
