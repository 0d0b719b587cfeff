"""Slots: how many tasks of the account may be alive at the server at once.

A submit takes a slot before its first POST and keeps it through all repeats; once accepted, the slot counts
for the task until the task is seen to end. The number of slots shrinks to three quarters when the server says
that its queue is full, and grows back by one for every round of accepted submits.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from seedance_async._wire.clock import monotonic
from seedance_async._wire.pace import CUT_EVERY
from seedance_async.errors import SeedanceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["Slot", "Slots"]

_CUT: Final = 0.75


def _nothing(*_: object) -> None:
    """Do nothing: the hook of slots that stand alone."""


class Slot:
    """The right to have one task alive.

    Attributes:
        task_id: id of the task that it counts for, or None before the submit is accepted.
        released: True once it was given back.
        key: names what it counts for among other processes, or "" where nobody else counts.
    """

    __slots__ = ("_slots", "key", "released", "task_id")

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.task_id: str | None = None
        self.released = False
        self.key = ""

    def __repr__(self) -> str:
        return f"<Slot {'released' if self.released else self.task_id or 'not bound'}>"

    def release(self) -> None:
        """Give the slot back; a second time does nothing."""
        self._slots.give_back(self)


class Slots:
    """Hands out at most ``limit`` slots, in the order they were asked for.

    Attributes:
        configured: slots that the settings allow; may be infinite.
        limit: slots there are now, at least 1. Below ``held`` after a cut: then none is handed out.
        held: slots that are out, those of repeated submits and of tasks alive.
    """

    def __init__(
        self,
        limit: float,
        *,
        gate: Callable[[], None] = _nothing,
        room: Callable[[], None] = _nothing,
        taken: Callable[[str], None] = _nothing,
        given: Callable[[str], None] = _nothing,
    ) -> None:
        """Make slots.

        Args:
            limit: tasks alive at once, at least 1; infinity for no limit.
            gate: called before a slot is asked for; raises when nothing may be submitted at all.
            room: called when a task ended, so that the server has room for one more.
            taken: called with the key of a slot that counts again after it was given back.
            given: called with the key of a slot that was given back.
        """
        self.configured = limit
        self.limit = limit
        self.held = 0
        self._gate = gate
        self._room = room
        self._taken = taken
        self._given = given
        self._alive: dict[str, Slot] = {}
        self._line: OrderedDict[asyncio.Future[Slot | SeedanceError], None] = OrderedDict()
        self._cut_at = -math.inf

    def __repr__(self) -> str:
        return f"<Slots {self.held} of {self.limit:g} held, {len(self._alive)} alive, {self.waiting} waiting>"

    @property
    def alive(self) -> Collection[str]:
        """Ids of the tasks that slots count for; a live view, copy it before an await."""
        return self._alive.keys()

    @property
    def free(self) -> float:
        """How many slots can be had now: a whole number, or infinity."""
        if math.isinf(self.limit):
            return math.inf
        return max(0, math.floor(self.limit) - self.held)

    @property
    def waiting(self) -> int:
        """How many submits wait for a slot."""
        return len(self._line)

    async def acquire(self) -> Slot:
        """Wait for a slot; a cancelled waiter keeps nothing.

        Returns:
            A slot that the caller must release or bind.

        Raises:
            QuotaExhausted: the account was told to stop, before or while waiting.
        """
        self._gate()
        # Room and a line never stand side by side: whatever makes room serves the line first.
        if self.held + 1 <= self.limit:
            return self.take()
        return await self._stand_in_line()

    async def _stand_in_line(self) -> Slot:
        """Wait as the last of the line."""
        place: asyncio.Future[Slot | SeedanceError] = asyncio.get_running_loop().create_future()
        self._line[place] = None
        try:
            answer = await place
        except asyncio.CancelledError:
            if not place.cancelled():
                self._take_back(place.result())
            raise
        finally:
            self._line.pop(place, None)
            self._serve()
        if isinstance(answer, SeedanceError):
            raise answer
        return answer

    def bind(self, slot: Slot, task_id: str) -> None:
        """Let the slot count for this task until :meth:`ended`; never raises, for the task is paid by now."""
        if task_id in self._alive:
            # One task counts once: two submits may have found the same one.
            if self._alive[task_id] is not slot:
                slot.release()
            return
        if slot.released:
            slot.released = False
            self.held += 1
            if slot.key:
                self._taken(slot.key)
        slot.task_id = task_id
        self._alive[task_id] = slot

    def occupy(self, task_id: str) -> Slot:
        """Count a task that is alive since an earlier run, say; never waits, may pass the limit."""
        slot = self._alive.get(task_id)
        if slot is None:
            slot = self.take()
            self.bind(slot, task_id)
        return slot

    def take(self) -> Slot:
        """Count what may be alive already; never waits, may pass the limit, and asks no gate."""
        self.held += 1
        return Slot(self)

    def ended(self, task_id: str) -> None:
        """Give back the slot of a task that ended; unknown ids and repeats do nothing."""
        slot = self._alive.get(task_id)
        if slot is not None:
            slot.release()

    def give_back(self, slot: Slot) -> None:
        """Take a slot back, whatever it counted for; a second time does nothing."""
        if slot.released:
            return
        slot.released = True
        self.held -= 1
        if slot.key:
            self._given(slot.key)
        if slot.task_id is not None:
            self._alive.pop(slot.task_id, None)
            slot.task_id = None
            self._room()
        self._serve()

    def resize(self, limit: float) -> None:
        """Change how many slots there are, at least 1; those that are out stay out."""
        self.limit = max(1.0, limit)
        self._serve()

    def shrink(self) -> bool:
        """Cut to three quarters: the server's queue is full.

        Returns:
            True when it was cut; False within a second of the last cut, and while more slots are out than
            there are, because such a refusal says nothing about the smaller number.
        """
        now = monotonic()
        if now - self._cut_at < CUT_EVERY or self.held > self.limit:
            return False
        self._cut_at = now
        self.resize(math.floor(min(self.limit, self.held) * _CUT))
        return True

    def grow(self) -> None:
        """Take note of an accepted submit: ``limit`` of them make one slot more, up to ``configured``."""
        if self.limit < self.configured:
            self.resize(min(self.configured, self.limit + 1.0 / self.limit))

    def fail_waiting(self, make: Callable[[], SeedanceError]) -> None:
        """Make everybody in line raise an error of its own."""
        for place in self._line:
            if not place.done():
                place.set_result(make())

    def _take_back(self, answer: Slot | SeedanceError) -> None:
        """Undo what a cancelled waiter was given in the same moment."""
        if isinstance(answer, Slot):
            answer.release()

    def _serve(self) -> None:
        """Hand slots to the heads of the line while there are any."""
        while self._line and self.held + 1 <= self.limit:
            place, _ = self._line.popitem(last=False)
            if not place.done():
                place.set_result(self.take())
