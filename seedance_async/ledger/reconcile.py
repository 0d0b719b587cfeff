"""Finding the task of a lost submit: adopt it, prove that there is none, or say that nobody knows."""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Final

from attrs import define, evolve, field

from seedance_async._wire import clock
from seedance_async.errors import (
    AnswerUnreadable,
    RateLimited,
    RequestRefused,
    SeedanceError,
    SessionClosed,
    SubmitUncertain,
)
from seedance_async.events import LookFailed, SubmitAbsent, SubmitAdopted
from seedance_async.ledger.intents import uncertain_of
from seedance_async.ledger.known import tier_of
from seedance_async.ledger.matching import Agreement, compare, created_within, gives_marks_back

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Container, Mapping
    from typing import TypeAlias

    from seedance_async._wire.server_clock import ServerClock
    from seedance_async.events import Event
    from seedance_async.ledger.intents import Intent
    from seedance_async.ledger.known import KnownTasks
    from seedance_async.ledger.sweeps import Sweep, Sweeps
    from seedance_async.models import VideoTask
    from seedance_async.settings import RetryPolicy

    Owners: TypeAlias = Callable[[Collection[str]], Awaitable[Mapping[str, str]]]
    Twins: TypeAlias = Callable[[Intent], Awaitable[bool]]

__all__ = ["Reconciler"]

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 15.0
_READ_BACK: Final = 60.0
_TIERS: Final = frozenset({"default", "flex"})
# A list that shows only old tasks may be a cached one. Without anything young in it, absence takes this
# much longer.
_OLD_WITNESS_FACTOR: Final = 6.0


class _Verdict(enum.Enum):
    """What one look says about one search."""

    FOUND = "found"
    ABSENT = "absent"
    AGAIN = "again"
    UNKNOWABLE = "unknowable"


class Reconciler:
    """Looks for lost tasks; searches at the same time share their listings and never a task."""

    def __init__(
        self,
        *,
        sweeps: Sweeps,
        known: KnownTasks,
        retry: RetryPolicy,
        server_clock: ServerClock,
        emit: Callable[[Event], None],
    ) -> None:
        self._sweeps = sweeps
        self._known = known
        self._retry = retry
        self._server_clock = server_clock
        self._emit = emit
        self._open: dict[tuple[str, float], Intent] = {}

    def opened(self, intent: Intent) -> None:
        """The end of this POST is not known from now on: a list may show a task before its answer is here."""
        self._open[intent.key, intent.sent_at] = intent

    def closed(self, intent: Intent) -> None:
        """The end of this POST is known; one that stays uncertain stays open, and nobody takes its task."""
        self._open.pop((intent.key, intent.sent_at), None)

    async def search(
        self,
        intent: Intent,
        *,
        known: Container[str] = (),
        owners: Owners | None = None,
        twins: Twins | None = None,
    ) -> VideoTask | None:
        """Look for the task of a lost submit.

        Args:
            intent: the submit, ``until`` being the moment after which it cannot have been accepted.
            known: further ids that belong to other submits.
            owners: gives the keys of those tasks that belong to other submits (a journal's, for example).
            twins: tells whether an open submit that looks the same is under way elsewhere.

        Returns:
            The task, now adopted, or None when it is proven that there is none.

        Raises:
            SubmitUncertain: it can be neither found nor ruled out.
        """
        search = _Search(
            intent=intent,
            policy=self._retry,
            known=self._known,
            others=known,
            owners=owners,
            twins=twins,
            open=self._open,
            begun=clock.wall(),
        )
        pause = _FIRST_PAUSE
        while (verdict := await self._look(search)) is _Verdict.AGAIN:
            await clock.sleep(search.rest(pause))
            pause = min(_LONGEST_PAUSE, pause * 2)
        if verdict is _Verdict.UNKNOWABLE:
            raise search.uncertain()
        self._tell(search)
        return search.found

    def _tell(self, search: _Search) -> None:
        """Report what was found, or that it is proven that there is nothing."""
        key, task = search.intent.key, search.found
        if task is not None:
            self._known.add(task.id, search.intent, now=clock.wall())
            self._emit(SubmitAdopted(key=key, task_id=task.id, seconds=search.age))
        else:
            self._emit(SubmitAbsent(key=key, looks=search.looks, witness=search.witness, seconds=search.age))

    async def _look(self, search: _Search) -> _Verdict:
        """Look once; a look that fails proves nothing, and ends the search only if there is no list."""
        intent = search.intent
        sweep = await self._sweep(intent, since=intent.sent_at + self._offset(intent) - _READ_BACK)
        await search.ask_others(sweep)
        verdict = search.judge(sweep, offset=self._offset(intent))
        if sweep.error is None or verdict is _Verdict.FOUND:
            return verdict
        self._emit(LookFailed(route="list", error=str(sweep.error)))
        return search.judge_failure(sweep.error)

    async def _sweep(self, intent: Intent, *, since: float) -> Sweep:
        """Read the list of the submit's tier; a list that shows another tier ignores what it is asked."""
        tier = intent.facts.get("service_tier")
        sweep = await self._sweeps.look(tier, since=since)
        if not intent.facts:
            # An error of another process says when, and not what: its task may be in either list, and a list
            # without it proves nothing.
            flex = await self._sweeps.look("flex", since=since)
            return evolve(sweep, tasks={**flex.tasks, **sweep.tasks}, complete=False)
        strangers = any(self._tier(task) not in {None, tier_of(intent)} for task in sweep.tasks.values())
        return evolve(sweep, complete=sweep.complete and not strangers)

    def _tier(self, task: VideoTask) -> str | None:
        """Give the tier of a listed task as far as it is known; gateways have words of their own."""
        return self._known.tier(task.id) or (task.service_tier if task.service_tier in _TIERS else None)

    def _offset(self, intent: Intent) -> float:
        """Prefer what the server's clock says now; before the first answer the intent's note has to do."""
        return self._server_clock.offset if self._server_clock.known else intent.clock_offset


