"""Progress: what it shows on a terminal and elsewhere, and that its books are right."""

from __future__ import annotations

import asyncio
import io
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from seedance_async import TaskStatus, Usage, VideoRequest, VideoTask
from seedance_async._wire.plain import in_one_line
from seedance_async.cli.wrapping import width_of
from seedance_async.errors import ContentRejected, SubmitUncertain
from seedance_async.events import (
    DownloadFinished,
    DownloadStarted,
    Event,
    PaceLowered,
    RequestSent,
    RetryScheduled,
    SubmitAccepted,
    SubmitAdopted,
    SubmitLost,
    TaskChanged,
)
from seedance_async.outcomes import Outcome, OutcomeKind
from seedance_async.prices import CNY
from seedance_async.progress import Progress
from seedance_async.progress.tally import Tally
from seedance_async.progress.words import duration, line_of
from seedance_async.session import SeedanceSession
from seedance_async.settings import AccountLimits, Budget, PollPolicy
from seedance_async.simulator import Simulator
from tests.cli.helpers import QUICK, write_lines
from tests.cli.terminal import on_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

QUEUED, RUNNING, SUCCEEDED = TaskStatus.QUEUED, TaskStatus.RUNNING, TaskStatus.SUCCEEDED
REQUEST = VideoRequest(prompt="x", model="doubao-seedance-1-5-pro-251215")


def way_of(task_id: str, *, until: int = 5) -> Sequence[Event]:
    """Give the first events of one prompt's way."""
    way: list[Event] = [
        SubmitAccepted(key=f"key-{task_id}", task_id=task_id, attempt=1),
        TaskChanged(task_id=task_id, before=QUEUED, after=RUNNING),
        TaskChanged(task_id=task_id, before=RUNNING, after=SUCCEEDED),
        DownloadStarted(task_id=task_id, path="x.mp4", offset=0),
        DownloadFinished(task_id=task_id, path="x.mp4", size=2_000_000, seconds=1.0),
    ]
    return way[:until]


def done(task_id: str, tokens: int = 100_000) -> Outcome:
    """Give the outcome of a success."""
    usage = Usage(completion_tokens=tokens)
    task = VideoTask(id=task_id, status=SUCCEEDED, usage=usage)
    return Outcome(key=f"key-{task_id}", kind=OutcomeKind.SUCCEEDED, request=REQUEST, task=task)


def booked(events: Iterable[Event], **known: int) -> Tally:
    """Book events, one a second."""
    tally = Tally(total=known.get("total"))
    for now, event in enumerate(events):
        tally.take(event, float(now))
    return tally


@pytest.mark.parametrize(
    ("until", "states"),
    [
        (1, {"queued": 1, "waiting": 2}),
        (2, {"running": 1, "waiting": 2}),
        (3, {"succeeded": 1, "waiting": 2}),
        (4, {"succeeded": 1, "fetching": 1, "waiting": 1}),
        (5, {"succeeded": 1, "waiting": 2}),
    ],
)
def test_each_prompt_is_in_one_state(until: int, states: dict[str, int]) -> None:
    """Counts follow a prompt on its way, and what was not submitted yet counts as waiting."""
    counts = booked(way_of("a", until=until), total=3).states()
    assert {word: count for word, count in counts.items() if count} == states


@pytest.mark.parametrize("until", [3, 4, 5])
def test_a_video_on_its_way_is_not_done(until: int) -> None:
    """Where outcomes will be told, a task that succeeded is landing, and in flight, until then."""
    tally = Tally(total=2, noted=True)
    for event in way_of("a", until=until):
        tally.take(event, 0.0)
    assert {word: count for word, count in tally.states().items() if count} == {"landing": 1, "waiting": 1}
    assert (tally.done, tally.busy) == (0, True)
    tally.note(done("a"), 1.0)
    assert (tally.done, tally.busy, dict(tally.ended)) == (1, False, {"succeeded": 1})


