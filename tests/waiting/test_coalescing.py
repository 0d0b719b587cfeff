"""Few requests for many tasks, inside the quotas, whatever the list is like."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async._wire.limits import account_for
from seedance_async.errors import (
    AuthenticationFailed,
    RequestRefused,
    SeedanceError,
    ServerFailed,
    WaitTimeout,
)
from seedance_async.events import ListUnusable
from seedance_async.models import TaskStatus
from seedance_async.settings import AccountLimits
from seedance_async.waiting import as_completed, wait_for, watch
from tests.waiting.helpers import Server, Stand, broken, now, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from seedance_async._wire.pages import Page
    from tests.waiting.helpers import Answer

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def all_end(stand: Stand, ids: Sequence[str]) -> None:
    """Wait for all of them, each by a wait of its own, and see them succeed."""
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(wait_for(stand, one)) for one in ids]
    assert [wait.result().id for wait in waits] == list(ids)
    assert {wait.result().status for wait in waits} == {TaskStatus.SUCCEEDED}


def ark_id(number: int) -> str:
    """Make an id of the length that Ark gives."""
    return f"cgt-20260101000000-{number:05d}"


async def test_a_thousand_waits_share_their_lists() -> None:
    """1,000 tasks of 10 s at an interval of 1 s take six or seven lists a second, and no GET for each."""
    server = Server()
    ids = [server.runs(ark_id(n), 10.0) for n in range(1000)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    assert len(server.seen) <= 80
    assert now() < 12.0


class OneByOne(Server):
    """A server that answers lists one after another."""

    async def look(self, task_ids: Sequence[str], **asked: Any) -> Page:
        """Answer each a little later than the one before it."""
        self.latency = 0.005 * (1 + self.count("list") % 3)
        return await super().look(task_ids, **asked)


async def test_lists_that_are_due_about_now_go_out_together() -> None:
    """Three lists answered one after another are begun again in one turn, not in a turn for each."""
    server = OneByOne()
    ids = [server.runs(ark_id(n), 10.0) for n in range(500)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    moments = set(server.times("list"))
    assert server.count("list") == 3 * len(moments)
    assert now() < 12.0


async def test_a_record_is_parsed_once_for_somebody_who_waits_for_the_end() -> None:
    """Nobody asks for the value of a task that has not ended, so none is made."""
    server = Server()
    ids = [server.runs(ark_id(n), 60.0) for n in range(50)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    assert server.reads == 50
    assert server.count("list") >= 50


async def test_unchanged_records_are_not_parsed_again() -> None:
    """For somebody who hears of changes a task is parsed when it changes, not at every look."""
    server = Server()
    ids = [server.runs(ark_id(n), 60.0) for n in range(50)]
    async with standing(server) as stand:
        seen = [task.status async for task in watch(stand, ids)]
    assert seen == [TaskStatus.RUNNING] * 50 + [TaskStatus.SUCCEEDED] * 50
    assert server.reads == 100
    assert server.count("list") >= 50


async def test_lists_stay_short_enough_for_a_url() -> None:
    """No list asks for more ids than fit into a request line of 8 kB."""
    server = Server()
    ids = [server.runs(f"task/{n}/" + "ä" * 20, 3.0) for n in range(300)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    # An umlaut takes six characters in a URL.
    lengths = [sum(140 + 17 for _ in asked) for route, _, asked in server.seen if route == "list"]
    assert lengths
    assert max(lengths) < 7_800


async def test_each_list_asks_for_one_tier() -> None:
    """Flex tasks are invisible in a default list, so each tier has lists of its own."""
    server = Server()
    default = [server.runs(ark_id(n), 9.0) for n in range(30)]
    flex = [server.runs(f"cgt-batch-20260101000000-{n:05d}", 9.0) for n in range(30)]
    said = [server.runs(f"task-{n}", 9.0) for n in range(30)]
    for one in flex + said:
        server.lives[one].tier = "flex"
    async with standing(server) as stand:
        for one in said:
            stand.watcher.submitted(one, service_tier="flex")
        await all_end(stand, default + flex + said)
    assert server.count("get") == 0
    for _, _, asked in server.seen:
        assert len({server.lives[one].tier for one in asked}) == 1


async def test_two_sessions_on_one_account_keep_the_quotas() -> None:
    """Two watchers that share limits list at most once a second together, and both get done."""
    limits = AccountLimits()
    servers = [Server(limits=limits), Server(limits=limits)]
    async with standing(servers[0]) as one, standing(servers[1]) as two, asyncio.TaskGroup() as group:
        for stand in (one, two):
            ids = [stand.server.runs(ark_id(n), 5.0 + n % 40) for n in range(400)]
            group.create_task(all_end(stand, ids))
    lists = sorted(servers[0].times("list") + servers[1].times("list"))
    assert all(later - earlier > 0.999 for earlier, later in pairwise(lists))
    gets = sorted(servers[0].times("get") + servers[1].times("get"))
    assert all(gets[n + 21] - gets[n] > 1.0 for n in range(len(gets) - 21))
    assert now() < 60.0


async def test_other_lists_get_their_turn() -> None:
    """A reconcile that lists, too, waits a few seconds at most while 1,000 tasks are watched."""
    limits = AccountLimits()
    server = Server(limits=limits)
    ids = [server.runs(ark_id(n), 60.0) for n in range(1000)]
    async with standing(server) as stand, asyncio.TaskGroup() as group:
        group.create_task(all_end(stand, ids))
        await asyncio.sleep(20.0)
        begun = now()
        await account_for(limits).lists.wait()
        assert now() - begun < 4.0


@pytest.mark.parametrize(("count", "most"), [(500, 4.0), pytest.param(2000, 15.0, marks=pytest.mark.soak)])
async def test_news_comes_soon_within_the_quotas(count: int, most: float) -> None:
    """With 1 list and 20 GETs a second and 50 tasks at work, p95 of ended there and known here is small."""
    server = Server(limits=AccountLimits())
    chance = random.Random(1)
    at_work = [0.0] * 50
    ids: list[str] = []
    for n in range(count):
        worker = min(range(50), key=at_work.__getitem__)
        begun, at_work[worker] = at_work[worker], at_work[worker] + chance.uniform(3.0, 8.0)
        steps = (-1.0, "queued"), (begun, "running"), (at_work[worker], "succeeded")
        ids.append(server.add(ark_id(n), *steps))
    async with standing(server) as stand:
        await all_end(stand, ids)
    lags = sorted(at - server.lives[task.id].ends for at, task in stand.ended)
    assert lags[int(len(lags) * 0.95)] <= most
    assert max(at_work) <= now() <= max(at_work) + most + 2.0


async def test_running_tasks_are_looked_at_more_often_than_queued_ones() -> None:
    """When the quota is short, the tasks that may end next get the larger part of it."""
    server = Server(limits=AccountLimits())
    running = [server.runs(ark_id(n), 200.0) for n in range(500)]
    queued = [server.add(ark_id(n), (0.0, "queued"), (200.0, "succeeded")) for n in range(500, 1000)]
    async with standing(server) as stand, asyncio.TaskGroup() as group:
        group.create_task(all_end(stand, running + queued))
        await asyncio.sleep(190.0)
        late = [one for _, at, asked in server.seen if at > 60.0 for one in asked]
        share = sum(map(set(running).__contains__, late)) / len(late)
    assert 0.6 < share < 0.75


@pytest.mark.parametrize(("count", "gets", "lists"), [(1, 1, 0), (2, 2, 0), (3, 0, 1)])
async def test_very_few_are_looked_at_by_themselves(count: int, gets: int, lists: int) -> None:
    """Up to two tasks take a GET each, of which 20 a second are allowed; from three on a list is cheaper."""
    server = Server()
    ids = [server.runs(ark_id(n), 0.0) for n in range(count)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    assert (server.count("get"), server.count("list")) == (gets, lists)


async def test_a_waiter_without_company_is_looked_at_by_get() -> None:
    """A single task does not use up the list, which is twenty times as scarce."""
    server = Server(limits=AccountLimits())
    server.runs("one", 60.0)
    async with standing(server) as stand:
        await wait_for(stand, "one")
    assert server.count("list") == 0


# ----------------------------------------------------------------------- lists that do not work


def refuse_lists(error: SeedanceError) -> Callable[[str, Sequence[str]], Exception | None]:
    """Make a server whose list route is not there."""

    def trouble(route: str, _ids: Sequence[str]) -> Exception | None:
        return error if route == "list" else None

    return trouble


@pytest.mark.parametrize(
    "error",
    [
        RequestRefused("no route", status=404),
        RequestRefused("no", status=405),
        ServerFailed("not implemented", status=501),
        AuthenticationFailed("filter.model is mandatory for this key", status=403),
        RequestRefused("bad parameter", status=400),
    ],
    ids=lambda error: str(error.status),
)
async def test_without_a_list_tasks_are_looked_at_one_by_one(error: SeedanceError) -> None:
    """A gateway without a list is noticed at once, said once, and watched by GETs inside their quota."""
    server = Server(limits=AccountLimits(), trouble=refuse_lists(error))
    ids = [server.runs(ark_id(n), 15.0) for n in range(40)]
    async with standing(server, list_retry=6.0) as stand:
        await all_end(stand, ids)
    assert len(stand.heard(ListUnusable)) == 1
    assert 2 <= server.count("list") <= 4, "it is tried again after list_retry"
    gets = server.times("get")
    assert len(gets) > 200
    assert all(gets[n + 21] - gets[n] > 1.0 for n in range(len(gets) - 21))
    assert now() < 20.0


async def test_without_a_list_the_first_gets_come_at_once() -> None:
    """Whoever waited for the list that is refused does not sit out an interval before the other way."""
    server = Server(trouble=refuse_lists(RequestRefused("no route", status=404)))
    ids = [server.runs(ark_id(n), 0.0) for n in range(40)]
    async with standing(server, interval=30.0) as stand:
        await all_end(stand, ids)
    assert now() < 1.0


async def test_a_list_that_failed_long_ago_is_not_left_alone_for_longer() -> None:
    """Each failure after a success is a first one again: an interval later the list is asked."""
    moments = (100.0, 200.0, 300.0, 400.0)

    def trouble(route: str, _ids: Sequence[str]) -> Exception | None:
        return broken() if route == "list" and any(at <= now() < at + 1.0 for at in moments) else None

    server = Server(trouble=trouble)
    ids = [server.runs(ark_id(n), 500.0) for n in range(40)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    lists = server.times("list")
    for at in moments:
        assert any(at + 1.0 < moment < at + 2.5 for moment in lists)


async def test_gets_go_side_by_side_again_once_one_has_worked() -> None:
    """After a failure one GET tries at a time; the first that works opens the way for all."""
    failures = iter([broken()])
    gone = RequestRefused("no list", status=404)
    server = Server(
        latency=1.0, trouble=lambda route, _ids: gone if route == "list" else next(failures, None)
    )
    ids = [server.runs(ark_id(n), 0.0) for n in range(60)]
    async with standing(server) as stand:
        await wait_for(stand, ids[0])
        begun = now()
        await all_end(stand, ids[1:])
    assert now() - begun < 10.0


async def test_a_list_that_works_again_is_used_again() -> None:
    """After list_retry the list is believed again, and a later failure is said again."""
    server = Server(limits=AccountLimits())
    server.trouble = lambda route, _ids: (
        RequestRefused("gone", status=404) if route == "list" and (now() < 9 or 60 < now() < 69) else None
    )
    ids = [server.runs(ark_id(n), 90.0) for n in range(60)]
    async with standing(server, list_retry=10.0) as stand:
        await all_end(stand, ids)
    assert len(stand.heard(ListUnusable)) == 2
    assert server.count("list") > 20


async def test_an_ignored_filter_is_noticed() -> None:
    """A list that shows other tasks instead of those asked for is left alone, and said once."""

    def newest(_answer: Answer, _ids: Sequence[str], size: int) -> Answer:
        return [{"id": f"stranger-{n}", "status": "running"} for n in range(size)], 1000

    server = Server(limits=AccountLimits(), list_answer=newest)
    ids = [server.runs(ark_id(n), 30.0) for n in range(60)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    assert [getattr(event, "why", "") for event in stand.heard(ListUnusable)] == [
        "the list ignores filter.task_ids"
    ]
    assert now() < 36.0


@pytest.mark.parametrize("total", [0, None])
async def test_an_empty_list_is_not_believed(total: int | None) -> None:
    """A list that answers nothing proves nothing; GETs show the tasks and the list is left alone."""
    server = Server(limits=AccountLimits(), list_answer=lambda _answer, _ids, _size: ([], total))
    ids = [server.runs(ark_id(n), 15.0) for n in range(40)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    assert len(stand.heard(ListUnusable)) == 1
    assert now() < 20.0


@pytest.mark.parametrize("total_said", [True, False])
async def test_a_servers_own_page_size_is_learned(*, total_said: bool) -> None:
    """A list that shows 20 of 100 is asked for 20 at a time, whether it says the total or not."""

    def capped(answer: Answer, _ids: Sequence[str], _size: int) -> Answer:
        return answer[0][:20], answer[1] if total_said else None

    server = Server(limits=AccountLimits(lists_per_second=10.0), list_answer=capped)
    ids = [server.runs(ark_id(n), 30.0) for n in range(100)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    late = [len(asked) for route, at, asked in server.seen if route == "list" and 15.0 < at < 30.0]
    assert sorted(late)[len(late) // 2] <= 20
    assert stand.heard(ListUnusable) == []
    assert server.count("get") < (20 if total_said else 400)


async def test_very_short_pages_are_no_worse_than_no_list() -> None:
    """Where a list shows three tasks at a time, GETs look at all of them within the quota."""
    server = Server(
        limits=AccountLimits(), list_answer=lambda answer, _ids, _size: (answer[0][:3], answer[1])
    )
    ids = [server.runs(ark_id(n), 60.0) for n in range(200)]
    async with standing(server, interval=3.0) as stand, asyncio.timeout(300.0):
        await all_end(stand, ids)
        assert now() < 72.0
    assert [getattr(event, "why", "") for event in stand.heard(ListUnusable)] == [
        "the list shows pages of 3 only"
    ]


@pytest.mark.parametrize("total", [None, 5000])
async def test_tasks_that_a_list_shows_late_teach_no_page(total: int | None) -> None:
    """A few tasks that a list left out in the beginning do not shorten the lists of hundreds later on."""
    server = Server(limits=AccountLimits(), list_answer=lambda answer, _ids, _size: (answer[0], total))
    early = [server.runs(f"early-{n}", 60.0) for n in range(3)]
    for one in early[1:]:
        server.lives[one].listed = 10.0
    async with standing(server, interval=3.0) as stand:
        await all_end(stand, early)
        await all_end(stand, [server.runs(ark_id(n), 100.0) for n in range(300)])
    assert now() < 105.0
    assert server.count("get") < 30


async def test_what_a_short_page_leaves_out_is_asked_for_at_once() -> None:
    """The tasks of the pages to come do not sit out an interval first."""
    server = Server(list_answer=lambda answer, _ids, _size: (answer[0][:20], answer[1]))
    ids = [server.runs(ark_id(n), 0.0) for n in range(100)]
    async with standing(server, interval=30.0) as stand:
        await all_end(stand, ids)
    assert now() < 1.0


async def test_a_page_size_that_is_refused_is_made_smaller() -> None:
    """A server that takes page sizes up to 100 only is asked for 100."""
    server = Server()
    server.trouble = lambda route, ids: (
        RequestRefused("page_size", status=400) if route == "list" and len(ids) > 100 else None
    )
    ids = [server.runs(ark_id(n), 10.0) for n in range(500)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    assert server.count("get") == 0
    assert stand.heard(ListUnusable) == []


async def test_a_url_that_is_too_long_is_made_shorter() -> None:
    """A proxy that refuses long URLs gets shorter ones."""
    server = Server()
    server.trouble = lambda route, ids: (
        RequestRefused("too long", status=414) if route == "list" and len(ids) > 50 else None
    )
    ids = [server.runs(ark_id(n), 10.0) for n in range(500)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    assert server.count("get") == 0


async def test_tasks_that_a_list_does_not_show_are_looked_at_by_themselves() -> None:
    """Three tasks older than the list's seven days do not stop the list from serving the others."""
    server = Server(limits=AccountLimits())
    ids = [server.runs(ark_id(n), 30.0) for n in range(100)]
    for one in ids[:3]:
        server.lives[one].listed = 1e9
    async with standing(server) as stand:
        await all_end(stand, ids)
    assert {asked[0] for route, _, asked in server.seen if route == "get"} == set(ids[:3])
    assert now() < 35.0
    assert stand.heard(ListUnusable) == []


