"""A lost answer is found: among many, late, in strange lists, and never in place of somebody else's."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import AccountLimits, PollPolicy, RetryPolicy, SeedanceSession, SubmitUncertain, Timeouts
from seedance_async.events import SubmitAbsent, SubmitAdopted
from seedance_async.simulator import Behaviour, ByHand, Fault, Quotas
from tests.submit.helpers import KEY, Stand, standing

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

LOST = Fault(kind="reset", when="after")
NEVER_CAME = Fault(kind="reset", when="before")


async def once_each(stand: Stand, count: int, **fields: Sequence[int]) -> None:
    """Submit so many prompts at once, and check that each got its own task and the ledger holds one
    of each.
    """
    found: dict[str, str] = {}

    async def one(number: int) -> None:
        special = {name: values[number] for name, values in fields.items()}
        found[f"prompt {number}"] = await stand.submit(f"prompt {number}", **special)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(number))
    assert {entry.prompt: entry.id for entry in stand.sim.ledger} == found
    assert len(stand.sim.ledger) == count


async def test_bare_records_are_looked_at_until_they_tell() -> None:
    """While its record shows five fields only, nothing is adopted and nothing is sent again."""
    async with standing(work_seconds=120.0, faults=[LOST]) as stand:
        begun = asyncio.get_running_loop().time()
        await stand.submit()
        assert asyncio.get_running_loop().time() - begun >= 120.0
        assert stand.sim.counts["create"] == stand.sim.billed == 1


async def test_full_records_are_adopted_at_once() -> None:
    """A server that shows the field from the start gives the task back within seconds."""
    behaviour = Behaviour(bare_records="no")
    async with standing(work_seconds=600.0, faults=[LOST], behaviour=behaviour) as stand:
        begun = asyncio.get_running_loop().time()
        await stand.submit()
        assert asyncio.get_running_loop().time() - begun <= 3.0


async def test_a_task_that_never_tells_ends_in_a_bounded_time() -> None:
    """A candidate that stays bare for ever ends the search when the budget for it is spent."""
    retry = RetryPolicy(reconcile_budget=300.0)
    behaviour = Behaviour(progression=ByHand())
    async with standing(faults=[LOST], behaviour=behaviour, session={"retry": retry}) as stand:
        begun = asyncio.get_running_loop().time()
        with pytest.raises(SubmitUncertain) as caught:
            await stand.submit()
        assert 300.0 <= asyncio.get_running_loop().time() - begun <= 330.0
        assert [task.id for task in caught.value.candidates] == [stand.sim.ledger[0].id]
        assert stand.sim.counts["create"] == 1


async def test_sixty_lost_at_once_each_find_their_own() -> None:
    """Prompt and task are paired by the fingerprint, however many are lost in the same second."""
    async with standing(work_seconds=30.0, faults=[Fault(kind="reset", when="after", times=60)]) as stand:
        await once_each(stand, 80)
        assert len(stand.told(SubmitAdopted)) == 60
        assert stand.sim.counts["create"] == 80


async def test_the_lists_of_an_account_stay_within_one_a_second() -> None:
    """Fifty searches at once share their listings: the account's quota for LIST is never passed."""
    faults = [Fault(kind="reset", when="after", times=50)]
    session = {"limits": AccountLimits()}
    async with standing(work_seconds=30.0, faults=faults, quotas=Quotas(), session=session) as stand:
        await once_each(stand, 50)
        listed = [request for request in stand.sim.requests if request.route == "list"]
        assert listed
        assert {request.status for request in listed} == {200}
        times = [request.at for request in listed]
        assert min(later - earlier for earlier, later in pairwise(times)) >= 1.0


async def test_without_fingerprints_a_chosen_seed_pairs_them() -> None:
    """Ten lost submits with ten seeds each find the task with their seed."""
    faults = [Fault(kind="reset", when="after", times=10)]
    session = {"retry": RetryPolicy(fingerprint=False)}
    async with standing(faults=faults, session=session) as stand:
        await once_each(stand, 10, seed=range(1000, 1010))
        assert stand.sim.counts["create"] == 10


