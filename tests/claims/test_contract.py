"""One contract for the journal and for every store of claims: what a submit and a batch may rely on."""

from __future__ import annotations

import pytest
from attrs import evolve

from seedance_async.errors import JournalError, RequestRefused
from seedance_async.ledger.rows import JobState, PlannedRow
from seedance_async.models import TaskError
from tests.claims.stores import ALL, Stand, bring, intent
from tests.journal.jobs import LOST, REFUSED, SHA, task

pytestmark = [pytest.mark.asyncio, pytest.mark.parametrize("stand", ALL, indirect=True)]


async def test_a_job_goes_its_way_and_every_step_is_there_for_the_next_owner(stand: Stand) -> None:
    """State, attempts, fingerprint, task, tokens, record and file are read as they were told."""
    request = {"prompt": "冲浪的猫 \U0001f408", "seed": 0, "content": [{"type": "text"}] * 100}
    sent = intent("a/b c?")
    async with stand.open() as book:
        await book.plan([PlannedRow(key="a/b c?", index=3, request=request, tokens_estimated=99)])
        await book.sending(sent)
        await book.accepted("a/b c?", "cgt-1")
        await book.ended("a/b c?", task("cgt-1", JobState.SUCCEEDED))
        await book.saved("a/b c?", file="cat.mp4", size=7, sha256=SHA)
    async with stand.open() as book:
        row = await book.row("a/b c?")
    assert row is not None
    assert (row.state, row.input_index, row.tokens_estimated) == (JobState.SAVED, 3, 99)
    assert (row.attempts, row.fingerprint, row.task_id, row.tokens) == (1, 172_801, "cgt-1", 108_900)
    assert (row.file, row.size, row.sha256, row.sent_at) == ("cat.mp4", 7, SHA, sent.sent_at)
    assert row.request == request
    assert "X-Tos-Signature" not in str(row.record)
    assert (row.record or {})["content"]["video_url"].endswith("cgt-1.mp4")


async def test_an_open_post_is_found_again_with_all_that_identifies_its_task(stand: Stand) -> None:
    """After a crash the next owner learns fingerprint, facts, times and clock offset, and counts on."""
    sent = intent("a", fingerprint=180_000, facts={"model": "m", "seed": 7}, attempt=1)
    async with stand.open() as book:
        await book.sending(sent)
        assert await book.find("nobody") is None
    async with stand.open() as book:
        assert await book.find("a") == sent
        await book.uncertain("a", LOST)
        assert await book.find("a") == sent
        await book.absent("a")
        assert await book.find("a") is None
        await book.sending(evolve(sent, fingerprint=180_001, attempt=2))
        row = await book.row("a")
        assert row is not None
        assert (row.attempts, row.fingerprint) == (2, 180_001)


async def test_a_task_belongs_to_one_key_for_ever(stand: Stand) -> None:
    """No second key gets it, and it is known as the key's after the job was planned again, too."""
    async with stand.open() as book:
        await bring(book, "a", JobState.FAILED, task_id="cgt-1")
        await book.reset("a")
        await bring(book, "b", JobState.SENDING)
        with pytest.raises(JournalError, match="belongs to job 'a'"):
            await book.accepted("b", "cgt-1")
        assert (await book.states(["a", "b", "c"])) == {"a": JobState.PLANNED, "b": JobState.SENDING}
        assert await book.owners(["cgt-1", "cgt-2"]) == {"cgt-1": "a"}


async def test_what_is_told_twice_is_no_error(stand: Stand) -> None:
    """An answer that was lost on the way back is told again: same task, same end, same file."""
    async with stand.open() as book:
        await bring(book, "a", JobState.SAVED, task_id="cgt-1")
        await book.accepted("a", "cgt-1")
        await book.ended("a", task("cgt-1", JobState.SUCCEEDED))
        await book.saved("a", file="elsewhere.mp4", size=7, sha256=SHA)
        with pytest.raises(JournalError):
            await book.accepted("a", "cgt-2")
        with pytest.raises(JournalError):
            await book.ended("a", task("cgt-1", JobState.FAILED))
        row = await book.row("a")
        assert row is not None
        assert (row.state, row.file) == (JobState.SAVED, "elsewhere.mp4")


async def test_a_key_that_is_there_keeps_its_request(stand: Stand) -> None:
    """Planning a key again adds the other keys and changes nothing of the first."""
    async with stand.open() as book:
        await bring(book, "a", JobState.ACCEPTED)
        await book.plan([PlannedRow(key="a", request={"prompt": "other"}), PlannedRow(key="b")])
        row = await book.row("a")
        assert row is not None
        assert (row.state, row.request) == (JobState.ACCEPTED, {"prompt": "a"})
        assert (await book.counts())[JobState.PLANNED] == 1
        assert {row.key async for row in book.rows(states={JobState.PLANNED}, requests=False)} == {"b"}


async def test_a_refusal_says_why_and_leaves_the_key_free(stand: Stand) -> None:
    """Class, code and words of the error are on record until the job is sent again."""
    async with stand.open() as book:
        await bring(book, "a", JobState.REFUSED)
        row = await book.row("a")
        assert row is not None
        assert (row.error_type, row.error_code) == ("RequestRefused", "InvalidParameter")
        assert "the prompt is empty" in (row.error or "")
        await book.sending(intent("a"))
        row = await book.row("a")
        assert row is not None
        assert (row.attempts, row.error) == (2, None)
        await book.refused("a", REFUSED)


async def test_what_is_no_json_is_refused_before_anything_is_kept(stand: Stand) -> None:
    """A request that cannot be stored stops the whole plan, not the next reader."""
    async with stand.open() as book:
        with pytest.raises(JournalError, match="cannot be kept as JSON"):
            await book.plan([PlannedRow(key="a"), PlannedRow(key="b", request={"x": float("nan")})])
        assert await book.lookup(["a", "b"]) == {}


async def test_what_a_server_says_is_kept_whatever_it_is(stand: Stand) -> None:
    """Half an emoji and NaN are no texts and numbers that stores take; a paid task ends on record all the
    same, and a refusal too.
    """
    half = "I love \ud83d"
    said = {"id": "cgt-a", "status": "failed", "revised_prompt": half, half: 1, "cost": float("nan")}
    ended = task("cgt-a", JobState.FAILED).evolve(error=TaskError(code=half, message=half), raw=said)
    async with stand.open() as book:
        await bring(book, "a", JobState.ACCEPTED)
        await book.ended("a", ended)
        await bring(book, "b", JobState.SENDING)
        await book.refused("b", RequestRefused(f"{half} is refused", status=400, code=half))
    async with stand.open() as book:
        rows = await book.lookup(["a", "b"])
    assert (rows["a"].state, rows["b"].state) == (JobState.FAILED, JobState.REFUSED)
    assert repr(rows["a"].record) == repr(said)  # NaN is not equal to itself
    assert (rows["a"].error_code, rows["a"].error) == ("I love ?", "I love ?")
    assert rows["b"].error_code == "I love ?"
    assert "I love ? is refused" in (rows["b"].error or "")
