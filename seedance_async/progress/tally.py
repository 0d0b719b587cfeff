"""What is known about a run at this moment: counts, tokens, rate and time left. Pure book-keeping."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async.events import (
    DownloadFinished,
    DownloadStarted,
    SubmitAccepted,
    SubmitAdopted,
    SubmitLost,
    TaskChanged,
    TaskResumed,
)
from seedance_async.models import TaskStatus
from seedance_async.prices import cost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seedance_async.events import Event
    from seedance_async.outcomes import Outcome
    from seedance_async.prices import PriceTable
    from seedance_async.settings import AccountLimits, Budget

__all__ = ["Tally"]

_NAMES_KEPT: Final = 10_000
"""Of those who give no outcomes, so many keys are kept for the lines that are to come."""


@define(kw_only=True)
class Tally:
    """The books of one run; times are seconds on the loop's clock.

    Attributes:
        total: how many prompts there will be, or None.
        budget: what may be spent, or None.
        prices: price list, or None.
        limits: the account's quotas, or None.
        alive: task id -> status word of what is in flight.
        names: task id -> the caller's key.
        fetching: ids of tasks whose video is on its way.
        lost: keys of submits whose answer got lost and is being looked for.
        landed: videos that are on disk.
        tokens: tokens billed, as far as outcomes told.
        cost: what that costs by the price list, as far as it is known, or None.
        accepted: submits that the server accepted.
        earlier: prompts whose outcome is that of an earlier run.
        noted: whether :meth:`note` tells of every prompt: then a task that succeeded is landing until its
            outcome is told. Else the end of a task is the end of its prompt.
    """

    total: int | None = None
    budget: Budget | None = None
    prices: PriceTable | None = None
    limits: AccountLimits | None = None
    alive: dict[str, str] = field(factory=dict[str, str])
    names: dict[str, str] = field(factory=dict[str, str])
    fetching: set[str] = field(factory=set[str])
    lost: set[str] = field(factory=set[str])
    landed: int = 0
    tokens: int = 0
    cost: Decimal | None = None
    accepted: int = 0
    earlier: int = 0
    noted: bool = False
    _began: float | None = None
    _last: float = 0.0
    _endings: Counter[str] = field(factory=Counter[str])
    _outcomes: Counter[str] = field(factory=Counter[str])
    _since: dict[str, float] = field(factory=dict[str, float])
    _seconds: float = 0.0
    _timed: int = 0

    def is_news(self, event: Event) -> bool:
        """Whether an event is worth a line: a task that was found again is also told of as accepted."""
        return not (isinstance(event, SubmitAccepted | SubmitAdopted) and event.task_id in self.alive)

    def take(self, event: Event, now: float) -> None:
        """Book one event."""
        self._touch(now)
        if isinstance(event, SubmitAccepted | SubmitAdopted):
            self._accepted(event, now)
        elif isinstance(event, TaskResumed):
            self._name(event)
        elif isinstance(event, SubmitLost):
            self.lost.add(event.key)
        elif isinstance(event, TaskChanged):
            self._changed(event, now)
        elif isinstance(event, DownloadStarted):
            self.fetching.add(event.task_id)
        elif isinstance(event, DownloadFinished):
            self.landed += 1
            self.fetching.discard(event.task_id)

    def note(self, outcome: Outcome, now: float) -> None:
        """Book the outcome of one prompt."""
        self._touch(now)
        self.lost.discard(outcome.key)
        if _goes_on(outcome) and outcome.task is not None:
            self.alive.setdefault(outcome.task.id, outcome.task.status.value)
            return
        self._outcomes[outcome.kind.value] += 1
        self.earlier += outcome.earlier
        if outcome.task is not None:
            # Its end was told by an event and is now told by its outcome: it is one end.
            seen = outcome.task.status.value
            self._endings[seen] = max(0, self._endings[seen] - 1)
            self._bill(outcome, outcome.task.tokens or 0)
            for book in (self.alive, self.names, self._since):
                book.pop(outcome.task.id, None)
            self.fetching.discard(outcome.task.id)

    def _bill(self, outcome: Outcome, tokens: int) -> None:
        """Add what was billed."""
        self.tokens += tokens
        if self.prices is not None and outcome.request is not None:
            amount = cost(tokens, outcome.request, self.prices)
            self.cost = self.cost if amount is None else (self.cost or Decimal(0)) + amount

    @property
    def currency(self) -> str:
        """Currency of ``cost``."""
        return "" if self.prices is None else self.prices.currency

    def _touch(self, now: float) -> None:
        """Note when the run began, and that it goes on."""
        if self._began is None:
            self._began = now
        self._last = now

    def _accepted(self, event: SubmitAccepted | SubmitAdopted, now: float) -> None:
        """A task is at the server."""
        self.accepted += event.task_id not in self.alive
        self.lost.discard(event.key)
        self._name(event)
        self.alive[event.task_id] = TaskStatus.QUEUED.value
        self._since[event.task_id] = now

    def _name(self, event: SubmitAccepted | SubmitAdopted | TaskResumed) -> None:
        """Learn the key of a task."""
        self.names[event.task_id] = event.key
        if len(self.names) > _NAMES_KEPT:
            self.names.pop(next(iter(self.names)))

    def _changed(self, event: TaskChanged, now: float) -> None:
        """A task went on, or ended."""
        task_id, status = event.task_id, event.after
        if not status.is_terminal:
            self.alive[task_id] = status.value
            self._since.setdefault(task_id, now)
            return
        self.alive.pop(task_id, None)
        self._endings[status.value] += 1
        since = self._since.pop(task_id, None)
        if since is not None and status is TaskStatus.SUCCEEDED:
            self._seconds += now - since
            self._timed += 1

    # -- what can be read off

    @property
    def begun(self) -> bool:
        """Whether anything has happened."""
        return self._began is not None

    @property
    def busy(self) -> bool:
        """Whether something is in flight."""
        return bool(self.alive or self.fetching or self.lost or self._landing)

    @property
    def _landing(self) -> int:
        """How many tasks ended whose prompts did not, as far as that can be told."""
        return sum(self._endings.values()) if self.noted else 0

    @property
    def ended(self) -> Mapping[str, int]:
        """How many prompts ended, by kind: as outcomes told, and before those as tasks did."""
        return self._outcomes if self.noted else self._outcomes + self._endings

    @property
    def done(self) -> int:
        """How many prompts ended."""
        return sum(self.ended.values())

    @property
    def _fetched(self) -> int:
        """How many videos are on their way here."""
        return self._landing if self.noted else len(self.fetching)

    def states(self) -> Mapping[str, int]:
        """How many prompts are in each state, ended ones included."""
        counts = Counter(self.alive.values())
        if self.total is not None:
            left = self.total - self.done - len(self.alive) - self._fetched - len(self.lost)
            counts["waiting"] = max(0, left)
        counts["looked for"] = len(self.lost)
        counts["landing" if self.noted else "fetching"] = self._fetched
        counts.update(self.ended)
        return counts

    def elapsed(self, now: float | None = None) -> float:
        """Seconds since the first event, up to now or to the last event."""
        return 0.0 if self._began is None else (self._last if now is None else now) - self._began

    def seconds_left(self, now: float) -> float | None:
        """Estimate the seconds to the end, from run times seen and the account's quotas; None: unknown."""
        if self.total is None or not self._timed:
            return None
        mean = self._seconds / self._timed
        waiting = max(0, self.total - self.done - len(self.alive) - self._landing)
        oldest = min(self._since.values(), default=now)
        alive = max(0.0, mean - (now - oldest)) if self.alive else 0.0
        return alive + self._to_submit(waiting, mean)

    def _to_submit(self, waiting: int, mean: float) -> float:
        """Seconds that prompts which were not submitted yet need: by pace, or by slots."""
        if not waiting:
            return 0.0
        at_once = max(1.0, float(len(self.alive)))
        per_minute = math.inf if self.limits is None else self.limits.creates_per_minute
        by_pace = waiting * 60.0 / per_minute + mean
        return max(by_pace, math.ceil(waiting / at_once) * mean)


def _goes_on(outcome: Outcome) -> bool:
    """Whether a stop left a task at the server: its prompt has no end yet."""
    task = outcome.task
    return outcome.kind.value == "skipped" and task is not None and not task.is_terminal
