"""How a row moves from state to state: the journal's rules, as functions from row to row.

A function that gives back the very row it was given says that there is nothing to write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from seedance_async.errors import JournalError
from seedance_async.ledger._moves import ALLOWED, NO_ERROR, OF_THE_TASK, cut, error_columns, unsigned
from seedance_async.ledger.rows import JobState, JournalRow

if TYPE_CHECKING:
    from seedance_async.errors import SeedanceError
    from seedance_async.ledger.intents import Intent
    from seedance_async.ledger.rows import PlannedRow
    from seedance_async.models import VideoTask

__all__ = [
    "absent",
    "accepted",
    "check",
    "ended",
    "planned",
    "refused",
    "reset",
    "saved",
    "sending",
    "uncertain",
]


def check(row: JournalRow, verb: str, detail: str = "") -> JournalRow:
    """Refuse a move that does not fit the state of the job.

    Raises:
        JournalError: it does not.
    """
    if row.state not in ALLOWED[verb]:
        whose = f" with task {row.task_id}" if row.task_id else ""
        raise JournalError(f"Job {row.key!r} is {row.state}{whose} and cannot become {verb}{detail}.")
    return row


def _with(row: JournalRow, **news: Any) -> JournalRow:
    """Change some columns; their names are keywords of this module."""
    return evolve(row, **news)


def planned(job: PlannedRow, *, now: float) -> JournalRow:
    """Make the row of a job that nobody has begun."""
    return JournalRow(
        position=0,
        key=job.key,
        input_index=job.index,
        state=JobState.PLANNED,
        depends_on=job.depends_on,
        tokens_estimated=job.tokens_estimated,
        planned_at=now,
    )


def sending(row: JournalRow, intent: Intent) -> JournalRow:
    """Note a POST that goes out next."""
    check(row, "sending")
    return _with(
        row,
        state=JobState.SENDING,
        attempts=row.attempts + 1,
        fingerprint=intent.fingerprint,
        sent_at=intent.sent_at,
        **NO_ERROR,
    )


def accepted(row: JournalRow, task_id: str, *, now: float) -> JournalRow:
    """Note the task; told again with the same id it changes nothing."""
    if not task_id:
        raise JournalError(f"Job {row.key!r} cannot be accepted without a task id.")
    if row.task_id == task_id:
        return row
    check(row, "accepted", f" as task {task_id}")
    return _with(row, state=JobState.ACCEPTED, task_id=task_id, accepted_at=now, **NO_ERROR)


def refused(row: JournalRow, error: SeedanceError) -> JournalRow:
    """Note that nothing exists and nothing is billed."""
    return _with(check(row, "refused"), state=JobState.REFUSED, **error_columns(error))


def absent(row: JournalRow) -> JournalRow:
    """Note that the POST was proven not to have been accepted: planned again."""
    check(row, "absent")
    return row if row.state is JobState.PLANNED else _with(row, state=JobState.PLANNED, **NO_ERROR)


def uncertain(row: JournalRow, error: SeedanceError) -> JournalRow:
    """Note that it stays unknown whether a task exists."""
    return _with(check(row, "uncertain"), state=JobState.UNCERTAIN, **error_columns(error))


def ended(row: JournalRow, task: VideoTask, *, now: float) -> JournalRow:
    """Note the end of the task; told again it changes nothing."""
    if not task.is_terminal:
        raise JournalError(f"Task {task.id} of job {row.key!r} is {task.status.value} and has not ended.")
    state = JobState(task.status.value)
    if row.task_id not in {None, task.id}:
        raise JournalError(
            f"Job {row.key!r} has task {row.task_id}, and the end of task {task.id} was told for it."
        )
    if row.state is state or (row.state, state) == (JobState.SAVED, JobState.SUCCEEDED):
        return row
    check(row, "ended", f" as {state}")
    code, message = (task.error.code, task.error.message) if task.error else (None, None)
    return _with(
        row,
        state=state,
        ended_at=now,
        tokens=task.tokens,
        record=unsigned(task.raw),
        error_code=cut(code),
        error=cut(message),
    )


def saved(row: JournalRow, *, file: str, size: int, sha256: str, now: float) -> JournalRow:
    """Note where the video is; told again it is where it is now."""
    check(row, "saved")
    return _with(row, state=JobState.SAVED, file=file, size=size, sha256=sha256, saved_at=now)


def reset(row: JournalRow) -> JournalRow:
    """Plan an unsuccessful job again; the number of its attempts stays."""
    check(row, "reset")
    return _with(row, state=JobState.PLANNED, **dict.fromkeys(OF_THE_TASK), **NO_ERROR)
