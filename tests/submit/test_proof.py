"""Absence is proven or it is not: what counts as proof, what does not, and how a caller goes on
without one.
"""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest

from seedance_async import (
    AccountLimits,
    Billed,
    InvalidRequest,
    RetryPolicy,
    SeedanceError,
    SeedanceSession,
    SubmitUncertain,
    VideoRequest,
)
from seedance_async._wire import clock
from seedance_async.events import SubmitAbsent
from seedance_async.ledger.fingerprints import BAND
from seedance_async.ledger.intents import MemoryIntents
from seedance_async.simulator import Behaviour, ByHand, Fault
from tests.submit.helpers import KEY, Stand, standing

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

LOST = Fault(kind="reset", when="after")
NEVER_CAME = Fault(kind="reset", when="before")
REQUEST = VideoRequest(prompt="a cat", duration=4, resolution="480p")

NO_PROOF: dict[str, list[Any]] = {
    "404": [Behaviour(list_supported=False)],
    "405": [Fault(kind="status", route="list", status=405, times=None)],
    "{}": [Behaviour(list_empty=True)],
    "html": [Fault(kind="html", route="list", status=200, times=None)],
    "empty": [Fault(kind="empty", route="list", times=None)],
    "hang": [Fault(kind="hang", route="list", times=None)],
    "500": [Fault(kind="status", route="list", status=500, times=None)],
    "401": [Fault(kind="status", route="list", status=401, times=None)],
}


def other(stand: Stand, **given: Any) -> SeedanceSession:
    """Another process of the same account: a session that shares nothing with the first."""
    return SeedanceSession(KEY, stand.sim.base_url, limits=AccountLimits.unlimited(), **given)


@pytest.mark.parametrize("fault", [LOST, NEVER_CAME], ids=["accepted", "not accepted"])
@pytest.mark.parametrize("server", NO_PROOF.values(), ids=NO_PROOF.keys())
async def test_a_list_that_says_nothing_proves_nothing(server: list[Any], fault: Fault) -> None:
    """Missing, empty, unreadable, hanging or refused: the submit ends uncertain, and no second POST
    is sent.
    """
    behaviour = next((one for one in server if isinstance(one, Behaviour)), Behaviour())
    session = {"retry": RetryPolicy(reconcile_budget=600.0)}
    async with standing(behaviour=behaviour, session=session) as stand:
        await stand.submit("witness")
        for one in (*server, fault):
            if isinstance(one, Fault):
                stand.sim.add_fault(one)
        with pytest.raises(SubmitUncertain) as caught:
            await stand.submit("lost")
        assert caught.value.billed is Billed.MAYBE
        assert stand.sim.counts["create"] == 2


@pytest.mark.parametrize("fault", [LOST, NEVER_CAME], ids=["accepted", "not accepted"])
async def test_a_list_that_ignores_the_tier_proves_nothing(fault: Fault) -> None:
    """Asked for flex tasks it shows others: a flex task may exist unseen, so it is not ordered again."""
    behaviour = Behaviour(list_ignores_filters=True)
    async with standing(behaviour=behaviour) as stand:
        await stand.submit("default witness")
        await stand.submit("flex witness", service_tier="flex")
        stand.sim.add_fault(fault)
        with pytest.raises(SubmitUncertain):
            await stand.submit("lost", service_tier="flex")
        assert stand.sim.counts["create"] == 3


async def test_a_witness_of_another_tier_is_none() -> None:
    """That a default task is listed says nothing about flex ones: without a flex witness nothing is
    repeated.
    """
    async with standing() as stand:
        await stand.submit("default witness")
        stand.sim.add_fault(NEVER_CAME)
        with pytest.raises(SubmitUncertain):
            await stand.submit("lost", service_tier="flex")
        assert stand.sim.counts["create"] == 2


async def test_a_flex_witness_proves_it_for_flex() -> None:
    """With a flex task known and listed, a flex POST that never came is sent again."""
    async with standing() as stand:
        await stand.submit("witness", service_tier="flex")
        stand.sim.add_fault(NEVER_CAME)
        await stand.submit("lost", service_tier="flex")
        assert [entry.prompt for entry in stand.sim.ledger] == ["witness", "lost"]


async def test_without_a_witness_nothing_is_repeated() -> None:
    """The first submit of a session knows no task: an honest empty list looks like a blind one."""
    async with standing(faults=[NEVER_CAME]) as stand:
        begun = asyncio.get_running_loop().time()
        with pytest.raises(SubmitUncertain) as caught:
            await stand.submit()
        assert caught.value.candidates == ()
        assert asyncio.get_running_loop().time() - begun <= 150.0
        assert (stand.sim.counts["create"], stand.sim.billed) == (1, 0)


