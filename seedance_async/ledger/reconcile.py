"""Finding the task of a lost submit: adopt it, prove that there is none, or say that nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import evolve

from seedance_async._wire import clock
from seedance_async.errors import JournalError
from seedance_async.events import LookFailed, SubmitAbsent, SubmitAdopted
from seedance_async.ledger.known import tier_of
from seedance_async.ledger.search import FIRST_PAUSE, Search, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from seedance_async._wire.server_clock import ServerClock
    from seedance_async.events import Event
    from seedance_async.ledger.intents import Intent
    from seedance_async.ledger.known import KnownTasks
    from seedance_async.ledger.search import Owners, Twins
    from seedance_async.ledger.sweeps import Sweep, Sweeps
    from seedance_async.models import VideoTask
    from seedance_async.settings import RetryPolicy

__all__ = ["Reconciler"]

_LONGEST_PAUSE: Final = 15.0
_READ_BACK: Final = 60.0
_TIERS: Final = frozenset({"default", "flex"})


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
        search = Search(
            intent=intent,
            policy=self._retry,
            known=self._known,
            others=known,
            owners=owners,
            twins=twins,
            open=self._open,
            begun=clock.wall(),
            started=clock.monotonic(),
            offset=self._offset(intent),
        )
        pause = FIRST_PAUSE
        while (verdict := await self._look(search)) is Verdict.AGAIN:
            await clock.sleep(search.rest(pause))
            pause = min(_LONGEST_PAUSE, pause * 2)
        if verdict is Verdict.UNKNOWABLE:
            raise search.uncertain()
        self._tell(search)
        return search.found

    def _tell(self, search: Search) -> None:
        """Report what was found, or that it is proven that there is nothing."""
        key, task = search.intent.key, search.found
        if task is not None:
            self._known.add(task.id, search.intent, now=clock.wall())
            self._emit(SubmitAdopted(key=key, task_id=task.id, seconds=search.age))
        else:
            self._emit(SubmitAbsent(key=key, looks=search.looks, witness=search.witness, seconds=search.age))

    async def _look(self, search: Search) -> Verdict:
        """Look once; a look that fails proves nothing, and ends the search only if there is no list."""
        intent = search.intent
        earliest = intent.sent_at + min(self._offset(intent), intent.clock_offset)
        sweep = await self._sweep(intent, since=min(search.back, earliest) - _READ_BACK)
        try:
            await search.ask_others(sweep)
        except JournalError as error:
            # Nobody says whose the listed tasks are: none is taken, and nothing is proven.
            self._emit(LookFailed(route="owners", error=str(error)))
            return search.judge_failure(error)
        verdict = search.judge(sweep, offset=self._offset(intent))
        if sweep.error is None or verdict is Verdict.FOUND:
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
