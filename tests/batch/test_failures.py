"""What follows a failure: neighbours go on, submits stop where all would fail, no retry unasked."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from seedance_async import (
    AccountLimits,
    Billed,
    BudgetExceeded,
    ConnectionFailed,
    ContentRejected,
    InvalidRequest,
    OutcomeKind,
    QuotaExhausted,
    RetryPolicy,
    TaskFailed,
    TaskNotFound,
)
from seedance_async.batch import Action, SubmitsHalted
from seedance_async.batch.policy import policy_of, retried_kinds
from seedance_async.errors import AuthenticationFailed, DownloadFailed, JournalError, RateLimited
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState, PlannedRow
from seedance_async.media.files import on_disk
from seedance_async.settings import Budget
from seedance_async.simulator import Fault, Simulator
from tests.batch.stand import client, job, jobs, kinds, run, states
from tests.submit.test_broken_store import FullDisk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from seedance_async.batch import Job

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

OK, REFUSED, SKIPPED = OutcomeKind.SUCCEEDED, OutcomeKind.REFUSED, OutcomeKind.SKIPPED
UNCERTAIN = OutcomeKind.UNCERTAIN
SPEND_LIMIT = Fault(kind="status", status=429, code="SetLimitExceeded", when="before", nth=(3,))
BLOCKED = Fault(kind="status", status=400, code="SensitiveContentDetected", when="before", nth=(2,))


@pytest.mark.parametrize("on_failure", [None, "skip"])
async def test_a_key_that_may_not_look_orders_nothing_more(tmp_path: Path, on_failure: Any) -> None:
    """After the first task that nobody may see end, no other is paid for, and no job waits for ever."""
    no = [
        Fault(kind="status", route=route, status=403, code="AccessDenied", times=None)
        for route in ("get", "list")
    ]
    limits = AccountLimits(max_alive=5, creates_per_minute=60)
    async with Simulator(faults=no, work_seconds=30) as sim, client(sim, limits=limits) as session:
        async with asyncio.timeout(600.0):
            outcomes = await run(session, jobs(20), journal=tmp_path / "run.db", on_failure=on_failure)
        assert sorted(kinds(outcomes), key=str) == [SKIPPED] * 19 + [OutcomeKind.UNCERTAIN]
        assert sim.accepted == 1


async def test_after_a_spend_limit_the_rest_is_left_for_the_next_run(tmp_path: Path) -> None:
    """In flight finishes, the one that was told is REFUSED, the rest SKIPPED; a second run does them all."""
    path = tmp_path / "run.db"
    async with Simulator(faults=[SPEND_LIMIT]) as sim:
        async with client(sim) as session:
            outcomes = await run(session, jobs(8), journal=path, concurrency=1)
        assert kinds(outcomes) == [OK, OK, REFUSED, *[SKIPPED] * 5]
        assert isinstance(outcomes["job-2"].error, QuotaExhausted)
        assert isinstance(outcomes["job-7"].error, SubmitsHalted)
        assert sim.counts["create"] == 3
        assert set(list((await states(path)).values())[2:]) == {JobState.PLANNED}
        async with client(sim) as session:
            assert kinds(await run(session, jobs(8), journal=path)) == [OK] * 8
        assert sim.accepted == 8


async def test_a_rejected_prompt_is_not_sent_again_unasked(tmp_path: Path) -> None:
    """REFUSED stays so over runs, with its class and code, until retry_failed asks for another try."""
    path = tmp_path / "run.db"
    async with Simulator(faults=[BLOCKED]) as sim:
        for _ in range(2):
            async with client(sim) as session:
                outcomes = await run(session, jobs(3), journal=path, concurrency=1)
            assert kinds(outcomes) == [OK, REFUSED, OK]
            error = outcomes["job-1"].error
            assert isinstance(error, ContentRejected)
            assert error.code == "SensitiveContentDetected"
        assert sim.counts["create"] == 3
        async with client(sim) as session:
            again = await run(session, jobs(3), journal=path, retry_failed=["refused"])
        assert kinds(again) == [OK] * 3
        assert sim.counts["create"] == 4


async def test_a_failed_task_is_paid_again_only_when_asked(tmp_path: Path) -> None:
    """FAILED comes back from the journal as TaskFailed; retry_failed gives the job a new task."""
    path = tmp_path / "run.db"
    async with Simulator(work_seconds=60) as sim:
        async with client(sim) as session:
            outcomes = [one async for one in session.run_many(_failing(sim), journal=path)]
        assert [one.kind for one in outcomes] == [OutcomeKind.FAILED]
        async with client(sim) as session:
            (again,) = (
                await run(session, jobs(1), journal=path, retry_failed=("refused", "expired"))
            ).values()
            assert again.kind is OutcomeKind.FAILED
            assert isinstance(again.error, TaskFailed)
            assert again.error.code == "InternalServiceError"
            assert kinds(await run(session, jobs(1), journal=path, retry_failed=True)) == [OK]
        assert sim.accepted == 2
        assert sim.billed == 1


async def test_a_paid_task_whose_id_was_not_written_is_uncertain_and_goes_on(tmp_path: Path) -> None:
    """It is no job that was left for later: the error says YES and the id, and the next run ends it."""
    async with Simulator() as sim, client(sim) as session:
        async with FullDisk(tmp_path / "run.db", accepted={1}) as journal:
            first = await run(session, jobs(1), journal=journal)
            second = await run(session, jobs(1), journal=journal)
        error = first["job-0"].error
        assert isinstance(error, JournalError)
        assert error.billed is Billed.YES
        assert sim.ledger[0].id in str(error)
        assert (kinds(first), kinds(second)) == ([UNCERTAIN], [OK])
        assert await states(tmp_path / "run.db") == {"job-0": JobState.SUCCEEDED}
        assert sim.accepted == 1


async def test_a_task_accepted_while_the_session_closes_is_uncertain() -> None:
    """Nobody waits for it any more, and it is no refusal: it bills when it succeeds."""
    late = Fault(kind="late", when="after", seconds=1.5)
    async with Simulator(faults=[late], work_seconds=60.0) as sim, client(sim) as session:
        batch = asyncio.create_task(run(session, jobs(1)))
        await asyncio.sleep(0.5)
        await session.close()
        outcomes = await batch
        assert (sim.accepted, kinds(outcomes)) == (1, [UNCERTAIN])


async def _failing(sim: Simulator, number: int = 1) -> AsyncIterator[Job]:
    """Give some jobs, and let the tasks fail that were made of them after a while."""
    for one in jobs(number):
        yield one
    await asyncio.sleep(10)
    for task in list(sim.tasks):
        sim.fail(task)


async def test_a_task_that_is_never_seen_again_may_bill() -> None:
    """Where looks say 404 for ever after the order, the outcome does not say that nothing is billed."""
    blind = [Fault(kind="status", route=route, status=404, times=None) for route in ("get", "list")]
    async with Simulator(faults=blind) as sim, client(sim) as session:
        (outcome,) = (await run(session, jobs(1))).values()
        assert (outcome.kind, sim.accepted) == (OutcomeKind.UNCERTAIN, 1)
        assert isinstance(outcome.error, TaskNotFound)
        assert outcome.error.billed is Billed.MAYBE
        assert "console" in outcome.error.advice


async def test_what_was_refused_for_now_is_tried_once_more_at_the_end(tmp_path: Path) -> None:
    """A job that met a short overload is put aside and done last; the caller sees only its success."""
    overload = Fault(kind="status", status=429, when="before", nth=(1, 2))
    retry = RetryPolicy(attempts=2)
    async with Simulator(faults=[overload]) as sim, client(sim, retry=retry) as session:
        ended = [one async for one in session.run_many(jobs(3), journal=tmp_path / "run.db", concurrency=1)]
        assert [one.key for one in ended] == ["job-1", "job-2", "job-0"]
        assert {one.kind for one in ended} == {OK}
        assert sim.accepted == 3


async def test_an_overload_that_stays_leaves_the_job_planned(tmp_path: Path) -> None:
    """After its second chance the job is REFUSED, and the next run takes it up without being asked."""
    path = tmp_path / "run.db"
    overload = Fault(kind="status", status=429, when="before", times=4)
    async with Simulator(faults=[overload]) as sim, client(sim, retry=RetryPolicy(attempts=2)) as session:
        outcomes = await run(session, jobs(1), journal=path)
        assert kinds(outcomes) == [REFUSED]
        assert isinstance(outcomes["job-0"].error, RateLimited)
        assert (await states(path))["job-0"] is JobState.PLANNED
        assert kinds(await run(session, jobs(1), journal=path)) == [OK]


async def test_stop_on_failure_stops_submits_and_finishes_what_is_in_flight(tmp_path: Path) -> None:
    """With on_failure="stop" the first rejected prompt ends the submits; tasks alive are waited for."""
    async with Simulator(faults=[BLOCKED], work_seconds=30) as sim:
        async with client(sim, limits=AccountLimits(max_alive=2)) as session:
            outcomes = await run(
                session, jobs(6), journal=tmp_path / "run.db", on_failure="stop", concurrency=4
            )
        assert kinds(outcomes)[0] is OK
        assert kinds(outcomes)[1] is REFUSED
        assert kinds(outcomes).count(SKIPPED) >= 3
        assert sim.accepted == kinds(outcomes).count(OK)


async def test_a_budget_that_is_none_is_refused_by_name() -> None:
    """A number in place of a Budget is told what it should be, and nothing is sent."""
    async with Simulator() as sim, client(sim) as session:
        with pytest.raises(InvalidRequest, match=r"budget=500000 .*must be a Budget"):
            await run(session, jobs(1), budget=cast("Any", 500_000))
        assert not sim.requests


async def test_a_budget_holds_over_runs(tmp_path: Path) -> None:
    """What the first run spent counts in the second, also with a fresh Budget in a new process."""
    path = tmp_path / "run.db"
    async with Simulator() as sim:
        async with client(sim) as session:
            first = await run(session, jobs(4), journal=path, budget=Budget(tokens=100_000))
        assert kinds(first) == [OK, OK, SKIPPED, SKIPPED]
        assert isinstance(first["job-3"].error, BudgetExceeded)
        async with client(sim) as session:
            second = await run(session, jobs(4), journal=path, budget=Budget(tokens=100_000))
            assert kinds(second) == [OK, OK, SKIPPED, SKIPPED]
            more = Budget(tokens=130_000)
            for _ in range(2):
                third = await run(session, jobs(4), journal=path, budget=more)
                assert kinds(third) == [OK, OK, OK, SKIPPED]
        assert sim.accepted == 3


async def test_the_first_jobs_of_the_input_get_the_money(tmp_path: Path) -> None:
    """Whoever reads the file knows what a budget buys; which folder is looked into first decides nothing."""
    async with Simulator(work_seconds=3) as sim, client(sim) as session:
        for number in range(5):
            place = tmp_path / f"{number}"
            how = {"journal": tmp_path / f"{number}.db", "save_to": place, "budget": Budget(tokens=100_000)}
            outcomes = await run(session, jobs(6), **how)
            made = [key for key, outcome in sorted(outcomes.items()) if outcome.kind is OutcomeKind.SUCCEEDED]
            assert made == ["job-0", "job-1"]


async def test_money_that_comes_back_is_used(tmp_path: Path) -> None:
    """A job that does not fit beside the one in flight waits for its end, and is sent if that was free."""
    async with Simulator(work_seconds=60) as sim, client(sim) as session:
        budget = Budget(tokens=60_000)
        ended = [
            one
            async for one in session.run_many(_failing(sim, 2), journal=tmp_path / "run.db", budget=budget)
        ]
        assert [one.kind for one in ended] == [OutcomeKind.FAILED, OK]
        assert sim.accepted == 2


async def test_a_name_that_is_taken_costs_nothing(tmp_path: Path) -> None:
    """A file under a job's name is found before the submit, and left as it is."""
    (tmp_path / "job-0.mp4").write_bytes(b"precious")
    async with Simulator() as sim, client(sim) as session:
        outcomes = await run(session, jobs(2), save_to=tmp_path)
        assert kinds(outcomes) == [REFUSED, OK]
        assert isinstance(outcomes["job-0"].error, InvalidRequest)
        assert (tmp_path / "job-0.mp4").read_bytes() == b"precious"
        assert sim.accepted == 1


