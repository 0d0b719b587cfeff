"""The limits of the account: what is refused, what is queued, and when there is room again."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime

import pytest

from seedance_async.simulator import Behaviour, ByHand, Quotas
from tests.simulator.helpers import LITE_T2V, PRO_10, PRO_15, V20, order, simulated

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


def only(**limits: int | bool | None) -> Quotas:
    """Quotas with nothing but these limits."""
    off: dict[str, int | None] = dict.fromkeys(
        ("creates_per_minute", "gets_per_second", "lists_per_second", "deletes_per_second", "max_running")
    )
    return Quotas(**{**off, **limits})  # type: ignore[arg-type]


async def test_no_limits_by_default() -> None:
    """A simulator without quotas refuses nothing."""
    async with simulated() as (_, api):
        assert {(await api.create()).status for _ in range(50)} == {200}
        assert {(await api.list()).status for _ in range(5)} == {200}


async def test_creates_per_minute_slide() -> None:
    """Past the creates of a minute a create is a 429, unbilled, until the oldest is a minute old."""
    async with simulated(quotas=only(creates_per_minute=3)) as (sim, api):
        await api.new()
        await asyncio.sleep(30)
        assert [(await api.create()).status for _ in range(3)] == [200, 200, 429]
        refused = await api.create()
        assert (refused.code, sim.accepted) == ("ModelAccountRpmRateLimitExceeded", 3)
        await asyncio.sleep(31)
        assert [(await api.create()).status for _ in range(2)] == [200, 429]


async def test_families_are_counted_apart() -> None:
    """One model's limit does not touch another's."""
    async with simulated(quotas=only(creates_per_minute=1)) as (_, api):
        replies = [await api.create(order(model=model)) for model in (PRO_15, PRO_10, PRO_15)]
    assert [reply.status for reply in replies] == [200, 200, 429]


async def test_a_refused_body_does_not_count() -> None:
    """An invalid create costs nothing of the minute."""
    async with simulated(quotas=only(creates_per_minute=1)) as (_, api):
        assert (await api.create(order(duration=99))).status == 400
        assert (await api.create()).status == 200


@pytest.mark.parametrize("form", ["no", "seconds", "date"])
async def test_retry_after_is_a_switch(form: str) -> None:
    """A 429 says when there is room only if the behaviour says so, in seconds or as a date."""
    behaviour = Behaviour(retry_after=form)  # type: ignore[arg-type]
    async with simulated(quotas=only(creates_per_minute=1), behaviour=behaviour) as (_, api):
        await api.new()
        await asyncio.sleep(20)
        headers = (await api.create()).headers
    value = headers.get("Retry-After")
    if form == "no":
        assert value is None
    elif form == "seconds":
        assert value == "40"
    else:
        now = parsedate_to_datetime(headers["Date"])
        assert 39 <= (parsedate_to_datetime(str(value)) - now).total_seconds() <= 42


async def test_published_quotas_of_the_reading_calls() -> None:
    """Enterprise accounts have 20 gets, 1 list and 20 deletes a second."""
    async with simulated(quotas=Quotas.enterprise(), queue_seconds=9) as (_, api):
        ids = [await api.new() for _ in range(21)]
        gets = [(await api.get(ids[0])).status for _ in range(21)]
        deletes = [(await api.delete(one)).status for one in ids]
        assert gets == deletes == [200] * 20 + [429]
        await asyncio.sleep(1.1)
        assert (await api.get(ids[0])).status == 200


async def test_past_concurrency_tasks_wait_in_the_queue() -> None:
    """More tasks than slots are accepted, and run in order as slots get free."""
    async with simulated(quotas=only(max_running=2), work_seconds=10) as (sim, api):
        ids = [await api.new() for _ in range(5)]
        found: list[list[str]] = []
        for _ in range(4):
            found.append([sim.tasks[one].status[0] for one in ids])
            await asyncio.sleep(10.1)
    assert found == [list("rrqqq"), list("ssrrq"), list("ssssr"), list("sssss")]


async def test_slots_are_passed_on_at_the_moment_they_get_free() -> None:
    """A task that waited starts when the one before ended, though nobody looked for an hour."""
    async with simulated(quotas=only(max_running=1), work_seconds=100) as (_, api):
        ids = [await api.new() for _ in range(3)]
        await asyncio.sleep(3600)
        records = [(await api.get(one)).json for one in ids]
    assert [record["updated_at"] - record["created_at"] for record in records] == [100, 200, 300]


async def test_priority_overtakes_in_the_queue() -> None:
    """A waiting task of higher priority runs first; inside a level the older one does."""
    async with simulated(quotas=only(max_running=1), work_seconds=10) as (sim, api):
        first, low, late, high = [await api.new(order(model=V20, priority=level)) for level in (0, 1, 1, 9)]
        started: list[str] = []
        for _ in range(4):
            started += [one for one in (first, low, late, high) if sim.tasks[one].status == "running"]
            await asyncio.sleep(10.1)
    assert started == [first, high, low, late]


async def test_cancelled_and_expired_waiters_do_not_take_a_slot() -> None:
    """Who was cancelled or has expired in the queue is passed over."""
    async with simulated(quotas=only(max_running=1), work_seconds=5000) as (sim, api):
        ids = [
            await api.new(order(execution_expires_after=seconds)) for seconds in (7200, 7200, 3600, 20_000)
        ]
        await api.delete(ids[1])
        await asyncio.sleep(5001)
        assert [sim.tasks[one].status for one in ids] == ["succeeded", "cancelled", "expired", "running"]
        assert sim.billed == 2


async def test_flex_tasks_take_no_slot() -> None:
    """Flex tasks run beside the slots, and do not count as requests of the minute."""
    async with simulated(quotas=only(max_running=1, creates_per_minute=1), work_seconds=10) as (sim, api):
        ids = [await api.new()] + [await api.new(order(service_tier="flex")) for _ in range(3)]
        assert [sim.tasks[one].status for one in ids] == ["running"] * 4


async def test_published_lower_limits() -> None:
    """The published figures give lite 5 slots and 4k one, below the account's own."""
    async with simulated(quotas=Quotas.enterprise(), behaviour=Behaviour()) as (sim, api):
        for _ in range(6):
            await api.new(order(model=LITE_T2V))
        for _ in range(2):
            await api.new(order(model=V20, resolution="4k"))
        await api.new(order(model=V20))
        assert [task.status for task in sim.tasks.values()] == ["running"] * 5 + [
            "queued",
            "running",
            "queued",
            "running",
        ]
        statuses = [(await api.create(order(model=V20, resolution="4k"))).status for _ in range(14)]
    assert statuses == [200] * 13 + [429]