def test_a_lost_answer_is_shown_until_it_is_found() -> None:
    """A submit whose answer got lost is counted as looked for, and then as what was found."""
    lost = SubmitLost(key="key-a", fingerprint=172801, error="reset")
    assert booked([lost]).states()["looked for"] == 1
    found = booked([lost, SubmitAdopted(key="key-a", task_id="a", seconds=2.0)]).states()
    assert (found["looked for"], found["queued"]) == (0, 1)


def test_outcomes_tell_what_events_cannot() -> None:
    """Refusals, tokens and money come from outcomes, and the same end is not counted twice."""
    tally = Tally(total=3, prices=CNY)
    for event in way_of("a"):
        tally.take(event, 0.0)
    tally.note(done("a"), 1.0)
    tally.note(Outcome(key="b", kind=OutcomeKind.REFUSED, error=ContentRejected("no", status=400)), 2.0)
    assert dict(tally.ended) == {"succeeded": 1, "refused": 1}
    assert (tally.done, tally.tokens, tally.cost) == (2, 100_000, Decimal("1.6"))


def test_books_do_not_grow_with_the_run() -> None:
    """After a million prompts nothing is kept of those that ended."""
    tally = Tally()
    for number in range(1000):
        for event in way_of(str(number)):
            tally.take(event, 0.0)
        tally.note(done(str(number)), 0.0)
    assert (tally.alive, tally.names, tally.fetching, tally.lost) == ({}, {}, set(), set())
    assert not tally.busy


def test_the_time_left_comes_from_run_times_and_quotas() -> None:
    """Nothing is guessed before a task was seen to end; then run time, slots and pace decide."""
    tally = Tally(total=11, limits=AccountLimits(creates_per_minute=60))
    tally.take(SubmitAccepted(key="k", task_id="a", attempt=1), 0.0)
    assert tally.seconds_left(5.0) is None
    tally.take(TaskChanged(task_id="a", before=RUNNING, after=SUCCEEDED), 10.0)
    # ten left, one at once at 10 s each
    assert tally.seconds_left(10.0) == 100.0
    for number in range(10):
        tally.take(SubmitAccepted(key="k", task_id=str(number), attempt=1), 10.0)
    assert tally.seconds_left(14.0) == 6.0


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (9.4, "0:09"), (59.6, "1:00"), (760, "12:40"), (11_100, "3:05:00")]
)
def test_durations_read_as_people_say_them(seconds: float, words: str) -> None:
    """Seconds become minutes and hours without a rounded 0:60."""
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("whose", "line"),
    [
        ({"key": "shot-1"}, "shot-1: create goes again in 2.0 s: 429"),
        ({"task_id": "cgt-9"}, "key-cgt-9: create goes again in 2.0 s: 429"),
        ({}, "create goes again in 2.0 s: 429"),
    ],
)
def test_a_repeat_is_told_by_the_name_of_what_goes_again(whose: dict[str, str], line: str) -> None:
    """By the caller's key where there is one, also when the event tells only of a task."""
    tally = booked(way_of("cgt-9", until=1))
    assert line_of(RetryScheduled(route="create", attempt=1, wait=2.0, error="429", **whose), tally) == line


def test_what_a_server_says_cannot_move_the_cursor() -> None:
    """Escape sequences and line breaks in somebody else's text are harmless."""
    assert in_one_line("a\x1b[2Jb\nc\u202ed\x00") == r"a\u001b[2Jb c\u202ed\u0000"


@pytest.mark.parametrize(
    "key",
    ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f469\u200d\U0001f680"],
    ids=["Persian", "emoji"],
)
def test_words_that_are_made_with_joiners_are_shown_whole(key: str) -> None:
    """A joiner moves nothing, and without it the key on the screen is not the key of the file."""
    assert in_one_line(key) == key


def test_an_end_is_not_taken_back() -> None:
    """While outcomes lag behind the ends of their tasks, the count of what is done never goes back."""
    tally = Tally(total=2)
    for event in (*way_of("a", until=3), *way_of("b", until=3)):
        tally.take(event, 0.0)
    assert tally.done == 2
    tally.note(done("a"), 0.0)
    assert (tally.done, dict(tally.ended)) == (2, {"succeeded": 2})
    tally.note(done("b"), 0.0)
    assert tally.done == 2


