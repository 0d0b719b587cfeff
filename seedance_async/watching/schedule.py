"""Which tasks are looked at next: queues in which the order of arrival is the order of being due.

Tasks of one band wait equally long, so each band is a plain first-in-first-out queue.  What was looked at
together waits together, as one group, so a turn of the watcher costs little more for a hundred thousand tasks
than for one.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from attrs import define, field

from seedance_async.watching.cadence import BANDS, band_of, spread, waits
from seedance_async.watching.flight import URL_ROOM
from seedance_async.watching.group import ALONE, LANE, LOOKING, SINGLE, URGENT, Group

if TYPE_CHECKING:
    from seedance_async.settings import PollPolicy
    from seedance_async.watching.flight import Flight
    from seedance_async.watching.group import Place

__all__ = ["Schedule"]

# Urgent entries are due at once, and come before tasks that are overdue because the quota is short. No
# infinity: where nobody waits, the sum with one would be no number.
_URGENT_WAIT = -1e18
# A list costs the same for one id and for a hundred: it also takes tasks that have waited half their time.
_EARLY = 0.5
# So small a part of their wait apart, flights wait as one group, and lists go out in one turn.
_NEAR = 0.05


@define(kw_only=True)
class _Lane:
    """One queue: groups of flights that were looked at together, the earliest first.

    Attributes:
        place: what is said of a flight while it waits here.
        tier: the tier of all of them.
        band: their band; of no account where ``place`` is urgent.
        near: seconds between two looks that count as one.
        groups: who waits here; one whose flights have all left is skipped when it comes up.
    """

    place: Place
    tier: str | None
    band: int = 0
    near: float = 0.0
    groups: deque[Group] = field(factory=deque[Group])

    def join(self, flight: Flight, *, looked: float, until: float) -> None:
        """Let a flight wait, with those that were looked at about when it was."""
        group = self.groups[-1] if self.groups else None
        # A group that is too wide for one list would have to be parted for it.
        is_full = group is not None and group.width + flight.width > URL_ROOM
        if group is None or is_full or abs(looked - group.looked) > self.near:
            group = Group(place=self.place, tier=self.tier, band=self.band, looked=looked)
            self.groups.append(group)
        group.add(flight)
        group.until = min(group.until, until)

    def head(self) -> float:
        """When the first one that waits here was looked at; infinity when nobody does."""
        while self.groups and not self.groups[0].flights:
            self.groups.popleft()
        return self.groups[0].looked if self.groups else math.inf

    def drain(self, *, until: float, most: int, room: int) -> Group:
        """Take flights that were looked at until then, as many as fit, as one group."""
        taken = Group(place=LOOKING, tier=self.tier, band=self.band)
        while self.head() < math.inf and self.groups[0].looked <= until:
            group = self.groups[0]
            if len(taken.flights) + len(group.flights) > most or taken.width + group.width > room:
                taken.draw(group, most=most, room=room)
                break
            self.groups.popleft()
            # The larger one takes the other's flights in.
            larger, other = (group, taken) if len(group.flights) > len(taken.flights) else (taken, group)
            larger.absorb(other)
            taken = larger
        taken.place = LOOKING
        return taken

    def first_width(self) -> int:
        """How much room the flight needs that would be taken first; 0 when nobody waits here."""
        return next(iter(self.groups[0].flights.values())).width if self.head() < math.inf else 0


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

    def rest(self, flight: Flight, *, looked: float, now: float) -> None:
        """Let a flight wait for its next look, counted from ``looked``."""
        band, left = band_of(flight.status, now - flight.since)
        self._lanes(flight.tier)[1 + band].join(flight, looked=looked, until=now + left)

    def seen(self, flight: Flight, now: float) -> None:
        """Let a flight wait that was looked at now; a list is read to its end before its groups rest."""
        if flight.group is ALONE:
            self.rest(flight, looked=now, now=now)

    def rest_together(self, group: Group, now: float) -> None:
        """Let those that are left of a group wait for their next look, because they were seen now."""
        if now >= group.until:
            self._sort(group, now)
        if group.flights:
            group.place, group.looked = LANE, now
            self._lanes(group.tier)[1 + group.band].groups.append(group)

    def _sort(self, group: Group, now: float) -> None:
        """Reckon the bands of a group anew; it stays together where all go to the same queue."""
        bands = [band_of(flight.status, now - flight.since) for flight in group.flights.values()]
        queues = {
            (flight.tier, band) for flight, (band, _) in zip(group.flights.values(), bands, strict=True)
        }
        if len(queues) == 1:
            [(group.tier, group.band)] = queues
            group.until = now + min(left for _, left in bands)
        else:
            for flight in [*group.flights.values()]:
                self.rest(flight, looked=now, now=now)

    def hurry(self, flight: Flight) -> None:
        """Let a flight be looked at as soon as a request is free."""
        if flight.place is not URGENT:
            self._lanes(flight.tier)[0].join(flight, looked=0.0, until=-math.inf)

    def single_out(self, flight: Flight) -> None:
        """Let a flight be looked at by itself: a list does not show it, or not all of it."""
        flight.leave(SINGLE)
        self._singles.append(flight)

    def stretch(self, capacity: float) -> None:
        """Fit the waits to how many tasks share ``capacity`` looks per second."""
        populations = [0] * BANDS
        for lanes in self._tiers.values():
            for lane in lanes[1:]:
                for group in lane.groups:
                    populations[lane.band] += len(group.flights)
        factor = spread(populations, self._waits, capacity)
        self._stretched = (_URGENT_WAIT, *(wait * factor for wait in self._waits))

    def next_due(self) -> float:
        """When a flight of a lane is due: long ago for "at once", infinity when there is none."""
        return min((min(self._dues(lanes)) for lanes in self._tiers.values()), default=math.inf)

    def has_single(self) -> bool:
        """Whether a flight waits to be looked at by itself."""
        while self._singles and self._singles[0].group is not SINGLE:
            self._singles.popleft()
        return bool(self._singles)

    def take_single(self) -> Flight:
        """Take the next flight to be looked at by itself, after ``has_single()`` said that there is one."""
        flight = self._singles.popleft()
        flight.leave(ALONE)
        return flight

    def take(self, now: float, *, most: int, room: int) -> list[Group]:
        """Take flights of one tier for one list: those due, then those that have waited half their time.

        Nothing is taken before one is due, or so nearly that a turn of its own would only cost.

        Args:
            now: seconds of the loop's clock.
            most: how many at most.
            room: how many characters of URL at most; the first id is taken whatever its width.
        """
        if not self._tiers:
            return []
        tiers = [(self._dues(lanes), lanes) for lanes in self._tiers.values()]
        dues, lanes = min(tiers, key=lambda tier: min(tier[0]))
        first = min(dues)
        if first - lanes[dues.index(first)].near > now:
            return []
        # Where both are urgent, the tier goes next that waited longer: the first one of equals is taken.
        self._tiers[lanes[0].tier] = self._tiers.pop(lanes[0].tier)
        return self._take_from(lanes, dues, now, most=most, room=room)

    def _take_from(
        self, lanes: tuple[_Lane, ...], dues: list[float], now: float, *, most: int, room: int
    ) -> list[Group]:
        """Take flights of the queues of one tier, whose heads are due so, the earliest first."""
        taken: list[Group] = []
        while room > 0 and most > 0:
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
            if not taken:
                room = max(room, lanes[index].first_width())
            group = lanes[index].drain(until=until, most=most, room=room)
            if not group.flights:
                break
            taken.append(group)
            most, room = most - len(group.flights), room - group.width
            dues[index] = lanes[index].head() + wait
        return taken

    def _lanes(self, tier: str | None) -> tuple[_Lane, ...]:
        """Give the queues of a tier: the urgent one, then one for each band."""
        lanes = self._tiers.get(tier)
        if lanes is None:
            ordinary = (
                _Lane(place=LANE, tier=tier, band=band, near=wait * _NEAR)
                for band, wait in enumerate(self._waits)
            )
            lanes = self._tiers[tier] = (_Lane(place=URGENT, tier=tier), *ordinary)
        return lanes

    def _dues(self, lanes: tuple[_Lane, ...]) -> list[float]:
        """When the first flight of each queue is due; infinity where nobody waits."""
        return [lane.head() + wait for lane, wait in zip(lanes, self._stretched, strict=True)]
