"""Account: what is shared, what a refusal changes, and how it fares where the server's limits are others."""

from __future__ import annotations

import asyncio
import gc
import math
import weakref
from collections import deque
from typing import TYPE_CHECKING

import pytest

from seedance_async._wire.limits import Account, account_for
from seedance_async.errors import QuotaExhausted, RateLimited
from seedance_async.events import BreakerOpened, Event, PaceLowered
from seedance_async.settings import AccountLimits
from tests.limits.helpers import EPS, crowded, most_in_window, now, slow, spent
from tests.limits.test_sharing import Shared

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def ignore(_: Event) -> None:
    """Observe nothing."""


@pytest.fixture
def account() -> Account:
    """Make an account of the default limits."""
    return Account(AccountLimits())


@pytest.mark.asyncio
async def test_one_instance_of_limits_is_one_account() -> None:
    """Sessions that hold the same instance share its counters; an equal instance has its own."""
    limits = AccountLimits()
    assert account_for(limits) is account_for(limits)
    assert account_for(AccountLimits()) is not account_for(limits)


def test_two_loops_never_share_an_account() -> None:
    """A second asyncio.run gets an account with futures of its own loop, and the first is forgotten."""
    limits, seen = AccountLimits(max_alive=1), list[weakref.ref[Account]]()

    async def use() -> None:
        account = account_for(limits)
        assert all(other() is not account for other in seen)
        seen.append(weakref.ref(account))
        slot = await account.slots.acquire()
        waiter = asyncio.create_task(account.slots.acquire())
        await asyncio.sleep(0)
        slot.release()
        await waiter

    asyncio.run(use())
    asyncio.run(use())
    gc.collect()
    assert seen[0]() is None


def test_an_account_that_holds_its_loop_goes_all_the_same() -> None:
    """A lock that somebody waited for knows its loop: the account of a closed loop is dropped by hand."""
    limits, seen = AccountLimits(shared=Shared()), list[weakref.ref[Account]]()

    async def use() -> None:
        account = account_for(limits)
        seen.append(weakref.ref(account))
        async with asyncio.TaskGroup() as group:
            for key in ("a", "b"):
                group.create_task(account.share(await account.slots.acquire(), key))
            account.occupy("cgt-1", "c")

    asyncio.run(use())
    asyncio.run(use())
    gc.collect()
    assert seen[0]() is None


@pytest.mark.asyncio
async def test_an_account_goes_with_its_limits() -> None:
    """A loop that runs for months does not collect the accounts of limits that nobody holds any more."""
    limits = AccountLimits()
    account = weakref.ref(account_for(limits))
    assert account() is not None
    del limits
    gc.collect()
    assert account() is None


@pytest.mark.asyncio
async def test_the_rates_are_those_of_the_settings() -> None:
    """Minutes become seconds, and lists stay two hundredths below their limit."""
    account = Account(AccountLimits())
    rates = [pace.configured for pace in (account.creates, account.gets, account.lists, account.deletes)]
    assert rates == pytest.approx([10.0, 20.0, 0.98, 20.0])
    assert account.slots.configured == 100
    free = Account(AccountLimits.unlimited())
    assert all(math.isinf(pace.configured) for pace in (free.creates, free.gets, free.lists, free.deletes))


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_unlimited_admits_at_once() -> None:
    """A server of one's own: no ramp, no pace, no wait."""
    account = Account(AccountLimits.unlimited())
    for _ in range(1000):
        await account.admit()
        await account.slots.acquire()
    assert now() == pytest.approx(0.0, abs=EPS)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_lists_never_go_twice_a_second() -> None:
    """Two readers of one account share one list call a second, with a little room for jitter."""
    account, times = Account(AccountLimits()), list[float]()

    async def reader() -> None:
        for _ in range(10):
            await account.lists.wait()
            times.append(now())

    async with asyncio.TaskGroup() as group:
        group.create_task(reader())
        group.create_task(reader())
    assert most_in_window(times, 1.0) == 1
    assert times[-1] == pytest.approx(19 / 0.98, abs=EPS)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_slow_down_halves_the_pace_and_holds_for_retry_after(account: Account) -> None:
    """One refusal slows the whole account, and is told once however many come in that second."""
    events = list[Event]()
    assert account.slow_down(slow(retry_after=7.0), events.append) == 7.0
    assert account.slow_down(slow(retry_after=3.0), events.append) == 3.0
    assert events == [PaceLowered(per_minute=300.0, hold=7.0, code="ModelAccountRpmRateLimitExceeded")]
    await account.admit()
    assert now() == pytest.approx(7.0, abs=EPS)