async def test_a_list_that_lags_is_given_a_second_chance() -> None:
    """New tasks that a list does not show yet are found by GET, and the list is used once it shows them."""
    server = Server(limits=AccountLimits())
    ids = [server.runs(ark_id(n), 70.0) for n in range(60)]
    for one in ids:
        server.lives[one].listed = 15.0
    async with standing(server) as stand:
        await all_end(stand, ids)
    assert [at for at in server.times("list") if 40.0 < at < 70.0]
    assert now() < 74.0


# ----------------------------------------------------------------------- servers in trouble


async def test_an_outage_of_ten_minutes_ends_no_wait() -> None:
    """200 waits survive a server that is away for ten minutes, without hammering it."""
    server = Server(trouble=lambda _route, _ids: broken() if 30.0 < now() < 630.0 else None)
    ids = [server.runs(ark_id(n), 20.0 + 4.0 * n) for n in range(200)]
    async with standing(server) as stand:
        await all_end(stand, ids)
        during = [at for _, at, _ in server.seen if 60.0 < at < 630.0]
    assert len(during) < 60
    lags = [at - max(630.0, server.lives[task.id].ends) for at, task in stand.ended if at > 630.0]
    assert max(lags) < 35.0


async def test_a_list_in_trouble_is_replaced_by_gets_meanwhile() -> None:
    """While the list answers 500, single looks go on; no wait is lost and none is late by minutes."""
    server = Server(limits=AccountLimits(), trouble=refuse_lists(broken(500)))
    ids = [server.runs(ark_id(n), 30.0) for n in range(100)]
    async with standing(server) as stand:
        await all_end(stand, ids)
    assert now() < 40.0


