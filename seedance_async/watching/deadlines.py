"""All deadlines of all waiters in one heap, so that no waiter needs a timer of its own."""

from __future__ import annotations

import heapq
import math
from itertools import count
from typing import TYPE_CHECKING

from seedance_async.watching.listeners import NO_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seedance_async.watching.flight import Flight
    from seedance_async.watching.listeners import Listener

__all__ = ["Deadlines"]

_ALWAYS_KEPT = 64


class Deadlines:
    """A heap of listeners by due time; one that is moved or dropped leaves a stale entry."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Listener]] = []
        self._numbers = count()
        # Which entry of a listener counts; listeners without a deadline are in neither.
        self._valid: dict[Listener, int] = {}

    def __len__(self) -> int:
        """How many listeners have a deadline."""
        return len(self._valid)

    @property
    def next(self) -> float:
        """When the next deadline is due; infinity when there is none."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else math.inf

    def put(self, listener: Listener, when: float) -> None:
        """Set or move the deadline of a listener; infinity takes it away."""
        if when == math.inf:
            self.drop(listener)
            return
        number = next(self._numbers)
        self._valid[listener] = number
        heapq.heappush(self._heap, (when, number, listener))
        self._compact()

    def drop(self, listener: Listener) -> None:
        """Forget a listener."""
        if self._valid.pop(listener, None) is not None:
            self._compact()

    def reckon(self, flight: Flight, now: float) -> None:
        """Move the deadlines of a flight that depend on its status."""
        for listener in flight.listeners:
            if listener.limits is NO_LIMITS:
                continue
            deadline = listener.deadline
            listener.reckon(flight.status, now)
            if listener.deadline != deadline:
                self.release(listener)
                self.put(listener, listener.deadline)

    def release(self, listener: Listener) -> None:
        """Take a listener's deadline away, and the last look that it may have asked for."""
        self.drop(listener)
        if listener.asked != math.inf:
            listener.asked = math.inf
            listener.flight.finals -= 1

    def due(self, now: float) -> Iterator[Listener]:
        """Take out and give the listeners whose deadline has come."""
        while self.next <= now:
            listener = heapq.heappop(self._heap)[2]
            del self._valid[listener]
            yield listener

    def _drop_stale(self) -> None:
        """Bring a valid entry to the top."""
        while self._heap and self._valid.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)

    def _compact(self) -> None:
        """Rebuild the heap when most of it is stale: short waits with long deadlines must not pile up."""
        if len(self._heap) > 2 * len(self._valid) + _ALWAYS_KEPT:
            self._heap = [entry for entry in self._heap if self._valid.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)