async def test_a_folder_that_cannot_be_made_costs_nothing(tmp_path: Path) -> None:
    """Where no video can land nothing is submitted, and the next run with a good folder does it all."""
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "run.db"
    async with Simulator() as sim, client(sim) as session:
        outcomes = await run(session, jobs(5), journal=path, save_to=tmp_path / "file" / "videos")
        assert sorted(one.kind.value for one in outcomes.values()) == ["refused", *["skipped"] * 4]
        refused = next(one for one in outcomes.values() if one.kind is REFUSED)
        assert isinstance(refused.error, InvalidRequest)
        assert str(tmp_path / "file" / "videos") in str(refused.error)
        assert sim.counts["create"] == 0
        assert kinds(await run(session, jobs(5), journal=path, save_to=tmp_path / "videos")) == [OK] * 5
        assert not list((tmp_path / "videos").glob(".seedance*"))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOTDIR])
async def test_a_folder_that_is_lost_meanwhile_stops_submits(number: int) -> None:
    """Whatever the file system says while a video lands, more videos would be paid for in vain."""
    with pytest.raises(DownloadFailed, match="download again") as caught, on_disk(Path("a.mp4"), "cgt-1"):
        raise OSError(number, "no")
    assert policy_of(None).action(caught.value) is Action.STOP


