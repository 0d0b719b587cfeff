"""The store fails at some step: what may be paid for is never told as free, and is found again."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import Billed, RetryPolicy, SubmitUncertain, VideoRequest
from seedance_async.errors import JournalError
from seedance_async.events import LookFailed
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from seedance_async.simulator import Behaviour, Fault
from tests.submit.helpers import standing
from tests.submit.test_proof import other

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from seedance_async import SeedanceError
    from seedance_async.ledger.intents import Intent

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

LOST = Fault(kind="reset", when="after")
REQUEST = VideoRequest(prompt="a cat", duration=4, resolution="480p")


class FullDisk(Journal):
    """A journal that fails at some of its verbs, the first or the second time or whenever is told."""

    def __init__(self, path: Path, **fails: Collection[int]) -> None:
        super().__init__(path, read_only=False, account=None)
        self._fails = fails
        self._tried = Counter[str]()

    def _try(self, verb: str) -> None:
        self._tried[verb] += 1
        if self._tried[verb] in self._fails.get(verb, ()):
            raise JournalError("The disk is full.")

    async def sending(self, intent: Intent) -> None:
        """Take the intent, slowly where somebody is to leave before the POST goes out."""
        await super().sending(intent)
        if "absent" in self._fails:
            await asyncio.sleep(1.0)

    async def accepted(self, key: str, task_id: str) -> None:
        """Take the id, or not."""
        self._try("accepted")
        await super().accepted(key, task_id)

    async def absent(self, key: str) -> None:
        """Take the intent back, or not."""
        self._try("absent")
        await super().absent(key)

    async def uncertain(self, key: str, error: SeedanceError) -> None:
        """Take the doubt, or not."""
        self._try("uncertain")
        await super().uncertain(key, error)

    async def owners(self, task_ids: Collection[str]) -> dict[str, str]:
        """Say whose tasks they are, or not."""
        self._try("owners")
        return await super().owners(task_ids)


async def state(journal: Journal) -> JobState:
    """Give the state of the one job."""
    return (await journal.states(["mine"]))["mine"]


async def test_an_id_that_was_not_taken_is_put_on_record_when_it_is_asked_for(tmp_path: Path) -> None:
    """The session remembers the task of a key; the store learns of it too, so that the job can end there."""
    async with FullDisk(tmp_path / "run.db", accepted={1}) as journal, standing() as stand:
        with pytest.raises(JournalError) as caught:
            await stand.session.order(REQUEST, key="mine", intents=journal)
        assert caught.value.billed is Billed.YES
        assert await state(journal) is JobState.SENDING
        task = await stand.session.order(REQUEST, key="mine", intents=journal)
        assert (task.id, await state(journal)) == (stand.sim.ledger[0].id, JobState.ACCEPTED)
        assert stand.sim.counts["create"] == 1


async def test_a_store_that_blinks_during_a_search_proves_nothing(tmp_path: Path) -> None:
    """The next look asks it again, and the lost task is adopted."""
    async with FullDisk(tmp_path / "run.db", owners={1}) as journal, standing(faults=[LOST]) as stand:
        task = await stand.session.order(REQUEST, key="mine", intents=journal)
        assert (task.id, await state(journal)) == (stand.sim.ledger[0].id, JobState.ACCEPTED)
        assert [(event.route, event.error) for event in stand.told(LookFailed)] == [
            ("owners", "The disk is full.")
        ]
        assert stand.sim.counts["create"] == 1


async def test_a_store_that_stays_dark_leaves_the_submit_uncertain(tmp_path: Path) -> None:
    """Nobody says whose the listed tasks are: after minutes the search says that it cannot know."""
    dark = range(1, 1000)
    async with FullDisk(tmp_path / "run.db", owners=dark) as journal, standing(faults=[LOST]) as stand:
        begun = asyncio.get_running_loop().time()
        with pytest.raises(SubmitUncertain):
            await stand.session.order(REQUEST, key="mine", intents=journal)
        assert await state(journal) is JobState.UNCERTAIN
        assert asyncio.get_running_loop().time() - begun < 180.0
        assert stand.sim.counts["create"] == 1


@pytest.mark.parametrize(("policy", "time"), [("raise", 1), ("reconcile", 2)])
async def test_what_cannot_be_written_down_is_no_less_uncertain(
    tmp_path: Path, policy: Any, time: int
) -> None:
    """A lost submit is told as one that may bill, before a search and after one in vain, with its key."""
    session, no_list = {"retry": RetryPolicy(on_uncertain=policy)}, Behaviour(list_supported=False)
    async with (
        FullDisk(tmp_path / "run.db", uncertain={time}) as journal,
        standing(faults=[LOST], behaviour=no_list, session=session) as stand,
    ):
        with pytest.raises(JournalError) as caught:
            await stand.session.order(REQUEST, key="mine", intents=journal)
        assert caught.value.billed is Billed.MAYBE
        assert "session.reconcile('mine')" in str(caught.value)
        assert stand.sim.accepted == 1


@pytest.mark.parametrize("fails", ["accepted", "uncertain"])
async def test_who_leaves_has_left_whatever_the_store_says(tmp_path: Path, fails: str) -> None:
    """The error of the store does not take the place of the cancellation; the next run finds the task."""
    fault = Fault(kind="late" if fails == "accepted" else "hang", when="after", seconds=1.0)
    async with FullDisk(tmp_path / "run.db", **{fails: {1}}) as journal, standing(faults=[fault]) as stand:
        leaving = asyncio.create_task(stand.session.order(REQUEST, key="mine", intents=journal))
        await asyncio.sleep(0.5)
        leaving.cancel()
        await asyncio.wait({leaving})
        assert leaving.cancelled()
        assert await state(journal) is JobState.SENDING
        async with other(stand) as second:
            task = await second.order(REQUEST, key="mine", intents=journal)
        assert task.id == stand.sim.ledger[0].id
        assert stand.sim.counts["create"] == 1


async def test_who_leaves_before_the_post_has_left_whatever_the_store_says(tmp_path: Path) -> None:
    """Nothing was sent, the intent could not be taken back, and the cancellation is one all the same."""
    async with FullDisk(tmp_path / "run.db", absent={1}) as journal, standing() as stand:
        leaving = asyncio.create_task(stand.session.order(REQUEST, key="mine", intents=journal))
        await asyncio.sleep(0.5)
        leaving.cancel()
        await asyncio.wait({leaving})
        assert leaving.cancelled()
        assert stand.sim.counts["create"] == 0
