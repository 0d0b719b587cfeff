"""Plans: what limits a batch is what the plan says, and a sample tells what the whole would."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from seedance_async import AccountLimits, InvalidRequest
from seedance_async.planning import Load, PlannedAccount, RunTimes, accounts_of, plan, runs_of_journal
from seedance_async.simulator import Quotas, Simulator
from tests.batch.stand import client, jobs, run

if TYPE_CHECKING:
    from pathlib import Path


def _load(count: int) -> Load:
    return Load.of({"prompt": f"prompt {number}", "duration": 4} for number in range(count))


def _account(*, creates: float = 600.0, alive: float = 50.0, running: int | None = None) -> PlannedAccount:
    limits = AccountLimits(creates_per_minute=creates, max_alive=alive)
    return PlannedAccount(limits=limits, quotas=Quotas(max_running=running))


@pytest.mark.parametrize(
    ("account", "seconds", "word"),
    [
        (_account(creates=60, alive=100), 20.0, "creates"),
        (_account(alive=20), 60.0, "max_alive"),
        (_account(alive=40, running=5), 30.0, "the server's running places: 5"),
        (_account(alive=500), 60.0, "single tasks"),
    ],
)
def test_the_bottleneck_is_named(account: PlannedAccount, seconds: float, word: str) -> None:
    """Whichever limit is the tight one is the one that the plan names."""
    made = plan(_load(120), accounts=[account], runs=RunTimes.fixed(seconds, jitter=0.2))
    assert word in made.bottleneck


def test_time_is_what_the_tight_limit_allows() -> None:
    """100 prompts of 30 s on 5 slots take 100 x 30 / 5 s, whatever else is allowed."""
    account = _account(alive=40, running=5)
    made = plan(_load(100), accounts=[account], runs=RunTimes.fixed(30.0))
    assert made.exact
    assert made.seconds == pytest.approx(600, rel=0.05)
    assert made.requests["create"] == 100
    assert [lane.refusals for lane in made.lanes] == [0]


def test_a_sample_tells_what_the_whole_would() -> None:
    """Extrapolated from a quarter, time and requests are those of the whole rehearsal, within 5 %."""
    load, account = _load(600), _account(alive=10)
    runs = RunTimes.fixed(60.0, jitter=0.5)
    whole = plan(load, accounts=[account], runs=runs, sample=600)
    part = plan(load, accounts=[account], runs=runs, sample=150)
    assert (whole.exact, part.exact) == (True, False)
    assert part.seconds == pytest.approx(whole.seconds, rel=0.05)
    assert part.requests["create"] == 600
    assert part.requests["list"] == pytest.approx(whole.requests["list"], rel=0.05)


def test_two_accounts_halve_the_time_and_a_slow_one_gets_less() -> None:
    """Prompts go to accounts by what each can do."""
    quick, slow = _account(alive=30), _account(alive=10)
    runs = RunTimes.fixed(60.0)
    made = plan(_load(240), accounts=[quick, slow], runs=runs)
    assert [lane.prompts for lane in made.lanes] == [pytest.approx(180, abs=10), pytest.approx(60, abs=10)]
    assert made.lanes[0].seconds == pytest.approx(made.lanes[1].seconds, rel=0.25)
    assert made.requests["create"] == 240


@pytest.mark.parametrize(
    ("words", "prompts", "shares"),
    [
        ("2xenterprise", 1, [(1, 1)]),
        ("3xenterprise", 7, [(1, 3), (2, 2)]),
        ("2xenterprise", 6, [(2, 3)]),
        ("2xenterprise,3xindividual", 11, None),
    ],
)
def test_every_prompt_is_planned_once(words: str, prompts: int, shares: list[tuple[int, int]] | None) -> None:
    """What cannot be shared out evenly is not rounded up: the lanes together have the prompts of the file."""
    made = plan(_load(prompts), accounts=accounts_of(words), runs=RunTimes.fixed(60.0))
    planned = [(lane.accounts, lane.prompts) for lane in made.lanes]
    assert sum(accounts * each for accounts, each in planned) == prompts
    assert made.requests["create"] == prompts
    assert shares is None or planned == shares


def test_the_range_is_that_of_the_run_times() -> None:
    """With run times from a third to five thirds of the usual, so is a batch that waits for its slots."""
    made = plan(_load(200), accounts=[_account(alive=20)])
    assert made.quickest == pytest.approx(made.seconds / 3, rel=0.15)
    assert made.slowest == pytest.approx(made.seconds * 5 / 3, rel=0.15)


def test_the_range_of_one_prompt_is_the_documented_one() -> None:
    """Without a journal a task of 5 s takes 60 to 300 s, whatever time was drawn for the plan itself."""
    made = plan(Load.of([{"prompt": "a cat", "duration": 5}]))
    assert made.quickest == pytest.approx(60, abs=10)
    assert made.slowest == pytest.approx(300, abs=20)
    assert made.quickest <= made.seconds <= made.slowest


def test_planning_is_refused_in_a_running_loop() -> None:
    """It would block the loop for seconds: the error comes at once."""

    async def inside() -> None:
        plan(_load(1))

    with pytest.raises(RuntimeError, match="to_thread"):
        asyncio.run(inside())


def test_what_cannot_be_planned_is_refused_by_name() -> None:
    """Samples, accounts and shares out of range name themselves."""
    for sample in (0, 99, 100_001):
        with pytest.raises(InvalidRequest, match="sample"):
            plan(_load(1), sample=sample)
    for words in ("", "enterprise,", "0xindividual", "company"):
        with pytest.raises(InvalidRequest):
            accounts_of(words)
    with pytest.raises(InvalidRequest, match="failed"):
        RunTimes(failed=1.5)
    assert [(one.name, one.count) for one in accounts_of("2xenterprise, individual")] == [
        ("enterprise", 2),
        ("individual", 1),
    ]
    assert math.isinf(accounts_of("unlimited")[0].limits.max_alive)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_journal_teaches(tmp_path: Path) -> None:
    """Run times, failures and tokens of an earlier batch are those that the plan draws from."""
    wanted = jobs(40)
    for index in range(10):
        wanted[index][1]["prompt"] += " [fail:OutputVideoSensitiveContentDetected]"
    async with Simulator(work_seconds=90) as sim, client(sim) as session:
        await run(session, wanted, journal=tmp_path / "run.db")
    runs = await runs_of_journal(tmp_path / "run.db")
    (shape,) = Load.of(fields for _, fields in wanted[10:]).shapes
    assert runs.mean(shape) == pytest.approx(90, abs=1)
    assert runs.failed == 0.25
    assert runs.billed == pytest.approx(0.75)
    assert runs.queued
    made = await asyncio.to_thread(
        plan, _load(100), accounts=[_account(alive=10, running=1)], runs=runs, sample=100
    )
    # The measured times hold the wait for a slot: it is not played a second time.
    assert made.seconds == pytest.approx(100 / 10 * 93, rel=0.06)
    assert made.tokens_likely == pytest.approx(made.tokens * 0.75)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_journal_that_teaches_nothing_is_refused(tmp_path: Path) -> None:
    """A handful of tasks says nothing about the next thousand."""
    async with Simulator() as sim, client(sim) as session:
        await run(session, jobs(3), journal=tmp_path / "run.db")
    with pytest.raises(InvalidRequest, match="20 tasks"):
        await runs_of_journal(tmp_path / "run.db")