async def test_an_input_that_breaks_loses_nothing(tmp_path: Path) -> None:
    """A generator that raises ends the input; the jobs before it are done, then its error is raised."""

    def broken() -> Any:
        yield from jobs(2)
        raise RuntimeError("the database is gone")

    async with Simulator() as sim, client(sim) as session:
        outcomes = session.run_many(broken(), journal=tmp_path / "run.db")
        ended = [await anext(outcomes), await anext(outcomes)]
        assert [one.kind for one in ended] == [OK, OK]
        with pytest.raises(RuntimeError, match="database is gone"):
            await anext(outcomes)


@pytest.mark.parametrize("key", ["b\ud800", "a\0b"], ids=["half a character", "NUL"])
async def test_a_key_that_no_journal_holds_is_refused_alone(tmp_path: Path, key: str) -> None:
    """Half a character or a NUL in a key costs its own job; the others go on, in each run."""
    async with Simulator() as sim, client(sim) as session:
        for _ in range(2):
            outcomes = await run(session, [*jobs(2), (key, "a cat")], journal=tmp_path / "run.db")
            assert kinds(outcomes) == [REFUSED, OK, OK]
            refusal = outcomes["#2"].error
            assert isinstance(refusal, InvalidRequest)
            assert (refusal.field, refusal.value) == ("key", key)
            assert "nothing was sent" in refusal.limit
        assert sim.accepted == 2


