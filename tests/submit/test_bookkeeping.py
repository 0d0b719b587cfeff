"""What each end of a POST leaves behind: in the account, in the store, and for other searches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import (
    AccountLimits,
    Billed,
    RetryPolicy,
    SeedanceError,
    SubmitUncertain,
    Timeouts,
    VideoRequest,
)
from seedance_async._wire import clock
from seedance_async.errors import JournalError
from seedance_async.events import PaceLowered, SubmitLost
from seedance_async.ledger.intents import Intent, MemoryIntents
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from seedance_async.simulator import Behaviour, Fault
from tests.submit.helpers import Stand, standing
from tests.submit.test_proof import other

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

LOST = Fault(kind="reset", when="after")
NEVER_CAME = Fault(kind="reset", when="before")
HANG = Fault(kind="hang", when="after")
REQUEST = VideoRequest(prompt="a cat", duration=4, resolution="480p", seed=7)
MODEL = "doubao-seedance-1-5-pro-251215"


async def test_accepted_submits_give_the_pace_back() -> None:
    """Ten accepted submits after a cut raise the pace by a tenth, and the next hold is a first one again."""
    busy = Fault(kind="status", status=429, code="ServerOverloaded", when="before", nth=(1, 12))
    session = {"limits": AccountLimits(creates_per_minute=600.0)}
    async with standing(faults=[busy], session=session) as stand:
        for number in range(11):
            await stand.submit(f"prompt {number}")
        lowered = stand.told(PaceLowered)
        assert [event.per_minute for event in lowered] == pytest.approx([300.0, 180.0])
        assert [event.hold for event in lowered] == [1.0, 1.0]


@pytest.mark.parametrize(("fault", "still"), [(LOST, 0.0), (HANG, 50.0)], ids=["broken off", "given up"])
async def test_the_window_of_a_lost_post_depends_on_who_gave_up(fault: Fault, still: float) -> None:
    """A server that broke off has done with it; one that we stopped waiting for has five settling times
    left. Before the end is known the window allows for both waits as well.
    """
    retry = RetryPolicy(on_uncertain="raise", settling=10.0)
    session = {"retry": retry, "timeouts": Timeouts(connect=5.0, request=30.0)}
    store = MemoryIntents()
    async with standing(faults=[fault], session=session) as stand:
        begun = asyncio.get_running_loop().time()
        with pytest.raises(SubmitUncertain) as caught:
            await stand.session.order(REQUEST, key="mine", intents=store)
        error, took = caught.value, asyncio.get_running_loop().time() - begun
        assert error.until - error.sent_at == pytest.approx(took + still, abs=0.1)
        (intent,) = store.open.values()
        assert intent.until - intent.sent_at == pytest.approx(5.0 + 30.0 + 50.0)


async def test_an_uncertain_submit_knows_the_servers_clock() -> None:
    """The answer to an earlier submit tells how far the server's clock is off, and the error knows."""
    session = {"retry": RetryPolicy(on_uncertain="raise")}
    async with standing(behaviour=Behaviour(clock_skew=3600.0), session=session) as stand:
        await stand.session.submit(REQUEST)
        stand.sim.add_fault(LOST)
        with pytest.raises(SubmitUncertain) as caught:
            await stand.session.submit(REQUEST)
        assert caught.value.clock_offset == pytest.approx(3600.0, abs=2.0)


async def _refused(stand: Stand) -> None:
    """The server says no."""
    stand.sim.add_fault(Fault(kind="status", status=400, code="InvalidParameter", when="before"))
    with pytest.raises(SeedanceError):
        await stand.session.submit(REQUEST)


async def _refused_while_leaving(stand: Stand) -> None:
    """The server says no to somebody who leaves."""
    stand.sim.server.behave(Behaviour(models_not_open=frozenset({MODEL})))
    stand.sim.add_fault(Fault(kind="late", when="after", seconds=1.0))
    leaving = asyncio.create_task(stand.session.submit(REQUEST))
    await asyncio.sleep(0.5)
    leaving.cancel()
    await asyncio.wait({leaving})
    stand.sim.server.behave(Behaviour())


async def _accepted(stand: Stand) -> None:
    """The server has it."""
    await stand.session.submit(REQUEST)


async def _absent(stand: Stand) -> None:
    """The first POST never came, which is proven, and the second is accepted."""
    await stand.session.submit(REQUEST)
    stand.sim.add_fault(NEVER_CAME)
    await stand.session.submit(REQUEST)


async def _left_before_it_went_out(stand: Stand) -> None:
    """Somebody leaves at every step before the first byte."""
    for steps in range(6):
        leaving = asyncio.create_task(stand.session.submit(REQUEST))
        for _ in range(steps):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})
    assert stand.sim.accepted == 0


@pytest.mark.parametrize(
    "end", [_refused, _refused_while_leaving, _accepted, _absent, _left_before_it_went_out]
)
async def test_a_post_whose_end_is_known_is_nobodys_twin(end: Callable[[Stand], Awaitable[None]]) -> None:
    """Without fingerprints a lost task is found by its seed, although an earlier submit, settled since,
    looked the same.
    """
    session = {"retry": RetryPolicy(fingerprint=False)}
    async with standing(session=session) as stand:
        await end(stand)
        stand.sim.add_fault(LOST)
        task = await stand.session.submit(REQUEST)
        assert stand.sim.ledger[-1].id == task.id


