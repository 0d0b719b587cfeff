"""The tasks of the account and the passing of their time.

Nothing here owns a timer. Every task that waits for a moment has one entry in a heap, and `advance` carries
out all that was due in its order, whenever somebody looks. A million tasks cost a million small objects.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from attrs import define, field

from seedance_async.simulator.behaviour import (
    AfterLooks,
    AfterSeconds,
    AtOnce,
    Behaviour,
    ByHand,
    Progression,
)
from seedance_async.simulator.moderation import message_of
from seedance_async.simulator.quotas import Quotas, family_of
from seedance_async.simulator.records import Shelf
from seedance_async.simulator.tasks import LedgerEntry, SimTask, Status

if TYPE_CHECKING:
    from random import Random

Step: TypeAlias = Literal["start", "end", "expire", "give up", "vanish"]
_TIMED_OUT = "TaskTimeout"
OnChange: TypeAlias = Callable[[SimTask, float], None]


@define
class _Family:
    """The slots of one model family: who runs, and who waits (by priority, then by age)."""

    running: int = 0
    waiting: list[tuple[int, int, SimTask]] = field(factory=list[tuple[int, int, SimTask]])


@define(kw_only=True)
class World:
    """All tasks.

    Args:
        behaviour: Switches.
        quotas: Only the slots matter here.
        random: Draws the jitter of running times.
        usual: The progression where the behaviour names none.
        on_change: Called with a task that has a callback URL and the moment of its change.
    """

    behaviour: Behaviour
    quotas: Quotas
    random: Random
    usual: Progression
    on_change: OnChange
    tasks: dict[str, SimTask] = field(factory=dict[str, SimTask], init=False)
    shelf: Shelf = field(factory=Shelf, init=False)
    ledger: list[LedgerEntry] = field(factory=list[LedgerEntry], init=False)
    alive: dict[int, SimTask] = field(factory=dict[int, SimTask], init=False)
    queued: int = field(default=0, init=False)
    unbilled: int = field(default=0, init=False)
    tokens: int = field(default=0, init=False)
    watched: int = field(default=0, init=False)
    _heap: list[tuple[float, int, int, Step, SimTask]] = field(
        factory=list[tuple[float, int, int, Step, SimTask]], init=False
    )
    _families: dict[str, _Family] = field(factory=dict[str, _Family], init=False)

    @property
    def progression(self) -> Progression:
        """How tasks go on now."""
        return self.behaviour.progression or self.usual

    @property
    def accepted(self) -> int:
        """Creates that were accepted."""
        return len(self.ledger)

    @property
    def billed(self) -> int:
        """Accepted creates that cost money or will: all but those that ended failed, expired or cancelled."""
        return self.accepted - self.unbilled

    def sums(self) -> dict[str, int]:
        """What all that was accepted comes to."""
        return {
            "accepted": self.accepted,
            "billed": self.billed,
            "tokens": self.tokens,
            "alive": len(self.alive),
            "queued": self.queued,
        }

    def next_at(self) -> float | None:
        """The moment of the next planned step, or None."""
        return self._heap[0][0] if self._heap else None

    def accept(self, task: SimTask, wall: float) -> None:
        """Take in a new task in `queued`."""
        self.tasks[task.id] = task
        self.shelf.add(task)
        self.ledger.append(LedgerEntry(task=task, accepted_at=wall))
        self.alive[task.number] = task
        self.queued += 1
        self.tokens += task.tokens
        self.watched += task.order.callback_url is not None
        task.changed = task.accepted
        task.run_seconds = self._run_seconds()
        self._changed(task, task.accepted)
        self._plan_start(task, task.accepted)
        self.advance(task.accepted)

    def advance(self, now: float) -> None:
        """Carry out everything that is due by `now`, in its order."""
        while self._heap and self._heap[0][0] <= now:
            when, _, version, step, task = heapq.heappop(self._heap)
            if version == task.version:
                self._carry_out(step, task, when)

    def look(self, task: SimTask, now: float) -> None:
        """Somebody looks at a task; under `AfterLooks` that is what makes it go on."""
        task.looks += 1
        rule = self.progression
        if not isinstance(rule, AfterLooks) or task.is_terminal:
            return
        if task.looks > rule.queued and task.status == "queued":
            self._try_start(task, now)
        if task.looks > rule.looks and task.status == "running":
            self.end(task, now)

    def start(self, task: SimTask, now: float) -> None:
        """Let a queued task run at once, whatever the slots say."""
        if task.status != "queued":
            return
        family = self._family(task)
        if not task.order.flex:
            family.running += 1
            task.holds_slot = True
        self.queued -= 1
        task.started = now
        self._set(task, "running", now)
        self._plan_end(task, now)

    def end(self, task: SimTask, now: float) -> None:
        """Let a task end as it is bound to: succeeded, or failed."""
        if task.is_terminal:
            return
        if task.order.doom is not None:
            task.failure = task.order.doom
        self.settle(task, "failed" if task.failure else "succeeded", now)

    def fail(self, task: SimTask, code: str, message: str, now: float) -> None:
        """Let a task fail, unless it has ended."""
        if task.is_terminal:
            return
        task.failure = (code, message or message_of(code))
        self.settle(task, "failed", now)

    def settle(self, task: SimTask, status: Status, now: float) -> None:
        """End a task that is alive."""
        self.queued -= task.status == "queued"
        if status != "succeeded":
            self.unbilled += 1
            self.tokens -= task.tokens
        del self.alive[task.number]
        self.watched -= task.order.callback_url is not None
        self._set(task, status, now)
        if status == "cancelled":
            self._push(now + self.behaviour.cancelled_seconds, "vanish", task)
        self._free_slot(task, now)

    def erase(self, task: SimTask) -> None:
        """Delete a task's record; its ledger entry stays."""
        task.version += 1
        self.tasks.pop(task.id, None)
        self.shelf.remove(task)

    def _carry_out(self, step: Step, task: SimTask, when: float) -> None:
        if step == "start":
            self._try_start(task, when)
        elif step == "end":
            self.end(task, when)
        elif step == "expire":
            self.settle(task, "expired", when)
        elif step == "give up":
            self.fail(task, _TIMED_OUT, "The task timed out.", when)
        else:
            self.erase(task)

    def _try_start(self, task: SimTask, now: float) -> None:
        """Run a task, or let it wait for a slot."""
        order = task.order
        limit = None if order.flex else self.quotas.slots_of(order.model, order.resolution)
        family = self._family(task)
        if limit is None or family.running < limit:
            self.start(task, now)
        else:
            heapq.heappush(family.waiting, (-order.priority, task.number, task))
            self._plan_last(task)

    def _free_slot(self, task: SimTask, now: float) -> None:
        """Give the slot of an ended task to the one that waits longest at the highest priority."""
        if not task.holds_slot:
            return
        task.holds_slot = False
        family = self._family(task)
        family.running -= 1
        while family.waiting:
            waiting = heapq.heappop(family.waiting)[2]
            if waiting.status == "queued":
                self.start(waiting, now)
                return

    def _family(self, task: SimTask) -> _Family:
        return self._families.setdefault(family_of(task.order.model, task.order.resolution), _Family())

    def _plan_start(self, task: SimTask, now: float) -> None:
        rule = self.progression
        if isinstance(rule, (AtOnce, AfterSeconds)):
            delay = rule.queue if isinstance(rule, AfterSeconds) else 0.0
            self._plan(now + delay, "start", task)
        else:
            self._plan_last(task)

    def _plan_end(self, task: SimTask, now: float) -> None:
        if isinstance(self.progression, (AfterLooks, ByHand)):
            self._plan_last(task)
        else:
            self._plan(now + task.run_seconds, "end", task)

    def _plan(self, when: float, step: Step, task: SimTask) -> None:
        """Plan a step, or the last one if that comes first."""
        if when < self._last_moment(task):
            self._push(when, step, task)
        else:
            self._plan_last(task)

    def _plan_last(self, task: SimTask) -> None:
        """Plan the end that a task meets when nothing else ends it."""
        last = self._last_moment(task)
        self._push(last, "expire" if last == task.expires else "give up", task)

    def _last_moment(self, task: SimTask) -> float:
        patience = self.behaviour.gives_up_seconds
        return task.expires if patience is None else min(task.expires, task.accepted + patience)

    def _push(self, when: float, step: Step, task: SimTask) -> None:
        task.version += 1
        heapq.heappush(self._heap, (when, task.number, task.version, step, task))

    def _run_seconds(self) -> float:
        rule = self.progression
        if not isinstance(rule, AfterSeconds):
            return 0.0
        return rule.run * (1 + rule.jitter * self.random.uniform(-1, 1)) if rule.jitter else rule.run

    def _set(self, task: SimTask, status: Status, now: float) -> None:
        task.status = status
        task.changed = now
        task.version += 1
        self._changed(task, now)

    def _changed(self, task: SimTask, now: float) -> None:
        if task.order.callback_url is not None:
            self.on_change(task, now)