async def test_a_key_given_twice_is_refused_the_second_time() -> None:
    """One key is one task: the second job of the same key is REFUSED before anything is sent."""
    async with Simulator() as sim, client(sim) as session:
        ended = [one async for one in session.run_many([job("a"), job("a")])]
        assert sorted(one.kind.value for one in ended) == ["refused", "succeeded"]
        assert sim.accepted == 1


POLICIES: list[tuple[Any, BaseException, Action]] = [
    (None, QuotaExhausted("x", status=429), Action.STOP),
    (None, AuthenticationFailed("x", status=401), Action.STOP),
    (None, AuthenticationFailed("x", status=403), Action.SKIP),
    (None, RateLimited("x", status=429), Action.LATER),
    (None, ConnectionFailed("x"), Action.LATER),
    (None, ContentRejected("x", status=400), Action.SKIP),
    (None, JournalError("x"), Action.STOP),
    ("skip", JournalError("x"), Action.STOP),
    ("skip", RateLimited("x", status=429), Action.SKIP),
    ("stop", ContentRejected("x", status=400), Action.STOP),
    ({DownloadFailed: "stop"}, DownloadFailed("x"), Action.STOP),
    ({DownloadFailed: "stop"}, ContentRejected("x", status=400), Action.SKIP),
    ({RateLimited: Action.SKIP, QuotaExhausted: "skip"}, QuotaExhausted("x", status=429), Action.SKIP),
]


@pytest.mark.parametrize(("on_failure", "error", "action"), POLICIES)
async def test_the_most_special_class_decides(on_failure: Any, error: Any, action: Action) -> None:
    """The caller's class rules come first, then the caller's one rule, then the usual ones."""
    assert policy_of(on_failure).action(error) is action


async def test_a_full_disk_stops_submits_and_a_bad_host_does_not() -> None:
    """An error of the file system is told from one of the video host."""
    full, host = DownloadFailed("disk full"), DownloadFailed("503")
    full.__cause__ = OSError(28, "No space left on device")
    assert policy_of(None).action(full) is Action.STOP
    assert policy_of(None).action(host) is Action.SKIP


@pytest.mark.parametrize(
    ("on_failure", "action"),
    [(None, Action.STOP), ("skip", Action.STOP), ({AuthenticationFailed: "skip"}, Action.SKIP)],
)
async def test_a_key_that_may_not_look_is_told_from_one_that_may_not_order(
    on_failure: Any, action: Action
) -> None:
    """A 403 after the order stops the submits, unless the caller has a rule for that very error."""
    error = AuthenticationFailed("x", status=403)
    assert policy_of(on_failure).action(error, ordered=True) is action
    assert policy_of(on_failure).action(error) is Action.SKIP


@pytest.mark.parametrize("wrong", ["retry", 3, {"RateLimited": "skip"}, {RateLimited: "again"}])
async def test_a_wrong_policy_is_refused_at_once(wrong: Any) -> None:
    """A typing error in on_failure is found before the first job."""
    with pytest.raises(InvalidRequest, match="on_failure"):
        policy_of(wrong)


@pytest.mark.parametrize("wrong", ["succeeded", ["failed", "oops"], 3, ["uncertain"]])
async def test_only_unpaid_ends_can_be_retried(wrong: Any) -> None:
    """retry_failed takes no word for a job that may have a paid task."""
    with pytest.raises(InvalidRequest, match="retry_failed"):
        retried_kinds(wrong)


async def test_a_refusal_of_the_moment_does_not_outlive_its_process(tmp_path: Path) -> None:
    """Killed between a 429 and its repeat, a job is not REFUSED for ever: the next run sends it."""
    path = tmp_path / "run.db"
    async with Simulator() as sim, client(sim) as session:
        async with Journal.open(path, account=sim.base_url) as journal:
            await journal.plan([PlannedRow(key="job-0")])
            await journal.refused("job-0", RateLimited("overload", status=429))
        assert kinds(await run(session, jobs(1), journal=path)) == [OK]
