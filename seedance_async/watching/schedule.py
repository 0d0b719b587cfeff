"""Which tasks are looked at next: queues in which the order of arrival is the order of being due.

Tasks of one band wait equally long, so each band is a plain first-in-first-out queue and every step is O(1)
however many tasks are in flight.  A task that moves elsewhere leaves its entry behind; such entries are
skipped when they come up.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from seedance_async.watching.cadence import BANDS, band_of, spread, waits
from seedance_async.watching.flight import LANE, LOOKING, URGENT, Flight, Place

if TYPE_CHECKING:
    from seedance_async.settings import PollPolicy

__all__ = ["Schedule"]

_Entry = tuple[float, Flight]
_Lane = deque[_Entry]
# Urgent entries are due at once, and come before tasks that are overdue because the quota is short.
_URGENT_WAIT = -math.inf
# A list costs the same for one id and for a hundred: it also takes tasks that have waited half their time.
_EARLY = 0.5


class Schedule:
    """Queues of flights by tier and band; ``looked`` of a flight is its ticket to the entry that counts."""

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
        if now >= flight.band_until:
            flight.band, left = band_of(flight.status, now - flight.since)
            flight.band_until = now + left
        flight.place = LANE
        lanes = self._tiers.get(flight.tier) or self._lanes(flight.tier)
        lanes[1 + flight.band].append((flight.looked, flight))

    def hurry(self, flight: Flight) -> None:
        """Let a flight be looked at as soon as a request is free."""
        if flight.place is not URGENT:
            flight.place = URGENT
            self._lanes(flight.tier)[0].append((flight.looked, flight))

    def single_out(self, flight: Flight) -> None:
        """Let a flight be looked at by itself: a list does not show it, or not all of it."""
        flight.place = Place.SINGLE
        self._singles.append(flight)

    def stretch(self, capacity: float) -> None:
        """Fit the waits to how many tasks share ``capacity`` looks per second."""
        populations = [0] * BANDS
        for lanes in self._tiers.values():
            for band in range(BANDS):
                populations[band] += len(lanes[1 + band])
        factor = spread(populations, self._waits, capacity)
        self._stretched = (_URGENT_WAIT, *(wait * factor for wait in self._waits))

    def next_due(self) -> float:
        """When a flight of a lane is due: -infinity for "at once", infinity when there is none."""
        return min((self._tier_due(lanes) for lanes in self._tiers.values()), default=math.inf)

    def has_single(self) -> bool:
        """Whether a flight waits to be looked at by itself."""
        while self._singles and self._singles[0].place is not Place.SINGLE:
            self._singles.popleft()
        return bool(self._singles)

    def take_single(self, now: float) -> Flight:
        """Take the next flight to be looked at by itself, after ``has_single()`` said that there is one."""
        flight = self._singles.popleft()
        flight.place, flight.begun = Place.LOOKING, now
        return flight

    def take(self, now: float, *, most: int, room: int) -> list[Flight]:
        """Take flights of one tier for one list: those due, then those that have waited half their time.

        Args:
            now: seconds of the loop's clock.
            most: how many at most.
            room: how many characters of URL at most; the first id is taken whatever its width.
        """
        lanes = min(self._tiers.values(), key=self._tier_due)
        dues = self._dues(lanes)
        chunk: list[Flight] = []
        while len(chunk) < most and room > 0:
            due = min(dues)
            index = dues.index(due)
            wait = self._stretched[index]
            latest = now + wait * _EARLY if index else now
            if due == math.inf or due > latest:
                break
            dues[index] = math.inf
            # This queue goes first as long as it is due before the next one; its head in any case, whatever
            # the rounding.
            until = max(lanes[index][0][0], min(latest, *dues) - wait)
            room = self._drain(lanes, index, chunk, until=until, most=most, room=room)
            dues[index] = self._head_due(lanes, index)
        for flight in chunk:
            flight.begun = now
        return chunk

    def _drain(
        self, lanes: tuple[_Lane, ...], index: int, chunk: list[Flight], *, until: float, most: int, room: int
    ) -> int:
        """Move flights of one queue that were looked at until then to the chunk; the room that is left."""
        lane = lanes[index]
        place = LANE if index else URGENT
        while lane and len(chunk) < most:
            looked, flight = lane[0]
            if flight.place is place and flight.looked == looked:
                if looked > until:
                    break
                room -= flight.width
                if room < 0 and chunk:
                    break
                chunk.append(flight)
                flight.place = LOOKING
            lane.popleft()
        return room

    def _lanes(self, tier: str | None) -> tuple[_Lane, ...]:
        """Give the queues of a tier: the urgent one, then one for each band."""
        lanes = self._tiers.get(tier)
        if lanes is None:
            lanes = self._tiers[tier] = tuple(deque[_Entry]() for _ in range(1 + BANDS))
        return lanes

    def _tier_due(self, lanes: tuple[_Lane, ...]) -> float:
        """When the first flight of a tier is due."""
        return min(self._dues(lanes))

    def _dues(self, lanes: tuple[_Lane, ...]) -> list[float]:
        """When the first flight of each queue is due."""
        return [self._head_due(lanes, index) for index in range(len(lanes))]

    def _head_due(self, lanes: tuple[_Lane, ...], index: int) -> float:
        """Skip stale entries, and tell when the first one that counts is due."""
        lane = lanes[index]
        place = LANE if index else URGENT
        while lane:
            looked, flight = lane[0]
            if flight.place is place and flight.looked == looked:
                return looked + self._stretched[index]
            lane.popleft()
        return math.inf