async def test_without_fingerprints_the_end_users_id_tells() -> None:
    """A safety_identifier of one's own finds the task as well."""
    session = {"retry": RetryPolicy(fingerprint=False)}
    async with standing(faults=[LOST], session=session) as stand:
        task_id = await stand.submit(safety_identifier="user-7")
        assert [entry.id for entry in stand.sim.ledger] == [task_id]
        assert stand.sim.counts["create"] == 1


async def test_without_anything_to_tell_it_by_nothing_is_adopted() -> None:
    """The only candidate may be anybody's: the caller decides, and sees it among the candidates."""
    session = {"retry": RetryPolicy(fingerprint=False)}
    async with standing(faults=[LOST], session=session) as stand:
        with pytest.raises(SubmitUncertain) as caught:
            await stand.submit()
        assert [task.id for task in caught.value.candidates] == [stand.sim.ledger[0].id]
        assert stand.sim.counts["create"] == 1


@pytest.mark.parametrize("marks", [{}, {"seed": 7}], ids=["no seed", "one seed"])
async def test_twins_without_fingerprints_are_left_to_the_caller(marks: dict[str, Any]) -> None:
    """Two lost submits that look the same in a list take neither task: it could be the other one's."""
    session = {"retry": RetryPolicy(fingerprint=False)}
    async with standing(faults=[Fault(kind="reset", when="after", times=2)], session=session) as stand:
        ends = [asyncio.create_task(stand.submit(f"twin {number}", **marks)) for number in range(2)]
        await asyncio.wait(ends)
        assert [type(end.exception()) for end in ends] == [SubmitUncertain, SubmitUncertain]
        assert stand.sim.counts["create"] == 2


async def test_a_twin_that_was_given_up_keeps_its_claim() -> None:
    """A lost submit does not take the one task that may belong to an earlier uncertain one of the
    same looks.
    """
    session = {"retry": RetryPolicy(fingerprint=False)}
    async with standing(behaviour=Behaviour(list_supported=False), session=session) as stand:
        stand.sim.add_fault(LOST)
        with pytest.raises(SubmitUncertain):
            await stand.submit("first", seed=7)
        stand.sim.server.behave(Behaviour())
        stand.sim.add_fault(NEVER_CAME)
        with pytest.raises(SubmitUncertain):
            await stand.submit("second", seed=7)
        assert [entry.prompt for entry in stand.sim.ledger] == ["first"]


@pytest.mark.parametrize("fingerprint", [True, False])
async def test_a_task_of_another_client_is_never_adopted(*, fingerprint: bool) -> None:
    """Another client of the account orders the same thing at the same moment: its task is not taken."""
    retry = RetryPolicy(fingerprint=fingerprint)
    async with standing(session={"retry": retry}) as stand:
        await stand.submit("mine before")
        async with SeedanceSession(
            KEY, stand.sim.base_url, retry=retry, limits=AccountLimits.unlimited()
        ) as other:
            theirs = await other.submit("theirs", duration=4, resolution="480p")
            stand.sim.add_fault(NEVER_CAME)
            if fingerprint:
                assert await stand.submit("mine") != theirs.id
                assert [entry.prompt for entry in stand.sim.ledger] == ["mine before", "theirs", "mine"]
            else:
                with pytest.raises(SubmitUncertain) as caught:
                    await stand.submit("mine")
                assert [task.id for task in caught.value.candidates] == [theirs.id]
                assert stand.sim.counts["create"] == 3


async def test_a_stream_of_other_clients_tasks_does_not_hold_up_the_proof() -> None:
    """What somebody else orders minutes later cannot be this POST's: absence is proven all the same."""
    async with standing(work_seconds=40.0) as stand:
        await stand.submit("witness")
        async with SeedanceSession(KEY, stand.sim.base_url, limits=AccountLimits.unlimited()) as other:

            async def keep_ordering() -> None:
                while True:
                    await other.submit("theirs", duration=4, resolution="480p")
                    await asyncio.sleep(10.0)

            stream = asyncio.create_task(keep_ordering())
            stand.sim.add_fault(NEVER_CAME)
            await stand.submit("mine")
            stream.cancel()
            await asyncio.wait({stream})
        assert [entry.prompt for entry in stand.sim.ledger].count("mine") == 1
        assert stand.told(SubmitAbsent)[0].seconds <= 300.0


