"""How a job moves from state to state, as statements on the writing connection.

Every move looks at the state first: one key never has two tasks, so a move that would allow that is an error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from seedance_async.errors import JournalError, SeedanceError
from seedance_async.ledger import blobs
from seedance_async.ledger.rows import JobState, PlannedRow

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from seedance_async.ledger.intents import Intent
    from seedance_async.models import VideoTask

__all__ = [
    "ALLOWED",
    "NO_ERROR",
    "OF_THE_TASK",
    "absent",
    "accepted",
    "as_json",
    "cut",
    "ended",
    "error_columns",
    "plan",
    "refused",
    "reset",
    "saved",
    "sending",
    "uncertain",
    "unsigned",
]

_LONGEST_ERROR = 2000  # characters; some gateways answer with a page of HTML

ALLOWED: Mapping[str, frozenset[JobState]] = {
    "sending": frozenset({JobState.PLANNED, JobState.REFUSED}),
    "accepted": frozenset({JobState.SENDING, JobState.UNCERTAIN}),
    "refused": frozenset({JobState.PLANNED, JobState.SENDING, JobState.REFUSED}),
    "absent": frozenset({JobState.SENDING, JobState.UNCERTAIN, JobState.PLANNED}),
    "uncertain": frozenset({JobState.SENDING, JobState.UNCERTAIN}),
    "ended": frozenset({JobState.ACCEPTED}),
    "saved": frozenset({JobState.SUCCEEDED, JobState.SAVED}),
    "reset": frozenset(
        {JobState.PLANNED, JobState.REFUSED, JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED}
    ),
}
"""From which states each verb may start; the same id, or the same end, told twice is no move and no error."""

NO_ERROR = {"error_type": None, "error_code": None, "error": None}
OF_THE_TASK = ("task_id", "fingerprint", "tokens", "record", "sent_at", "accepted_at", "ended_at")


def plan(connection: sqlite3.Connection, rows: Sequence[PlannedRow], *, now: float) -> None:
    """Add the jobs that are not there yet; of the others only what is still planned takes the new request."""
    keys = json.dumps([row.key for row in rows])
    query = "SELECT key FROM jobs WHERE state != 'planned' AND key IN (SELECT value FROM json_each(?))"
    begun = {key for (key,) in connection.execute(query, (keys,))}
    keep = _Keeper(connection)
    for row in rows:
        if row.key not in begun:
            _insert(connection, row, request=as_json(blobs.fold(row.request, keep), row.key), now=now)


def _insert(connection: sqlite3.Connection, row: PlannedRow, *, request: str | None, now: float) -> None:
    """Add one job in state planned."""
    connection.execute(
        "INSERT INTO jobs (key, input_index, state, depends_on, request, tokens_estimated, planned_at)"
        " VALUES (?, ?, 'planned', ?, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET input_index = excluded.input_index, request = excluded.request,"
        " depends_on = excluded.depends_on, tokens_estimated = excluded.tokens_estimated",
        (row.key, row.index, row.depends_on, request, row.tokens_estimated, now),
    )


class _Keeper:
    """Stores blobs, and within one plan remembers which it has hashed: many rows share one image."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._names: dict[bytes, str] = {}

    def __call__(self, content: bytes) -> str:
        """Store some bytes once and give their sha256 in hex."""
        name = self._names.get(content)
        if name is None:
            name = self._names[content] = hashlib.sha256(content).hexdigest()
            self._connection.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (name, content))
        return name


def sending(connection: sqlite3.Connection, intent: Intent, *, sender: str | None, now: float) -> None:
    """Note a POST that goes out next; a key that was not planned gets its row now."""
    key = intent.key
    if _look(connection, key) is None:
        _insert(connection, PlannedRow(key=key), request=None, now=now)
    # Numbered here and not by the caller, who may be a new process that starts from 1 again.
    number = _check(connection, key, "sending").attempts + 1
    facts = as_json(dict(intent.facts), key)
    connection.execute(
        "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, 'sending', NULL, ?)",
        (key, number, intent.fingerprint, facts, intent.sent_at, intent.until, intent.clock_offset, sender),
    )
    news = {"attempts": number, "fingerprint": intent.fingerprint, "sent_at": intent.sent_at}
    _set(connection, key, state=JobState.SENDING, **news, **NO_ERROR)


def accepted(connection: sqlite3.Connection, key: str, task_id: str, *, now: float) -> None:
    """Note the task of a key; told again with the same id it changes nothing."""
    if not task_id:
        raise JournalError(f"Job {key!r} cannot be accepted without a task id.")
    job = _look(connection, key)
    if job is not None and job.task_id == task_id:
        return
    _check(connection, key, "accepted", f" as task {task_id}")
    owner = connection.execute("SELECT key FROM attempts WHERE task_id = ?", (task_id,)).fetchone()
    if owner is not None:
        raise JournalError(f"Task {task_id} belongs to job {owner[0]!r} and cannot be that of {key!r} too.")
    _set(connection, key, state=JobState.ACCEPTED, task_id=task_id, accepted_at=now, **NO_ERROR)
    _close_attempt(connection, key, "accepted", task_id)


def refused(connection: sqlite3.Connection, key: str, error: SeedanceError) -> None:
    """Note that nothing exists and nothing is billed."""
    _check(connection, key, "refused")
    _set(connection, key, state=JobState.REFUSED, **error_columns(error))
    _close_attempt(connection, key, "refused")


