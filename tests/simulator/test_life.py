"""The life of a task: statuses, clocks, expiry, retention, deletion, and what each costs."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest

from seedance_async.simulator import AfterLooks, AfterSeconds, AtOnce, Behaviour, ByHand
from tests.simulator.helpers import PRO_10, calling, order, simulated, text

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

DAY = 86_400


async def test_task_goes_through_queued_running_succeeded_by_the_clock() -> None:
    """A task is queued and running for exactly the seconds asked, and then succeeded."""
    async with simulated(queue_seconds=10, work_seconds=60) as (_, api):
        task_id = await api.new()
        seen = [await api.status(task_id)]
        for pause in (9, 2, 58, 2):
            await asyncio.sleep(pause)
            seen.append(await api.status(task_id))
    assert seen == ["queued", "queued", "running", "running", "succeeded"]


async def test_ark_create_answers_the_id_alone() -> None:
    """Under /api/v3 a create answers `{"id": ...}` and nothing else."""
    async with simulated() as (_, api):
        reply = await api.create()
    assert list(reply.json) == ["id"]


async def test_kkiai_create_says_submitted() -> None:
    """Under /volc/v1 a create answers id and status `submitted`, and the task is the account's own."""
    async with simulated() as (sim, api), calling(sim, sim.kkiai_url) as other:
        created = (await other.create()).json
        assert created == {"id": created["id"], "status": "submitted"}
        assert await api.status(created["id"]) == "running"


async def test_id_holds_the_second_of_the_create_in_china_time() -> None:
    """Ids are cgt-YYYYMMDDHHMMSS-xxxxx in UTC+8, one second before created_at; flex ids say batch."""
    async with simulated() as (_, api):
        plain = await api.new()
        flex = await api.new(order(service_tier="flex"))
        created_at = (await api.get(plain)).json["created_at"]
    stamp = datetime.fromtimestamp(created_at - 1, timezone(timedelta(hours=8))).strftime("%Y%m%d%H%M%S")
    assert re.fullmatch(rf"cgt-{stamp}-[a-z0-9]{{5}}", plain)
    assert re.fullmatch(r"cgt-batch-\d{14}-[a-z0-9]{5}", flex)


async def test_live_records_have_five_fields() -> None:
    """Queued and running records show the five fields of the live observation, unless switched off."""
    bare = {"id", "model", "status", "created_at", "updated_at"}
    async with simulated(queue_seconds=5) as (_, api):
        record = (await api.get(await api.new())).json
        assert set(record) == bare
    async with simulated(queue_seconds=5, behaviour=Behaviour(bare_records="no")) as (_, api):
        record = (await api.get(await api.new(order(execution_expires_after=172_801)))).json
        assert record["execution_expires_after"] == 172_801


async def test_succeeded_record_is_whole() -> None:
    """A succeeded record has content, usage, the real seed, ratio and duration, and never the prompt."""
    async with simulated(work_seconds=1) as (sim, api):
        task_id = await api.new(order(text("a secret cat"), seed=7, duration=5, safety_identifier="u1"))
        await asyncio.sleep(2)
        reply = await api.get(task_id)
    record = reply.json
    assert record["content"]["video_url"].startswith(f"{sim.origin}/video/{task_id}.mp4?X-Tos-")
    assert record["usage"] == {"completion_tokens": 108_900, "total_tokens": 108_900}
    assert {"seed": 7, "resolution": "720p", "ratio": "16:9", "duration": 5}.items() <= record.items()
    assert {"framespersecond": 24, "service_tier": "default", "draft": False}.items() <= record.items()
    assert record["safety_identifier"] == "u1"
    assert b"secret" not in reply.body


async def test_frames_stand_in_place_of_duration() -> None:
    """A 1.0 task asked in frames shows frames and no duration."""
    async with simulated(behaviour=Behaviour(progression=AtOnce())) as (_, api):
        record = (await api.get(await api.new(order(model=PRO_10, frames=57, duration=99)))).json
    assert record["frames"] == 57
    assert "duration" not in record


