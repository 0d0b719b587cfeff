"""What a value says where it is printed: a task itself, and the words for how things ended."""

from __future__ import annotations

from seedance_async import Billed, CancelResult, OutcomeKind, TaskStatus, VideoTask
from seedance_async.batch import Action


def test_a_printed_task_is_its_id_and_its_status() -> None:
    """`on_update=print` writes a short line; the repr still tells every field."""
    task = VideoTask(id="cgt-20260809211822-9lklw", status=TaskStatus.RUNNING)
    assert str(task) == "cgt-20260809211822-9lklw running"
    assert repr(task).startswith("VideoTask(id='cgt-20260809211822-9lklw', status=<TaskStatus.RUNNING")


def test_a_printed_kind_is_its_word() -> None:
    """`print(outcome.kind)` writes what the docs call it, alone and inside a text."""
    members = (TaskStatus.QUEUED, OutcomeKind.SUCCEEDED, Billed.MAYBE, CancelResult.ENDED, Action.LATER)
    assert [str(one) for one in members] == ["queued", "succeeded", "maybe", "ended", "later"]
    assert f"{OutcomeKind.FAILED}" == "failed"
    assert repr(OutcomeKind.FAILED) == "<OutcomeKind.FAILED: 'failed'>"
