"""The fingerprint: in its band, different for every submit alive, never in place of the caller's
own value.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from seedance_async import AccountLimits, RequestRefused, RetryPolicy, VideoRequest
from seedance_async.ledger.fingerprints import BAND, Fingerprints
from seedance_async.simulator import Behaviour, Fault
from tests.submit.helpers import standing

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

FIELD = "execution_expires_after"


async def test_the_band_is_the_documented_one() -> None:
    """From one second to twelve hours above the default, and inside what the server takes (3600 to
    259200).
    """
    assert (BAND[0], BAND[-1], len(BAND)) == (172_801, 216_000, 43_200)
    assert BAND[-1] <= 259_200


async def test_three_hundred_submits_at_once_all_differ() -> None:
    """No two submits alive carry the same value, and every value lies in the band."""
    async with standing(work_seconds=600.0) as stand:
        async with asyncio.TaskGroup() as group:
            for number in range(300):
                group.create_task(stand.submit(f"prompt {number}"))
        marks = [entry.fingerprint for entry in stand.sim.ledger]
        assert len(set(marks)) == len(marks) == 300
        assert all(mark in BAND for mark in marks)


async def test_a_value_comes_again_only_after_half_the_band() -> None:
    """Any 21,600 draws in a row differ, so a value is free again only when its submit is long settled."""
    prints = Fingerprints()
    drawn = [prints.draw() for _ in range(50_000)]
    last_seen: dict[int, int] = {}
    for place, value in enumerate(drawn):
        assert place - last_seen.get(value, -len(BAND)) > len(BAND) // 2
        last_seen[value] = place


async def test_two_processes_with_the_same_random_seed_draw_differently() -> None:
    """`random.seed(42)` in every worker, a common habit, does not give all workers the same fingerprints."""
    state = random.getstate()
    try:
        draws: list[list[int]] = []
        for _ in range(2):
            random.seed(42)
            prints = Fingerprints()
            draws.append([prints.draw() for _ in range(5)])
        assert draws[0] != draws[1]
    finally:
        random.setstate(state)


OWN = 7200
GIVEN: list[dict[str, Any]] = [
    {FIELD: OWN},
    {"extra_body": {FIELD: OWN}},
    {"content": [{"type": "text", "text": "a cat"}], FIELD: OWN},
]


@pytest.mark.parametrize("fields", GIVEN, ids=["field", "extra_body", "raw"])
async def test_the_callers_own_value_is_left_alone(fields: dict[str, Any]) -> None:
    """However the caller gives the field, it is sent as given."""
    async with standing() as stand:
        prompt: dict[str, Any] = {} if "content" in fields else {"prompt": "a cat"}
        await stand.session.submit(VideoRequest(**prompt, **fields))
        assert stand.sim.ledger[0].body[FIELD] == OWN


async def test_the_fingerprint_is_all_that_is_ever_added() -> None:
    """A body on the wire is the caller's body and the fingerprint, nothing else."""
    async with standing() as stand:
        request = VideoRequest(prompt="a cat", ratio="16:9", duration=4, seed=0, watermark=False)
        await stand.session.submit(request)
        sent = dict(stand.sim.ledger[0].body)
        assert sent.pop(FIELD) in BAND
        assert sent == request.to_body()


async def test_it_can_be_switched_off() -> None:
    """`RetryPolicy(fingerprint=False)` sends the caller's body as it is."""
    async with standing(session={"retry": RetryPolicy(fingerprint=False)}) as stand:
        await stand.submit()
        assert FIELD not in stand.sim.ledger[0].body


async def test_a_server_that_refuses_the_field_is_asked_once() -> None:
    """A 400 that names the field: sent again without it, once, and the session remembers for later
    submits.
    """
    async with standing(behaviour=Behaviour(refuses_expires_after=True)) as stand:
        await stand.submit("first")
        assert stand.sim.counts["create"] == 2
        await stand.submit("second")
        assert stand.sim.counts["create"] == 3
        assert [FIELD in entry.body for entry in stand.sim.ledger] == [False, False]
        assert stand.session.uncertain == ()


async def test_the_second_post_without_the_field_keeps_the_pace() -> None:
    """It is a POST like any other, and waits for its turn: at 60 a minute, a second."""
    session = {"limits": AccountLimits(creates_per_minute=60.0)}
    async with standing(behaviour=Behaviour(refuses_expires_after=True), session=session) as stand:
        await stand.submit()
        first, second = (request.at for request in stand.sim.requests if request.route == "create")
        assert second - first >= 1.0


async def test_many_that_are_refused_together_each_come_through_once() -> None:
    """Thirty submits that all carry the refused field each end as one task."""
    async with standing(behaviour=Behaviour(refuses_expires_after=True)) as stand:
        async with asyncio.TaskGroup() as group:
            for number in range(30):
                group.create_task(stand.submit(f"prompt {number}"))
        assert sorted(entry.prompt for entry in stand.sim.ledger) == sorted(f"prompt {n}" for n in range(30))
        assert stand.sim.counts["create"] <= 60


async def test_a_refusal_of_the_callers_own_value_is_the_callers() -> None:
    """Where the caller gave the field, a 400 about it is raised and nothing is sent again."""
    async with standing(behaviour=Behaviour(refuses_expires_after=True)) as stand:
        with pytest.raises(RequestRefused, match=FIELD):
            await stand.session.submit("a cat", execution_expires_after=OWN)
        assert (stand.sim.counts["create"], stand.sim.billed) == (1, 0)


async def test_a_refusal_of_something_else_is_not_blamed_on_the_field() -> None:
    """A 400 about another field is raised at once, and later submits keep their fingerprints."""
    fault = Fault(kind="status", status=400, code="InvalidParameter", message="`seed` is not valid")
    async with standing(faults=[fault]) as stand:
        with pytest.raises(RequestRefused):
            await stand.submit()
        await stand.submit()
        assert stand.sim.counts["create"] == 2
        assert stand.sim.ledger[0].fingerprint in BAND


async def test_a_loss_after_the_field_was_refused_is_not_paid_for_twice() -> None:
    """Without fingerprints a lost answer with nothing to tell it by is looked for, and found by a chosen
    seed.
    """
    behaviour = Behaviour(refuses_expires_after=True)
    async with standing(behaviour=behaviour, faults=[Fault(kind="reset", when="after", nth=2)]) as stand:
        task_id = await stand.submit(seed=11)
        assert [entry.id for entry in stand.sim.ledger] == [task_id]
        assert stand.sim.counts["create"] == 2