async def test_updated_at_is_the_moment_of_the_change() -> None:
    """updated_at is when the status changed, however late somebody looks."""
    async with simulated(queue_seconds=10, work_seconds=100) as (_, api):
        task_id = await api.new()
        await asyncio.sleep(60)
        running = (await api.get(task_id)).json
        await asyncio.sleep(3600)
        done = (await api.get(task_id)).json
    assert running["updated_at"] - running["created_at"] == 10
    assert done["updated_at"] - done["created_at"] == 110


async def test_expires_from_queue_and_from_running() -> None:
    """A task that has not ended after execution_expires_after is expired, and costs nothing."""
    slow = Behaviour(progression=AfterSeconds(queue=5000, run=5000))
    async with simulated(behaviour=slow) as (sim, api):
        queued = await api.new(order(execution_expires_after=3600))
        running = await api.new(order(execution_expires_after=7200))
        await asyncio.sleep(3599)
        assert await api.status(queued) == "queued"
        await asyncio.sleep(2)
        assert await api.status(queued) == "expired"
        await asyncio.sleep(3600)
        record = (await api.get(running)).json
        assert (sim.accepted, sim.billed) == (2, 0)
    assert record["status"] == "expired"
    assert record["updated_at"] - record["created_at"] == 7200
    assert not {"content", "usage", "error"} & set(record)


async def test_records_vanish_after_seven_days() -> None:
    """GET and list know a task for seven days; the ledger keeps it."""
    async with simulated() as (sim, api):
        task_id = await api.new()
        await asyncio.sleep(7 * DAY - 10)
        assert await api.ids() == [task_id]
        await asyncio.sleep(20)
        assert (await api.get(task_id)).status == 404
        assert (await api.list()).json == {"total": 0, "items": []}
        assert sim.ledger[0].billed is True


async def test_delete_cancels_what_is_queued() -> None:
    """DELETE of a queued task cancels it for nothing; its record goes after 24 hours."""
    async with simulated(queue_seconds=100) as (sim, api):
        task_id = await api.new()
        reply = await api.delete(task_id)
        assert (reply.status, reply.json) == (200, {})
        assert await api.status(task_id) == "cancelled"
        assert (await api.delete(task_id)).status == 409
        await asyncio.sleep(DAY - 5)
        assert await api.status(task_id) == "cancelled"
        await asyncio.sleep(10)
        assert (await api.get(task_id)).code == "ResourceNotFound"
        assert (sim.billed, sim.ledger[0].billed, sim.ledger[0].tokens) == (0, False, 0)


async def test_delete_refuses_what_runs() -> None:
    """DELETE of a running task is a 409 InvalidAction.RunningTaskDeletion and changes nothing."""
    async with simulated(work_seconds=10) as (sim, api):
        task_id = await api.new()
        reply = await api.delete(task_id)
        assert (reply.status, reply.code) == (409, "InvalidAction.RunningTaskDeletion")
        await asyncio.sleep(11)
        assert await api.status(task_id) == "succeeded"
        assert sim.billed == 1


async def test_delete_erases_a_paid_result() -> None:
    """DELETE of a succeeded task loses the record and the video, and is billed all the same."""
    async with simulated(behaviour=Behaviour(progression=AtOnce())) as (sim, api):
        task_id = await api.new()
        url = (await api.get(task_id)).json["content"]["video_url"]
        assert (await api.delete(task_id)).status == 200
        assert (await api.get(task_id)).status == 404
        assert (await api.fetch(url)).status == 404
        assert await api.ids() == []
        assert (sim.billed, sim.ledger[0].billed) == (1, True)


async def test_progression_by_looks() -> None:
    """AfterLooks lets a task go on by gets and lists, whatever the clock says."""
    async with simulated(behaviour=Behaviour(progression=AfterLooks(looks=3, queued=1))) as (_, api):
        task_id = await api.new()
        await asyncio.sleep(DAY)
        seen = [await api.status(task_id) for _ in range(2)]
        seen += [(await api.list()).json["items"][0]["status"]]
        seen += [await api.status(task_id) for _ in range(2)]
    assert seen == ["queued", "running", "running", "succeeded", "succeeded"]


