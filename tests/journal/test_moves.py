"""Which state may follow which: one key never has two tasks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async.errors import AnswerLost, JournalError
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from seedance_async.models import TaskError, TaskStatus
from tests.journal.jobs import ENDS, LOST, REFUSED, SHA, bring, intent, task

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio

P, N, A, S, F, R, E, C, U, D = (
    JobState.PLANNED,
    JobState.SENDING,
    JobState.ACCEPTED,
    JobState.SUCCEEDED,
    JobState.FAILED,
    JobState.REFUSED,
    JobState.EXPIRED,
    JobState.CANCELLED,
    JobState.UNCERTAIN,
    JobState.SAVED,
)

# Where each move leads from each state in which it is legal; every other pair must be refused.
LEGAL: dict[str, dict[JobState, JobState]] = {
    "sending": {P: N, R: N},
    "accepted": {N: A, U: A, A: A, S: S, F: F, E: E, C: C, D: D},  # the key's own id, told again
    "accepted other": {N: A, U: A},
    "refused": {P: R, N: R, R: R},
    "absent": {P: P, N: P, U: P},
    "uncertain": {N: U, U: U},
    "ended succeeded": {A: S, S: S, D: D},
    "ended failed": {A: F, F: F},
    "ended expired": {A: E, E: E},
    "ended cancelled": {A: C, C: C},
    "saved": {S: D, D: D},
    "reset": {P: P, R: P, F: P, E: P, C: P},
}


async def move(journal: Journal, key: str, verb: str) -> None:
    """Carry out a move that is named by a key of the table."""
    match verb.split():
        case ["sending"]:
            await journal.sending(intent(key))
        case ["accepted", *other]:
            await journal.accepted(key, f"other-{key}" if other else f"cgt-{key}")
        case ["refused"]:
            await journal.refused(key, REFUSED)
        case ["absent"]:
            await journal.absent(key)
        case ["uncertain"]:
            await journal.uncertain(key, LOST)
        case ["ended", state]:
            await journal.ended(key, task(f"cgt-{key}", JobState(state)))
        case ["saved"]:
            await journal.saved(key, file="again.mp4", size=8, sha256=SHA)
        case _:
            await journal.reset(key)


@pytest.mark.parametrize("verb", LEGAL)
async def test_every_move_from_every_state(tmp_path: Path, verb: str) -> None:
    """A move leads where the table says, and an illegal one is an error that changes nothing at all."""
    async with Journal.open(tmp_path / "run.db") as journal:
        for state in JobState:
            await bring(journal, state.value, state)
            before = await journal.row(state.value)
            if state in LEGAL[verb]:
                await move(journal, state.value, verb)
                after = await journal.row(state.value)
                assert after is not None
                assert after.state is LEGAL[verb][state]
            else:
                with pytest.raises(JournalError, match=f"'{state.value}'"):
                    await move(journal, state.value, verb)
                assert await journal.row(state.value) == before


async def test_second_task_of_a_key_is_refused(tmp_path: Path) -> None:
    """A key that has a task cannot get another id, and the error names both."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", JobState.ACCEPTED)
        with pytest.raises(JournalError, match=r"cgt-a.*cgt-second"):
            await journal.accepted("a", "cgt-second")


async def test_one_task_serves_one_key(tmp_path: Path) -> None:
    """A task that one key has cannot be adopted for another, not even after the first was reset."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", JobState.FAILED, task_id="cgt-1")
        await journal.reset("a")
        await bring(journal, "b", JobState.UNCERTAIN)
        with pytest.raises(JournalError, match="belongs to job 'a'"):
            await journal.accepted("b", "cgt-1")
        assert await journal.states(["b"]) == {"b": JobState.UNCERTAIN}


async def test_second_post_while_one_is_open_is_refused(tmp_path: Path) -> None:
    """Two concurrent submits of one key cannot both go out: the second is told before it sends."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await journal.sending(intent("a"))
        with pytest.raises(JournalError, match="cannot become sending"):
            await journal.sending(intent("a", attempt=2))


@pytest.mark.parametrize("end", ENDS)
async def test_end_of_another_task_is_refused(tmp_path: Path, end: JobState) -> None:
    """The end of a task that is not the key's own must not settle the key."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", JobState.ACCEPTED)
        with pytest.raises(JournalError, match=r"cgt-a.*cgt-b"):
            await journal.ended("a", task("cgt-b", end))


async def test_a_task_that_runs_has_not_ended(tmp_path: Path) -> None:
    """A record that is still running cannot be noted as an end."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", JobState.ACCEPTED)
        running = task("cgt-a", JobState.SUCCEEDED).evolve(status=TaskStatus.RUNNING)
        with pytest.raises(JournalError, match="running and has not ended"):
            await journal.ended("a", running)


async def test_unknown_keys_and_empty_ids_are_errors(tmp_path: Path) -> None:
    """A fact about a job that was never planned or sent, or about no task, is a mistake to hear of."""
    async with Journal.open(tmp_path / "run.db") as journal:
        for verb in ("refused", "absent", "uncertain", "accepted", "ended failed", "saved", "reset"):
            with pytest.raises(JournalError, match="no job 'ghost'"):
                await move(journal, "ghost", verb)
        await journal.sending(intent("a"))
        with pytest.raises(JournalError, match="without a task id"):
            await journal.accepted("a", "")


