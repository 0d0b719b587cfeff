"""Pools of accounts, over one simulated server for each: who gets which job, and who never does."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import (
    AccountLimits,
    Budget,
    InvalidRequest,
    Outcome,
    OutcomeKind,
    PollPolicy,
    SeedanceSession,
)
from seedance_async.batch import StopSwitch
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState, PlannedRow
from seedance_async.pool import Account, AccountPool
from seedance_async.request import VideoRequest
from seedance_async.simulator import Fault, Quotas, Simulator
from tests.batch.stand import job, jobs, states

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable
    from pathlib import Path

    from seedance_async.batch import Job

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

KEYS = {"a": "sk-of-account-a-0123456789", "b": "sk-of-account-b-0123456789"}


class Stand:
    """Two servers; each takes the key of one account only."""

    def __init__(self, sims: dict[str, Simulator]) -> None:
        self.sims = sims

    def pool(
        self, *, budgets: dict[str, Budget] | None = None, wrong_key: str = "", **given: Any
    ) -> AccountPool:
        """Make a pool with one account for each server."""
        return AccountPool(
            Account(
                name=name,
                session=SeedanceSession(
                    "sk-wrong-0123456789abcdef" if name == wrong_key else KEYS[name],
                    sim.base_url,
                    poll=PollPolicy(interval=1.0),
                    limits=AccountLimits(creates_per_minute=6000, max_alive=given.get(name, 5)),
                ),
                budget=(budgets or {}).get(name),
            )
            for name, sim in self.sims.items()
        )

    @property
    def made(self) -> Counter[str]:
        """Tasks by prompt, over all servers."""
        return Counter(entry.prompt for sim in self.sims.values() for entry in sim.ledger)

    @property
    def accepted(self) -> dict[str, int]:
        """Tasks by account."""
        return {name: sim.accepted for name, sim in self.sims.items()}


def _server(key: str, given: dict[str, Any]) -> Simulator:
    """Make a server that takes one key."""
    how: dict[str, Any] = {"work_seconds": 20.0, **given}
    return Simulator(api_key=key, **how)


@asynccontextmanager
async def stand(**given: dict[str, Any]) -> AsyncGenerator[Stand]:
    """Start the servers."""
    async with AsyncExitStack() as stack:
        sims = {
            name: await stack.enter_async_context(_server(key, given.get(name, {})))
            for name, key in KEYS.items()
        }
        yield Stand(sims)


async def run(pool: AccountPool, wanted: Iterable[Job], **how: Any) -> dict[str, Outcome]:
    """Run a batch to its end; no key has two outcomes."""
    outcomes = [outcome async for outcome in pool.run_many(wanted, **how)]
    found = {outcome.key: outcome for outcome in outcomes}
    assert len(found) == len(outcomes)
    return found


def kinds(outcomes: dict[str, Outcome]) -> Counter[str]:
    """Count the kinds."""
    return Counter(outcome.kind.value for outcome in outcomes.values())


async def test_jobs_go_where_there_is_room() -> None:
    """Both accounts work, the one with more room does more, and each job is ordered once."""
    async with stand() as two, two.pool(a=12, b=4) as pool:
        assert kinds(await run(pool, jobs(64))) == {"succeeded": 64}
        assert set(two.made.values()) == {1}
        assert sum(two.accepted.values()) == 64
        assert two.accepted["a"] > two.accepted["b"] >= 10


async def test_twins_have_keys_of_their_own() -> None:
    """Equal prompts are told apart over the whole pool, not by each account for itself."""
    async with stand() as two, two.pool() as pool:
        found = await run(pool, ["the same"] * 6)
        assert len(found) == 6
        assert sum(two.accepted.values()) == 6


async def test_a_finished_batch_asks_nobody(tmp_path: Path) -> None:
    """The second run gives every outcome from the journal of the account that made it."""
    async with stand() as two:
        async with two.pool() as pool:
            await run(pool, jobs(20), journals=tmp_path)
        before = {name: Counter(sim.counts) for name, sim in two.sims.items()}
        async with two.pool() as pool:
            assert kinds(await run(pool, jobs(20), journals=tmp_path)) == {"succeeded": 20}
        assert {name: Counter(sim.counts) for name, sim in two.sims.items()} == before


async def test_a_batch_that_was_left_goes_on_where_it_was(tmp_path: Path) -> None:
    """What an account began it goes on with, with its own key: each server saw its own tasks only."""
    async with stand() as two:
        async with two.pool() as pool, aclosing(pool.run_many(jobs(30), journals=tmp_path)) as outcomes:
            await anext(outcomes)
        async with two.pool(a=1, b=9) as pool:
            assert kinds(await run(pool, jobs(30), journals=tmp_path)) == {"succeeded": 30}
        assert set(two.made.values()) == {1}
        assert sum(two.accepted.values()) == 30
        for sim in two.sims.values():
            assert not [seen for seen in sim.requests if seen.status in {401, 404}]


async def test_an_uncertain_job_stays_with_its_account(tmp_path: Path) -> None:
    """A job that one account may have sent is never given to the other, though that one is free."""
    async with stand() as two:
        lost = VideoRequest(prompt="prompt of lost", duration=4, resolution="480p")
        async with Journal.open(tmp_path / "a.db", account=two.sims["a"].base_url) as journal:
            await journal.plan([PlannedRow(key="lost", index=0, request=lost.to_body())])
            await journal.sending(Intent(key="lost"))
        async with two.pool(wrong_key="a") as pool:
            found = await run(pool, [job("lost"), *jobs(4)], journals=tmp_path)
        assert found["lost"].kind is OutcomeKind.UNCERTAIN
        assert two.accepted == {"a": 0, "b": 4}
        assert (await states(tmp_path / "a.db"))["lost"] is JobState.UNCERTAIN


@pytest.mark.parametrize("journaled", [True, False])
async def test_a_refused_key_moves_its_jobs(tmp_path: Path, journaled: bool) -> None:  # noqa: FBT001
    """An account whose key is refused is set aside, and all of its jobs are done by the other."""
    async with stand() as two, two.pool(wrong_key="a") as pool:
        found = await run(pool, jobs(30), journals=tmp_path if journaled else None)
        assert kinds(found) == {"succeeded": 30}
        assert two.accepted == {"a": 0, "b": 30}


async def test_arrears_move_what_was_not_sent(tmp_path: Path) -> None:
    """An account that is told to stop half-way finishes what it has and loses the rest to the other."""
    async with stand(a={"quotas": Quotas(free_trial_tokens=400_000)}) as two, two.pool() as pool:
        found = await run(pool, jobs(40), journals=tmp_path)
        assert kinds(found) == {"succeeded": 40}
        assert 0 < two.accepted["a"] < 20
        assert sum(two.accepted.values()) == 40
        assert set(two.made.values()) == {1}


async def test_a_spent_budget_moves_the_rest(tmp_path: Path) -> None:
    """Each account spends its own budget; what does not fit into one goes to the other."""
    async with stand() as two, two.pool(budgets={"a": Budget(tokens=130_000)}) as pool:
        found = await run(pool, jobs(20), journals=tmp_path)
        assert kinds(found) == {"succeeded": 20}
        assert two.accepted["a"] == 3
        assert set(two.made.values()) == {1}


async def test_when_all_are_aside_the_rest_is_skipped(tmp_path: Path) -> None:
    """Without an account that may order, nothing is ordered, and every job has an outcome that says why."""
    budgets = {name: Budget(tokens=50_000) for name in KEYS}
    async with stand() as two:
        async with two.pool(budgets=budgets) as pool:
            found = await run(pool, jobs(25), journals=tmp_path)
        assert kinds(found) == {"succeeded": 2, "skipped": 23}
        # With money, the same batch is done; what was planned on either is ordered once.
        async with two.pool() as pool:
            assert kinds(await run(pool, jobs(25), journals=tmp_path)) == {"succeeded": 25}
        assert set(two.made.values()) == {1}


async def test_a_job_that_moved_is_found_where_it_was_made(tmp_path: Path) -> None:
    """A plan of a job in one journal does not hide that the other account has made it."""
    async with stand() as two:
        async with two.pool(budgets={"a": Budget(tokens=50_000)}) as pool:
            await run(pool, jobs(12), journals=tmp_path)
        planned = [
            key for key, state in (await states(tmp_path / "a.db")).items() if state is JobState.PLANNED
        ]
        assert planned
        async with two.pool() as pool:
            assert kinds(await run(pool, jobs(12), journals=tmp_path)) == {"succeeded": 12}
        assert sum(two.accepted.values()) == 12


async def test_lost_answers_make_no_second_order(tmp_path: Path) -> None:
    """A storm on one account ends with one task for each prompt, wherever it is."""
    faults = [
        Fault(kind="reset", when="after", probability=0.3, times=None),
        Fault(kind="status", status=500, when="before", probability=0.2, times=None),
    ]
    async with stand(a={"faults": faults}) as two, two.pool() as pool:
        found = await run(pool, jobs(24), journals=tmp_path)
        assert kinds(found)["succeeded"] == 24
        assert set(two.made.values()) == {1}


async def test_accounts_take_only_what_they_accept() -> None:
    """A rule for an account is kept, and a job that nobody takes is refused."""
    async with stand() as two:
        sessions = {
            name: SeedanceSession(KEYS[name], sim.base_url, poll=PollPolicy(interval=1.0))
            for name, sim in two.sims.items()
        }
        accounts = [
            Account(name="a", session=sessions["a"], accepts=lambda request: request.service_tier == "flex"),
            Account(name="b", session=sessions["b"], accepts=lambda request: request.resolution == "480p"),
        ]
        mixed = [
            job("flex", service_tier="flex", resolution="720p"),
            job("small"),
            job("none", resolution="720p"),
        ]
        async with AccountPool(accounts) as pool:
            found = await run(pool, mixed)
        assert kinds(found) == {"succeeded": 2, "refused": 1}
        assert isinstance(found["none"].error, InvalidRequest)
        assert two.accepted == {"a": 1, "b": 1}


def _of_tier(name: str) -> Callable[[VideoRequest], bool]:
    """Make a rule for one tier."""
    return lambda request: request.service_tier == name


async def test_a_job_stays_in_the_tier_it_was_begun_in(tmp_path: Path) -> None:
    """A job that is spread anew into the other tier is not ordered there, too."""
    async with Simulator(work_seconds=5) as sim:
        for tiers in (("default", "flex"), ("flex", "default")):
            accounts = [
                Account(
                    name=name,
                    session=SeedanceSession(KEYS["a"], sim.base_url, poll=PollPolicy(interval=1.0)),
                    accepts=_of_tier(name),
                )
                for name in ("default", "flex")
            ]
            wanted = [job(f"job-{index}", service_tier=tiers[index % 2]) for index in range(8)]
            async with AccountPool(accounts) as pool:
                assert kinds(await run(pool, wanted, journals=tmp_path)) == {"succeeded": 8}
        assert sim.accepted == 8


async def test_a_stop_leaves_nothing_untold(tmp_path: Path) -> None:
    """Stopped, every job that was read has an outcome, and the next run does the rest once."""
    switch = StopSwitch(tell=lambda _: None)
    async with stand() as two:
        async with two.pool() as pool:
            asyncio.get_running_loop().call_later(30, switch.stop)
            found = await run(pool, jobs(40), journals=tmp_path, stop=switch)
        assert len(found) == 40
        assert 0 < kinds(found)["succeeded"] < 40
        async with two.pool() as pool:
            assert kinds(await run(pool, jobs(40), journals=tmp_path)) == {"succeeded": 40}
        assert set(two.made.values()) == {1}


async def test_the_journal_of_a_stranger_is_refused(tmp_path: Path) -> None:
    """A pool without an account that has begun jobs would order these again: it does not begin."""
    (tmp_path / "c.db").touch()
    async with stand() as two, two.pool() as pool:
        with pytest.raises(InvalidRequest, match=r"ordered again"):
            await run(pool, jobs(1), journals=tmp_path)
        assert two.accepted == {"a": 0, "b": 0}


async def test_pools_that_mix_accounts_up_are_refused(tmp_path: Path) -> None:
    """One name, one session, one journal for each account; names of videos that would collide are refused."""
    session = SeedanceSession(KEYS["a"])
    for wrong in (
        [],
        [Account(name="a", session=session), Account(name="b", session=session)],
        [Account(name="a", session=session), Account(name="A", session=SeedanceSession(KEYS["b"]))],
    ):
        with pytest.raises(InvalidRequest, match="accounts"):
            AccountPool(wrong)
    with pytest.raises(InvalidRequest, match="name"):
        Account(name="../a", session=session)
    async with stand() as two, two.pool() as pool:
        with pytest.raises(InvalidRequest, match="save_to"):
            await run(pool, jobs(1), save_to=tmp_path / "{index}.mp4")
