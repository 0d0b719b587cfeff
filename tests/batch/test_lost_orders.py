"""Orders whose answer got lost, when the batch, the account or the budget comes to its end meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import (
    AccountLimits,
    Billed,
    Budget,
    OutcomeKind,
    PollPolicy,
    SeedanceError,
    SeedanceSession,
)
from seedance_async._wire import clock
from seedance_async.batch import StopSwitch
from seedance_async.in_process import InProcess
from seedance_async.ledger.budget import keeper_for
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.matching import facts_of
from seedance_async.ledger.rows import PlannedRow
from seedance_async.pool import Account, AccountPool
from seedance_async.prices import estimate
from seedance_async.request import VideoRequest
from seedance_async.settings import KKIAI
from seedance_async.simulator import Behaviour, Fault, Simulator
from tests.batch.stand import CHEAP, client, job, jobs, run, run_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

ONE, OTHER = "sk-account-one-0123456789", "sk-account-other-0123456789"
TOKENS = estimate(VideoRequest(prompt="x", **CHEAP)).tokens
DRAFT = estimate(VideoRequest(prompt="x", draft=True, **CHEAP)).tokens


async def _one_after_the_other(*names: str) -> AsyncGenerator[Any]:
    """Give a first job, and the others when its answer is lost already."""
    for name in names:
        yield job(name)
        await asyncio.sleep(0.3)


def _ordered(*sims: Simulator) -> Counter[str]:
    """Count the accepted orders by prompt."""
    return Counter(entry.prompt for sim in sims for entry in sim.ledger)


async def test_a_halt_waits_for_what_was_lost() -> None:
    """Another job's refusal ends submits; it does not make "not sent" of an order that was accepted."""
    lost = Fault(kind="reset", when="after", nth=1)
    stop = Fault(kind="status", status=429, code="SetLimitExceeded", nth=2)
    budget = Budget(tokens=10_000_000)
    async with Simulator(faults=[lost, stop], work_seconds=60) as sim, client(sim) as session:
        outcomes = await run(session, _one_after_the_other("a", "b"), budget=budget)
        assert outcomes["a"].kind is OutcomeKind.SUCCEEDED
        assert outcomes["b"].kind is not OutcomeKind.SUCCEEDED
        assert keeper_for(budget).spent.tokens == sum(entry.tokens for entry in sim.ledger)
        assert _ordered(sim) == {"prompt of a": 1}


async def test_a_pool_does_not_give_away_what_was_lost() -> None:
    """A key that is revoked while an answer is looked for must not have its order made by another account."""
    faults = [
        Fault(kind="reset", when="after", nth=1),
        Fault(kind="status", status=401, nth=2, code="AuthenticationError"),
    ]
    async with (
        Simulator(api_key=ONE, faults=faults, work_seconds=60) as first,
        Simulator(api_key=OTHER, work_seconds=60) as second,
    ):
        limits = AccountLimits(creates_per_minute=6000, max_alive=5)
        accounts = [
            Account(
                name=name,
                session=SeedanceSession(key, sim.base_url, poll=PollPolicy(interval=1.0), limits=limits),
            )
            for name, key, sim in (("one", ONE, first), ("other", OTHER, second))
        ]
        async with AccountPool(accounts) as pool:
            names = [f"j{number}" for number in range(6)]
            outcomes = [outcome async for outcome in pool.run_many(_one_after_the_other(*names))]
        assert sorted(outcome.key for outcome in outcomes) == names
        assert set(_ordered(first, second).values()) == {1}


async def test_a_stop_in_the_middle_of_a_search_says_that_the_task_may_exist() -> None:
    """The outcome is uncertain, and its words do not say that nothing was sent."""
    lost = Fault(kind="reset", when="after", nth=1)
    stop = StopSwitch()
    async with (
        Simulator(faults=[lost], work_seconds=60, behaviour=Behaviour(list_lag_seconds=30.0)) as sim,
        client(sim) as session,
    ):
        asyncio.get_running_loop().call_later(5.0, stop.stop)
        outcome = (await run(session, [job("a")], stop=stop))["a"]
    assert outcome.kind is OutcomeKind.UNCERTAIN
    assert isinstance(outcome.error, SeedanceError)
    assert outcome.error.billed is Billed.MAYBE
    assert "may exist" in str(outcome.error)


