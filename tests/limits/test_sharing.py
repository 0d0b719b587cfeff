"""Turns and slots from outside: what a process asks of a shared limiter, and what it does then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from attrs import define, field

from seedance_async import AccountLimits, InvalidRequest, PollPolicy, RetryPolicy, SeedanceSession, wait_for
from seedance_async._wire.limits import Account
from seedance_async.errors import LimiterUnavailable, QuotaExhausted, RateLimited, RequestRefused
from seedance_async.events import SlotWaited
from seedance_async.simulator import Fault, Simulator
from tests.batch.stand import jobs, run_for
from tests.limits.helpers import EPS, most_in_window, now, slow, spent

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-test-0123456789abcdef"
CHEAP: dict[str, Any] = {"duration": 4, "resolution": "480p"}

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


@define
class Shared:
    """A limiter in this process, on the loop's clock, with all that was asked of it.

    Attributes:
        gap: seconds between two turns of a route.
        most: slots.
        delay: seconds that each answer takes.
        down: whether it cannot be asked.
        asked: routes of the turns that were taken.
        slowed: what it was told of refusals.
        held: keys that have a slot.
        asking: how many turns of a route are asked for at this moment, and the most there were.
    """

    gap: float = 1.0
    most: float = 100
    delay: float = 0.0
    down: bool = False
    asked: list[str] = field(factory=list[str])
    slowed: list[tuple[str, float]] = field(factory=list[tuple[str, float]])
    held: set[str] = field(factory=set[str])
    asking: list[int] = field(factory=lambda: [0, 0])
    _next: dict[str, float] = field(factory=dict[str, float])

    async def turn(self, route: str) -> float:
        """Space the turns evenly."""
        self.asking[0] += 1
        self.asking[1] = max(self.asking)
        try:
            await asyncio.sleep(self.delay)
        finally:
            self.asking[0] -= 1
        self._check()
        self.asked.append(route)
        slot = max(self._next.get(route, 0.0), now())
        self._next[route] = slot + self.gap
        return slot - now()

    async def slow_down(self, route: str, hold: float) -> None:
        """Note it."""
        self._check()
        self.slowed.append((route, hold))

    async def take_slot(self, key: str) -> bool:
        """Give one while there are any."""
        self._check()
        if key not in self.held and len(self.held) >= self.most:
            return False
        self.held.add(key)
        return True

    async def give_slot(self, key: str) -> None:
        """Take it back."""
        self._check()
        self.held.discard(key)

    def _check(self) -> None:
        if self.down:
            raise LimiterUnavailable("It is down.")


@define
class Slow(Shared):
    """A limiter that takes three seconds to hear of a slot."""

    async def take_slot(self, key: str) -> bool:
        """Give one after a while."""
        await asyncio.sleep(3.0)
        return await Shared.take_slot(self, key)

    async def give_slot(self, key: str) -> None:
        """Take it back after a while."""
        await asyncio.sleep(3.0)
        await Shared.give_slot(self, key)


def free(shared: Shared) -> AccountLimits:
    """Give limits that only the shared limiter bounds."""
    inf = float("inf")
    return AccountLimits(
        creates_per_minute=inf,
        max_alive=inf,
        gets_per_second=inf,
        lists_per_second=inf,
        deletes_per_second=inf,
        shared=shared,
    )


async def test_two_processes_share_the_turns_of_one_limiter() -> None:
    """Two accounts in line for one limiter go as one: never two within a gap, and nobody starves."""
    shared = Shared(gap=0.5)
    accounts = [Account(free(shared)), Account(free(shared))]
    went: list[tuple[float, int]] = []

    async def post(which: int) -> None:
        await accounts[which].admit()
        went.append((now(), which))

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(post(number % 2))
    assert most_in_window([at for at, _ in went], 0.5) == 1
    assert max(at for at, _ in went) == pytest.approx(9.5, abs=EPS)
    assert [which for _, which in sorted(went)[:4]].count(0) == 2


async def test_a_process_asks_for_one_turn_of_a_route_at_a_time() -> None:
    """Hundreds in the local line queue here and not at the limiter, and who leaves it takes no turn along."""
    shared = Shared(gap=0.1, delay=0.01)
    account = Account(free(shared))
    waiting = [asyncio.create_task(account.gets.wait()) for _ in range(200)]
    await asyncio.sleep(1.0)
    for task in waiting[50:]:
        task.cancel()
    await asyncio.wait(waiting)
    assert shared.asking[1] == 1
    assert len(shared.asked) == 50


async def test_a_turn_that_is_used_too_late_is_given_up_for_another() -> None:
    """A process that stood still does not crowd the turn that comes next: it takes a new one."""
    shared = Shared(gap=1.0)
    account = Account(free(shared))
    await account.gets.wait()
    shared.delay = 0.8
    await account.gets.wait()
    assert shared.asked.count("get") > 2


async def test_a_refusal_is_told_to_the_limiter_with_its_hold() -> None:
    """What one process learns from a 429 holds for all: route and seconds are passed on."""
    shared = Shared()
    account = Account(free(shared))
    account.slow_down(slow(retry_after=7.0), list[object]().append)
    await account.errands.finish()
    assert shared.slowed == [("create", 7.0)]


async def test_a_look_that_is_refused_slows_all_machines_looks() -> None:
    """The quota of GETs belongs to the account as well."""
    shared = Shared(gap=0.0)
    async with Simulator(work_seconds=0.1) as sim:
        retry = RetryPolicy(attempts=1)
        async with SeedanceSession(KEY, sim.base_url, limits=free(shared), retry=retry) as session:
            task = await session.submit("a cat", **CHEAP)
            sim.add_fault(Fault(kind="status", route="get", status=429, retry_after=3))
            with pytest.raises(RateLimited):
                await session.get(task.id)
    assert shared.slowed == [("get", 3.0)]


async def test_a_job_counts_as_alive_from_its_submit_until_its_task_is_seen_to_end() -> None:
    """The slot is taken under the job's key and given back when the watcher sees the end."""
    shared = Shared(gap=0.0)
    async with Simulator(work_seconds=5.0) as sim:
        poll = PollPolicy(interval=1.0)
        async with SeedanceSession(KEY, sim.base_url, limits=free(shared), poll=poll) as session:
            task = await session.submit("a cat", key="cat", **CHEAP)
            assert shared.held == {"cat"}
            await wait_for(session, task)
        assert shared.held == set()