async def test_a_post_in_flight_is_a_twin() -> None:
    """A task whose answer is still on its way is listed already: a lost submit of the same looks leaves
    it alone.
    """
    session = {"retry": RetryPolicy(fingerprint=False)}
    late = Fault(kind="late", when="after", seconds=90.0)
    async with standing(faults=[late], session=session) as stand:
        first = asyncio.create_task(stand.submit("first", seed=7))
        await asyncio.sleep(1.0)
        stand.sim.add_fault(NEVER_CAME)
        second = asyncio.create_task(stand.submit("second", seed=7))
        found = {"first": await first, "second": await second}
        assert {entry.prompt: entry.id for entry in stand.sim.ledger} == found


async def test_a_post_that_is_looked_for_again_is_a_twin() -> None:
    """A lost submit leaves alone the task that may belong to the one of another process, which is looked for
    at the same time.
    """
    session = {"retry": RetryPolicy(fingerprint=False)}
    async with standing(session=session) as first, other(first, **session) as second:
        first.sim.add_fault(LOST)
        first.sim.server.behave(Behaviour(list_supported=False))
        with pytest.raises(SubmitUncertain) as caught:
            await first.session.submit(REQUEST)
        first.sim.server.behave(Behaviour())
        first.sim.add_fault(NEVER_CAME)
        ordering = asyncio.create_task(second.submit(REQUEST))
        await asyncio.sleep(1.0)
        looking = asyncio.create_task(second.reconcile(caught.value))
        await asyncio.wait({ordering, looking})
        assert isinstance(ordering.exception(), SubmitUncertain)
        assert isinstance(looking.exception(), SubmitUncertain)
        assert len(first.sim.ledger) == 1


class _SlowStore(MemoryIntents):
    """A store that has an intent at once and says so a second later."""

    async def sending(self, intent: Intent) -> None:
        self.open[intent.key] = intent
        await asyncio.sleep(1.0)


async def test_who_leaves_while_the_intent_is_written_has_ordered_nothing() -> None:
    """The intent that the store has by then is taken back: the next run need not look for a task."""
    store = _SlowStore()
    async with standing() as stand:
        leaving = asyncio.create_task(stand.session.order(REQUEST, key="mine", intents=store))
        await asyncio.sleep(0.5)
        assert list(store.open) == ["mine"]
        leaving.cancel()
        await asyncio.wait({leaving})
        assert leaving.cancelled()
        assert store.open == {}
        assert stand.sim.counts["create"] == 0


async def test_a_journal_that_is_gone_when_the_id_comes(tmp_path: Path) -> None:
    """The task is paid for though its id cannot be kept: the error says so and names the task to wait for."""
    journal = Journal.open(tmp_path / "run.db")
    async with standing(faults=[Fault(kind="late", when="after", seconds=2.0)]) as stand:
        async with journal:
            ordering = asyncio.create_task(stand.session.order(REQUEST, key="mine", intents=journal))
            while not stand.sim.accepted:  # noqa: ASYNC110 - the server rings no bell
                await asyncio.sleep(0.1)
        with pytest.raises(JournalError) as caught:
            await ordering
        assert caught.value.billed is Billed.YES
        assert "wait for that one" in caught.value.advice
        assert stand.sim.ledger[0].id in str(caught.value)


async def test_what_is_raised_as_uncertain_is_uncertain_in_the_journal(tmp_path: Path) -> None:
    """The journal says so too, with the error, whether the caller was told or had left."""
    session: dict[str, Any] = {"retry": RetryPolicy(on_uncertain="raise"), "timeouts": Timeouts(cancel=0.0)}
    async with Journal.open(tmp_path / "run.db") as journal, standing(session=session) as stand:
        stand.sim.add_fault(LOST)
        with pytest.raises(SubmitUncertain):
            await stand.session.order(REQUEST, key="told", intents=journal)
        stand.sim.add_fault(HANG)
        leaving = asyncio.create_task(stand.session.order(REQUEST, key="left", intents=journal))
        while stand.sim.accepted < 2:  # noqa: ASYNC110 - the server rings no bell
            await asyncio.sleep(0.1)
        leaving.cancel()
        await asyncio.wait({leaving})
        rows = await journal.lookup(["told", "left"])
        states = {key: (row.state, row.error_type) for key, row in rows.items()}
        assert states == dict.fromkeys(("told", "left"), (JobState.UNCERTAIN, "SubmitUncertain"))
        assert [event.key for event in stand.told(SubmitLost)] == ["told", "left"]


async def test_a_search_that_finds_nothing_out_is_in_the_journal(tmp_path: Path) -> None:
    """A POST that a killed process left behind is uncertain once somebody has looked for it in vain."""
    async with Journal.open(tmp_path / "run.db") as journal, standing() as stand:
        await journal.sending(Intent(key="mine", sent_at=clock.wall(), until=clock.wall()))
        with pytest.raises(SubmitUncertain):
            await stand.session.reconcile("mine", intents=journal)
        row = await journal.row("mine")
        assert row is not None
        assert (row.state, row.error_type) == (JobState.UNCERTAIN, "SubmitUncertain")
