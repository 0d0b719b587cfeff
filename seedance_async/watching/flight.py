"""One task in flight, as the watcher remembers it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from attrs import define, field

from seedance_async._wire.protocol import AND_ID, is_plain
from seedance_async.watching.group import NOWHERE, Group, Place

if TYPE_CHECKING:
    from seedance_async.models import TaskStatus, VideoTask
    from seedance_async.watching.listeners import Listener

__all__ = ["URL_ROOM", "Flight", "tier_of", "width_of"]

# nginx and aiohttp take a request line of 8 kB; host, path and the other parameters need their part.
URL_ROOM: Final = 7_400
"""Characters that ids may take in the URL of a list."""


@define(eq=False, kw_only=True)
class Flight:
    """What is known of one task that somebody waits for.  Times are seconds of the loop's clock.

    Attributes:
        id: the task's id.
        tier: ``flex``, or None for the default tier; lists show one tier at a time (api docs 1521675).
        width: characters that the id takes in the URL of a list.
        since: when its status last changed, as seen from here.
        missed: when the server first said "no such task" since it last knew it; infinity when it has not.
        group: those with which it waits or is looked at.
        known: what the caller knew when the wait began, or None.
        status: as last seen here, or as the caller knew it; None before.
        record: as last seen here, or its bytes in the answer of a list: a fifth as large, and seldom read
            again; None before.
        piece: those bytes, by which it is known again; None where the next record must be taken in whatever
            it says.
        listeners: who waits for it.
        surveyed: it is watched because a submit waits for a slot, whoever else waits.
        again: it must be looked at again as soon as the look that runs now is over.
        finals: how many listeners are past their deadline and wait for one last look.
        urlless: how often it was seen succeeded without a video URL.
        unlisted: the last list did not show it.
        hints: how many callbacks told of it.
    """

    id: str
    tier: str | None
    width: int
    since: float
    missed: float = math.inf
    group: Group = NOWHERE
    known: VideoTask | None = None
    status: TaskStatus | None = None
    record: dict[str, Any] | bytes | None = None
    piece: bytes | None = None
    listeners: list[Listener] = field(factory=list)
    surveyed: bool = False
    again: bool = False
    finals: int = 0
    urlless: int = 0
    unlisted: bool = False
    hints: int = 0

    @property
    def place(self) -> Place:
        """Where it is kept."""
        return self.group.place

    def learn_tier(self, said: object) -> None:
        """Take the tier that a record says, if it says one."""
        if said and isinstance(said, str) and (tier := tier_of(self.id, said)) != self.tier:
            self.tier = tier
            self.group.until = -math.inf

    def leave(self, group: Group) -> None:
        """Leave the group that it is in for another one, which may be nobody's."""
        if self.group.flights.pop(self.id, None) is not None:
            self.group.width -= self.width
        self.group = group


def width_of(task_id: str) -> int:
    """Count the characters that ``&filter.task_ids=<id>`` takes in a URL."""
    return len(AND_ID) + len(task_id if is_plain(task_id) else quote(task_id, safe=""))


def tier_of(task_id: str, *said: str | None) -> str | None:
    """Give the tier that a list must be asked for: the first one said, else what the id tells.

    Ids of offline tasks start with ``cgt-batch-`` (seen live, not documented).  After a wrong guess the list
    does not show the task, and it is looked at by itself.
    """
    for word in said:
        if word:
            return None if word == "default" else word
    return "flex" if task_id.startswith("cgt-batch-") else None
