"""Who waits for a task: one future, or one tap of a shared queue, each with its own limits."""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from seedance_async.errors import InvalidRequest
from seedance_async.models import TaskStatus, VideoTask

if TYPE_CHECKING:
    from attrs import Attribute

    from seedance_async.watching.flight import Flight

__all__ = ["NO_LIMITS", "Listener", "News", "Tap", "Wait", "WaitLimits"]

_LAST_LOOK_LEAST = 1.0
_LAST_LOOK_MOST = 5.0

News = VideoTask | BaseException
"""What a tap puts into its queue: a changed task (terminal: the end), or why there is no end."""


def _seconds(_: object, attribute: Attribute[float | None], value: float | None) -> None:
    """Refuse what is no length of time."""
    if value is None:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or math.isnan(value) or value < 0:
        limit = "must be None or a number of seconds from 0 up"
        raise InvalidRequest(field=attribute.metadata["argument"], value=value, limit=limit)


@frozen(kw_only=True)
class WaitLimits:
    """How long one wait may last, in seconds; None is for ever.

    Attributes:
        total: from the call on.
        queued: from the call on, while the task has not been seen running.
        running: from the first look that saw it running.

    Raises:
        InvalidRequest: a limit is negative or no number.
    """

    total: float | None = field(default=None, validator=_seconds, metadata={"argument": "timeout"})
    queued: float | None = field(default=None, validator=_seconds, metadata={"argument": "queued_timeout"})
    running: float | None = field(default=None, validator=_seconds, metadata={"argument": "running_timeout"})


NO_LIMITS: Final = WaitLimits()


class Listener(ABC):
    """One waiter for one task.

    Attributes:
        flight: the task waited for.
        limits: how long.
        begun: when the wait began, on the loop's clock.
        ran: when the task was first seen running, or None.
        deadline: when the wait must end; infinity when nothing limits it now.
        phase: the limit that the deadline comes from, in words; "" for the total.
        asked: when the last look was asked for; infinity before the deadline.
        hears_changes: whether anything comes of telling it of a change that is not the end.
    """

    __slots__ = ("asked", "begun", "deadline", "flight", "limits", "phase", "ran")
    hears_changes = False

    def __init__(self, flight: Flight, limits: WaitLimits, now: float) -> None:
        self.flight = flight
        self.limits = limits
        self.begun = now
        self.ran: float | None = None
        self.asked = math.inf
        self.deadline = math.inf
        self.phase = ""
        if limits is not NO_LIMITS:
            self.reckon(flight.status, now)

    def reckon(self, status: TaskStatus | None, now: float) -> None:
        """Reckon the deadline: the total limit, or that of the queue or of the run if it is nearer."""
        if self.ran is None and status is TaskStatus.RUNNING:
            self.ran = now
        spans = [("", self.begun, self.limits.total)]
        if self.ran is None:
            spans.append(("in the queue", self.begun, self.limits.queued))
        else:
            spans.append(("of running", self.ran, self.limits.running))
        ends = [(start + seconds, phase) for phase, start, seconds in spans if seconds is not None]
        self.deadline, self.phase = min(ends, default=(math.inf, ""))

    @property
    def grace(self) -> float:
        """Seconds that the last look may take after the deadline."""
        return min(_LAST_LOOK_MOST, max(_LAST_LOOK_LEAST, self.deadline - self.begun))

    def changed(self, task: VideoTask) -> None:  # noqa: B027 - most listeners want the end only
        """Hear of a change that is not the end."""

    @abstractmethod
    def ended(self, task: VideoTask) -> None:
        """Hear of the end."""

    @abstractmethod
    def failed(self, error: BaseException) -> None:
        """Hear why there will be no end."""


class Wait(Listener):
    """A waiter that wants the end only.

    Attributes:
        future: resolves to the ended task.
    """

    __slots__ = ("future",)

    def __init__(self, flight: Flight, limits: WaitLimits, now: float) -> None:
        super().__init__(flight, limits, now)
        self.future: asyncio.Future[VideoTask] = asyncio.get_running_loop().create_future()

    def ended(self, task: VideoTask) -> None:
        """Hand the ended task over."""
        if not self.future.done():
            self.future.set_result(task)

    def failed(self, error: BaseException) -> None:
        """Hand the error over."""
        if not self.future.done():
            self.future.set_exception(error)
            # Retrieved here: a waiter cancelled in this very moment never does it, and asyncio would warn.
            self.future.exception()


class Tap(Listener):
    """A waiter that puts what it hears into a queue, which it may share with taps of other tasks.

    Attributes:
        news: the queue.
        hears_changes: put the changes into it, too.
    """

    __slots__ = ("hears_changes", "news")

    def __init__(
        self, flight: Flight, limits: WaitLimits, now: float, *, news: asyncio.Queue[News], ends_only: bool
    ) -> None:
        super().__init__(flight, limits, now)
        self.news = news
        self.hears_changes = not ends_only

    def changed(self, task: VideoTask) -> None:
        """Pass a change on."""
        if self.hears_changes:
            self.news.put_nowait(task)

    def ended(self, task: VideoTask) -> None:
        """Pass the end on."""
        self.news.put_nowait(task)

    def failed(self, error: BaseException) -> None:
        """Pass the error on."""
        self.news.put_nowait(error)
