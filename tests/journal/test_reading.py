"""What was planned is given back whole, page by page, with flat memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from seedance_async.errors import InvalidRequest, JournalError
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import OPEN_STATES, JobState, PlannedRow
from tests.journal.jobs import SHA, bring, intent

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio


async def test_a_planned_job_reads_back_whole(tmp_path: Path) -> None:
    """Every value of a planned row survives the file, Chinese, numbers, nesting and order included."""
    request = {"prompt": "海边的猫 🐈", "seed": 0, "watermark": False, "extra": {"a": [1, 2.5, None, "x"]}}
    planned = PlannedRow(key="a/ b", index=7, request=request, tokens_estimated=108_900, depends_on="first")
    async with Journal.open(tmp_path / "run.db") as journal:
        await journal.plan([planned])
    async with Journal.open(tmp_path / "run.db") as journal:
        row = await journal.row("a/ b")
        assert await journal.row("unknown") is None
    assert row is not None
    assert row.request == request
    assert (row.position, row.input_index, row.tokens_estimated, row.depends_on) == (1, 7, 108_900, "first")
    assert (row.state, row.attempts, row.task_id, row.sent_at) == (JobState.PLANNED, 0, None, None)


async def test_planning_again_changes_only_what_is_still_planned(tmp_path: Path) -> None:
    """What is under way keeps the request that went out; what was only planned takes the new one."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", JobState.ACCEPTED)
        before = await journal.row("a")
        await journal.plan([PlannedRow(key="b", request={"prompt": "old"})])
        new = {"prompt": "new"}
        later = PlannedRow(key="b", index=9, request=new, tokens_estimated=5, depends_on="a")
        await journal.plan([PlannedRow(key="a", request=new), later])
        assert await journal.row("a") == before
        row = await journal.row("b")
        counts = await journal.counts()
    assert row is not None
    assert (row.request, row.input_index, row.tokens_estimated, row.depends_on) == (new, 9, 5, "a")
    assert {state: number for state, number in counts.items() if number} == {
        JobState.ACCEPTED: 1,
        JobState.PLANNED: 1,
    }


async def test_finished_row_tells_times_and_file(tmp_path: Path) -> None:
    """A saved job knows where its video is, what it billed, and its times in their order."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", JobState.SAVED)
        row = await journal.row("a")
    assert row is not None
    assert (row.file, row.size, row.sha256, row.tokens) == ("a.mp4", 7, SHA, 108_900)
    assert row.sent_at == 1000.5
    assert row.accepted_at is not None
    assert row.ended_at is not None
    assert row.saved_at is not None
    assert row.planned_at <= row.accepted_at <= row.ended_at <= row.saved_at


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, range(1300)),
        ({"limit": 700}, range(700)),
        ({"after": 1290}, range(1290, 1300)),
        ({"limit": 1}, range(1)),
        ({"limit": 0}, range(0)),
        ({"states": []}, range(0)),
        ({"states": [JobState.PLANNED]}, [i for i in range(1300) if i % 13]),
        ({"states": [JobState.SENDING]}, range(0, 1300, 13)),
        ({"states": OPEN_STATES}, range(0, 1300, 13)),
        ({"states": [JobState.SENDING, JobState.PLANNED], "after": 10, "limit": 650}, range(10, 660)),
        ({"states": [JobState.SAVED]}, range(0)),
    ],
)
async def test_rows_come_in_the_order_of_planning(
    tmp_path: Path, filters: dict[str, Any], expected: range
) -> None:
    """Whatever the filter, each row comes once and in order, over the borders of pages."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await journal.plan([PlannedRow(key=f"k{number}", index=number) for number in range(1300)])
        for number in range(0, 1300, 13):
            await journal.sending(intent(f"k{number}"))
        found = [row.input_index async for row in journal.rows(**filters)]
    assert found == list(expected)


async def test_rows_may_move_while_they_are_read(tmp_path: Path) -> None:
    """A loop over planned rows that sends each one neither repeats nor misses any."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await journal.plan([PlannedRow(key=f"k{number}") for number in range(1100)])
        keys: list[str] = []
        async for row in journal.rows(states=[JobState.PLANNED], requests=False):
            keys.append(row.key)
            if len(keys) % 100 == 0:
                await journal.sending(intent(row.key))
        counts = await journal.counts()
    assert keys == [f"k{number}" for number in range(1100)]
    assert counts[JobState.SENDING] == 11


async def test_rows_without_requests_are_light(tmp_path: Path) -> None:
    """A look at many rows may leave their requests, which can hold images, on disk."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", JobState.SAVED)
        rows = [row async for row in journal.rows(requests=False)]
        found = await journal.lookup(["a", "ghost"])
    assert [row.request for row in rows] == [None]
    assert list(found.values()) == rows


async def test_states_of_many_keys_at_once(tmp_path: Path) -> None:
    """One look tells the states of thousands of keys, odd characters included; unknown ones are left out."""
    keys = [f'k"{number}\u2028é' for number in range(3000)]
    async with Journal.open(tmp_path / "run.db") as journal:
        await journal.plan([PlannedRow(key=key) for key in keys])
        assert await journal.states([*keys, "ghost"]) == dict.fromkeys(keys, JobState.PLANNED)
        assert await journal.states([]) == {}


async def test_a_request_that_is_not_json_is_refused_with_its_plan(tmp_path: Path) -> None:
    """A bad request is an error that names its job, and no row of that plan is left behind."""
    async with Journal.open(tmp_path / "run.db") as journal:
        for bad in (object(), float("nan"), "\ud800"):
            with pytest.raises(JournalError, match="'bad' cannot be kept as JSON"):
                await journal.plan([PlannedRow(key="good"), PlannedRow(key="bad", request={"x": bad})])
        assert await journal.states(["good", "bad"]) == {}


async def test_a_job_needs_a_key() -> None:
    """A job without a name is refused when it is made, and the error names the field."""
    with pytest.raises(InvalidRequest, match="key=''"):
        PlannedRow(key="")