async def test_individual_accounts_have_three_slots() -> None:
    """The preset of an individual account runs three at once."""
    async with simulated(quotas=Quotas.individual()) as (sim, api):
        for _ in range(4):
            await api.new()
        assert [task.status for task in sim.tasks.values()] == ["running"] * 3 + ["queued"]


async def test_too_many_queued() -> None:
    """A full queue is a 429 QuotaExceeded with the sentence that means: come back later."""
    async with simulated(quotas=only(max_running=1, max_queued=2)) as (sim, api):
        replies = [await api.create() for _ in range(4)]
        assert [reply.status for reply in replies] == [200, 200, 200, 429]
        assert replies[3].code == "QuotaExceeded"
        assert replies[3].message.startswith("The request has exceeded the quota")
        assert sim.accepted == 3


async def test_ramp_inflight_arrears_and_allowances() -> None:
    """Each state of the account has its own refusal, and none of them makes a task."""
    rows = [
        (only(creates_per_second=1), 429, "RequestBurstTooFast"),
        (only(max_alive=1), 429, "InflightBatchsizeExceeded"),
        (only(free_trial_tokens=100), 429, "QuotaExceeded"),
        (only(spend_limit_tokens=100), 429, "SetLimitExceeded"),
    ]
    for quotas, status, code in rows:
        async with simulated(quotas=quotas) as (sim, api):
            await api.new()
            reply = await api.create()
            assert (reply.status, reply.code, sim.accepted) == (status, code, 1)
    async with simulated(quotas=only(arrears=True)) as (sim, api):
        reply = await api.create()
        assert (reply.status, reply.code, sim.accepted) == (403, "AccountOverdueError", 0)


async def test_free_trial_says_so() -> None:
    """The used-up free trial is told from the full queue by its sentence alone."""
    async with simulated(quotas=only(free_trial_tokens=0)) as (_, api):
        assert "exhausted its free trial quota" in (await api.create()).message


async def test_failed_tasks_give_their_tokens_back() -> None:
    """A task that failed does not use up the allowance."""
    async with simulated(quotas=only(spend_limit_tokens=1), behaviour=Behaviour(progression=ByHand())) as (
        sim,
        api,
    ):
        task_id = await api.new()
        assert (await api.create()).status == 429
        sim.fail(task_id)
        assert (await api.create()).status == 200


async def test_flex_tokens_of_a_day() -> None:
    """Flex tokens are counted by the day."""
    flex = order(service_tier="flex")
    async with simulated(quotas=only(flex_tokens_per_day=150_000)) as (_, api):
        assert [(await api.create(flex)).status for _ in range(2)] == [200, 429]
        await asyncio.sleep(86_400)
        assert (await api.create(flex)).status == 200