async def test_sending_makes_the_row_of_a_key_that_was_not_planned(tmp_path: Path) -> None:
    """A bare submit with a journal needs no plan: its row appears with the intent, without a request."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await journal.sending(intent("bare"))
        row = await journal.row("bare")
    assert row is not None
    assert (row.state, row.request, row.attempts, row.fingerprint) == (JobState.SENDING, None, 1, 172_801)


async def test_reset_forgets_the_task_and_keeps_the_count(tmp_path: Path) -> None:
    """A job that is planned again has no task, error or record left, and still counts its attempts."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", JobState.FAILED)
        await journal.reset("a")
        row = await journal.row("a")
        assert row is not None
        assert (row.state, row.task_id, row.error, row.record, row.attempts) == (
            JobState.PLANNED,
            None,
            None,
            None,
            1,
        )
        await journal.sending(intent("a"))
        await journal.accepted("a", "cgt-new")
        assert await journal.owners(["cgt-a", "cgt-new", "cgt-x"]) == {"cgt-a": "a", "cgt-new": "a"}
        again = await journal.row("a")
    assert again is not None
    assert (again.attempts, again.task_id) == (2, "cgt-new")


async def test_open_intent_is_found_until_it_is_settled(tmp_path: Path) -> None:
    """Whatever a POST carried is given back while its outcome is open, and nothing once it is known."""
    async with Journal.open(tmp_path / "run.db") as journal:
        assert await journal.find("a") is None
        await journal.sending(intent("a"))
        assert await journal.find("a") == intent("a")
        await journal.uncertain("a", LOST)
        assert await journal.find("a") == intent("a")
        await journal.absent("a")
        assert await journal.find("a") is None
        # A later run starts counting at 1 again; the journal goes on with 2.
        await journal.sending(intent("a", fingerprint=None))
        assert await journal.find("a") == intent("a", attempt=2, fingerprint=None)
        await journal.accepted("a", "cgt-a")
        assert await journal.find("a") is None


async def test_the_table_of_attempts_tells_how_each_post_ended(tmp_path: Path) -> None:
    """Each POST of a key has a line with its end and its task, which the next one leaves as they are."""
    path = tmp_path / "run.db"
    async with Journal.open(path) as journal:
        await journal.sending(intent("a"))
        await journal.refused("a", REFUSED)
        await journal.reset("a")
        await journal.absent("a")  # who left before the next POST went out
        await journal.sending(intent("a"))
        await journal.absent("a")
        await journal.sending(intent("a"))
        await journal.accepted("a", "cgt-1")
        await journal.ended("a", task("cgt-1", F))
        await journal.reset("a")
        await journal.sending(intent("a"))
        await journal.uncertain("a", LOST)
        await journal.sending(intent("b"))
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT key, number, outcome, task_id FROM attempts ORDER BY key, number")
        assert found.fetchall() == [
            ("a", 1, "refused", None),
            ("a", 2, "absent", None),
            ("a", 3, "accepted", "cgt-1"),
            ("a", 4, "uncertain", None),
            ("b", 1, "sending", None),
        ]


@pytest.mark.parametrize(("length", "kept"), [(2000, "x" * 2000), (2001, "x" * 2000 + "...")])
async def test_what_is_as_long_as_allowed_is_not_cut(tmp_path: Path, length: int, kept: str) -> None:
    """2,000 characters of a server's words are kept, and of more the first 2,000."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", A)
        record = task("cgt-a", F)
        await journal.ended("a", record.evolve(error=TaskError(code="c", message="x" * length)))
        row = await journal.row("a")
    assert row is not None
    assert row.error == kept


async def test_errors_are_kept_in_words_and_cut(tmp_path: Path) -> None:
    """Class, code and message of an error are in the row, and a page of HTML is cut to a readable length."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", JobState.REFUSED)
        await bring(journal, "b", JobState.SENDING)
        await journal.uncertain("b", AnswerLost("<html>" * 2000))
        rows = await journal.lookup(["a", "b"])
    assert (rows["a"].error_type, rows["a"].error_code) == ("RequestRefused", "InvalidParameter")
    assert rows["a"].error == str(REFUSED)
    assert len(rows["b"].error or "") < 2100


async def test_record_keeps_facts_and_no_signature(tmp_path: Path) -> None:
    """The last record is kept for resuming, but whoever gets the journal cannot fetch the video with it."""
    path = tmp_path / "run.db"
    async with Journal.open(path) as journal:
        await bring(journal, "a", JobState.SUCCEEDED)
        row = await journal.row("a")
    assert row is not None
    assert row.tokens == 108_900
    assert row.record == {
        "id": "cgt-a",
        "status": "succeeded",
        "content": {"video_url": "https://videos.example/cgt-a.mp4"},
        "tools": [{"type": "web"}],
    }
    assert b"X-Tos-Signature" not in path.read_bytes()


async def test_a_record_loses_signatures_and_nothing_else(tmp_path: Path) -> None:
    """Of URLs anywhere in a record the query goes; numbers, words and their nesting stay as they are."""
    facts: dict[str, Any] = {
        "seed": 7,
        "cost": 2.5,
        "draft": False,
        "tools": None,
        "words": "why? a=b",
        "list": [1, ["x"]],
    }
    urls = {"plain": "http://a.example/b.mp4?sign=1", "many": ["https://a.example/c.png?sign=2"]}
    async with Journal.open(tmp_path / "run.db") as journal:
        await bring(journal, "a", A)
        await journal.ended("a", task("cgt-a", S).evolve(raw={**facts, "deep": urls}))
        row = await journal.row("a")
    assert row is not None
    cut = {"plain": "http://a.example/b.mp4", "many": ["https://a.example/c.png"]}
    assert row.record == {**facts, "deep": cut}
