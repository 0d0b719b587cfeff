"""What a board knows after events and outcomes, in any mixture."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seedance_async import Budget, Outcome, OutcomeKind, TaskFailed, TaskStatus, VideoRequest
from seedance_async.board.heading import heading
from seedance_async.board.outcomes import planned
from seedance_async.board.state import State
from seedance_async.events import (
    DownloadFinished,
    DownloadStarted,
    RequestSent,
    SubmitAbsent,
    SubmitAccepted,
    SubmitAdopted,
    SubmitLost,
    TaskChanged,
    TaskResumed,
)
from seedance_async.media.gallery import Item
from seedance_async.media.gallery.pricing import Pricer
from seedance_async.models import TaskError
from seedance_async.prices import CNY
from seedance_async.progress.tally import Tally
from tests.gallery.shelves import ended

if TYPE_CHECKING:
    from seedance_async.events import Event

ACCEPTED = SubmitAccepted(key="a", task_id="t", attempt=1)
LOST = SubmitLost(key="a", fingerprint=1, error="reset")
FETCHING = DownloadStarted(task_id="t", path="a.mp4", offset=0)
LANDED = DownloadFinished(task_id="t", path="a.mp4", size=5, seconds=1.0)
FRAME = DownloadFinished(task_id="t", path="a.last.png", size=5, seconds=1.0)
BUCKET = DownloadFinished(task_id="t", path="s3://b/a.mp4", size=5, seconds=1.0)
REQUEST = VideoRequest(prompt="a cat surfing", seed=4)


def changed(status: TaskStatus) -> TaskChanged:
    """Give the event of a change."""
    return TaskChanged(task_id="t", before=None, after=status)


def fresh(**settings: Any) -> State:
    """Give an empty board."""
    return State(pricer=Pricer(), **settings)


def outcome(kind: OutcomeKind = OutcomeKind.SUCCEEDED, key: str = "a", **fields: Any) -> Outcome:
    """Give the outcome of a prompt."""
    usual: dict[str, Any] = {"request": REQUEST, "task": ended("t")}
    return Outcome(key=key, kind=kind, **{**usual, **fields})


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([ACCEPTED], "queued"),
        ([ACCEPTED, changed(TaskStatus.RUNNING)], "running"),
        ([ACCEPTED, changed(TaskStatus.UNKNOWN)], "queued"),
        ([ACCEPTED, changed(TaskStatus.SUCCEEDED)], "landing"),
        ([ACCEPTED, changed(TaskStatus.FAILED)], "failed"),
        ([ACCEPTED, FETCHING], "landing"),
        ([ACCEPTED, FETCHING, FRAME], "landing"),
        ([ACCEPTED, FETCHING, BUCKET], "landing"),
        ([ACCEPTED, FETCHING, LANDED], "succeeded"),
        ([TaskResumed(key="a", task_id="t"), changed(TaskStatus.RUNNING)], "running"),
        ([LOST], "looked for"),
        ([LOST, SubmitAdopted(key="a", task_id="t", seconds=3.0)], "queued"),
        ([LOST, SubmitAbsent(key="a", looks=3, witness="w", seconds=9.0)], "waiting"),
    ],
)
def test_events_move_a_card(events: list[Event], status: str) -> None:
    """Each state that a prompt passes through is shown; a picture is no video and a bucket no file."""
    state = fresh()
    for event in events:
        state.take(event)
    assert state.cards["a"].item.status == status
    assert (state.cards["a"].item.video is not None) == (status == "succeeded")


def test_events_of_strangers_make_no_cards() -> None:
    """A session may also watch tasks that are not of this batch."""
    state = fresh()
    for event in (changed(TaskStatus.RUNNING), LANDED, FETCHING):
        state.take(event)
    state.take(RequestSent(route="get", status=200, seconds=0.1))
    assert state.cards == {}
    assert state.revision == 0


def test_a_prompt_stays_wanted_until_it_is_known() -> None:
    """However often a card moves meanwhile, the journal is asked for its prompt until that is there."""
    state = fresh()
    for event in (ACCEPTED, changed(TaskStatus.RUNNING)):
        state.take(event)
    assert state.unknown == {"a"}
    state.fill(Item(key="a", status="accepted", prompt="a cat", facts=(("Ratio", "1:1"),)))
    assert state.unknown == set()
    item = state.cards["a"].item
    assert (item.status, item.prompt, item.task_id) == ("running", "a cat", "t")


def test_an_outcome_tells_the_rest() -> None:
    """Tokens, price, seed and prompt are there, and the video is that of the outcome."""
    state = fresh()
    state.take(ACCEPTED)
    state.note(outcome(path=Path("out/a.mp4")))
    item = state.cards["a"].item
    assert (item.status, item.prompt, item.tokens, item.seed) == ("succeeded", "a cat surfing", 108_900, 7)
    assert item.video == "./video/0.mp4"
    assert state.video("video/0.mp4") == Path("out/a.mp4")
    assert state.unknown == set()


def test_a_failure_is_explained() -> None:
    """The card of a failure has code, sentence and advice."""
    state = fresh()
    task = ended(
        "t", TaskStatus.FAILED, error=TaskError(code="OutputVideoSensitiveContentDetected", message="No.")
    )
    state.note(outcome(OutcomeKind.FAILED, task=task, error=TaskFailed(task)))
    problem = state.cards["a"].item.problem
    assert problem is not None
    assert (problem.code, problem.message) == ("OutputVideoSensitiveContentDetected", "No.")
    assert problem.advice.startswith("Nothing was billed")


def test_an_outcome_of_an_unreadable_line_is_shown() -> None:
    """A prompt that never became a request has a card, too."""
    state = fresh()
    state.note(outcome(OutcomeKind.REFUSED, request=None, task=None, error=ValueError("line 3")))
    assert state.cards["a"].item.status == "refused"


def test_an_outcome_without_request_keeps_what_was_known() -> None:
    """A job of an earlier run may come without its request; its card keeps the prompt."""
    state = fresh()
    state.put(planned("a", REQUEST))
    state.note(outcome(request=None))
    assert state.cards["a"].item.prompt == "a cat surfing"


def test_a_request_with_local_pictures_is_shown_without_reading_them() -> None:
    """A planned prompt whose picture still lies on this machine is told by its words."""
    item = planned("a", VideoRequest(prompt="wake up", image="no/such/picture.png"))
    assert (item.prompt, item.status) == ("wake up", "waiting")


def test_a_video_in_a_bucket_is_named() -> None:
    """An object's address is told and not offered as a video."""
    state = fresh()
    state.note(outcome(path="s3://b/a.mp4"))
    assert (state.cards["a"].item.video, state.cards["a"].item.place) == (None, "s3://b/a.mp4")