def absent(connection: sqlite3.Connection, key: str) -> None:
    """Note that the POST was proven not to have been accepted: planned again."""
    _check(connection, key, "absent")
    _set(connection, key, state=JobState.PLANNED, **NO_ERROR)
    _close_attempt(connection, key, "absent")


def uncertain(connection: sqlite3.Connection, key: str, error: SeedanceError) -> None:
    """Note that it stays unknown whether a task exists."""
    _check(connection, key, "uncertain")
    _set(connection, key, state=JobState.UNCERTAIN, **error_columns(error))
    _close_attempt(connection, key, "uncertain")


def ended(connection: sqlite3.Connection, key: str, task: VideoTask, *, now: float) -> None:
    """Note the end of the key's task; told again it changes nothing."""
    if not task.is_terminal:
        raise JournalError(f"Task {task.id} of job {key!r} is {task.status.value} and has not ended.")
    state = JobState(task.status.value)
    job = _look(connection, key)
    if job is not None and job.task_id not in {None, task.id}:
        raise JournalError(
            f"Job {key!r} has task {job.task_id}, and the end of task {task.id} was told for it."
        )
    if job is not None and (job.state is state or (job.state, state) == (JobState.SAVED, JobState.SUCCEEDED)):
        return
    _check(connection, key, "ended", f" as {state}")
    record = as_json(unsigned(task.raw), key, ours=False)
    code, message = (task.error.code, task.error.message) if task.error else (None, None)
    news = {"tokens": task.tokens, "record": record, "error_code": cut(code), "error": cut(message)}
    _set(connection, key, state=state, ended_at=now, **news)


def saved(connection: sqlite3.Connection, key: str, *, file: str, size: int, sha256: str, now: float) -> None:
    """Note where the video is; told again it is where it is now."""
    _check(connection, key, "saved")
    _set(connection, key, state=JobState.SAVED, file=file, size=size, sha256=sha256, saved_at=now)


def reset(connection: sqlite3.Connection, key: str) -> None:
    """Plan an unsuccessful job again; its attempts stay in their table, and their count in the row."""
    _check(connection, key, "reset")
    _set(connection, key, state=JobState.PLANNED, **dict.fromkeys(OF_THE_TASK), **NO_ERROR)


class _Job(NamedTuple):
    """What a move must know of a job."""

    state: JobState
    task_id: str | None
    attempts: int


def _look(connection: sqlite3.Connection, key: str) -> _Job | None:
    """Give what a move must know of a job, or None when there is no such row."""
    row = connection.execute("SELECT state, task_id, attempts FROM jobs WHERE key = ?", (key,)).fetchone()
    return None if row is None else _Job(JobState(row[0]), row[1], row[2])


def _check(connection: sqlite3.Connection, key: str, verb: str, detail: str = "") -> _Job:
    """Refuse a move that does not fit the state of the job."""
    job = _look(connection, key)
    if job is None:
        raise JournalError(f"The journal has no job {key!r}.")
    if job.state not in ALLOWED[verb]:
        whose = f" with task {job.task_id}" if job.task_id else ""
        raise JournalError(f"Job {key!r} is {job.state}{whose} and cannot become {verb}{detail}.")
    return job


def _set(connection: sqlite3.Connection, key: str, **columns: Any) -> None:
    """Write some columns of one job."""
    names = ", ".join(f"{name} = ?" for name in columns)
    # The names are keywords of this module, and the values are bound.
    connection.execute(f"UPDATE jobs SET {names} WHERE key = ?", (*columns.values(), key))  # noqa: S608


def error_columns(error: SeedanceError) -> dict[str, str | None]:
    """Put an error into the columns that tell why."""
    code = getattr(error, "code", "") or None
    return {"error_type": type(error).__name__, "error_code": cut(code), "error": cut(str(error))}


def _close_attempt(
    connection: sqlite3.Connection, key: str, outcome: str, task_id: str | None = None
) -> None:
    """Note what became of the last POST, unless that is known already."""
    connection.execute(
        "UPDATE attempts SET outcome = ?, task_id = ? WHERE key = ? AND outcome IN ('sending', 'uncertain')"
        " AND number = (SELECT attempts FROM jobs WHERE jobs.key = attempts.key)",
        (outcome, task_id, key),
    )


def cut(text: str | None) -> str | None:
    """Keep an error readable; half a surrogate pair, which JSON can say and no store takes, becomes "?"."""
    if text is None:
        return None
    short = text if len(text) <= _LONGEST_ERROR else text[:_LONGEST_ERROR] + "..."
    return short.encode(errors="replace").decode()


def as_json(value: Any, key: str, *, ours: bool = True) -> str:
    """Write a JSON value compactly.

    Args:
        value: the value.
        key: whose it is.
        ours: write it readably, and as strictly as it will be sent. What a server said (False) is kept in
            ASCII whatever it is, NaN and half a surrogate pair too: its record must not cost a paid task.

    Raises:
        JournalError: something in it is not JSON.
    """
    try:
        text = json.dumps(value, ensure_ascii=not ours, allow_nan=not ours, separators=(",", ":"))
        text.encode()  # half a surrogate pair cannot be stored
        return text
    except (TypeError, ValueError) as error:
        raise JournalError(f"What belongs to job {key!r} cannot be kept as JSON: {error}.") from error


def unsigned(value: Any) -> Any:
    """Cut the query off every URL: whoever has a signature has the video, and journals are passed around."""
    if isinstance(value, str):
        return value.partition("?")[0] if value.startswith(("http://", "https://")) else value
    if isinstance(value, list | tuple):
        return [unsigned(item) for item in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        return {name: unsigned(item) for name, item in cast("Mapping[str, Any]", value).items()}
    return value
