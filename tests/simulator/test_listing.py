"""The list route: filters, pages, order, hidden flex tasks, and every way in which gateways differ."""

from __future__ import annotations

import asyncio

import pytest

from seedance_async.simulator import Behaviour, ByHand, Quotas
from tests.simulator.helpers import PRO_10, order, simulated

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_empty_list() -> None:
    """An account without tasks lists total 0 and no items (live)."""
    async with simulated() as (_, api):
        assert (await api.list()).json == {"total": 0, "items": []}


async def test_pages_cover_all_tasks_once_newest_first() -> None:
    """Pages of three show seven tasks once each, newest first, with the total of all."""
    async with simulated() as (_, api):
        made = [await api.new() for _ in range(7)]
        pages = [await api.ids(f"page_num={number}&page_size=3") for number in (1, 2, 3, 4)]
        assert (await api.list("page_size=3")).json["total"] == 7
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert [one for page in pages for one in page] == made[::-1]


async def test_oldest_first_can_be_chosen() -> None:
    """list_order turns the list round."""
    async with simulated(behaviour=Behaviour(list_order="oldest")) as (_, api):
        made = [await api.new() for _ in range(3)]
        assert await api.ids("page_size=2") == made[:2]
        assert await api.ids("page_size=2&page_num=2") == made[2:]


async def test_default_page_size_is_twenty() -> None:
    """Without page_size a page has 20 items."""
    async with simulated() as (_, api):
        for _ in range(21):
            await api.new()
        assert len(await api.ids()) == 20


@pytest.mark.parametrize(
    "query",
    [
        "page_num=0",
        "page_size=501",
        "page_size=x",
        "page_num=-1",
        "page_size=1e2",
        "filter.service_tier=gold",
    ],
)
async def test_pages_out_of_range_are_refused(query: str) -> None:
    """A page number or size that is no integer within 1 and 500 is a 400 that names it."""
    async with simulated() as (_, api):
        reply = await api.list(query)
    assert reply.status == 400
    assert reply.json["error"]["param"] == query.partition("=")[0]


async def test_filter_by_status() -> None:
    """filter.status shows the tasks of one status, with their total."""
    async with simulated(behaviour=Behaviour(progression=ByHand())) as (sim, api):
        queued, running, done, failed = [await api.new() for _ in range(4)]
        sim.advance(running)
        sim.finish(done)
        sim.fail(failed)
        for status, task_id in (
            ("queued", queued),
            ("running", running),
            ("succeeded", done),
            ("failed", failed),
        ):
            listed = (await api.list(f"filter.status={status}")).json
            assert (listed["total"], listed["items"][0]["id"]) == (1, task_id)
        assert (await api.list("filter.status=lost")).status == 400


async def test_filter_by_task_ids_is_repeated() -> None:
    """filter.task_ids is repeated, one id each; unknown ids are passed over."""
    async with simulated() as (_, api):
        made = [await api.new() for _ in range(4)]
        found = await api.ids(f"filter.task_ids={made[0]}&filter.task_ids={made[2]}&filter.task_ids=cgt-none")
    assert found == [made[2], made[0]]


async def test_filter_by_model() -> None:
    """filter.model shows one model's tasks."""
    async with simulated() as (_, api):
        await api.new()
        wanted = await api.new(order(model=PRO_10))
        assert await api.ids(f"filter.model={PRO_10}") == [wanted]


async def test_flex_tasks_are_hidden_unless_asked_for() -> None:
    """Flex tasks appear only with filter.service_tier=flex (live), even when their id is given."""
    async with simulated() as (_, api):
        plain = await api.new()
        flex = await api.new(order(service_tier="flex"))
        assert await api.ids() == [plain]
        assert await api.ids(f"filter.task_ids={flex}") == []
        assert await api.ids("filter.service_tier=flex") == [flex]
    async with simulated(behaviour=Behaviour(list_hides_flex=False)) as (_, api):
        both = [await api.new(), await api.new(order(service_tier="flex"))]
        assert await api.ids() == both[::-1]


async def test_lists_can_lag() -> None:
    """With list_lag_seconds a new task is listed only after so many seconds, though get knows it."""
    async with simulated(behaviour=Behaviour(list_lag_seconds=30)) as (_, api):
        task_id = await api.new()
        await asyncio.sleep(29)
        assert await api.ids() == []
        assert (await api.get(task_id)).status == 200
        await asyncio.sleep(2)
        assert await api.ids() == [task_id]


async def test_lists_can_be_stale() -> None:
    """With list_stale_seconds a list shows and filters the status of so many seconds ago."""
    async with simulated(work_seconds=10, behaviour=Behaviour(list_stale_seconds=60)) as (_, api):
        task_id = await api.new()
        await asyncio.sleep(65)
        assert await api.status(task_id) == "succeeded"
        assert (await api.list()).json["items"][0]["status"] == "running"
        assert await api.ids("filter.status=succeeded") == []
        await asyncio.sleep(10)
        assert await api.ids("filter.status=succeeded") == [task_id]


async def test_gateways_without_a_list() -> None:
    """list_supported=False is a 404, list_empty an empty object."""
    async with simulated(behaviour=Behaviour(list_supported=False)) as (_, api):
        assert (await api.list()).status == 404
    async with simulated(behaviour=Behaviour(list_empty=True)) as (_, api):
        await api.new()
        assert (await api.list()).json == {}


async def test_gateways_that_ignore_filters_or_cap_pages() -> None:
    """list_ignores_filters, list_ignores_task_ids and list_page_cap do what they say."""
    careless = Behaviour(list_ignores_filters=True, list_ignores_task_ids=True, list_page_cap=2)
    async with simulated(behaviour=careless) as (_, api):
        made = [await api.new() for _ in range(3)]
        listed = (await api.list("filter.status=failed&filter.task_ids=none&page_size=50")).json
    assert listed["total"] == 3
    assert [item["id"] for item in listed["items"]] == made[:0:-1]


async def test_one_list_per_second() -> None:
    """The published quota allows one list a second, and the refused one does not count."""
    async with simulated(quotas=Quotas()) as (_, api):
        assert [(await api.list()).status for _ in range(3)] == [200, 429, 429]
        await asyncio.sleep(1.01)
        assert (await api.list()).status == 200