def test_a_long_batch_keeps_a_bounded_board() -> None:
    """Of more cards than wanted those that ended first go, with their videos, and what is alive stays."""
    state = fresh(most=3)
    state.take(ACCEPTED)
    for number in range(6):
        state.note(outcome(key=f"k{number}", path=Path(f"{number}.mp4")))
    assert list(state.cards) == ["a", "k4", "k5"]
    assert state.video("video/1.mp4") is None
    assert state.video("video/6.mp4") == Path("5.mp4")


MOVES = st.tuples(st.sampled_from("abcdef"), st.sampled_from(["queued", "running", "failed"]))


@given(moves=st.lists(MOVES, max_size=40), pauses=st.lists(st.integers(0, 3), min_size=1))
@example(
    moves=[*[("a", "queued"), ("b", "queued")] * 2, ("b", "running"), ("c", "queued"), ("b", "failed")],
    pauses=[2, 0],
)
def test_a_reader_that_goes_on_misses_nothing(moves: list[tuple[str, str]], pauses: list[int]) -> None:
    """However slowly it reads, and whatever changes between two cards, it ends with all as they are."""
    state, seen, revision = fresh(), dict[str, str](), 0
    left, breaks = iter(moves), itertools.cycle(pauses)

    def go_on(steps: int) -> None:
        for key, status in itertools.islice(left, steps):
            state.put(Item(key=key, status=status))

    go_on(5)
    while news := state.since(revision):
        for shown in news:
            go_on(next(breaks))
            seen[shown.item.key], revision = shown.item.status, shown.revision
    assert seen == {key: shown.item.status for key, shown in state.cards.items()}


def test_the_head_says_how_far_it_is() -> None:
    """Counts, tokens and money against the budget, and the time left."""
    tally = Tally(total=4, budget=Budget(tokens=500_000, cost=5), prices=CNY)
    tally.take(ACCEPTED, 0.0)
    tally.take(changed(TaskStatus.SUCCEEDED), 60.0)
    tally.note(outcome(task=ended("t")), 60.0)
    html = heading(tally, 60.0)
    for words in ("1 of 4", "3 waiting", "108,900 of 500,000", "¥1.74 of ¥5.00", "1 min", "about 3 min"):
        assert f">{words}<" in html
    assert 'aria-label="1 of 4 videos are there"' in html
    stopping = heading(tally, 60.0, stopping="Stopping <now>")
    assert "Stopping &lt;now&gt;" in stopping
    assert "Left" not in stopping + heading(tally, 60.0, over=True)


def test_the_head_of_a_run_that_has_not_begun() -> None:
    """Before the first event nothing is claimed, least of all a time."""
    html = heading(Tally(), 5.0)
    assert "nothing in flight" in html
    assert "Left" not in html
