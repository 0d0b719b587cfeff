"""What became of one prompt."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from attrs import field, frozen

from seedance_async.errors import (
    Billed,
    BudgetExceeded,
    DownloadFailed,
    JournalError,
    SeedanceError,
    SubmitUncertain,
    TaskCancelled,
    TaskExpired,
    TaskFailed,
    WaitTimeout,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from seedance_async.models import VideoTask
    from seedance_async.request import VideoRequest

__all__ = ["Outcome", "OutcomeKind", "kind_of", "path_of"]


class OutcomeKind(enum.StrEnum):
    """How one prompt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


def _told(task: VideoTask | Callable[[], VideoTask | None] | None) -> VideoTask | None:
    """Give the task, reading it now if need be."""
    return task() if callable(task) else task


@frozen(kw_only=True)
class Outcome:
    """What became of one prompt.

    Attributes:
        key: the caller's key, or one derived from the request.
        kind: SUCCEEDED; FAILED by the server, or its video (or with ``path``, what belongs to it) did not
            land; REFUSED before anything was created; UNCERTAIN: a task may exist and bill; EXPIRED;
            CANCELLED; SKIPPED: left for another run, nothing was sent (or, when the batch was stopped,
            ``task`` goes on at the server).
        request: what was asked for, or None when the input could not be read.
        task: the last record of the task, if there is one; or a function that gives it, because reading the
            records of 100,000 finished tasks takes a second that few callers need.
        path: where the video is, if it landed.
        error: why it is not SUCCEEDED; that of an UNCERTAIN one says ``billed`` MAYBE at least.
        earlier: whether it is what an earlier run of the journal came to: nothing was ordered for it now.
    """

    key: str
    kind: OutcomeKind
    request: VideoRequest | None = None
    _task: VideoTask | Callable[[], VideoTask | None] | None = field(
        default=None, alias="task", eq=_told, repr=lambda value: repr(_told(value))
    )
    path: Path | str | None = None
    error: BaseException | None = None
    earlier: bool = False

    def __attrs_post_init__(self) -> None:
        # The call that failed may have been a mere look, which costs nothing; of the prompt nobody knows.
        error = self.error if self.kind is OutcomeKind.UNCERTAIN else None
        if isinstance(error, SeedanceError) and error.billed is Billed.NO:
            error.billed = Billed.MAYBE

    def _repr_html_(self) -> str:
        """Show itself in a notebook, with its video where that is on disk."""
        from seedance_async.display import outcome_html

        return outcome_html(self)

    @property
    def task(self) -> VideoTask | None:
        """The last record of the task, if there is one."""
        return _told(self._task)


_KINDS: tuple[tuple[type[BaseException], OutcomeKind], ...] = (
    (SubmitUncertain, OutcomeKind.UNCERTAIN),
    (TaskExpired, OutcomeKind.EXPIRED),
    (TaskCancelled, OutcomeKind.CANCELLED),
    (TaskFailed, OutcomeKind.FAILED),
    (DownloadFailed, OutcomeKind.FAILED),
    (BudgetExceeded, OutcomeKind.SKIPPED),
    (WaitTimeout, OutcomeKind.UNCERTAIN),
)


def path_of(error: BaseException) -> Path | str | None:
    """Give the place of a video that has landed though its last frame, say, has not."""
    return error.path if isinstance(error, DownloadFailed) else None


def kind_of(error: BaseException, *, accepted: bool, ended: bool = True) -> OutcomeKind:
    """Sort an error into a kind.

    Args:
        error: why the prompt did not succeed.
        accepted: whether the server had taken the task before it.
        ended: whether that task was seen to end.
    """
    for error_type, kind in _KINDS:
        if isinstance(error, error_type):
            return kind
    if accepted:
        return OutcomeKind.FAILED if ended else OutcomeKind.UNCERTAIN
    if getattr(error, "billed", Billed.NO) is not Billed.NO:
        return OutcomeKind.UNCERTAIN
    # A journal that cannot be written stops a job before anything is sent.
    return OutcomeKind.SKIPPED if isinstance(error, JournalError) else OutcomeKind.REFUSED