@pytest.mark.parametrize(("idle", "at_least", "at_most"), [(0.0, 20.0, 40.0), (300.0, 120.0, 140.0)])
async def test_an_old_witness_takes_longer(idle: float, at_least: float, at_most: float) -> None:
    """A task that changed since the POST proves the list fresh; one that ended long before may be a cached
    copy.
    """
    async with standing() as stand:
        await stand.submit("witness")
        await asyncio.sleep(idle)
        stand.sim.add_fault(NEVER_CAME)
        await stand.submit("lost")
        (proof,) = stand.told(SubmitAbsent)
        assert at_least <= proof.seconds <= at_most
        assert proof.looks >= 3
        assert proof.witness == stand.sim.ledger[0].id


async def test_a_list_that_lags_behind_our_own_tasks_is_no_proof() -> None:
    """Tasks of ours accepted since the POST are missing a settling time later: then the lost one
    may be, too.
    """
    async with standing(work_seconds=200.0, behaviour=Behaviour(list_lag_seconds=500.0)) as stand:
        await stand.submit("old witness")
        await asyncio.sleep(700.0)
        stand.sim.add_fault(LOST)
        lost = asyncio.create_task(stand.submit("lost"))
        for number in range(40):
            await asyncio.sleep(5.0)
            await stand.submit(f"young {number}")
        with pytest.raises(SubmitUncertain):
            await lost
        assert [entry.prompt for entry in stand.sim.ledger].count("lost") == 1


async def test_the_error_says_all_that_a_person_needs() -> None:
    """Key, window, fingerprint, candidates, that it may bill, and the one call that goes on; also after
    pickling.
    """
    session = {"retry": RetryPolicy(reconcile_budget=60.0)}
    async with standing(faults=[LOST], behaviour=Behaviour(progression=ByHand()), session=session) as stand:
        with pytest.raises(SubmitUncertain) as caught:
            await stand.session.submit(REQUEST, key="order 7")
        entry = stand.sim.ledger[0]
        for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):  # noqa: S301 - our own
            assert error.key == "order 7"
            assert error.fingerprint == entry.fingerprint
            assert error.fingerprint in BAND
            assert error.sent_at - 1.0 <= entry.accepted_at <= error.until + 1.0
            assert [task.id for task in error.candidates] == [entry.id]
            assert error.billed is Billed.MAYBE
            assert "await session.reconcile('order 7')" in str(error)


@pytest.mark.parametrize("by_error", [False, True], ids=["key", "error"])
async def test_reconcile_goes_on_by_key_and_by_error(*, by_error: bool) -> None:
    """Once the list is back, the same session finds the task of its uncertain submit."""
    async with standing(faults=[LOST], behaviour=Behaviour(list_supported=False)) as stand:
        with pytest.raises(SubmitUncertain) as caught:
            await stand.session.submit(REQUEST, key="mine")
        assert [intent.key for intent in stand.session.uncertain] == ["mine"]
        stand.sim.server.behave(Behaviour())
        task = await stand.session.reconcile(caught.value if by_error else "mine")
        assert task is not None
        assert [entry.id for entry in stand.sim.ledger] == [task.id]
        assert stand.session.uncertain == ()


@pytest.mark.parametrize("tier", ["default", "flex"])
async def test_another_process_goes_on_with_the_error(tier: str) -> None:
    """A session that knows nothing but the (pickled) error finds the task, in whichever list it is."""
    async with standing(faults=[LOST], behaviour=Behaviour(list_supported=False)) as stand:
        with pytest.raises(SubmitUncertain) as caught:
            await stand.session.submit(REQUEST, key="mine", service_tier=tier)
        stand.sim.server.behave(Behaviour())
        error = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
        async with other(stand) as second:
            task = await second.reconcile(error)
            assert task is not None
            assert task.id == stand.sim.ledger[0].id
            assert (await second.get(task.id)).is_terminal


async def test_another_process_can_prove_absence_from_the_error() -> None:
    """The error carries what was sent and when, so a witness of the other session's own is enough."""
    async with standing(faults=[NEVER_CAME], behaviour=Behaviour(list_supported=False)) as stand:
        with pytest.raises(SubmitUncertain) as caught:
            await stand.session.submit(REQUEST, key="mine")
        assert caught.value.facts["model"] == REQUEST.model
        stand.sim.server.behave(Behaviour())
        async with other(stand) as second:
            with pytest.raises(SubmitUncertain):
                await second.reconcile(caught.value)
            await second.submit("witness")
            assert await second.reconcile(caught.value) is None