async def test_progression_by_hand() -> None:
    """ByHand moves a task only by advance, finish and fail."""
    async with simulated(behaviour=Behaviour(progression=ByHand())) as (sim, api):
        stepped, finished, failed = [await api.new() for _ in range(3)]
        await asyncio.sleep(DAY)
        assert await api.status(stepped) == "queued"
        sim.advance(stepped)
        assert await api.status(stepped) == "running"
        sim.advance(stepped)
        sim.finish(finished)
        sim.fail(failed, "OutputVideoSensitiveContentDetected")
        assert [sim.tasks[one].status for one in (stepped, finished, failed)] == [
            "succeeded",
            "succeeded",
            "failed",
        ]
        record = (await api.get(failed)).json
        assert (sim.accepted, sim.billed) == (3, 2)
    assert record["error"]["code"] == "OutputVideoSensitiveContentDetected"
    assert "content" not in record


async def test_finish_after_the_end_changes_nothing() -> None:
    """Pushing a task that has ended neither revives it nor bills it."""
    async with simulated(behaviour=Behaviour(progression=ByHand())) as (sim, api):
        task_id = await api.new()
        sim.fail(task_id)
        sim.finish(task_id)
        sim.fail(task_id, "OutputVideoSensitiveContentDetected")
        sim.advance(task_id)
        assert sim.tasks[task_id].status == "failed"
        assert (sim.accepted, sim.billed) == (1, 0)


async def test_jitter_spreads_the_ends_and_repeats_under_a_seed() -> None:
    """Jittered running times differ between tasks and are the same for the same seed."""

    async def ends(seed: int) -> list[int]:
        jittered = Behaviour(progression=AfterSeconds(run=1000, jitter=0.5))
        async with simulated(behaviour=jittered, seed=seed) as (_, api):
            ids = [await api.new() for _ in range(4)]
            await asyncio.sleep(2000)
            records = [(await api.get(one)).json for one in ids]
        return [record["updated_at"] - record["created_at"] for record in records]

    first = await ends(1)
    assert all(500 <= seconds <= 1500 for seconds in first)
    assert len(set(first)) > 1
    assert [abs(a - b) <= 1 for a, b in zip(first, await ends(1), strict=True)] == [True] * 4
    assert first != await ends(2)


async def test_date_header_follows_the_clock_and_its_skew() -> None:
    """The Date header moves with the loop's clock and shows the configured skew, as created_at does."""
    async with simulated() as (_, api), simulated(behaviour=Behaviour(clock_skew=600)) as (_, ahead):
        first = await api.list()
        await asyncio.sleep(100)
        second = await api.list()
        skewed = await ahead.list()
        created_at = (await ahead.get(await ahead.new())).json["created_at"]
    dates = [parsedate_to_datetime(reply.headers["Date"]).timestamp() for reply in (first, second, skewed)]
    assert 99 <= dates[1] - dates[0] <= 101
    assert 599 <= dates[2] - dates[1] <= 602
    assert abs(created_at - dates[2]) <= 1


async def test_failed_message_carries_the_id_of_the_create_request() -> None:
    """The request id in a task's error is the one that its create answered (live sample)."""
    async with simulated(behaviour=Behaviour(progression=AtOnce())) as (_, api):
        created = await api.create(order(text("[fail:InternalServiceError]")))
        record = (await api.get(created.json["id"])).json
    assert record["error"]["message"].endswith(f"Request id: {created.headers['x-request-id']}")
    assert re.fullmatch(r"02\d{13}0{20}ffff[0-9a-f]{14}", created.headers["x-request-id"])


async def test_get_lag_hides_a_fresh_task() -> None:
    """With get_lag_seconds a new task is a 404 for so long, as on some gateways."""
    async with simulated(work_seconds=1, behaviour=Behaviour(get_lag_seconds=5)) as (_, api):
        task_id = await api.new()
        assert (await api.get(task_id)).status == 404
        await asyncio.sleep(6)
        assert await api.status(task_id) == "succeeded"


async def test_reset_forgets_everything() -> None:
    """A reset empties ledger, tasks and log, and arms the first faults again."""
    async with simulated() as (sim, api):
        await api.new()
        sim.reset()
        assert (sim.accepted, sim.billed, len(sim.tasks), len(sim.requests)) == (0, 0, 0, 0)
        assert await api.ids() == []
