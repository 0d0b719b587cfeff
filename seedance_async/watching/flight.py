"""One task in flight, as the watcher remembers it."""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from attrs import define, field

if TYPE_CHECKING:
    from seedance_async.models import VideoTask
    from seedance_async.watching.listeners import Listener

__all__ = ["Flight", "Place", "tier_of", "width_of"]

_PARAMETER = len("&filter.task_ids=")


class Place(enum.Enum):
    """Where a flight is kept; entries of other places are stale and skipped."""

    NOWHERE = "nowhere"
    LANE = "lane"
    URGENT = "urgent"
    SINGLE = "single"
    LOOKING = "looking"
    GONE = "gone"


@define(eq=False, kw_only=True)
class Flight:
    """What is known of one task that somebody waits for.  Times are seconds of the loop's clock.

    Attributes:
        id: the task's id.
        tier: ``flex``, or None for the default tier; lists show one tier at a time (api docs 1521675).
        width: characters that the id takes in the URL of a list.
        since: when its status last changed, as seen from here.
        looked: when it was last looked at, or submitted.
        seen: when the server last knew it, or was first asked; "no such task" is measured from here.
        begun: when the look that runs now was begun.
        band: how often it is looked at; see :mod:`.cadence`.
        band_until: when the band must be reckoned anew.
        place: which queue holds it.
        task: the last value seen, or what the caller already knew.
        record: the record that ``task`` was made of; None when it came from the caller.
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
    looked: float
    seen: float
    begun: float = 0.0
    band: int = 0
    band_until: float = -math.inf
    place: Place = Place.NOWHERE
    task: VideoTask | None = None
    record: dict[str, Any] | None = None
    listeners: list[Listener] = field(factory=list)
    surveyed: bool = False
    again: bool = False
    finals: int = 0
    urlless: int = 0
    unlisted: bool = False
    hints: int = 0

    @property
    def is_calm(self) -> bool:
        """Whether a look that shows nothing new needs no more than to be noted."""
        return self.place is Place.LOOKING and not self.again and not self.finals


def width_of(task_id: str) -> int:
    """Count the characters that ``&filter.task_ids=<id>`` takes in a URL."""
    return _PARAMETER + len(quote(task_id, safe=""))


def tier_of(task_id: str, *said: str | None) -> str | None:
    """Give the tier that a list must be asked for: the first one said, else what the id tells.

    Ids of offline tasks start with ``cgt-batch-`` (seen live, not documented).  After a wrong guess the list
    does not show the task, and it is looked at by itself.
    """
    tier = next((word for word in said if word), None)
    if tier is None and task_id.startswith("cgt-batch-"):
        tier = "flex"
    return None if tier == "default" else tier
