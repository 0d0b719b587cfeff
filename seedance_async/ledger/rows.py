"""What the journal holds about one job: its state, what was planned, and the row as it is read back."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attrs import Attribute

__all__ = ["OPEN_STATES", "JobState", "JournalRow", "PlannedRow"]


class JobState(enum.StrEnum):
    """Where a job is; the way is planned, sending, accepted, succeeded, saved, and the others leave it."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"
    SAVED = "saved"


OPEN_STATES = frozenset({JobState.SENDING, JobState.UNCERTAIN})
"""States in which a task may exist without its id being known: reconcile them before anything else."""


def _check_key(_owner: PlannedRow, _attribute: Attribute[str], value: str) -> None:
    """A job without a name could not be found again."""
    if not isinstance(value, str) or not value:
        raise InvalidRequest(field="key", value=value, limit="a text of at least one character")


@frozen(kw_only=True)
class PlannedRow:
    """One job as it is planned.

    Attributes:
        key: names the job; stable over re-runs, one key never has two tasks.
        index: where the job stands in the input, from 0, or None.
        request: the request as a JSON object; long texts and bytes in it are kept once by their content.
        tokens_estimated: tokens that the task may bill at most, or None when unknown.
        depends_on: key of the job whose result this one needs, or None.

    Raises:
        InvalidRequest: the key is empty.
    """

    key: str = field(validator=_check_key)
    index: int | None = None
    request: Mapping[str, Any] = field(factory=dict[str, Any], repr=False)
    tokens_estimated: int | None = None
    depends_on: str | None = None


@frozen(kw_only=True)
class JournalRow:
    """One job as the journal knows it; each field is a column of the table ``jobs``. Times are Unix seconds.

    Attributes:
        position: order in which the jobs were planned, from 1.
        key: names the job.
        input_index: where the job stands in the input, from 0, or None.
        state: where the job is.
        depends_on: key of the job whose result this one needs, or None.
        request: the request, whole, or None when it was not planned or not asked for.
        tokens_estimated: tokens that the task may bill at most, or None.
        attempts: how many POSTs were about to go out for this key, over all runs.
        fingerprint: the ``execution_expires_after`` of the last POST, or None.
        task_id: the task of this key, or None.
        tokens: tokens billed, or None while unknown.
        record: the task's last record without the signatures of its URLs, or None.
        error_type: class of the error, or None.
        error_code: the server's error code, or None.
        error: why it was refused, is uncertain or failed, or None.
        file: where the video was saved, or None.
        size: bytes of the video, or None.
        sha256: checksum of the video in hex, or None.
        planned_at: when the job was planned.
        sent_at: when the last POST was about to go out, or None.
        accepted_at: when the task's id was known, or None.
        ended_at: when the end of the task was seen, or None.
        saved_at: when the video was on disk, or None.
    """

    position: int
    key: str
    input_index: int | None = None
    state: JobState
    depends_on: str | None = None
    request: Mapping[str, Any] | None = field(default=None, repr=False)
    tokens_estimated: int | None = None
    attempts: int = 0
    fingerprint: int | None = None
    task_id: str | None = None
    tokens: int | None = None
    record: Mapping[str, Any] | None = field(default=None, repr=False)
    error_type: str | None = None
    error_code: str | None = None
    error: str | None = None
    file: str | None = None
    size: int | None = None
    sha256: str | None = None
    planned_at: float
    sent_at: float | None = None
    accepted_at: float | None = None
    ended_at: float | None = None
    saved_at: float | None = None
