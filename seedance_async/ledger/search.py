"""One search for a lost submit: what was seen of it so far, and what a listing says about it."""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async._wire import clock
from seedance_async.errors import (
    AnswerUnreadable,
    JournalError,
    RateLimited,
    RequestRefused,
    SeedanceError,
    SessionClosed,
    SubmitUncertain,
)
from seedance_async.ledger.intents import uncertain_of
from seedance_async.ledger.known import tier_of
from seedance_async.ledger.matching import Agreement, compare
from seedance_async.ledger.window import SLACK, window_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Container, Mapping
    from typing import TypeAlias

    from seedance_async.ledger.intents import Intent
    from seedance_async.ledger.known import KnownTasks
    from seedance_async.ledger.sweeps import Sweep
    from seedance_async.ledger.window import Window
    from seedance_async.models import VideoTask
    from seedance_async.settings import RetryPolicy

    Owners: TypeAlias = Callable[[Collection[str]], Awaitable[Mapping[str, str]]]
    Twins: TypeAlias = Callable[[Intent], Awaitable[bool]]

__all__ = ["FIRST_PAUSE", "Search", "Verdict"]

FIRST_PAUSE: Final = 1.0
"""Seconds until the second look, and the shortest pause between two."""
# A list that shows only old tasks may be a cached one. Without anything young in it, absence takes this
# much longer.
_OLD_WITNESS_FACTOR: Final = 6.0
# Fingerprints come again: the later a task was made, the likelier it is another machine's with the same one.
_LATEST: Final = 600.0
# Lists show the last 7 days (api docs 1521675): an older task is not listed whether it exists or not.
_LISTED: Final = 6.5 * 86_400.0


class Verdict(enum.Enum):
    """What one look says about one search."""

    FOUND = "found"
    ABSENT = "absent"
    AGAIN = "again"
    UNKNOWABLE = "unknowable"


