"""What a journal's row says of a job that an earlier run ended: its request, task, error and outcome."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from seedance_async import errors
from seedance_async._wire.folding import to_task
from seedance_async.errors import SeedanceError, TaskCancelled, TaskEnded, TaskExpired, TaskFailed
from seedance_async.ledger.rows import JobState
from seedance_async.models import VideoTask
from seedance_async.outcomes import Outcome, OutcomeKind
from seedance_async.request import VideoRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seedance_async.ledger.rows import JournalRow

__all__ = ["KINDS", "error_of", "has_changed", "outcome_of", "request_of", "task_of"]

KINDS: Final[Mapping[JobState, OutcomeKind]] = {
    JobState.SUCCEEDED: OutcomeKind.SUCCEEDED,
    JobState.SAVED: OutcomeKind.SUCCEEDED,
    JobState.FAILED: OutcomeKind.FAILED,
    JobState.REFUSED: OutcomeKind.REFUSED,
    JobState.EXPIRED: OutcomeKind.EXPIRED,
    JobState.CANCELLED: OutcomeKind.CANCELLED,
}
"""How a job of an earlier run has ended, by its state; the other states go on."""

_ENDINGS: Final[Mapping[JobState, type[TaskEnded]]] = {
    JobState.FAILED: TaskFailed,
    JobState.EXPIRED: TaskExpired,
    JobState.CANCELLED: TaskCancelled,
}


def outcome_of(row: JournalRow, request: VideoRequest | None) -> Outcome:
    """Give the outcome of a job that an earlier run has ended."""
    return Outcome(
        key=row.key,
        kind=KINDS[row.state],
        request=request,
        task=partial(task_of, row),
        path=_place(row.file),
        error=error_of(row),
        earlier=True,
    )


def has_changed(row: JournalRow, request: VideoRequest) -> bool:
    """Whether a job asks for something else now than its row, read whole, has on record."""
    return row.request is not None and json.loads(json.dumps(request.to_body())) != dict(row.request)


def _place(file: str | None) -> Path | str | None:
    """Read where a video is: an object's address stays a text."""
    return file if not file or "://" in file else Path(file)


def task_of(row: JournalRow) -> VideoTask | None:
    """Give the last record of the job's task; its URLs have lost their signatures and open nothing."""
    if row.task_id is None:
        return None
    if row.record is None:
        return VideoTask(id=row.task_id)
    return to_task({**row.record, "id": row.task_id})


def error_of(row: JournalRow) -> SeedanceError | None:
    """Give the error of a job that did not succeed, of the class that was raised then."""
    ending = _ENDINGS.get(row.state)
    if ending is not None and (task := task_of(row)) is not None:
        return ending(task)
    if row.state is not JobState.REFUSED:
        return None
    kind = getattr(errors, row.error_type or "", SeedanceError)
    # The class tells what to do next; what only the answer held (status, request id) is gone.
    error = cast("SeedanceError", kind.__new__(kind))
    error.args = (row.error or "The server refused the job.",)
    known: dict[str, Any] = {"code": row.error_code or "", "status": 0, "request_id": "", "retry_after": None}
    error.__dict__.update(known, advice="", server_message=row.error or "")
    return error


def request_of(row: JournalRow) -> VideoRequest | None:
    """Rebuild the request that was planned; None where the row holds none that this version can read."""
    if not row.request:
        return None
    fields = dict(row.request)
    names = set(VideoRequest.__annotations__)
    extra = {name: fields.pop(name) for name in list(fields) if name not in names}
    try:
        return VideoRequest(**fields, extra_body=extra or None)
    except (SeedanceError, TypeError):
        return None
