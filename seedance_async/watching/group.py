"""Flights that are kept together: they wait for the same look, or one look is out for all of them.

What is true of all of them is said once, of the group: a look that finds nothing new costs no step for each.
"""

from __future__ import annotations

import enum
import math
from itertools import islice
from typing import TYPE_CHECKING, Final

from attrs import define, field

if TYPE_CHECKING:
    from seedance_async.watching.flight import Flight

__all__ = ["ALONE", "GONE", "LANE", "LOOKING", "NOWHERE", "SINGLE", "URGENT", "Group", "Place"]


class Place(enum.Enum):
    """Where a flight is kept."""

    NOWHERE = "nowhere"
    LANE = "lane"
    URGENT = "urgent"
    SINGLE = "single"
    LOOKING = "looking"
    GONE = "gone"


# Python 3.11 takes ten times as long to find a member of an enum as a name.
LANE: Final = Place.LANE
URGENT: Final = Place.URGENT
LOOKING: Final = Place.LOOKING


@define(eq=False, kw_only=True)
class Group:
    """Some flights of one tier and band, and what they share.  Times are seconds of the loop's clock.

    Attributes:
        place: where they are.
        tier: what a list must be asked for to show them.
        band: how often they are looked at; see :mod:`.cadence`.
        until: when one of them may belong to another band; those of no band yet wait for -infinity.
        looked: when they were looked at last, or submitted.
        flights: by id; who moves elsewhere leaves at once.
        width: characters that the ids take in the URL of a list.
    """

    place: Place
    tier: str | None = None
    band: int = 0
    until: float = math.inf
    looked: float = -math.inf
    flights: dict[str, Flight] = field(factory=dict)
    width: int = 0

    def add(self, flight: Flight) -> None:
        """Take a flight in, from wherever it is."""
        flight.leave(self)
        self.flights[flight.id] = flight
        self.width += flight.width

    def absorb(self, other: Group) -> None:
        """Take all flights of another group in, which is of no use after that."""
        for flight in other.flights.values():
            flight.group = self
        self.flights |= other.flights
        self.width += other.width
        self.until = min(self.until, other.until)

    def draw(self, other: Group, *, most: int, room: int) -> None:
        """Take the first flights of another group in until there are so many, or they are so wide."""
        for flight in [*islice(other.flights.values(), most - len(self.flights))]:
            if self.width + flight.width > room:
                break
            self.add(flight)
        self.until = min(self.until, other.until)


# These hold no flights: whoever is there is there by itself.
NOWHERE: Final = Group(place=Place.NOWHERE)
SINGLE: Final = Group(place=Place.SINGLE)
ALONE: Final = Group(place=Place.LOOKING)
GONE: Final = Group(place=Place.GONE)
