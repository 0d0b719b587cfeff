"""When may the server have created the task of a lost submit? Three clocks have a say in that.

Ours said when the POST went out, and may have been set since, or have been another machine's. The ``Date``
header of an answer says what time it is at whoever answered: a gateway, maybe. ``created_at`` is the time of
whoever made the task. Where they disagree the window covers all that they may mean: a window too wide costs
time, one too narrow hides the task that was paid for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Collection

    from seedance_async.ledger.intents import Intent
    from seedance_async.models import VideoTask

__all__ = ["SLACK", "Window", "window_of"]

SLACK: Final = 15.0
"""Seconds that clocks which agree may differ: headers know whole seconds, and answers travel."""
# The same where no task of ours shows how far the clock behind ``created_at`` is from the header's.
_UNSURE: Final = 120.0


@frozen(kw_only=True)
class Window:
    """Moments of the clock behind ``created_at``, in Unix seconds.

    Attributes:
        since: the task was not created before.
        sent: the POST had surely gone out by then.
        until: the task was not created later.
        now: the latest that it may be now.
    """

    since: float
    sent: float
    until: float
    now: float

    def holds(self, task: VideoTask, *, later: float = 0.0) -> bool:
        """True when the task may have been created in the window, or up to so many seconds later.

        A time that is missing or that is yet to come says nothing.
        """
        created = task.created_at
        return not created or created > self.now or self.since <= created <= self.until + later


def window_of(
    intent: Intent, *, offset: float, drifts: Collection[float], settling: float, now: float
) -> Window:
    """Translate the times of a submit.

    Args:
        intent: the submit; its ``clock_offset`` is what the header said when it was sent.
        offset: seconds that the header's clock is ahead of ours now.
        drifts: seconds that ``created_at`` is ahead of the header, as own tasks show; empty when none does.
        settling: seconds after ``until`` in which a server may still create the task.
        now: Unix seconds on our clock.
    """
    least = min(offset, intent.clock_offset) + min((0.0, *drifts))
    most = max(offset, intent.clock_offset) + max((0.0, *drifts))
    slack = SLACK if drifts else _UNSURE
    return Window(
        since=intent.sent_at + least - slack,
        sent=intent.sent_at + most,
        until=intent.until + most + settling + slack,
        now=now + most + slack,
    )