@pytest.mark.asyncio
async def test_plain_lines() -> None:
    """Without a terminal each fact is one line by the caller's key, and the end is summed up."""
    file = io.StringIO()
    with Progress(total=2, file=file, budget=Budget(tokens=1), prices=CNY) as progress:
        for event in [*way_of("a"), RequestSent(route="get", status=200, seconds=0.1)]:
            progress(event)
        progress(PaceLowered(per_minute=30.0, hold=1.0, code="Burst"))
        progress.note(done("a"))
        progress.note(Outcome(key="b", kind=OutcomeKind.UNCERTAIN, error=SubmitUncertain("lost", key="b")))
    lines = [line.split("s  ", 1)[-1] for line in file.getvalue().splitlines()]
    assert lines == [
        "key-a: accepted as a",
        "key-a: running",
        "key-a: succeeded",
        "key-a: landed (2.0 MB)",
        "slowing down to 30 submits a minute, the server says Burst",
        "b: uncertain: lost",
        "1 succeeded, 1 uncertain; 100,000 tokens, about CNY 1.60; 0:00 in all.",
    ]


@pytest.mark.asyncio
async def test_a_reader_that_left_ends_nothing() -> None:
    """A closed pipe at the other end of standard error does not lose a paid task."""
    file = io.StringIO()
    file.close()
    progress = Progress(file=file, live=False)
    progress(way_of("a")[0])
    assert progress.tally.accepted == 1


@pytest.mark.asyncio
async def test_it_is_an_observer_for_any_program() -> None:
    """`SeedanceSession(observer=Progress())` is all that a program has to write."""
    file = io.StringIO()
    async with (
        Simulator(work_seconds=0.05) as sim,
        SeedanceSession(
            "k", sim.base_url, observer=Progress(file=file), poll=PollPolicy(interval=0.05)
        ) as session,
    ):
        outcome = await session.run("a cat", key="mine")
    assert outcome.kind is OutcomeKind.SUCCEEDED
    assert "mine: accepted as cgt-" in file.getvalue()
    assert "mine: succeeded" in file.getvalue()


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_the_live_view_ticks_only_while_something_is_in_flight() -> None:
    """The clock in the view goes on by itself, and no timer is left when all has ended."""
    file = io.StringIO()
    progress = Progress(total=1, file=file, live=True)
    for event in way_of("a", until=1):
        progress(event)
    await asyncio.sleep(10)
    assert "0:09" in file.getvalue()
    for event in way_of("a")[1:]:
        progress(event)
    progress.note(done("a"))
    await asyncio.sleep(1)
    shown = len(file.getvalue())
    await asyncio.sleep(60)
    assert len(file.getvalue()) == shown
    progress.close()


@pytest.mark.parametrize("columns", [60, 160])
def test_a_real_terminal(columns: int, tmp_path: Path) -> None:
    """On a narrow and a wide terminal lines break between words only, and the cursor comes back."""
    bad = {"key": "bad", "prompt": "a crowd [fail:OutputVideoSensitiveContentDetected]"}
    file = write_lines(tmp_path / "p.jsonl", {"key": "good", "prompt": "a cat"}, bad)
    shown = on_terminal(columns, "batch", file.name, "--out", "o", *QUICK, folder=tmp_path)
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    lines = [re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]+", shown)]
    assert max(map(width_of, lines)) <= columns
    assert any("0/2  0:0" in line for line in lines)
    (result,) = (line for line in lines if line.endswith(".mp4"))
    assert result.startswith("cgt-") == (columns >= 100)
    words = " ".join(" ".join(lines).split())
    assert "failed bad OutputVideoSensitiveContentDetected: The request failed because the output" in words
    assert "Another seed may pass, a changed prompt more likely." in words
    assert "1 succeeded, 1 failed; " in words


def test_the_sentences_below_a_table_break_between_words(tmp_path: Path) -> None:
    """A terminal would break at its edge, within an id such as ep-."""
    shown = on_terminal(60, "models", folder=tmp_path, code=0)
    lines = [line for line in shown.splitlines() if "Ids may" in line or "pass unchecked" in line]
    assert len(lines) == 2
    assert max(map(width_of, lines)) <= 60
