"""A plan against what it plans: the same batch over sockets, within 10 % of its time and its requests."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from seedance_async import AccountLimits, OutcomeKind, PollPolicy, SeedanceSession
from seedance_async.planning import Load, Plan, PlannedAccount, RunTimes, plan
from seedance_async.simulator import AfterSeconds, Behaviour, Quotas, Simulator

_POLL = PollPolicy(interval=0.5)


def _jobs(count: int) -> list[dict[str, object]]:
    return [{"prompt": f"prompt {number}", "duration": 4} for number in range(count)]


def _planned(count: int, *, run: float, alive: int, latency: float) -> Plan:
    """Plan from a sample of a third, so that extrapolation is checked as well."""
    account = PlannedAccount(limits=AccountLimits(max_alive=alive), quotas=Quotas(max_running=None))
    runs = RunTimes.fixed(run, jitter=0.3)
    sample = max(100, count // 3)
    load = Load.of(_jobs(count))
    return plan(load, accounts=[account], runs=runs, sample=sample, poll=_POLL, latency=latency)


async def _ran(count: int, *, run: float, alive: int) -> tuple[float, Counter[str]]:
    """Run the batch over loopback sockets; give its seconds and its requests."""
    play = Behaviour(progression=AfterSeconds(run=run, jitter=0.3))
    loop = asyncio.get_running_loop()
    async with (
        Simulator(behaviour=play, quotas=Quotas(max_running=None)) as sim,
        SeedanceSession(
            "any-key",
            sim.base_url,
            limits=AccountLimits(max_alive=alive),
            poll=_POLL,
            observer=lambda _: None,
        ) as session,
    ):
        begun = loop.time()
        kinds = [outcome.kind async for outcome in session.run_many(_jobs(count))]
        assert kinds == [OutcomeKind.SUCCEEDED] * count
        return loop.time() - begun, Counter(sim.counts)


def _compare(planned: Plan, seconds: float, requests: Counter[str]) -> None:
    """Hold a plan against what happened."""
    assert planned.seconds == pytest.approx(seconds, rel=0.1)
    assert planned.requests["create"] == requests["create"]
    assert sum(planned.requests.values()) == pytest.approx(requests.total(), rel=0.1)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_plan_is_what_happens_over_sockets() -> None:
    """On a virtual clock, through aiohttp and the simulator's port, a batch takes what its plan says."""
    seconds, requests = await _ran(300, run=20.0, alive=30)
    planned = await asyncio.to_thread(_planned, 300, run=20.0, alive=30, latency=0.0)
    _compare(planned, seconds, requests)


@pytest.mark.soak
def test_a_plan_is_what_happens_in_real_time() -> None:
    """On the real clock, too: 400 tasks of 2 s, 20 alive at once, take what the plan says."""
    seconds, requests = asyncio.run(_ran(400, run=2.0, alive=20))
    planned = _planned(400, run=2.0, alive=20, latency=0.01)
    _compare(planned, seconds, requests)
