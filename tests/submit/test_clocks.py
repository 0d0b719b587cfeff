"""Clocks that disagree hide no task: ours is set, the next machine has another, a gateway's is not its
upstream's. What nobody can tell by the time ends uncertain.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import (
    AccountLimits,
    PollPolicy,
    RetryPolicy,
    SeedanceSession,
    SubmitUncertain,
    Timeouts,
    VideoRequest,
    VideoTask,
)
from seedance_async._wire import clock
from seedance_async.events import SubmitAbsent
from seedance_async.ledger.fingerprints import Fingerprints
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.window import window_of
from seedance_async.simulator import Behaviour, Fault, Simulator
from tests.submit.carriers import Retelling, another_date, each_record
from tests.submit.helpers import KEY, Stand, standing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

LOST, NEVER_CAME = Fault(kind="reset", when="after"), Fault(kind="reset", when="before")
MINE = VideoRequest(prompt="mine", duration=4, resolution="480p")
RAISE: dict[str, Any] = {"retry": RetryPolicy(on_uncertain="raise")}
HOURS = 3600.0


def session_on(sim: Simulator, **given: Any) -> SeedanceSession:
    """Another process of the account."""
    free: dict[str, Any] = {"limits": AccountLimits.unlimited(), "poll": PollPolicy(interval=1.0), **given}
    return SeedanceSession(KEY, sim.base_url, observer=lambda _: None, **free)


def prompts(sim: Simulator) -> list[str]:
    """What was ordered and made, in order."""
    return [str(entry.prompt) for entry in sim.ledger]


class OurClock:
    """Our wall clock; add to ``ahead`` to set it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        right = clock.wall
        monkeypatch.setattr(clock, "wall", lambda: right() + self.ahead)


@pytest.fixture
def our_clock(monkeypatch: pytest.MonkeyPatch) -> OurClock:
    """A wall clock that can be set."""
    return OurClock(monkeypatch)


async def leave_open(stand: Stand, path: Path, fault: Fault) -> None:
    """Leave a row behind whose POST was lost."""
    stand.sim.add_fault(fault)
    async with Journal.open(path, account=stand.sim.base_url) as journal:
        with pytest.raises(SubmitUncertain):
            await stand.session.order(MINE, key="mine", intents=journal)
    await stand.session.close()


async def take_up(session: SeedanceSession, path: Path) -> VideoTask:
    """Order the same key over the same journal: what is open is looked for first."""
    async with Journal.open(path) as journal:
        return await session.order(MINE, key="mine", intents=journal)


