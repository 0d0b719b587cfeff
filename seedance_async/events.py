"""What can be observed: one frozen event per fact, handed to ``SeedanceSession(observer=...)``.

Observers are plain functions called on the event loop; they must not block. An observer that raises is
reported once by the log and never disturbs the call that it watched. :func:`log_event` is the observer of a
session that was given none; :func:`together` makes one of several.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from attrs import fields, frozen

from seedance_async._wire.plain import spelt_out

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
    "TaskResumed",
    "UnknownStatus",
    "facts_of",
    "log_event",
    "together",
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
    """One HTTP exchange with the API ended, well or not.

    Attributes:
        route: ``create``, ``get``, ``list`` or ``delete``.
        status: the HTTP status, or None when no answer came.
        seconds: how long it took, body included.
        error: why no answer came; empty when one did.
    """

    route: str
    status: int | None
    seconds: float
    error: str = ""


@frozen(kw_only=True)
class RetryScheduled(_Warning):
    """A call will be repeated.

    Attributes:
        route: as in :class:`RequestSent`, or ``video`` for a download.
        attempt: number of the attempt that failed, from 1.
        wait: seconds until the repeat.
        error: why.
        key: key of the submit that goes again, else "".
        task_id: id of the task that is read or whose video is fetched, else "".
    """

    route: str
    attempt: int
    wait: float
    error: str
    key: str = ""
    task_id: str = ""


@frozen(kw_only=True)
class SlotWaited(Event):
    """A submit had to wait for its slot, the permission for one more task to be alive, and has it now.

    Attributes:
        key: key of the submit.
        seconds: how long it waited.
    """

    key: str
    seconds: float


@frozen(kw_only=True)
class PaceLowered(_Warning):
    """The account was told to slow down.

    Attributes:
        per_minute: the new pace of submits.
        hold: seconds in which no submit leaves.
        code: the server's error code.
    """

    per_minute: float
    hold: float
    code: str


@frozen(kw_only=True)
class BreakerOpened(_Warning):
    """The account was told to stop: new submits fail at once.

    Attributes:
        code: the server's error code.
        message: the server's words.
        seconds: for how long.
    """

    code: str
    message: str
    seconds: float


@frozen(kw_only=True)
class SubmitAccepted(_Notable):
    """A submit has its task: the server answered, or the task was adopted (then after SubmitAdopted).

    Attributes:
        key: key of the submit.
        task_id: the id that the server gave.
        attempt: number of the POST that was accepted, from 1.
    """

    key: str
    task_id: str
    attempt: int


@frozen(kw_only=True)
class SubmitLost(_Warning):
    """The answer to a submit got lost; the task is looked for unless the policy says otherwise.

    Attributes:
        key: key of the submit.
        fingerprint: the ``execution_expires_after`` that this POST alone carried, or None.
        error: what happened to the answer.
    """

    key: str
    fingerprint: int | None
    error: str


@frozen(kw_only=True)
class SubmitAdopted(_Notable):
    """The task of a lost submit was found.

    Attributes:
        key: key of the submit.
        task_id: id of its task.
        seconds: how long after the POST.
    """

    key: str
    task_id: str
    seconds: float


@frozen(kw_only=True)
class SubmitAbsent(_Notable):
    """A lost submit was proven not to have been accepted, so it may be sent again.

    Attributes:
        key: key of the submit.
        looks: how many listings agreed.
        witness: id of a task that stood in the same listings.
        seconds: how long after the POST.
    """

    key: str
    looks: int
    witness: str
    seconds: float


@frozen(kw_only=True)
class TaskChanged(_Notable):
    """A watched task has another status than before.

    Attributes:
        task_id: id of the task.
        before: its status at the look before, or None at the first look.
        after: its status now.
    """

    task_id: str
    before: TaskStatus | None
    after: TaskStatus


@frozen(kw_only=True)
class TaskResumed(Event):
    """A batch goes on with a task that an earlier run of its journal ordered.

    Attributes:
        key: key of the job.
        task_id: id of its task.
    """

    key: str
    task_id: str


@frozen(kw_only=True)
class UnknownStatus(_Warning):
    """The server used a status word that this version does not know; it is taken as "not yet".

    Attributes:
        word: the word.
    """

    word: str


@frozen(kw_only=True)
class LookFailed(_Warning):
    """A look at tasks in flight failed; the watcher goes on.

    Attributes:
        route: ``get`` or ``list``; ``owners`` where the store could not say whose the listed tasks are.
        error: why.
    """

    route: str
    error: str


@frozen(kw_only=True)
class ListUnusable(_Warning):
    """The server's list cannot be used; tasks are looked at one by one.

    Attributes:
        why: what is wrong with it.
        seconds: when it will be tried again.
    """

    why: str
    seconds: float


@frozen(kw_only=True)
class DownloadStarted(Event):
    """The bytes of a video begin to come, again after each break.

    Attributes:
        task_id: id of the task.
        path: where the video will be, a file or an address in an object store.
        offset: bytes that are there already.
    """

    task_id: str
    path: str
    offset: int


@frozen(kw_only=True)
class DownloadFinished(_Notable):
    """A video is at its place, whole.

    Attributes:
        task_id: id of the task.
        path: where.
        size: its bytes.
        seconds: how long it took, breaks included.
    """

    task_id: str
    path: str
    size: int
    seconds: float


Observer = Callable[[Event], None]
"""A function that is called with every event."""


Fact: TypeAlias = str | int | float | None
"""The value of an event's field, fit for JSON."""


def facts_of(event: Event) -> dict[str, Fact]:
    """Give the fields of an event by their names, with statuses as words.

    Args:
        event: any event.
    """
    facts = {item.name: getattr(event, item.name) for item in fields(type(event))}
    return {name: value.value if isinstance(value, enum.Enum) else value for name, value in facts.items()}


def together(*observers: Observer) -> Observer:
    """Make one observer of several; each sees every event, whatever the others do.

    Args:
        *observers: called in this order.

    Returns:
        An observer that raises the first error of its parts, after all were called.
    """

    def observe(event: Event) -> None:
        errors: list[Exception] = []
        for observer in observers:
            try:
                observer(event)
            except Exception as error:  # noqa: BLE001 - the others shall see the event all the same
                errors.append(error)
        if errors:
            raise errors[0]

    return observe


def log_event(event: Event) -> None:
    """The default observer: one line per event to the logger ``seedance_async``.

    A server's words can forge no line: control characters and line ends are spelt out in the text of the
    record, and stay as they are in its fields.

    A record carries the event's name as ``seedance_event`` and each of its fields with the prefix
    ``seedance_``; these names do not change their meaning within a major version.

    Args:
        event: any event.
    """
    if not logger.isEnabledFor(event.level):
        return
    name, facts = type(event).__name__, facts_of(event)
    text = spelt_out(" ".join(f"{field}={value}" for field, value in facts.items()))
    extra = {f"seedance_{field}": value for field, value in facts.items()}
    logger.log(event.level, "%s %s", name, text, extra={**extra, "seedance_event": name})