async def test_retry_after_is_kept() -> None:
    """A server that asks for a pause gets it."""
    asked = RequestRefused("slow", status=429, retry_after=25.0)
    server = Server(trouble=lambda _route, _ids: asked if now() < 1.0 else None)
    server.runs("one", 5.0)
    async with standing(server) as stand:
        await wait_for(stand, "one")
    assert [at for at in server.times("get") if 1.0 < at < 25.0] == []


async def test_a_list_that_hangs_is_given_up() -> None:
    """A list without an answer does not hold the tasks that it was for."""
    server = Server()
    ids = [server.runs(ark_id(n), 5.0) for n in range(10)]
    async with standing(server) as stand:
        server.latency = 1000.0
        waits = [asyncio.create_task(wait_for(stand, one)) for one in ids]
        await asyncio.sleep(10.0)
        server.latency = 0.01
        await asyncio.wait(waits)
    assert now() < 50.0


class HangingLists(Server):
    """A server whose lists never answer."""

    async def look(self, task_ids: Sequence[str], **asked: Any) -> Page:
        """Hang."""
        await asyncio.sleep(1e6)
        return await super().look(task_ids, **asked)


async def test_lists_that_always_hang_do_not_blind() -> None:
    """The tasks of a list that hangs are looked at one by one as soon as it is given up."""
    server = HangingLists()
    ids = [server.runs(ark_id(n), 12.0) for n in range(20)]
    async with standing(server) as stand, asyncio.timeout(300.0):
        await all_end(stand, ids)
        assert now() < 25.0