async def test_an_error_without_facts_proves_nothing() -> None:
    """An error that does not say what was sent leaves the tier open, and no list is believed."""
    async with standing() as stand:
        await stand.submit("witness")
        error = SubmitUncertain("lost", key="elsewhere", sent_at=clock.wall(), until=clock.wall())
        with pytest.raises(SubmitUncertain):
            await stand.session.reconcile(error)


async def test_another_process_goes_on_with_the_store() -> None:
    """A session over the same store proves the absence, and only then the key is submitted again."""
    store = MemoryIntents()
    async with standing(behaviour=Behaviour(list_supported=False), faults=[NEVER_CAME]) as stand:
        with pytest.raises(SubmitUncertain):
            await stand.session.order(REQUEST, key="mine", intents=store)
        stand.sim.server.behave(Behaviour())
        async with other(stand) as second:
            await second.submit("witness", duration=4, resolution="480p")
            assert await second.reconcile("mine", intents=store) is None
            assert await store.find("mine") is None
            await second.order(REQUEST, key="mine", intents=store)
        assert [entry.prompt for entry in stand.sim.ledger] == ["witness", "a cat"]


async def test_reconciling_twice_gives_the_same_task() -> None:
    """An error that was kept does not become proof of absence once its own task is known."""
    async with standing(faults=[LOST], behaviour=Behaviour(list_supported=False)) as stand:
        with pytest.raises(SubmitUncertain) as caught:
            await stand.session.submit(REQUEST, key="mine")
        stand.sim.server.behave(Behaviour())
        first = await stand.session.reconcile(caught.value)
        await stand.submit("witness")
        second = await stand.session.reconcile(caught.value)
        assert first is not None
        assert second is not None
        assert first.id == second.id == stand.sim.ledger[0].id


async def test_two_at_once_do_not_reconcile_the_same_key() -> None:
    """What one of them adopts would look to the other like proof that there is nothing."""
    async with standing(faults=[LOST], behaviour=Behaviour(list_supported=False)) as stand:
        with pytest.raises(SubmitUncertain) as caught:
            await stand.session.submit(REQUEST, key="mine")
        stand.sim.server.behave(Behaviour())
        searches = [asyncio.create_task(stand.session.reconcile(caught.value)) for _ in range(2)]
        await asyncio.wait(searches)
        assert sorted(type(one.exception()).__name__ for one in searches) == ["InvalidRequest", "NoneType"]


async def test_an_unknown_key_is_refused() -> None:
    """Nothing is listed for a key that nobody submitted."""
    async with standing() as stand:
        with pytest.raises(InvalidRequest, match="key"):
            await stand.session.reconcile("never heard of")
        assert stand.sim.counts["list"] == 0


@pytest.mark.parametrize("fault", [LOST, NEVER_CAME], ids=["accepted", "not accepted"])
async def test_submitting_an_uncertain_key_again_looks_first(fault: Fault) -> None:
    """The obvious mistake, submit again with the same key, does not pay twice: the open POST is
    looked for.
    """
    async with standing(behaviour=Behaviour(list_supported=False)) as stand:
        await stand.submit("witness")
        stand.sim.add_fault(fault)
        for _ in range(2):
            with pytest.raises(SubmitUncertain):
                await stand.session.submit(REQUEST, key="mine")
        stand.sim.server.behave(Behaviour())
        task = await stand.session.submit(REQUEST, key="mine")
        assert [entry.prompt for entry in stand.sim.ledger] == ["witness", "a cat"]
        assert stand.sim.ledger[1].id == task.id


async def test_a_key_in_flight_is_not_sent_beside_itself() -> None:
    """A second submit under a key that is under way is refused; the first goes on."""
    async with standing(faults=[Fault(kind="late", when="after", seconds=5.0)]) as stand:
        first = asyncio.create_task(stand.session.submit(REQUEST, key="mine"))
        await asyncio.sleep(1.0)
        with pytest.raises(InvalidRequest, match="in flight"):
            await stand.session.submit(REQUEST, key="mine")
        assert (await first).id == stand.sim.ledger[0].id
        assert stand.sim.counts["create"] == 1


async def test_a_search_gives_up_repeating_after_the_attempts() -> None:
    """A server that loses every POST before it is taken ends with its error, and nothing is billed."""
    session = {"retry": RetryPolicy(attempts=3)}
    async with standing(session=session) as stand:
        await stand.submit("witness")
        stand.sim.add_fault(Fault(kind="status", status=503, when="before", times=None))
        with pytest.raises(SeedanceError, match="503") as caught:
            await stand.submit("lost")
        assert caught.value.billed is Billed.NO
        assert (stand.sim.counts["create"], stand.sim.accepted) == (4, 1)
        assert stand.session.uncertain == ()
