"""Which tasks are looked at next: queues in which the order of arrival is the order of being due.

Tasks of one band wait equally long, so each band is a plain first-in-first-out queue.  What was looked at
together waits together, as one group, so a turn of the watcher costs little more for a hundred thousand tasks
than for one.  A task that moves elsewhere leaves its place in a group behind; such places are skipped when
they come up.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING

from attrs import define, field

from seedance_async.watching.cadence import BANDS, band_of, spread, waits
from seedance_async.watching.flight import LANE, LOOKING, URGENT, Flight, Place

if TYPE_CHECKING:
    from seedance_async.settings import PollPolicy

__all__ = ["Schedule"]

# Urgent entries are due at once, and come before tasks that are overdue because the quota is short.
_URGENT_WAIT = -math.inf
# A list costs the same for one id and for a hundred: it also takes tasks that have waited half their time.
_EARLY = 0.5
# About as many as one list asks for: a larger group would be gone through again for each of its lists.
_TOGETHER = 200
_width = attrgetter("width")


@define
class _Lane:
    """One queue: groups of flights that were looked at in the same moment, the earliest first.

    Attributes:
        place: what a flight's ``place`` says while it waits here.
        groups: moment and flights; ``looked`` of a flight is its ticket to the group that counts.
        population: how many flights wait here, with those that have moved elsewhere since.
    """

    place: Place
    groups: deque[tuple[float, list[Flight]]] = field(factory=deque[tuple[float, list[Flight]]])
    population: int = 0

    def put(self, looked: float, flights: list[Flight]) -> None:
        """Let flights wait, beside some that were looked at in the same moment."""
        self.population += len(flights)
        if self.groups and self.groups[-1][0] == looked and len(self.groups[-1][1]) < _TOGETHER:
            self.groups[-1][1].extend(flights)
        else:
            self.groups.append((looked, flights))

    def head(self) -> float:
        """When the first one that waits here was looked at; infinity when nobody does."""
        place = self.place
        while self.groups:
            looked, group = self.groups[0]
            for flight in group:
                if flight.place is place and flight.looked == looked:
                    return looked
            self.population -= len(group)
            self.groups.popleft()
        return math.inf

    def drain(self, taken: list[Flight], *, until: float, most: int, room: int) -> int:
        """Move flights that were looked at until then to those taken; the room that is left, 0 when full."""
        place = self.place
        while self.groups and self.groups[0][0] <= until:
            looked, group = self.groups.popleft()
            self.population -= len(group)
            waiting = [flight for flight in group if flight.place is place and flight.looked == looked]
            ends = list(accumulate(map(_width, waiting)))
            # The first one of a list is taken whatever its width.
            fit = min(most - len(taken), max(bisect_right(ends, room), not taken))
            for flight in waiting[:fit]:
                flight.place = LOOKING
            taken += waiting[:fit]
            if fit < len(waiting):
                self.groups.appendleft((looked, waiting[fit:]))
                self.population += len(waiting) - fit
                return 0
            room -= ends[-1] if ends else 0
        return room


class Schedule:
    """Queues of flights by tier and band."""

    def __init__(self, poll: PollPolicy) -> None:
        self._waits = waits(poll)
        self._stretched = (_URGENT_WAIT, *self._waits)
        self._tiers: dict[str | None, tuple[_Lane, ...]] = {}
        self._singles: deque[Flight] = deque()

    def clear(self) -> None:
        """Forget everything."""
        self._tiers.clear()
        self._singles.clear()

    def rest(self, flight: Flight, now: float) -> None:
        """Let a flight wait for its next look, counted from ``flight.looked``."""
        flight.place = LANE
        self._lane(flight, now).put(flight.looked, [flight])

    def rest_together(self, flights: list[Flight], now: float) -> None:
        """Let flights of one tier wait that were seen now, unchanged."""
        groups: tuple[list[Flight], ...] = tuple([] for _ in range(BANDS))
        for flight in flights:
            if now >= flight.band_until:
                self._reckon_band(flight, now)
            flight.place = LANE
            flight.looked = now
            flight.missed = math.inf
            groups[flight.band].append(flight)
        for group in filter(None, groups):
            self._lane(group[0], now).put(now, group)

    def hurry(self, flight: Flight) -> None:
        """Let a flight be looked at as soon as a request is free."""
        if flight.place is not URGENT:
            flight.place = URGENT
            self._lanes(flight.tier)[0].put(flight.looked, [flight])

    def single_out(self, flight: Flight) -> None:
        """Let a flight be looked at by itself: a list does not show it, or not all of it."""
        flight.place = Place.SINGLE
        self._singles.append(flight)

    def stretch(self, capacity: float) -> None:
        """Fit the waits to how many tasks share ``capacity`` looks per second."""
        populations = [0] * BANDS
        for lanes in self._tiers.values():
            for band in range(BANDS):
                populations[band] += lanes[1 + band].population
        factor = spread(populations, self._waits, capacity)
        self._stretched = (_URGENT_WAIT, *(wait * factor for wait in self._waits))

    def next_due(self) -> float:
        """When a flight of a lane is due: -infinity for "at once", infinity when there is none."""
        return min((min(self._dues(lanes)) for lanes in self._tiers.values()), default=math.inf)

    def has_single(self) -> bool:
        """Whether a flight waits to be looked at by itself."""
        while self._singles and self._singles[0].place is not Place.SINGLE:
            self._singles.popleft()
        return bool(self._singles)

    def take_single(self) -> Flight:
        """Take the next flight to be looked at by itself, after ``has_single()`` said that there is one."""
        flight = self._singles.popleft()
        flight.place = LOOKING
        return flight

    def take(self, now: float, *, most: int, room: int) -> list[Flight]:
        """Take flights of one tier for one list: those due, then those that have waited half their time.

        Args:
            now: seconds of the loop's clock.
            most: how many at most.
            room: how many characters of URL at most; the first id is taken whatever its width.
        """
        lanes = min(self._tiers.values(), key=lambda lanes: min(self._dues(lanes)))
        dues = self._dues(lanes)
        taken: list[Flight] = []
        while room > 0 and len(taken) < most:
            due = min(dues)
            index = dues.index(due)
            wait = self._stretched[index]
            latest = now + wait * _EARLY if index else now
            if due == math.inf or due > latest:
                break
            dues[index] = math.inf
            # This queue goes first as long as it is due before the next one; its head in any case, whatever
            # the rounding.
            until = max(lanes[index].head(), min(latest, *dues) - wait)
            room = lanes[index].drain(taken, until=until, most=most, room=room)
            dues[index] = self._due(lanes, index)
        return taken

    def _lane(self, flight: Flight, now: float) -> _Lane:
        """Give the queue of a flight's tier and band."""
        if now >= flight.band_until:
            self._reckon_band(flight, now)
        return self._lanes(flight.tier)[1 + flight.band]

    @staticmethod
    def _reckon_band(flight: Flight, now: float) -> None:
        """Say how often a flight is looked at, and until when that holds."""
        flight.band, left = band_of(flight.status, now - flight.since)
        flight.band_until = now + left

    def _lanes(self, tier: str | None) -> tuple[_Lane, ...]:
        """Give the queues of a tier: the urgent one, then one for each band."""
        lanes = self._tiers.get(tier)
        if lanes is None:
            lanes = self._tiers[tier] = (_Lane(URGENT), *(_Lane(LANE) for _ in range(BANDS)))
        return lanes

    def _dues(self, lanes: tuple[_Lane, ...]) -> list[float]:
        """When the first flight of each queue is due."""
        return [self._due(lanes, index) for index in range(len(lanes))]

    def _due(self, lanes: tuple[_Lane, ...], index: int) -> float:
        """When the first flight of one queue is due; infinity when nobody waits there."""
        head = lanes[index].head()
        return head if head == math.inf else head + self._stretched[index]
