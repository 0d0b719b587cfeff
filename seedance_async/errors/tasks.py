"""Errors of one task: may it exist, how did it end, how long does it take, where is its video."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from seedance_async.errors.base import Billed, SeedanceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from seedance_async.models import VideoTask

__all__ = [
    "DownloadFailed",
    "ResultMissing",
    "SubmitUncertain",
    "TaskCancelled",
    "TaskEnded",
    "TaskExpired",
    "TaskFailed",
    "WaitTimeout",
]

_FEW_SECONDS: Final = 10.0
# A wait of one look asks how things stand; its thousandths of a second are of no interest.
_MOMENT: Final = 0.1


class SubmitUncertain(SeedanceError):
    """A submit was sent, its answer is unknown, and nothing proves that the task was not created.

    Attributes:
        key: the submit's key; ``session.reconcile(key)`` or ``session.reconcile(error)`` goes on looking.
        sent_at: Unix seconds (our wall clock) when the request went out.
        until: Unix seconds until which the request may have been accepted.
        fingerprint: the ``execution_expires_after`` that was sent, or None.
        facts: body fields that were sent and that a record may show (model, seed, duration, ratio, ...).
        clock_offset: the server's clock minus ours, in seconds, as known when it was sent.
        candidates: tasks of the server that could be this one.
    """

    billed = Billed.MAYBE

    def __init__(
        self,
        message: str,
        *,
        key: str,
        sent_at: float = 0.0,
        until: float = 0.0,
        fingerprint: int | None = None,
        facts: Mapping[str, Any] | None = None,
        clock_offset: float = 0.0,
        candidates: Sequence[VideoTask] = (),
    ) -> None:
        self.key = key
        self.sent_at = sent_at
        self.until = until
        self.fingerprint = fingerprint
        self.facts = dict(facts or {})
        self.clock_offset = clock_offset
        self.candidates = tuple(candidates)
        advice = f"Do not submit again; go on with: await session.reconcile({key!r})"
        super().__init__(message, advice=advice)


class TaskEnded(SeedanceError):
    """A task reached a terminal status without a usable video.

    Attributes:
        task: the last record of the task.
        code: the server's error code, may be empty.
    """

    verb: ClassVar[str] = "ended"

    def __init__(self, task: VideoTask, message: str = "") -> None:
        self.task = task
        self.code = task.error.code if task.error else ""
        why = task.error.text if task.error else ""
        text = message or f"Task {task.id} {self.verb}"
        super().__init__(f"{text}: {why}" if why else f"{text}.")


class TaskFailed(TaskEnded):
    """The server gave up on the task; failed tasks are not billed (api docs 1544106)."""

    verb = "failed"


class TaskExpired(TaskEnded):
    """The task waited longer than its ``execution_expires_after``; not billed."""

    verb = "expired at the server"


class TaskCancelled(TaskEnded):
    """The task was cancelled while it was queued; not billed."""

    verb = "was cancelled"


class ResultMissing(TaskEnded):
    """The task succeeded, and is billed, but its record holds no video URL."""

    billed = Billed.YES
    verb = "succeeded without a video URL"


class WaitTimeout(SeedanceError, TimeoutError):
    """The caller's deadline passed; the task goes on at the server and may still bill.

    Attributes:
        task_id: id to wait for again, from any process.
        task: the last record seen, or None.
        waited: seconds waited.
    """

    billed = Billed.MAYBE

    def __init__(
        self, task_id: str, *, waited: float, task: VideoTask | None = None, phase: str = ""
    ) -> None:
        self.task_id = task_id
        self.task = task
        self.waited = waited
        status = f", last seen {task.status.value}" if task is not None else ""
        limit = f" {phase}" if phase else ""
        ended = "has not ended" if waited < _MOMENT else f"did not end within {_seconds(waited)}"
        super().__init__(
            f"Task {task_id} {ended}{limit}{status}; it goes on at the server.",
            advice=f"Wait again with: await wait_for(session, {task_id!r})",
        )


class DownloadFailed(SeedanceError):
    """The video is paid for and could not be brought to disk.

    Attributes:
        task_id: the task whose video it is; "" when only a URL was given.
        status: HTTP status of the last answer, or None.
        path: where the video is all the same, when only its last frame or sidecar is missing; else None.
    """

    billed = Billed.YES

    def __init__(
        self,
        message: str,
        *,
        task_id: str = "",
        status: int | None = None,
        path: Path | str | None = None,
        advice: str | None = None,
    ) -> None:
        self.task_id = task_id
        self.status = status
        self.path = path
        super().__init__(message, advice=advice)


def _seconds(waited: float) -> str:
    """Say how long a wait was; a short one keeps its decimals."""
    return f"{waited:.2g} s" if waited < _FEW_SECONDS else f"{waited:.0f} s"