async def test_a_flex_task_is_looked_for_among_flex_tasks() -> None:
    """The list hides flex tasks unless asked for: the search asks for the tier of the submit."""
    async with standing(faults=[LOST]) as stand:
        task_id = await stand.submit(service_tier="flex")
        assert [entry.id for entry in stand.sim.ledger] == [task_id]
        listed = [dict(request.query) for request in stand.sim.requests if request.route == "list"]
        assert {query.get("filter.service_tier") for query in listed} == {"flex"}


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("cap", [7, None])
async def test_a_list_of_many_pages_is_read_back_to_the_post(order: Any, cap: int | None) -> None:
    """Behind a hundred younger tasks, in pages of seven, oldest or newest first: found, and absence
    proven.
    """
    behaviour = Behaviour(list_order=order, list_page_cap=cap)
    async with standing(behaviour=behaviour) as stand:
        stand.sim.add_fault(Fault(kind="reset", when="after", nth=1))
        stand.sim.add_fault(Fault(kind="reset", when="before", nth=2))
        await once_each(stand, 100)
        assert len(stand.told(SubmitAdopted)) == len(stand.told(SubmitAbsent)) == 1
        assert stand.sim.counts["create"] == 101


@pytest.mark.parametrize("hours", [-3, 3])
async def test_a_server_with_another_time_of_day_is_read_right(hours: int) -> None:
    """Its clock is taken from its Date header: what was lost is found, what never came is proven absent."""
    behaviour = Behaviour(clock_skew=hours * 3600.0)
    async with standing(behaviour=behaviour) as stand:
        stand.sim.add_fault(Fault(kind="reset", when="after", nth=2))
        stand.sim.add_fault(Fault(kind="reset", when="before", nth=3))
        for number in range(3):
            await stand.submit(f"prompt {number}")
        assert [entry.prompt for entry in stand.sim.ledger] == ["prompt 0", "prompt 1", "prompt 2"]


@pytest.mark.parametrize("lag", [2.0, 10.0, 25.0, 45.0, 70.0])
async def test_a_list_that_shows_new_tasks_late_is_waited_for(lag: float) -> None:
    """A task that appears in lists only after a while is found then; a second one is never ordered."""
    async with standing(work_seconds=10.0, behaviour=Behaviour(list_lag_seconds=lag)) as stand:
        stand.sim.add_fault(Fault(kind="reset", when="after", nth=(2, 5)))
        for number in range(8):
            await stand.submit(f"prompt {number}")
        assert [entry.prompt for entry in stand.sim.ledger] == [f"prompt {number}" for number in range(8)]


async def test_a_list_with_old_statuses_is_waited_for() -> None:
    """A list half a minute behind shows the record bare for longer, and is no proof meanwhile."""
    async with standing(faults=[LOST], behaviour=Behaviour(list_stale_seconds=30.0)) as stand:
        task_id = await stand.submit()
        assert [entry.id for entry in stand.sim.ledger] == [task_id]


async def test_a_request_that_a_queue_still_held_is_found() -> None:
    """We stopped waiting after 10 s, the server accepted it after 60 s: found, and not ordered a
    second time.
    """
    session = {"timeouts": Timeouts(request=10.0), "poll": PollPolicy(interval=1.0)}
    async with standing(session=session) as stand:
        await stand.submit("witness")
        stand.sim.add_fault(Fault(kind="late", when="before", seconds=60.0))
        await stand.submit("mine")
        assert [entry.prompt for entry in stand.sim.ledger] == ["witness", "mine"]


async def test_a_server_that_never_shows_the_mark_is_no_proof() -> None:
    """Records without the field leave the task a candidate: neither adopted nor ordered again."""
    async with standing(faults=[LOST], behaviour=Behaviour(echo_expires_after=False)) as stand:
        with pytest.raises(SubmitUncertain) as caught:
            await stand.submit()
        assert [task.id for task in caught.value.candidates] == [stand.sim.ledger[0].id]
        assert stand.sim.counts["create"] == 1


async def test_a_seed_helps_where_the_mark_is_not_shown() -> None:
    """Where the server hides the fingerprint, another distinguishing field finds the task."""
    async with standing(faults=[LOST], behaviour=Behaviour(echo_expires_after=False)) as stand:
        task_id = await stand.submit(seed=12345)
        assert [entry.id for entry in stand.sim.ledger] == [task_id]
        assert stand.sim.counts["create"] == 1