class TestOurClockIsSet:
    """By a person, or by a time server."""

    @pytest.mark.parametrize("step", [-600.0, -45.0, 40.0, 600.0])
    async def test_while_we_look(self, our_clock: OurClock, step: float) -> None:
        """The task is found however far the clock is set, and in whatever direction."""
        async with standing(work_seconds=400.0) as stand:
            await stand.submit("witness")
            await asyncio.sleep(30.0)
            stand.sim.add_fault(LOST)
            lost = asyncio.create_task(stand.submit("lost"))
            await asyncio.sleep(2.0)
            our_clock.ahead = step
            await lost
            assert prompts(stand.sim) == ["witness", "lost"]

    @pytest.mark.parametrize("step", [-600.0, 600.0])
    async def test_while_the_answer_is_awaited(self, our_clock: OurClock, step: float) -> None:
        """A POST that we gave up is under way for as long, whatever the clock says when we give it up."""
        timeouts = Timeouts(request=10.0, connect=5.0)
        async with standing(session={"timeouts": timeouts}) as stand:
            await stand.submit("witness")
            stand.sim.add_fault(Fault(kind="late", when="before", seconds=90.0))
            lost = asyncio.create_task(stand.submit("lost"))
            await asyncio.sleep(2.0)
            our_clock.ahead = step
            await lost
            await asyncio.sleep(90.0)
            assert prompts(stand.sim) == ["witness", "lost"]

    @pytest.mark.parametrize("step", [0.0, -600.0])
    async def test_how_long_a_post_took_is_not_told_by_it(self, our_clock: OurClock, step: float) -> None:
        """The moment until which a server may still take it is kept in seconds after the POST went out."""
        retry, timeouts = RetryPolicy(on_uncertain="raise"), Timeouts(request=10.0, connect=5.0)
        async with standing(session={"retry": retry, "timeouts": timeouts}) as stand:
            await asyncio.sleep(300.0)
            stand.sim.add_fault(Fault(kind="hang", when="before"))
            lost = asyncio.create_task(stand.submit("lost"))
            await asyncio.sleep(2.0)
            our_clock.ahead = step
            with pytest.raises(SubmitUncertain) as caught:
                await lost
        under_way = caught.value.until - caught.value.sent_at - 10.0
        assert under_way == pytest.approx(5 * retry.settling, abs=1.0)

    async def test_a_late_list_is_no_proof_after_it(self, our_clock: OurClock) -> None:
        """Set back, it makes younger tasks of ours look older than the POST: nobody would notice that they
        are missing in the list, so that list proves nothing.
        """
        async with standing(work_seconds=200.0, behaviour=Behaviour(list_lag_seconds=500.0)) as stand:
            await stand.submit("old witness")
            await asyncio.sleep(700.0)
            stand.sim.add_fault(LOST)
            lost = asyncio.create_task(stand.submit("lost"))
            await asyncio.sleep(2.0)
            our_clock.ahead = -600.0
            for number in range(40):
                await asyncio.sleep(5.0)
                await stand.submit(f"young {number}")
            with pytest.raises(SubmitUncertain):
                await lost
            assert Counter(prompts(stand.sim))["lost"] == 1


class TestTheNextProcessHasAnotherClock:
    """The row of a machine is taken up by another, or after its clock was put right."""

    @pytest.mark.parametrize("wrong", [60.0, -60.0, HOURS, -HOURS])
    async def test_it_finds_the_task(self, our_clock: OurClock, tmp_path: Path, wrong: float) -> None:
        """What the server's clock said when the POST was sent is on record, and tells its time."""
        our_clock.ahead = wrong
        async with standing(work_seconds=2 * HOURS, session=RAISE) as stand:
            await stand.submit("witness")
            await leave_open(stand, tmp_path / "run.db", LOST)
            our_clock.ahead = 0.0
            async with session_on(stand.sim, retry=RetryPolicy(reconcile_budget=900.0)) as second:
                await second.submit("young")
                with pytest.raises(SubmitUncertain):  # its record is bare for two hours
                    await take_up(second, tmp_path / "run.db")
            assert prompts(stand.sim) == ["witness", "mine", "young"]

    async def test_it_waits_as_long_as_the_post_is_under_way(
        self, our_clock: OurClock, tmp_path: Path
    ) -> None:
        """Written an hour behind, a POST of a moment ago looks long over; a queue makes its task yet."""
        our_clock.ahead = -HOURS
        session = {**RAISE, "timeouts": Timeouts(request=10.0, connect=5.0)}
        async with standing(session=session) as stand:
            await stand.submit("witness")
            await leave_open(stand, tmp_path / "run.db", Fault(kind="late", when="before", seconds=60.0))
            our_clock.ahead = 0.0
            async with session_on(stand.sim) as second:
                await second.submit("young")
                await take_up(second, tmp_path / "run.db")
            await asyncio.sleep(90.0)
            assert prompts(stand.sim) == ["witness", "young", "mine"]

    async def test_a_row_from_the_future_is_proven_in_time(self, our_clock: OurClock, tmp_path: Path) -> None:
        """Written an hour ahead, a POST that never came is not waited for until that hour is over."""
        our_clock.ahead = HOURS
        async with standing(session=RAISE) as stand:
            await stand.submit("witness")
            await leave_open(stand, tmp_path / "run.db", NEVER_CAME)
            our_clock.ahead = 0.0
            begun = asyncio.get_running_loop().time()
            async with session_on(stand.sim) as second:
                await second.submit("young")
                await take_up(second, tmp_path / "run.db")
            assert asyncio.get_running_loop().time() - begun < 400.0
            assert prompts(stand.sim) == ["witness", "young", "mine"]

    async def test_the_budget_ends_the_search_of_a_row_from_the_future(self) -> None:
        """Times that make no sense do not hold up the caller for longer than ``reconcile_budget``."""
        retry = RetryPolicy(reconcile_budget=120.0)
        async with standing(session={"retry": retry}) as stand:
            await stand.submit("witness")
            now, begun = clock.wall(), asyncio.get_running_loop().time()
            facts = {"model": MINE.model}
            error = SubmitUncertain("?", key="odd", facts=facts, sent_at=now, until=now + 1e6)
            with pytest.raises(SubmitUncertain):
                await stand.session.reconcile(error)
            assert asyncio.get_running_loop().time() - begun <= 150.0