@define(kw_only=True)
class _Search:
    """One lost submit: what was seen of it so far; ``begun`` is when somebody began to look for it."""

    intent: Intent
    policy: RetryPolicy
    known: KnownTasks
    others: Container[str]
    owners: Owners | None
    twins: Twins | None
    open: Mapping[tuple[str, float], Intent]
    begun: float
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
        """Seconds since the POST cannot have been accepted any more."""
        return max(0.0, clock.wall() - self.intent.until)

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
        return min(pause, max(left, _FIRST_PAUSE)) if left > 0 else pause

    def judge(self, sweep: Sweep, *, offset: float) -> _Verdict:
        """Say what a listing means for this submit."""
        said = self._sorted(sweep, offset)
        agreeing, likely = said[Agreement.AGREES], said[Agreement.LIKELY]
        unclear = said[Agreement.BARE] + said[Agreement.SILENT]
        self.candidates = (*agreeing, *likely, *unclear)
        if len(agreeing) == 1:
            self.found = agreeing[0]
            return _Verdict.FOUND
        # What others may share as well is believed only when no second one turned up in the settling time.
        alone = len(self.candidates) == len(likely) == 1 and not self._has_twin()
        if alone and self.age >= self.policy.settling:
            self.found = likely[0]
            return _Verdict.FOUND
        if self.candidates:
            self.looks = 0
            hopeful = alone or said[Agreement.BARE]
            return self._again_until(self.policy.reconcile_budget if hopeful else self._patience)
        return self._judge_absence(sweep, offset)

    def _sorted(self, sweep: Sweep, offset: float) -> dict[Agreement, list[VideoTask]]:
        """Sort what may be ours by what it says; a task that came after the settling time must carry our
        mark.
        """
        said: dict[Agreement, list[VideoTask]] = {kind: [] for kind in Agreement}
        since, until = self.intent.sent_at + offset, self.intent.until + offset + self.policy.settling
        back = gives_marks_back(sweep.tasks.values())
        for task in sweep.tasks.values():
            if self._is_known(task) or not created_within(task, since, math.inf):
                continue
            kind = compare(self.intent, task, marks_come_back=back)
            if kind is Agreement.AGREES or created_within(task, since, until):
                said[kind].append(task)
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

    def _judge_absence(self, sweep: Sweep, offset: float) -> _Verdict:
        """Believe "not there" only from complete lists that show a known task, over a settling time."""
        if not sweep.complete or not self._see_witness(sweep, offset) or self._lags(sweep):
            self.looks = 0
            return self._again_until(self._patience)
        self.looks += 1
        enough = self.looks >= self.policy.looks and self.age >= self._settling
        return _Verdict.ABSENT if enough else _Verdict.AGAIN

    def _see_witness(self, sweep: Sweep, offset: float) -> bool:
        """Look for a known task in the list; one that changed since the POST proves it no old copy."""
        sent, tier = self.intent.sent_at + offset, tier_of(self.intent)
        witnesses = [
            task
            for task in sweep.tasks.values()
            if self._is_known(task) and (self.known.tier(task.id) or task.service_tier or "default") == tier
        ]
        moved = [task for task in witnesses if max(task.created_at or 0, task.updated_at or 0) > sent]
        self.fresh = bool(moved)
        self.witness = next((task.id for task in (*moved, *witnesses)), "")
        return bool(witnesses)

    def _lags(self, sweep: Sweep) -> bool:
        """True when own tasks that came after the POST are not listed a settling time after they came."""
        shown_by = clock.wall() - (clock.monotonic() - sweep.started) - self.policy.settling
        ours = list(self.known.learned_between(self.intent.sent_at, shown_by, tier=tier_of(self.intent)))
        return bool(ours) and sweep.tasks.keys().isdisjoint(ours)

    def judge_failure(self, error: SeedanceError) -> _Verdict:
        """A server without a list will not get one, nor a closed session; everything else may pass."""
        refused = isinstance(error, RequestRefused) and not isinstance(error, RateLimited)
        if refused or isinstance(error, SessionClosed):
            return _Verdict.UNKNOWABLE
        limit = self._patience if isinstance(error, AnswerUnreadable) else self.policy.reconcile_budget
        return self._again_until(limit)

    def _again_until(self, seconds: float) -> _Verdict:
        """Look again within a bounded time, counted from the first look."""
        spent = clock.wall() - self.begun
        return _Verdict.AGAIN if spent < min(seconds, self.policy.reconcile_budget) else _Verdict.UNKNOWABLE

    def uncertain(self) -> SubmitUncertain:
        """Say what is known, so that a person can go on by hand."""
        why = f"{len(self.candidates)} tasks could be it, and the server's list proves nothing"
        return uncertain_of(self.intent, why, self.candidates)