def _with(key: str, sim: Simulator) -> SeedanceSession:
    """Make a session with a key on the one gateway, which leads each key to an account of its own."""
    return SeedanceSession(
        key,
        KKIAI,
        transport=InProcess(sim),
        limits=AccountLimits.unlimited(),
        poll=PollPolicy(interval=1.0),
    )


async def test_another_accounts_list_rules_nothing_out(tmp_path: Path) -> None:
    """Who puts another key in and runs the batch again does not buy twice what the first key had ordered."""
    path = tmp_path / "run.db"
    late = Fault(kind="late", when="after", nth=3, seconds=500.0)
    async with Simulator(work_seconds=300, faults=[late]) as one, Simulator(work_seconds=300) as other:
        async with _with(ONE, one) as session:
            await run_for(5.0, session, jobs(3), journal=path)
        for _ in range(2):
            async with _with(OTHER, other) as session:
                outcome = (await run(session, jobs(4), journal=path))["job-2"]
            assert outcome.kind is OutcomeKind.UNCERTAIN
            assert "another key" in str(outcome.error)
        assert _ordered(one, other)["prompt of job-2"] == 1
        assert _ordered(other) == {"prompt of job-3": 1}
        async with _with(ONE, one) as session:
            outcome = (await run(session, jobs(3), journal=path))["job-2"]
        assert outcome.kind is OutcomeKind.SUCCEEDED
        assert _ordered(one)["prompt of job-2"] == 1


async def test_a_new_key_of_the_same_account_finds_what_the_old_one_sent(tmp_path: Path) -> None:
    """A key that was exchanged sees the same tasks: what carries the mark of the order is its task."""
    path = tmp_path / "run.db"
    late = Fault(kind="late", when="after", nth=3, seconds=500.0)
    async with Simulator(work_seconds=300, faults=[late]) as sim:
        async with _with(ONE, sim) as session:
            await run_for(5.0, session, jobs(3), journal=path)
        async with _with(OTHER, sim) as session:
            outcomes = await run(session, jobs(3), journal=path)
        assert {outcome.kind for outcome in outcomes.values()} == {OutcomeKind.SUCCEEDED}
        assert set(_ordered(sim).values()) == {1}


async def _left_sending(session: SeedanceSession, journal: Journal, key: str, *, send: bool) -> None:
    """Leave an order as a killed process does, that arrived or that did not."""
    request, mark, now = VideoRequest(prompt=f"prompt of {key}", **CHEAP), 172_900 + len(key), clock.wall()
    await journal.plan([PlannedRow(key=key, request=request.to_body(), tokens_estimated=TOKENS)])
    intent = Intent(key=key, fingerprint=mark, facts=facts_of(request.to_body()), sent_at=now, until=now + 1)
    await journal.sending(intent)
    if send:
        await session.submit(request.evolve(execution_expires_after=mark))


async def test_an_order_that_proves_absent_needs_room_in_the_budget_again(tmp_path: Path) -> None:
    """What was lost without room for it is an order like any other when it comes to be sent."""
    path, budget = tmp_path / "run.db", Budget(tokens=TOKENS)
    async with Simulator(work_seconds=30) as sim:
        async with client(sim) as session, Journal.open(path, account=sim.base_url) as journal:
            await _left_sending(session, journal, "witness", send=True)
            await _left_sending(session, journal, "job-0", send=False)
        async with client(sim) as session:
            outcomes = await run(session, [job("witness"), *jobs(1)], journal=path, budget=budget)
        assert outcomes["job-0"].kind is OutcomeKind.SKIPPED
        assert keeper_for(budget).spent.tokens <= TOKENS
        assert len(sim.ledger) == 1


async def test_a_second_run_knows_that_the_budget_is_used_up(tmp_path: Path) -> None:
    """Tasks in flight for which no room was left keep others out in every run of the process."""
    path, budget = tmp_path / "run.db", Budget(tokens=2 * TOKENS + DRAFT)
    async with Simulator(work_seconds=60) as sim, client(sim) as session:
        await run_for(5.0, session, jobs(3), journal=path)
        for _ in range(2):
            await run_for(3.0, session, [*jobs(3), job("new", draft=True)], journal=path, budget=budget)
        assert len(sim.ledger) == 3