class TestAGatewayWithAClockOfItsOwn:
    """Its Date header is not the time that ``created_at`` is told in."""

    @pytest.mark.parametrize("ahead", [-8 * HOURS, -30.0, 30.0, 8 * HOURS])
    async def test_own_tasks_show_it(self, ahead: float) -> None:
        """How far the clocks are apart is seen by tasks that we ordered; the list is read as far back as that
        needs, page after page, also by whoever looks only once.
        """
        retry = RetryPolicy(looks=1, settling=1.0, on_uncertain="raise")
        async with Simulator(work_seconds=300.0, behaviour=Behaviour(list_page_cap=5)) as sim:
            async with session_on(sim, transport=Retelling(another_date(ahead)), retry=retry) as session:
                await session.submit("witness", duration=4, resolution="480p")
                sim.add_fault(LOST)
                with pytest.raises(SubmitUncertain) as caught:
                    await session.submit("lost", duration=4, resolution="480p")
                for number in range(12):
                    await asyncio.sleep(2.0)
                    await session.submit(f"young {number}", duration=4, resolution="480p")
                await asyncio.sleep(150.0)
                task = await session.reconcile(caught.value)
            assert task is not None
            assert task.id == sim.ledger[1].id

    async def test_a_witness_of_just_before_is_not_taken_for_one_of_after(self) -> None:
        """Its Date is half a minute behind: a task that ended before the POST proves a list no fresher for
        that, and absence takes its two minutes.
        """
        proofs: list[SubmitAbsent] = []

        def note(event: object) -> None:
            if isinstance(event, SubmitAbsent):
                proofs.append(event)

        async with Simulator(work_seconds=2.0) as sim:
            carrier, limits = Retelling(another_date(-30.0)), AccountLimits.unlimited()
            async with SeedanceSession(
                KEY, sim.base_url, transport=carrier, limits=limits, observer=note
            ) as session:
                await session.submit("witness", duration=4, resolution="480p")
                await asyncio.sleep(10.0)
                sim.add_fault(NEVER_CAME)
                await session.submit("mine", duration=4, resolution="480p")
            assert prompts(sim) == ["witness", "mine"]
            assert proofs[0].seconds >= 120.0

    @pytest.mark.parametrize("ahead", [-90.0, 90.0])
    async def test_two_minutes_are_allowed_for_unseen(self, tmp_path: Path, ahead: float) -> None:
        """The next process knows tasks by the journal, and not when they were ordered: what is listed two
        minutes off may be the lost one.
        """
        async with Simulator(work_seconds=300.0) as sim:
            async with session_on(sim, transport=Retelling(another_date(ahead)), **RAISE) as first:
                async with Journal.open(tmp_path / "run.db", account=sim.base_url) as journal:
                    await first.order(MINE.evolve(prompt="witness"), key="witness", intents=journal)
                await leave_open(Stand(sim=sim, session=first), tmp_path / "run.db", LOST)
            async with session_on(sim, transport=Retelling(another_date(ahead))) as second:
                await take_up(second, tmp_path / "run.db")
            assert prompts(sim) == ["witness", "mine"]

    async def test_milliseconds_hide_nothing(self) -> None:
        """A gateway that gives ``created_at`` in milliseconds makes every task look like one of the far
        future, and none is ruled out by that.
        """

        def in_milliseconds(record: dict[str, Any]) -> None:
            if "created_at" in record:
                record["created_at"] *= 1000

        async with Simulator(work_seconds=300.0) as sim:
            async with session_on(sim, transport=Retelling(each_record(in_milliseconds))) as session:
                await session.submit("witness", duration=4, resolution="480p")
                sim.add_fault(LOST)
                await session.submit("lost", duration=4, resolution="480p")
            assert prompts(sim) == ["witness", "lost"]

    async def test_a_time_that_says_nothing_rules_nothing_out(self) -> None:
        """Missing, zero, or yet to come: such a record may be any task's; one of a minute before is not."""
        now = clock.wall()
        intent = Intent(key="mine", sent_at=now - 100.0, until=now - 90.0)
        window = window_of(intent, offset=0.0, drifts=[0.0], settling=20.0, now=now)
        held = {
            created: window.holds(VideoTask(id="t", created_at=created))
            for created in (None, 0, int(now * 1000), int(now) + 60, int(now) - 95, int(now) - 160)
        }
        assert list(held.values()) == [True, True, True, True, True, False]