async def test_tasks_of_a_failed_list_are_looked_at_at_once() -> None:
    """A single 503 to a list costs its tasks no interval, since GETs go on."""
    server = Server(trouble=lambda route, _ids: broken(503) if route == "list" else None)
    ids = [server.runs(ark_id(n), 0.0) for n in range(10)]
    async with standing(server, interval=30.0) as stand:
        await all_end(stand, ids)
    assert now() < 1.0


@pytest.mark.parametrize("empty", [True, False])
async def test_a_list_that_shows_nothing_is_not_a_last_look(*, empty: bool) -> None:
    """Tasks that have ended by their deadline count as ended, though the list fails or leaves all out."""
    server = Server(limits=AccountLimits())
    if empty:
        server.list_answer = lambda answer, _ids, _size: answer if now() < 9.0 else ([], 0)
    else:
        server.trouble = lambda route, _ids: broken(503) if route == "list" and now() > 9.0 else None
    ids = [server.runs(ark_id(n), 5.0) for n in range(50)]
    async with standing(server, interval=60.0, max_interval=60.0) as stand:
        waits = [asyncio.create_task(wait_for(stand, one, timeout=10.0)) for one in ids]
        await asyncio.wait(waits)
    assert [wait.exception() for wait in waits] == [None] * 50