async def test_a_full_account_is_asked_again_until_another_machine_makes_room() -> None:
    """Nothing is sent while no slot can be had; the wait is observable, and ends when there is one."""
    shared = Shared(gap=0.0, most=1, held={"elsewhere"})
    told: list[object] = []
    async with Simulator(work_seconds=5.0) as sim:
        async with SeedanceSession(KEY, sim.base_url, limits=free(shared), observer=told.append) as session:
            submit = asyncio.create_task(session.submit("a cat", key="cat", **CHEAP))
            await asyncio.sleep(20.0)
            assert sim.accepted == 0
            await shared.give_slot("elsewhere")
            await submit
        assert sim.accepted == 1
    waited = [event.seconds for event in told if isinstance(event, SlotWaited)]
    assert waited == [pytest.approx(20.25, abs=0.6)]


async def test_a_refused_or_cancelled_submit_gives_its_slot_back() -> None:
    """Nothing is alive then: what counts nothing must not keep others out."""
    shared = Shared(gap=0.0, most=1)
    limits = free(shared)
    async with (
        Simulator(work_seconds=5.0) as sim,
        SeedanceSession(KEY, sim.base_url, limits=limits) as session,
    ):
        sim.add_fault(Fault(kind="status", status=400, when="before", code="InvalidParameter"))
        with pytest.raises(RequestRefused, match="InvalidParameter"):
            await session.submit("a cat", key="refused", **CHEAP)
        shared.held.add("elsewhere")
        submit = asyncio.create_task(session.submit("a cat", key="left", **CHEAP))
        await asyncio.sleep(3.0)
        assert "refused" not in shared.held
        submit.cancel()
        await asyncio.wait({submit})
    assert shared.held == {"elsewhere"}
    assert sim.accepted == 0