@pytest.mark.asyncio
@pytest.mark.looptime
@pytest.mark.parametrize(("asked", "held"), [(0.0, 0.0), (-5.0, 0.0), (120.0, 120.0), (86_400.0, 120.0)])
async def test_retry_after_has_bounds(account: Account, asked: float, held: float) -> None:
    """A day of Retry-After does not silence the account for a day, and a negative one is none."""
    assert account.slow_down(slow(retry_after=asked), ignore) == held


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_holds_double_until_a_submit_is_accepted(account: Account) -> None:
    """Without Retry-After: 1, 2, 4... up to 32 s while only refusals come, and 1 s after a success."""
    holds = list[float]()
    for _ in range(8):
        holds.append(account.slow_down(slow(), ignore))
        await asyncio.sleep(40)
    account.accepted()
    holds.append(account.slow_down(slow(), ignore))
    assert holds == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 32.0, 32.0, 1.0]


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_accepted_submits_win_back_what_refusals_cut(account: Account) -> None:
    """Pace and slots both grow again, or one bad minute would slow an account for the rest of its life."""
    for number in range(100):
        account.slots.occupy(f"cgt-{number}")
    account.slow_down(slow(), ignore)
    account.slow_down(crowded(), ignore)
    pace, slots = account.creates.rate, account.slots.limit
    assert (pace, slots) == (5.0, 75.0)
    account.accepted()
    assert account.creates.rate > pace
    assert account.slots.limit > slots


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_only_the_creates_begin_slowly(account: Account) -> None:
    """The first second of a fresh account lets out a fraction of its submits, but looks at full pace."""
    sent = {"create": 0, "get": 0}

    async def keep(route: str, turn: Callable[[], Awaitable[object]]) -> None:
        while now() < 1.0:
            await turn()
            sent[route] += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(keep("create", account.admit))
        group.create_task(keep("get", account.gets.wait))
    assert sent["create"] <= 3
    assert sent["get"] >= 20


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_full_queue_holds_until_a_task_ends_and_then_lets_one_go(account: Account) -> None:
    """One task ends, one submit goes; the rest wait fifteen seconds."""
    events, times = list[Event](), list[float]()
    account.slots.occupy("cgt-1")
    assert account.slow_down(crowded(), events.append) == 15.0
    assert [type(event) for event in events] == [PaceLowered]
    assert account.creates.rate == pytest.approx(10.0)

    async def submit() -> None:
        await account.admit()
        times.append(now())

    async with asyncio.TaskGroup() as group:
        group.create_task(submit())
        group.create_task(submit())
        await asyncio.sleep(4)
        account.slots.ended("cgt-1")
    assert times == pytest.approx([4.0, 15.0], abs=EPS)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_stop_fails_everybody_who_waits_and_everybody_who_comes() -> None:
    """Waiting for a slot or for the pace, or just coming: all raise in the moment of the stop, none sends."""
    account, events = Account(AccountLimits(creates_per_minute=1, max_alive=2)), list[Event]()
    await account.admit()
    for task_id in ("cgt-1", "cgt-2"):
        account.slots.occupy(task_id)
    waiters = [asyncio.create_task(account.admit()) for _ in range(3)]
    waiters += [asyncio.create_task(_take(account)) for _ in range(2)]
    await asyncio.sleep(1)
    account.stop(spent(), events.append)
    await asyncio.wait(waiters)
    account.stop(spent(), events.append)
    assert now() == pytest.approx(1.0, abs=EPS)
    assert all(isinstance(waiter.exception(), QuotaExhausted) for waiter in waiters)
    assert len({id(waiter.exception()) for waiter in waiters}) == 5
    for call in (account.admit, account.slots.acquire):
        with pytest.raises(QuotaExhausted, match="Not sent"):
            await call()
    assert events == [BreakerOpened(code="SetLimitExceeded", message="Spend limit reached.", seconds=60.0)]
    assert sorted(account.slots.alive) == ["cgt-1", "cgt-2"]