# ----------------------------------------------------------------------- callbacks, slots, streams


async def test_a_wake_up_leads_to_a_look_at_once() -> None:
    """A callback's hint is followed within a request, not an interval."""
    server = Server()
    ids = [server.runs(ark_id(n), 10.0 + n) for n in range(20)]
    async with standing(server, interval=60.0, max_interval=60.0) as stand, asyncio.TaskGroup() as group:
        for one in ids:
            group.create_task(wait_for(stand, one))
        await asyncio.sleep(9.99)
        for one in ids:
            await asyncio.sleep(server.lives[one].ends + 0.001 - now())
            stand.watcher.wake(one)
    assert max(at - server.lives[task.id].ends for at, task in stand.ended) < 0.1


async def test_a_wake_up_during_a_look_is_not_lost() -> None:
    """A hint that comes while an older look is under way leads to another one right after it."""
    server = Server(latency=1.0)
    server.runs("one", 0.5)
    async with standing(server, interval=60.0, max_interval=60.0) as stand:
        wait = asyncio.create_task(wait_for(stand, "one"))
        server.lives["one"].steps[-1] = (1.5, "succeeded")
        await asyncio.sleep(0.9)
        stand.watcher.wake("one")
        await wait
    assert now() == pytest.approx(2.0, abs=0.1)