async def test_nothing_is_sent_while_the_limiter_cannot_be_asked() -> None:
    """A limiter that is down stops submits with an error that says so; when it is back they go on."""
    shared = Shared(gap=0.0, down=True)
    async with Simulator(work_seconds=5.0) as sim:
        async with SeedanceSession(KEY, sim.base_url, limits=free(shared)) as session:
            with pytest.raises(LimiterUnavailable, match="down"):
                await session.submit("a cat", **CHEAP)
            assert sim.accepted == 0
            shared.down = False
            await session.submit("a cat", **CHEAP)
        assert sim.accepted == 1


async def test_what_is_no_limiter_is_refused_at_once() -> None:
    """A wrong object is found when the settings are made, and not with the first paid call."""
    wrong: Any = object()
    with pytest.raises(InvalidRequest, match="shared"):
        AccountLimits(shared=wrong)


async def test_a_slot_is_shared_or_given_back() -> None:
    """Who will not wait hears at once whether there is room, and keeps no slot of this process without it."""
    account = Account(free(Shared(most=1)))
    first, second = await account.slots.acquire(), await account.slots.acquire()
    assert await account.share(first, "a", wait=False) is True
    assert await account.share(second, "b", wait=False) is False
    assert (first.released, second.released) == (False, True)
    alone = Account(AccountLimits())
    assert await alone.share(await alone.slots.acquire(), "a") is True


async def test_a_full_account_is_asked_twice_a_second() -> None:
    """Other machines do not call: room is found within half a second of its coming, and not by spinning."""
    shared = Shared(most=1, held={"elsewhere"})
    account = Account(free(shared))
    waiting = asyncio.create_task(account.share(await account.slots.acquire(), "here"))
    await asyncio.sleep(10.1)
    await shared.give_slot("elsewhere")
    await waiting
    assert now() == pytest.approx(10.5, abs=EPS)


async def test_a_share_that_fails_or_is_left_gives_its_slot_back() -> None:
    """A limiter that is down, a stop of the account and a caller who leaves cost this process no slot."""
    shared = Shared(most=1, held={"elsewhere"})
    account = Account(free(shared))
    slots = [await account.slots.acquire() for _ in range(3)]
    left = asyncio.create_task(account.share(slots[0], "left"))
    await asyncio.sleep(1.0)
    left.cancel()
    stopped = asyncio.create_task(account.share(slots[1], "stopped"))
    await asyncio.sleep(1.0)
    account.stop(spent(), list[object]().append)
    await asyncio.wait({left, stopped})
    assert left.cancelled()
    assert isinstance(stopped.exception(), QuotaExhausted)
    shared.down = True
    with pytest.raises(LimiterUnavailable):
        await account.share(slots[2], "down")
    assert all(slot.released for slot in slots)
    assert account.slots.held == 0


async def test_a_task_from_an_earlier_run_counts_once_at_the_limiter() -> None:
    """It takes a slot under its job's key, keeps the first key it got, and gives that one back at its end."""
    shared = Shared()
    account = Account(free(shared))
    for key in ("cat", "cat again"):
        account.occupy("cgt-1", key)
    await account.errands.finish()
    assert shared.held == {"cat"}
    account.slots.ended("cgt-1")
    await account.errands.finish()
    assert shared.held == set()