async def _take(account: Account) -> None:
    """Wait for a slot and keep it."""
    await account.slots.acquire()


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_after_the_cool_down_one_submit_probes_for_all(account: Account) -> None:
    """Of five that come together one is sent; once it is accepted the others may come again."""
    account.stop(spent(), ignore)
    await asyncio.sleep(60)
    tries = [asyncio.create_task(account.admit()) for _ in range(5)]
    await asyncio.wait(tries)
    assert [one.exception() is None for one in tries] == [True, False, False, False, False]
    account.accepted()
    await account.admit()


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_probe_that_is_told_to_wait_may_repeat(account: Account) -> None:
    """A probe that meets a rate limit is repeated by its own retry and then closes the breaker."""
    account.stop(spent(), ignore)
    await asyncio.sleep(60)
    await account.admit()
    account.slow_down(slow(retry_after=2.0), ignore)
    await account.admit()
    account.accepted()
    assert not account.breaker.is_open


class Server:
    """A server in miniature: refuses past its own rate and past its own queue, and counts."""

    def __init__(self, *, per_second: int = 10**6, room: int = 10**6, work: float = 30.0) -> None:
        self.per_second, self.room, self.work = per_second, room, work
        self.refused = 0
        self._seen: deque[float] = deque()
        self._ends: list[float] = []

    async def create(self) -> None:
        """Answer after 50 ms."""
        await asyncio.sleep(0.05)
        while self._seen and self._seen[0] <= now() - 1.0:
            self._seen.popleft()
        self._ends = [end for end in self._ends if end > now()]
        if len(self._seen) >= self.per_second:
            self.refused += 1
            raise slow(retry_after=1.0)
        if len(self._ends) >= self.room:
            self.refused += 1
            raise crowded()
        self._seen.append(now())
        self._ends.append(now() + self.work)


async def _job(account: Account, server: Server, task_id: str) -> None:
    """Submit as a session does, and see the end of the task half a second late."""
    slot = await account.slots.acquire()
    while not slot.task_id:
        await account.admit()
        try:
            await server.create()
        except RateLimited as error:
            account.slow_down(error, ignore)
        else:
            account.accepted()
            account.slots.bind(slot, task_id)
    await asyncio.sleep(server.work + 0.5)
    account.slots.ended(task_id)


async def _fan_out(account: Account, server: Server, jobs: int) -> float:
    """Run many jobs at once and give the seconds it took."""
    started = now()
    async with asyncio.TaskGroup() as group:
        for index in range(jobs):
            group.create_task(_job(account, server, f"cgt-{index}"))
    assert account.slots.held == 0
    return now() - started


@pytest.mark.asyncio
@pytest.mark.looptime
@pytest.mark.parametrize(("told", "unavoidable"), [(1200.0, 0), (math.inf, 396)])
async def test_an_unknown_rate_is_found_with_few_refusals(told: float, unavoidable: int) -> None:
    """Told 20 a second, or no limit, where the server takes 4: few refusals, and less than twice the time."""
    account = Account(AccountLimits(creates_per_minute=told, max_alive=math.inf))
    server = Server(per_second=4, work=1.0)
    took = await _fan_out(account, server, 400)
    assert took < 2.0 * 400 / 4
    assert server.refused < unavoidable + 50


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_an_unknown_queue_is_kept_busy_with_few_refusals() -> None:
    """Told 100 alive where the server takes 20: it stays busy, and a refusal is rare beside the tasks."""
    account, server = Account(AccountLimits()), Server(room=20, work=60.0)
    took = await _fan_out(account, server, 400)
    assert took < 1.3 * 400 / 20 * 60.5
    assert server.refused < 40
