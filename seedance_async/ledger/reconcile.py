"""Finding the task of a lost submit: adopt it, prove that there is none, or say that nobody knows."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async._wire import clock
from seedance_async.errors import (
    AnswerUnreadable,
    AuthenticationFailed,
    RateLimited,
    RequestRefused,
    SeedanceError,
    SubmitUncertain,
)
from seedance_async.events import LookFailed, SubmitAbsent, SubmitAdopted
from seedance_async.ledger.matching import Agreement, compare, in_window

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

__all__ = ["Reconciler"]

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 15.0
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
        self.in_flight: dict[str, Intent] = {}
        """Submits whose end is not known yet, by key: a list may show a task before its answer is here."""

    async def search(
        self, intent: Intent, *, known: Container[str] = (), owners: Owners | None = None
    ) -> VideoTask | None:
        """Look for the task of a lost submit.

        Args:
            intent: the submit, ``until`` being the moment at which its answer was lost.
            known: further ids that belong to other submits.
            owners: gives the keys of those tasks that belong to other submits (a journal's, for example).

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
            in_flight=self.in_flight,
        )
        pause = _FIRST_PAUSE
        while True:
            verdict = await self._look(search)
            if verdict is _Verdict.FOUND and search.found is not None:
                return self._adopt(search, search.found)
            if verdict is _Verdict.ABSENT:
                self._emit(
                    SubmitAbsent(
                        key=intent.key, looks=search.looks, witness=search.witness, seconds=search.age
                    )
                )
                return None
            if verdict is _Verdict.UNKNOWABLE:
                raise search.uncertain()
            await clock.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    async def _look(self, search: _Search) -> _Verdict:
        """Look once; a look that fails proves nothing, and ends the search only if there is no list."""
        since = search.intent.sent_at + self._offset(search.intent)
        try:
            sweep = await self._sweeps.look(search.intent.facts.get("service_tier"), since=since - 60.0)
        except SeedanceError as error:
            self._emit(LookFailed(route="list", error=str(error)))
            return search.judge_failure(error)
        await search.ask_owners(sweep)
        return search.judge(sweep, offset=self._offset(search.intent))

    def _offset(self, intent: Intent) -> float:
        """Prefer what the server's clock says now; before the first answer the intent's note has to do."""
        return self._server_clock.offset if self._server_clock.known else intent.clock_offset

    def _adopt(self, search: _Search, task: VideoTask) -> VideoTask:
        """Take the task out of every other search's reach."""
        self._known.add(task.id)
        self._emit(SubmitAdopted(key=search.intent.key, task_id=task.id, seconds=search.age))
        return task


@define(kw_only=True)
class _Search:
    """One lost submit: what was seen of it so far."""

    intent: Intent
    policy: RetryPolicy
    known: KnownTasks
    others: Container[str]
    owners: Owners | None
    in_flight: Mapping[str, Intent]
    candidates: tuple[VideoTask, ...] = ()
    found: VideoTask | None = None
    looks: int = 0
    witness: str = ""
    fresh: bool = field(default=False)
    owned: Container[str] = ()

    async def ask_owners(self, sweep: Sweep) -> None:
        """Learn which of the listed tasks belong to other submits, those of earlier processes too."""
        if self.owners is not None:
            self.owned = await self.owners(sweep.tasks.keys())

    def _is_known(self, task: VideoTask) -> bool:
        """Whether the task belongs to a submit that is settled."""
        return task.id in self.known or task.id in self.others or task.id in self.owned

    @property
    def age(self) -> float:
        """Seconds since the answer was lost."""
        return max(0.0, clock.wall() - self.intent.until)

    def judge(self, sweep: Sweep, *, offset: float) -> _Verdict:
        """Say what a listing means for this submit."""
        mine = [task for task in sweep.tasks.values() if self._could_be_mine(task, offset)]
        verdicts = {task.id: compare(self.intent, task) for task in mine}
        agreeing = [task for task in mine if verdicts[task.id] is Agreement.AGREES]
        open_ends = [task for task in mine if verdicts[task.id] in {Agreement.BARE, Agreement.SILENT}]
        self.candidates = (*agreeing, *open_ends)
        if len(agreeing) == 1 and (
            self.intent.fingerprint is not None or not (open_ends or self._has_twin())
        ):
            self.found = agreeing[0]
            return _Verdict.FOUND
        if any(verdicts[task.id] is Agreement.BARE for task in mine):
            self.looks = 0
            return self._again_until(self.policy.reconcile_budget)
        if self.candidates:
            self.looks = 0
            return self._again_until(self._patience)
        return self._judge_absence(sweep, offset)

    def _has_twin(self) -> bool:
        """True when another open submit looks the same in a list, so that a match could be its task."""
        return any(
            key != self.intent.key and other.facts == self.intent.facts
            for key, other in self.in_flight.items()
        )

    def _could_be_mine(self, task: VideoTask, offset: float) -> bool:
        """Drop what belongs to somebody else and what is older than the POST."""
        return not self._is_known(task) and in_window(self.intent, task, offset=offset)

    def _judge_absence(self, sweep: Sweep, offset: float) -> _Verdict:
        """Believe "not there" only from complete lists that show a known task, over a settling time."""
        if not sweep.complete or not self._see_witness(sweep, offset):
            self.looks = 0
            return self._again_until(self._patience)
        self.looks += 1
        settling = self.policy.settling * (1.0 if self.fresh else _OLD_WITNESS_FACTOR)
        if self.looks >= self.policy.looks and self.age >= settling:
            return _Verdict.ABSENT
        return _Verdict.AGAIN

    def _see_witness(self, sweep: Sweep, offset: float) -> bool:
        """Look for a known task in the list; one that changed since the POST proves it no old copy."""
        sent = self.intent.sent_at + offset
        witnesses = [task for task in sweep.tasks.values() if self._is_known(task)]
        moved = [task for task in witnesses if max(task.created_at or 0, task.updated_at or 0) > sent]
        self.fresh = bool(moved)
        self.witness = next((task.id for task in (*moved, *witnesses)), "")
        return bool(witnesses)

    def judge_failure(self, error: SeedanceError) -> _Verdict:
        """A server without a list will not get one; everything else may pass."""
        if isinstance(error, AuthenticationFailed):
            return _Verdict.UNKNOWABLE
        if isinstance(error, RequestRefused) and not isinstance(error, RateLimited):
            return _Verdict.UNKNOWABLE
        limit = self._patience if isinstance(error, AnswerUnreadable) else self.policy.reconcile_budget
        return self._again_until(limit)

    @property
    def _patience(self) -> float:
        """Seconds after which a list that says nothing is not asked any more."""
        return self.policy.settling * _OLD_WITNESS_FACTOR

    def _again_until(self, seconds: float) -> _Verdict:
        """Look again within a bounded time."""
        return (
            _Verdict.AGAIN if self.age < min(seconds, self.policy.reconcile_budget) else _Verdict.UNKNOWABLE
        )

    def uncertain(self) -> SubmitUncertain:
        """Say what is known, so that a person can go on by hand."""
        intent = self.intent
        return SubmitUncertain(
            f"Submit {intent.key!r} may have been accepted: {len(self.candidates)} tasks could be it,"
            " and the server's list proves nothing.",
            key=intent.key,
            sent_at=intent.sent_at,
            until=intent.until,
            fingerprint=intent.fingerprint,
            candidates=self.candidates,
        )
