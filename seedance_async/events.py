"""What can be observed: one frozen event per fact, handed to ``SeedanceSession(observer=...)``.

Observers are plain functions called on the event loop; they must not block. An observer that raises is
reported once by the log and never disturbs the call that it watched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import fields, frozen

if TYPE_CHECKING:
    from seedance_async.models import TaskStatus

__all__ = [
    "BreakerOpened",
    "DownloadFinished",
    "DownloadStarted",
    "Event",
    "ListUnusable",
    "LookFailed",
    "Observer",
    "PaceLowered",
    "RequestSent",
    "RetryScheduled",
    "SlotWaited",
    "SubmitAbsent",
    "SubmitAccepted",
    "SubmitAdopted",
    "SubmitLost",
    "TaskChanged",
    "UnknownStatus",
    "log_event",
]

logger = logging.getLogger("seedance_async")
logger.addHandler(logging.NullHandler())


@frozen(kw_only=True)
class Event:
    """Something happened; ``level`` is what the default observer logs it at."""

    @property
    def level(self) -> int:
        """Level of the standard library's logging."""
        return logging.DEBUG


@frozen(kw_only=True)
class _Notable(Event):
    """Worth knowing in production."""

    @property
    def level(self) -> int:
        return logging.INFO


@frozen(kw_only=True)
class _Warning(Event):
    """Something is slower or stranger than it should be."""

    @property
    def level(self) -> int:
        return logging.WARNING


@frozen(kw_only=True)
class RequestSent(Event):
    """One HTTP exchange ended; ``status`` is None when no answer came. ``seconds`` is its length."""

    route: str
    status: int | None
    seconds: float
    error: str = ""


@frozen(kw_only=True)
class RetryScheduled(_Warning):
    """A call will be repeated after ``wait`` seconds."""

    route: str
    attempt: int
    wait: float
    error: str


@frozen(kw_only=True)
class SlotWaited(Event):
    """A submit waited ``seconds`` for a slot."""

    key: str
    seconds: float


@frozen(kw_only=True)
class PaceLowered(_Warning):
    """The account was told to slow down; ``per_minute`` is the new pace of submits."""

    per_minute: float
    hold: float
    code: str


@frozen(kw_only=True)
class BreakerOpened(_Warning):
    """The account was told to stop; new submits fail at once for ``seconds``."""

    code: str
    message: str
    seconds: float


@frozen(kw_only=True)
class SubmitAccepted(_Notable):
    """The server accepted a submit."""

    key: str
    task_id: str
    attempt: int


@frozen(kw_only=True)
class SubmitLost(_Warning):
    """The answer to a submit got lost; the task is looked for unless the policy says otherwise."""

    key: str
    fingerprint: int | None
    error: str


@frozen(kw_only=True)
class SubmitAdopted(_Notable):
    """The task of a lost submit was found."""

    key: str
    task_id: str
    seconds: float


@frozen(kw_only=True)
class SubmitAbsent(_Notable):
    """A lost submit was proven not to have been accepted."""

    key: str
    looks: int
    witness: str
    seconds: float


@frozen(kw_only=True)
class TaskChanged(_Notable):
    """A watched task has another status than before (``before`` is None at the first look)."""

    task_id: str
    before: TaskStatus | None
    after: TaskStatus


@frozen(kw_only=True)
class UnknownStatus(_Warning):
    """The server used a status word that this version does not know; it is taken as "not yet"."""

    word: str


@frozen(kw_only=True)
class LookFailed(_Warning):
    """A look at tasks in flight failed; the watcher goes on."""

    route: str
    error: str


@frozen(kw_only=True)
class ListUnusable(_Warning):
    """The server's list cannot be used; tasks are looked at one by one for ``seconds``."""

    why: str
    seconds: float


@frozen(kw_only=True)
class DownloadStarted(Event):
    """A video is being fetched, from byte ``offset`` on."""

    task_id: str
    path: str
    offset: int


@frozen(kw_only=True)
class DownloadFinished(_Notable):
    """A video is on disk, whole."""

    task_id: str
    path: str
    size: int
    seconds: float


Observer = Callable[[Event], None]
"""A function that is called with every event."""


def log_event(event: Event) -> None:
    """The default observer: one line per event, its fields as ``extra`` with the prefix ``seedance_``."""
    if not logger.isEnabledFor(event.level):
        return
    facts = {item.name: getattr(event, item.name) for item in fields(type(event))}
    text = " ".join(f"{name}={value}" for name, value in facts.items())
    extra = {f"seedance_{name}": value for name, value in facts.items()}
    logger.log(
        event.level,
        "%s %s",
        type(event).__name__,
        text,
        extra={**extra, "seedance_event": type(event).__name__},
    )
