"""The budget of a batch: what earlier runs spent counts, and what they left in flight is reserved."""

from __future__ import annotations

import asyncio
import weakref
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from seedance_async.batch.recall import request_of
from seedance_async.errors import BudgetExceeded, InvalidRequest, SeedanceError
from seedance_async.ledger.budget import Amount, BudgetKeeper, Reservation, keeper_for
from seedance_async.ledger.rows import JobState
from seedance_async.prices import estimate
from seedance_async.settings import Budget

if TYPE_CHECKING:
    from seedance_async.ledger.journal import Journal
    from seedance_async.ledger.rows import JournalRow
    from seedance_async.models import VideoTask
    from seedance_async.request import VideoRequest

__all__ = ["Purse", "purse_for"]

_PAID: Final = frozenset({JobState.SUCCEEDED, JobState.SAVED})
_IN_FLIGHT: Final = frozenset({JobState.SENDING, JobState.UNCERTAIN, JobState.ACCEPTED})


@define(eq=False)
class _Account:
    """What one journal's jobs have booked in one budget, over all runs of this process.

    Attributes:
        booked: what ended tasks billed.
        open: reservations of jobs whose task has not been seen to end.
        overdrawn: keys of those for which nothing is set aside, because the budget had no room left.
    """

    booked: Amount = field(factory=Amount)
    open: dict[str, Reservation] = field(factory=dict[str, Reservation])
    overdrawn: set[str] = field(factory=set[str])


_accounts: weakref.WeakKeyDictionary[BudgetKeeper, dict[str, _Account]] = weakref.WeakKeyDictionary()


def purse_for(budget: Budget | None, journal: Journal | None) -> Purse | None:
    """Give the purse of a run; None where nothing is capped.

    Raises:
        InvalidRequest: it is no Budget.
    """
    if budget is None:
        return None
    if not isinstance(budget, Budget):
        raise InvalidRequest(
            field="budget", value=budget, limit="must be a Budget, as in Budget(tokens=500_000)"
        )
    keeper = keeper_for(budget)
    if journal is None:
        return Purse(keeper, _Account())
    # A second run on the same journal must not count the first one's tasks again.
    account = _accounts.setdefault(keeper, {}).setdefault(str(journal.path), _Account())
    return Purse(keeper, account, priced=budget.cost is not None)


@define(eq=False)
class Purse:
    """Reserves before a submit, waits while money may come back, and settles at the end."""

    _keeper: BudgetKeeper
    _account: _Account
    _priced: bool = field(default=False, kw_only=True, alias="priced")
    _change: asyncio.Event = field(factory=asyncio.Event)
    _at_work: set[str] = field(factory=set[str])

    async def take_over(self, journal: Journal) -> None:
        """Count what earlier runs spent, and reserve for what they left in flight."""
        billed = Amount()
        # Without a cap in money nothing need be priced, and requests with pictures stay where they are.
        async for row in journal.rows(states=_PAID, requests=self._priced):
            billed += self._billed(row)
        self._book(billed - self._account.booked)
        async for row in journal.rows(states=_IN_FLIGHT):
            request = request_of(row)
            if request is not None and row.key not in self._account.open:
                self._reserve_late(row.key, request)

    def _billed(self, row: JournalRow) -> Amount:
        """Say what the task of a row billed."""
        tokens = row.tokens or row.tokens_estimated or 0
        request = request_of(row)
        return self._keeper.bill(request, tokens) if request is not None else Amount(tokens=tokens)

    def _book(self, billed: Amount) -> None:
        """Book what was spent without having been reserved here."""
        more = Amount(tokens=max(0, billed.tokens), cost=max(Decimal(0), billed.cost))
        placeholder: Any = None  # nothing is reserved, so nothing has to be estimated for a request
        self._keeper.end(Reservation(self._keeper, placeholder, Amount()), more)
        self._account.booked += more

    def _reserve_late(self, key: str, request: VideoRequest) -> None:
        """Reserve for a task that exists; where there is no room left, nothing else may be submitted."""
        try:
            self._account.open[key] = self._keeper.reserve(request)
        except SeedanceError:
            self._account.open[key] = Reservation(self._keeper, request, Amount())
            self._account.overdrawn.add(key)

    async def reserve(self, key: str, request: VideoRequest) -> None:
        """Reserve for a submit; waits while the end of another job at work may make room.

        Raises:
            BudgetExceeded: a cap would be passed whatever comes back.
            InvalidRequest: there is a cap, and what the request bills cannot be told.
        """
        if key in self._account.overdrawn:
            self.release(key)  # it was lost and is proven absent: now it is an order like any other
        while key not in self._account.open:
            self._change.clear()
            try:
                self._account.open[key] = self._reserved(request)
            except BudgetExceeded:
                if not self._at_work - {key}:
                    raise
                await self._change.wait()
        self._at_work.add(key)

    def _reserved(self, request: VideoRequest) -> Reservation:
        """Reserve, unless tasks of earlier runs have used up the budget already."""
        if self._account.overdrawn:
            raise BudgetExceeded(unit="tokens", needed=estimate(request).tokens, left=0)
        return self._keeper.reserve(request)

    def resume(self, key: str) -> None:
        """The job is worked on in this run: its end may make room for others."""
        self._at_work.add(key)

    def leave(self, key: str) -> None:
        """The job is done with; what is not settled stays reserved, because its task may still bill."""
        self._at_work.discard(key)
        self._change.set()

    def settle(self, key: str, task: VideoTask) -> None:
        """Book what an ended task billed."""
        reservation = self._account.open.pop(key, None)
        self._account.overdrawn.discard(key)
        if reservation is not None:
            before = self._keeper.spent
            reservation.settle(task)
            self._account.booked += self._keeper.spent - before
        self._change.set()

    def release(self, key: str) -> None:
        """Nothing was billed and nothing will be."""
        reservation = self._account.open.pop(key, None)
        self._account.overdrawn.discard(key)
        if reservation is not None:
            reservation.release()
        self._change.set()