async def test_a_wake_up_during_a_list_is_not_lost() -> None:
    """It is looked at again at once, though the list has nothing new of it; the others rest."""
    server = Server(latency=1.0)
    ids = [server.runs(ark_id(n), 99.0) for n in range(10)]
    async with standing(server, interval=60.0, max_interval=60.0) as stand:
        waits = [asyncio.create_task(wait_for(stand, one)) for one in ids]
        await asyncio.sleep(61.5)
        stand.watcher.wake(ids[3])
        await asyncio.sleep(1.0)
        assert [(route, asked) for route, at, asked in server.seen if at > 61.5] == [("get", (ids[3],))]
        for wait in waits:
            wait.cancel()


async def test_the_last_looks_of_many_share_a_list_that_ends_their_waits() -> None:
    """A list that finds nothing new is the last look of those whose time is up: nobody waits any longer."""
    server = Server()
    ids = [server.runs(ark_id(n), 99.0) for n in range(10)]
    async with standing(server, interval=60.0, max_interval=60.0) as stand:
        waits = [asyncio.create_task(wait_for(stand, one, timeout=5.0)) for one in ids]
        await asyncio.wait(waits)
    assert {type(wait.exception()) for wait in waits} == {WaitTimeout}
    assert now() == pytest.approx(5.0, abs=0.1)