@define(kw_only=True)
class Search:
    """One lost submit: what was seen of it so far.

    Attributes:
        intent: its POST.
        policy: how long to look, and how often.
        known: tasks that this process knows.
        others: further ids that belong to other submits.
        owners: gives the keys of listed tasks that are somebody's.
        twins: tells whether a submit that looks the same is open elsewhere.
        open: the open POSTs of this process, by key and moment.
        begun: Unix seconds on our clock at which the search began.
        started: the same on the loop's clock, which nobody sets.
        offset: seconds that the server's clock was ahead of ours at the last look.
        back: server time that the next listing must reach, as far as known.
        candidates: tasks of the last listing that could be it.
        found: the task, once adopted.
        looks: listings in a row that agreed that it is not there.
        witness: id of a known task in the last listing; empty when there was none.
        fresh: whether a witness changed after the POST, so that the listing is no old copy.
        owned: ids of the last listing that belong to other submits, as ``owners`` said.
        twin_elsewhere: what ``twins`` said last.
    """

    intent: Intent
    policy: RetryPolicy
    known: KnownTasks
    others: Container[str]
    owners: Owners | None
    twins: Twins | None
    open: Mapping[tuple[str, float], Intent]
    begun: float
    started: float
    offset: float
    back: float = math.inf
    candidates: tuple[VideoTask, ...] = ()
    found: VideoTask | None = None
    looks: int = 0
    witness: str = ""
    fresh: bool = field(default=False)
    owned: Container[str] = ()
    twin_elsewhere: bool = False

    async def ask_others(self, sweep: Sweep) -> None:
        """Learn which of the listed tasks belong to other submits, of earlier processes and machines too."""
        if self.owners is not None:
            self.owned = await self.owners(sweep.tasks.keys())
        if self.twins is not None:
            self.twin_elsewhere = await self.twins(self.intent)

    @property
    def age(self) -> float:
        """Seconds since the POST cannot have been accepted any more, at least.

        It went out before the search began, whatever the time was then. The clocks may say that it is longer
        ago, as far as they agree.
        """
        surely = self._looked - (self.intent.until - self.intent.sent_at)
        apart = abs(self.offset - self.intent.clock_offset)
        by_clock = self.begun + self._looked - self.intent.until - apart
        return max(0.0, surely, by_clock)

    @property
    def _looked(self) -> float:
        """Seconds since the search began."""
        return clock.monotonic() - self.started

    @property
    def _settling(self) -> float:
        """Seconds of ``age`` from which absence may count as proven."""
        return self.policy.settling * (1.0 if self.fresh else _OLD_WITNESS_FACTOR)

    @property
    def _patience(self) -> float:
        """Seconds after which a list that says nothing is not asked any more."""
        return self.policy.settling * _OLD_WITNESS_FACTOR

    def rest(self, pause: float) -> float:
        """Wait so long until the next look: the pause, or less when the settling time ends before."""
        left = self._settling - self.age
        return min(pause, max(left, FIRST_PAUSE)) if left > 0 else pause

    def judge(self, sweep: Sweep, *, offset: float) -> Verdict:
        """Say what a listing means for this submit."""
        self.offset = offset
        window = self._window(sweep)
        self.back = window.since
        said = self._sorted(sweep, window)
        agreeing, likely = said[Agreement.AGREES], said[Agreement.LIKELY]
        unclear = said[Agreement.BARE] + said[Agreement.SILENT]
        self.candidates = (*agreeing, *likely, *unclear)
        if len(agreeing) == 1:
            self.found = agreeing[0]
            return Verdict.FOUND
        # What others may share as well is believed only when no second one turned up in the settling time.
        alone = (
            len(self.candidates) == len(likely) == 1 and not self._has_twin() and not self.intent.elsewhere
        )
        if alone and self.age >= self.policy.settling:
            self.found = likely[0]
            return Verdict.FOUND
        if self.candidates:
            self.looks = 0
            hopeful = alone or said[Agreement.BARE]
            return self._again_until(self.policy.reconcile_budget if hopeful else self._patience)
        return self._judge_absence(sweep, window)

    def _window(self, sweep: Sweep) -> Window:
        """Say when the task was created; own tasks in the list show what ``created_at`` is worth."""
        known = [(task.created_at, self.known.created_about(task.id)) for task in sweep.tasks.values()]
        drifts = [shown - ours - self.offset for shown, ours in known if shown and ours is not None]
        return window_of(
            self.intent, offset=self.offset, drifts=drifts, settling=self.policy.settling, now=clock.wall()
        )

    def _sorted(self, sweep: Sweep, window: Window) -> dict[Agreement, list[VideoTask]]:
        """Sort what may be ours by what it says."""
        said: dict[Agreement, list[VideoTask]] = {kind: [] for kind in Agreement}
        for task in sweep.tasks.values():
            if self._is_known(task):
                continue
            kind = compare(self.intent, task)
            agrees = kind is Agreement.AGREES
            if window.holds(task, later=_LATEST if agrees else 0.0):
                said[kind].append(task)
            elif agrees:
                # Somebody else drew the same, or a clock is wrong in a way that nobody can see.
                said[Agreement.SILENT].append(task)
        return said

    def _is_known(self, task: VideoTask) -> bool:
        """Whether the task belongs to a submit that is settled."""
        return task.id in self.known or task.id in self.others or task.id in self.owned

    def _has_twin(self) -> bool:
        """True when another open submit looks the same in a list, so that a match could be its task."""
        mine = (self.intent.key, self.intent.sent_at)
        return self.twin_elsewhere or any(
            post != mine and other.facts == self.intent.facts for post, other in self.open.items()
        )

    def _judge_absence(self, sweep: Sweep, window: Window) -> Verdict:
        """Believe "not there" only from complete lists that show a known task, over a settling time."""
        if clock.wall() + self.offset - window.since > _LISTED:
            return Verdict.UNKNOWABLE
        if not self._reaches(sweep, window) or not self._see_witness(sweep, window) or self._lags(sweep):
            self.looks = 0
            return self._again_until(self._patience)
        self.looks += 1
        if self.looks < self.policy.looks or self.age < self._settling:
            return self._again_until(self.policy.reconcile_budget)
        return Verdict.UNKNOWABLE if self.intent.elsewhere else Verdict.ABSENT

    def _reaches(self, sweep: Sweep, window: Window) -> bool:
        """Tell whether everything was read that the window holds."""
        return sweep.complete and sweep.since <= window.since

    def _see_witness(self, sweep: Sweep, window: Window) -> bool:
        """Look for a known task in the list; one that changed since the POST proves it no old copy."""
        tier = tier_of(self.intent)
        witnesses = [
            task
            for task in sweep.tasks.values()
            if self._is_known(task) and (self.known.tier(task.id) or task.service_tier or "default") == tier
        ]
        moved = [task for task in witnesses if max(task.created_at or 0, task.updated_at or 0) > window.sent]
        self.fresh = bool(moved)
        self.witness = next((task.id for task in (*moved, *witnesses)), "")
        return bool(witnesses)

    def _lags(self, sweep: Sweep) -> bool:
        """True when own tasks that came after the POST are not listed a settling time after they came."""
        if clock.wall() < self.begun + self._looked - SLACK:
            return True  # our clock was set back: nobody can tell which of them came after it
        shown_by = clock.wall() - (clock.monotonic() - sweep.started) - self.policy.settling
        ours = list(self.known.learned_between(self.intent.sent_at, shown_by, tier=tier_of(self.intent)))
        return bool(ours) and sweep.tasks.keys().isdisjoint(ours)

    def judge_failure(self, error: SeedanceError) -> Verdict:
        """A server without a list will not get one, nor a closed session; everything else may pass."""
        refused = isinstance(error, RequestRefused) and not isinstance(error, RateLimited)
        if refused or isinstance(error, SessionClosed):
            return Verdict.UNKNOWABLE
        limit = (
            self._patience
            if isinstance(error, AnswerUnreadable | JournalError)
            else self.policy.reconcile_budget
        )
        return self._again_until(limit)

    def _again_until(self, seconds: float) -> Verdict:
        """Look again within a bounded time, counted from the first look."""
        limit = min(seconds, self.policy.reconcile_budget)
        return Verdict.AGAIN if self._looked < limit else Verdict.UNKNOWABLE

    def uncertain(self) -> SubmitUncertain:
        """Say what is known, so that a person can go on by hand."""
        why = f"{len(self.candidates)} tasks could be it, and the server's list proves nothing"
        if self.intent.elsewhere:
            why = "it was sent with another key, whose tasks this one need not see; look for it with that one"
        return uncertain_of(self.intent, why, self.candidates)