async def test_the_creates_of_a_shared_account_begin_slowly_too() -> None:
    """A limiter that grants every turn at once does not make a fresh process begin with a burst."""
    account, times = Account(AccountLimits(shared=Shared(gap=0.0))), list[float]()
    while now() < 1.0:
        await account.admit()
        times.append(now())
    assert len(times) <= 3


async def test_a_task_that_is_found_after_its_slot_was_given_back_counts_again() -> None:
    """A lost submit that turns out to be accepted is alive at the server, so the limiter hears of it."""
    shared = Shared()
    account = Account(free(shared))
    slot = await account.slots.acquire()
    await account.share(slot, "cat")
    slot.release()
    await account.errands.finish()
    assert shared.held == set()
    account.slots.bind(slot, "cgt-1")
    await account.errands.finish()
    assert shared.held == {"cat"}


async def test_each_route_asks_under_its_own_name() -> None:
    """The limiter keeps four quotas apart; turns under a wrong name would be free of any."""
    shared = Shared(gap=0.0)
    account = Account(free(shared))
    for pace in (account.creates, account.gets, account.lists, account.deletes):
        await pace.wait()
    assert shared.asked == ["create", "get", "list", "delete"]


async def test_a_resumed_batch_gives_its_shared_slots_back(tmp_path: Path) -> None:
    """The process that waits for a task of an earlier one gives its slot back, under the key of its job."""
    shared = Shared(gap=0.0)
    async with Simulator(work_seconds=30.0) as sim:
        for seconds in (5.0, 100.0):
            poll = PollPolicy(interval=1.0)
            async with SeedanceSession(KEY, sim.base_url, limits=free(shared), poll=poll) as session:
                await run_for(seconds, session, jobs(1), journal=tmp_path / "run.db")
                assert shared.held == ({"job-0"} if seconds == 5.0 else set())
        assert sim.accepted == 1


async def test_what_was_given_back_is_told_before_more_is_asked() -> None:
    """A job that ends makes room for the next of the same process at once, not half a second later."""
    account = Account(free(Shared(most=1)))
    first, second = await account.slots.acquire(), await account.slots.acquire()
    await account.share(first, "a")
    first.release()
    assert await account.share(second, "b", wait=False) is True


async def test_a_session_that_closes_takes_no_errand_of_another_away() -> None:
    """It waits for 10 s; what a slow limiter has not heard by then it still hears, or slots stay counted."""
    shared = Slow(held={f"job-{number}" for number in range(10)})
    account = Account(free(shared))
    for number in range(10):
        slot = account.slots.occupy(f"cgt-{number}")
        slot.key = f"job-{number}"
        slot.release()
    await account.errands.finish()
    assert now() == pytest.approx(10.0, abs=EPS)
    assert len(shared.held) == 7
    await account.errands.done()
    assert shared.held == set()


async def test_errands_end_with_their_loop(caplog: pytest.LogCaptureFixture) -> None:
    """A loop that ends under a limiter that hangs ends the errands too, and what was not told is said."""

    async def leave() -> None:
        account = Account(free(Slow()))
        for key in ("a", "b", "c"):
            account.occupy(f"cgt-{key}", key)
            account.slots.ended(f"cgt-{key}")
        await asyncio.sleep(0)

    await asyncio.to_thread(asyncio.run, leave())
    assert [record.getMessage() for record in caplog.records] == [
        "The shared limits were not told of 5 things more."
    ]


async def test_a_search_counts_at_the_limiter_without_waiting_for_room() -> None:
    """A submit that is looked for may be alive: it counts at once, in a full and stopped account too."""
    shared = Shared()
    account = Account(AccountLimits(max_alive=1, shared=shared))
    account.stop(spent(), list[object]().append)
    slots = [account.search(key) for key in ("a", "b")]
    await account.errands.done()
    assert (account.slots.held, shared.held, now()) == (2, {"a", "b"}, 0.0)
    for slot in slots:
        slot.release()
    await account.errands.done()
    assert (account.slots.held, shared.held) == (0, set())