async def test_a_callback_before_the_wait_is_not_lost() -> None:
    """Who begins to wait after the callback gets the news at once, not after an interval."""
    server = Server()
    server.runs("one", 5.0)
    async with standing(server, interval=30.0) as stand:
        stand.watcher.submitted("one")
        await asyncio.sleep(6.0)
        stand.watcher.wake("one")
        await wait_for(stand, "one")
    assert now() < 7.0


async def test_a_flood_of_wake_ups_does_not_use_up_the_quota() -> None:
    """Hints about strangers cost nothing, and endless hints about one task are believed 50 times."""
    server = Server()
    server.runs("one", 500.0)
    async with standing(server, interval=30.0) as stand:
        wait = asyncio.create_task(wait_for(stand, "one", timeout=100.0))
        for n in range(1000):
            await asyncio.sleep(0.05)
            stand.watcher.wake("one")
            stand.watcher.wake(f"stranger-{n}")
        wait.cancel()
    assert {asked for _, _, asked in server.seen} == {("one",)}
    assert len(server.seen) < 60


async def test_alive_tasks_are_watched_while_a_submit_waits_for_a_slot() -> None:
    """Tasks that nobody waits for are seen to end, as long as somebody needs their slots."""
    server = Server(limits=AccountLimits())
    ids = [server.runs(ark_id(n), 10.0) for n in range(100)]
    alive = set(ids)
    async with standing(server) as stand:
        for one in ids:
            stand.watcher.submitted(one)
        await asyncio.sleep(30.0)
        assert server.seen == []
        async with stand.watcher.watching_all(lambda: alive - {task.id for _, task in stand.ended}):
            await asyncio.sleep(5.0)
        assert sorted(task.id for _, task in stand.ended) == ids
        await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_only_a_submit_wanted_watched_is_let_go_with_its_room() -> None:
    """Tasks that nobody waits for are looked at no more once the submit has its slot; others are."""
    server = Server()
    ids = [server.runs(ark_id(n), 99.0) for n in range(10)]
    async with standing(server) as stand:
        waiting, leaving = (asyncio.create_task(wait_for(stand, one)) for one in ids[:2])
        async with stand.watcher.watching_all(lambda: ids):
            await asyncio.sleep(5.0)
            assert stand.watcher.in_flight == 10
        assert stand.watcher.in_flight == 2
        leaving.cancel()
        await asyncio.wait([leaving])
        assert stand.watcher.in_flight == 1
        before = len(server.seen)
        assert (await waiting).status is TaskStatus.SUCCEEDED
    assert {asked for _, _, asked in server.seen[before:]} == {(ids[0],)}


async def test_the_watcher_stops_in_the_moment_that_the_submit_has_its_room() -> None:
    """It does not rest until its next look first."""
    server = Server()
    ids = [server.runs(ark_id(n), 99.0) for n in range(10)]
    async with standing(server, interval=30.0) as stand:
        async with stand.watcher.watching_all(lambda: ids):
            await asyncio.sleep(5.0)
        await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_two_submits_that_wait_for_room_share_the_looks_until_the_second_has_it() -> None:
    """The first one that has its room does not take the looks away from the other."""
    server = Server()
    ids = [server.runs(ark_id(n), 20.0) for n in range(10)]

    def alive() -> list[str]:
        return ids if not stand.ended else []

    async with standing(server) as stand, stand.watcher.watching_all(alive):
        async with stand.watcher.watching_all(alive):
            await asyncio.sleep(5.0)
        await asyncio.sleep(20.0)
        assert len(stand.ended) == 10