class TestLongAgo:
    """A row that is taken up days later."""

    async def test_beyond_the_list_nothing_is_proven(self, tmp_path: Path) -> None:
        """Lists go back 7 days: a task of 8 days ago is missing, and was made and paid for."""
        async with standing(session=RAISE) as stand:
            await leave_open(stand, tmp_path / "run.db", LOST)
            await asyncio.sleep(8 * 24 * HOURS)
            async with session_on(stand.sim) as second:
                await second.submit("witness")
                with pytest.raises(SubmitUncertain):
                    await take_up(second, tmp_path / "run.db")
            assert prompts(stand.sim) == ["mine", "witness"]

    async def test_within_the_list_absence_is_proven(self, tmp_path: Path) -> None:
        """Six days later the list still reaches back to the POST."""
        async with standing(session=RAISE) as stand:
            await leave_open(stand, tmp_path / "run.db", NEVER_CAME)
            await asyncio.sleep(6 * 24 * HOURS)
            async with session_on(stand.sim) as second:
                await second.submit("witness")
                await take_up(second, tmp_path / "run.db")
            assert prompts(stand.sim) == ["witness", "mine"]

    @pytest.mark.parametrize(("hours", "adopted"), [(0.1, True), (20.0, False)])
    async def test_a_fingerprint_of_much_later_is_not_adopted(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hours: float, *, adopted: bool
    ) -> None:
        """Another machine draws the same value: minutes later it is most likely ours, a day later it is not;
        then it is a candidate, and no proof of anything.
        """
        async with standing(session=RAISE, work_seconds=5.0) as stand:
            await leave_open(stand, tmp_path / "run.db", NEVER_CAME)
            async with Journal.open(tmp_path / "run.db") as journal:
                left = await journal.find("mine")
            assert left is not None

            def the_same(_: Fingerprints) -> int | None:
                return left.fingerprint

            await asyncio.sleep(hours * HOURS)
            with monkeypatch.context() as same:
                same.setattr(Fingerprints, "draw", the_same)
                async with session_on(stand.sim) as shard:
                    theirs = (await shard.submit("theirs", duration=4, resolution="480p")).id
            await asyncio.sleep(60.0)
            async with session_on(stand.sim) as second:
                await second.submit("witness")
                if adopted:
                    assert (await take_up(second, tmp_path / "run.db")).id == theirs
                    return
                with pytest.raises(SubmitUncertain) as caught:
                    await take_up(second, tmp_path / "run.db")
                assert [task.id for task in caught.value.candidates] == [theirs]
            assert prompts(stand.sim) == ["theirs", "witness"]