async def test_alive_tasks_are_asked_for_once_an_interval_and_never_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wait beside the survey does not make it more frequent, and one that outlives it rests in between."""
    server = Server()
    server.runs("one", 60.0)
    asked: list[float] = []
    turns = iter(range(1000))

    def moment() -> float:
        # A watcher that never rests keeps the clock from moving on: it runs out of these instead.
        next(turns)
        return now()

    monkeypatch.setattr("seedance_async.watcher.monotonic", moment)

    def alive() -> list[str]:
        asked.append(now())
        return []

    async with standing(server) as stand:
        waiting = asyncio.create_task(wait_for(stand, "one"))
        await asyncio.sleep(1.0)
        async with stand.watcher.watching_all(alive):
            await asyncio.sleep(9.5)
        assert (await waiting).status is TaskStatus.SUCCEEDED
    assert {round(after - before, 2) for before, after in pairwise(asked)} == {1.0}
    assert len(asked) == 10
    assert server.count("get") + server.count("list") < 65


async def test_tasks_are_given_in_the_order_they_end() -> None:
    """as_completed gives every task once, failed ones too, as soon as its end is seen."""
    server = Server()
    ends = {"a": 30.0, "b": 10.0, "c": 20.0}
    for one, end in ends.items():
        server.runs(one, end, "failed" if one == "c" else "succeeded")
    async with standing(server) as stand:
        seen = [(task.id, now()) async for task in as_completed(stand, ["a", "b", "c", "b"])]
    assert [one for one, _ in seen] == ["b", "c", "a"]
    assert all(0.0 <= at - ends[one] < 1.2 for one, at in seen)


# ----------------------------------------------------------------------- at the edges of a look


async def test_a_list_asks_for_those_for_whom_it_was_begun() -> None:
    """Who leaves in the very moment in which a list begins does not make it one that asks for nobody."""
    server = Server()
    ids = [server.runs(ark_id(n), 1e6) for n in range(10)]
    kept = [server.add(f"cgt-batch-{n}", (0.0, "running"), (1e6, "succeeded"), tier="flex") for n in range(9)]
    async with standing(server) as stand:
        stay = [asyncio.create_task(wait_for(stand, one)) for one in kept]
        waits = [asyncio.create_task(wait_for(stand, one)) for one in ids]
        await asyncio.sleep(2.5)
        when = stand.watcher._next_turn  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        for wait in waits:
            asyncio.get_running_loop().call_at(when, wait.cancel)
        await asyncio.sleep(5.0)
        for wait in stay:
            wait.cancel()
        await asyncio.wait(stay)
    assert all(asked for _, _, asked in server.seen)
    assert not stand.heard(ListUnusable)


async def test_who_came_first_is_looked_at_first() -> None:
    """Where GETs are short and tasks keep coming, nobody waits for as long as others come."""
    server = Server(limits=AccountLimits(gets_per_second=10.0))
    server.trouble = lambda route, _ids: RequestRefused("no", status=404) if route == "list" else None
    lasted: list[float] = []

    async def one(number: int) -> None:
        begun, task_id = now(), server.runs(ark_id(number), 0.0)
        await wait_for(stand, task_id)
        lasted.append(now() - begun)

    async with standing(server, interval=60.0, max_interval=60.0) as stand, asyncio.TaskGroup() as group:
        for number in range(300):
            group.create_task(one(number))
            await asyncio.sleep(0.1 if number >= 60 else 0.0)
    assert max(lasted) < 10.0


async def test_a_list_that_shows_nothing_while_somebody_leaves_is_no_page_of_none() -> None:
    """A page that shows none of what it was asked for is no page size, whoever has left meanwhile."""
    server = Server(latency=0.2)
    ids = [server.runs(ark_id(n), 3.0) for n in range(6)]
    lists = 0

    def empty_at_first(answer: Answer, _ids: Sequence[str], _size: int) -> Answer:
        nonlocal lists
        lists += 1
        return ([], 6) if lists == 1 else answer

    server.list_answer = empty_at_first
    async with standing(server) as stand:
        waits = [asyncio.create_task(wait_for(stand, one)) for one in ids]
        await asyncio.sleep(0.1)
        waits[0].cancel()
        await asyncio.wait(waits)
    assert [wait.result().status for wait in waits[1:]] == [TaskStatus.SUCCEEDED] * 5
