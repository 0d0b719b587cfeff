"""The money that may be spent: reserved before a submit, settled by what the server bills.

A reservation is the most that the request should bill; it turns into what ``usage.completion_tokens`` says
once the task succeeded, and into nothing when it ended otherwise, because only succeeded tasks are billed
(api docs 1544106). While it is unknown whether a task exists, its reservation stays.
"""

from __future__ import annotations

import threading
import weakref
from decimal import Decimal
from typing import TYPE_CHECKING

from attrs import frozen

from seedance_async.errors import BudgetExceeded, InvalidRequest
from seedance_async.models import TaskStatus
from seedance_async.prices import CNY, PriceTable, cost, estimate

if TYPE_CHECKING:
    from seedance_async.models import VideoTask
    from seedance_async.request import VideoRequest
    from seedance_async.settings import Budget

__all__ = ["Amount", "BudgetKeeper", "Left", "Reservation", "keeper_for"]


@frozen(kw_only=True)
class Amount:
    """Tokens, and the same in money.

    Attributes:
        tokens: tokens.
        cost: money in the currency of the price table; tokens whose price is unknown count as 0.
    """

    tokens: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: Amount) -> Amount:
        return Amount(tokens=self.tokens + other.tokens, cost=self.cost + other.cost)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(tokens=self.tokens - other.tokens, cost=self.cost - other.cost)


@frozen(kw_only=True)
class Left:
    """What may still be reserved; None where there is no cap, never below 0."""

    tokens: int | None = None
    cost: Decimal | None = None


class Reservation:
    """What one submit may bill at most; :meth:`settle` with an ended task, or :meth:`release`, ends it.

    Attributes:
        request: the request.
        amount: tokens and money reserved.
        open: False once it was settled or released.
    """

    __slots__ = ("_keeper", "amount", "open", "request")

    def __init__(self, keeper: BudgetKeeper, request: VideoRequest, amount: Amount) -> None:
        self._keeper = keeper
        self.request = request
        self.amount = amount
        self.open = True

    def __repr__(self) -> str:
        return f"<Reservation of {self.amount.tokens} tokens, {'open' if self.open else 'ended'}>"

    def settle(self, task: VideoTask) -> None:
        """Book what the task billed; one that has not ended changes nothing, nor does a second time.

        Args:
            task: the record. Succeeded without a count of tokens, it bills what was reserved.
        """
        if not task.is_terminal:
            return
        if task.status is not TaskStatus.SUCCEEDED:
            self.release()
            return
        billed = self._keeper.bill(self.request, task.tokens) if task.tokens else self.amount
        self._keeper.end(self, billed)

    def release(self) -> None:
        """Nothing was billed and nothing will be: refused, or proven absent. A second time does nothing."""
        self._keeper.end(self, Amount())


class BudgetKeeper:
    """Keeps the books of one Budget, for all calls, loops and threads that share it.

    What is spent and reserved together passes no cap unless the server bills more than the estimate; then
    ``spent`` says so.
    """

    def __init__(self, budget: Budget) -> None:
        """Open the books.

        Raises:
            InvalidRequest: ``prices`` is no price table.
        """
        # It keeps the numbers and not `budget`: keeper_for() could never forget a key that its value holds.
        self._prices = _table(budget.prices)
        self._own_prices = budget.prices is not None
        self._cap = Left(
            tokens=budget.tokens, cost=None if budget.cost is None else Decimal(str(budget.cost))
        )
        self._spent = Amount()
        self._reserved = Amount()
        self._lock = threading.Lock()

    @property
    def spent(self) -> Amount:
        """What ended tasks billed."""
        return self._spent

    @property
    def left(self) -> Left:
        """What may still be reserved."""
        with self._lock:
            return self._left()

    def reserve(self, request: VideoRequest) -> Reservation:
        """Set aside the most that a request should bill; ``duration=-1`` counts as the longest.

        Args:
            request: what is about to be submitted.

        Returns:
            The reservation, to be settled or released.

        Raises:
            BudgetExceeded: a cap would be passed.
            InvalidRequest: there is a cap, and what the request bills cannot be told.
        """
        amount = self._estimate(request)
        with self._lock:
            left = self._left()
            if left.tokens is not None and amount.tokens > left.tokens:
                raise BudgetExceeded(unit="tokens", needed=amount.tokens, left=left.tokens)
            if left.cost is not None and amount.cost > left.cost:
                raise BudgetExceeded(unit=self._prices.currency, needed=amount.cost, left=left.cost)
            self._reserved += amount
        return Reservation(self, request, amount)

    def bill(self, request: VideoRequest, tokens: int) -> Amount:
        """Put billed tokens into an amount."""
        return Amount(tokens=tokens, cost=cost(tokens, request, self._prices) or Decimal(0))

    def end(self, reservation: Reservation, billed: Amount) -> None:
        """Close a reservation and book what was billed; a second time does nothing."""
        with self._lock:
            if not reservation.open:
                return
            reservation.open = False
            self._reserved -= reservation.amount
            self._spent += billed

    def _left(self) -> Left:
        """Subtract what is gone and what is promised from the caps."""
        gone, cap = self._spent + self._reserved, self._cap
        return Left(
            tokens=None if cap.tokens is None else max(0, cap.tokens - gone.tokens),
            cost=None if cap.cost is None else max(Decimal(0), cap.cost - gone.cost),
        )

    def _estimate(self, request: VideoRequest) -> Amount:
        """Estimate a request, and refuse to guess where there is a cap."""
        guess = estimate(request)
        price = cost(guess.tokens, request, self._prices)
        capped = self._cap.tokens is not None or self._cap.cost is not None
        if capped and "model" in guess.assumed and not self._lists(request.model):
            raise InvalidRequest(
                field="model",
                value=request.model,
                limit="a capped Budget must know the model: give its id instead of an endpoint's, or"
                f" Budget(prices=...) with a Rate(model={request.model!r}); it then reserves the tokens of"
                " the dearest known model",
            )
        if self._cap.cost is not None and price is None:
            raise InvalidRequest(
                field="prices",
                value=self._prices.source,
                limit=f"has no price for this request to {request.model}: give Budget(prices=...) with one",
            )
        return Amount(tokens=guess.tokens, cost=price or Decimal(0))

    def _lists(self, model: str) -> bool:
        """Tell whether the caller's own price table names this very model or endpoint."""
        return self._own_prices and any(rate.model == model for rate in self._prices.rates)


def _table(prices: object | None) -> PriceTable:
    """Check the caller's price table; None takes the list prices in yuan."""
    if prices is None:
        return CNY
    if not isinstance(prices, PriceTable):
        raise InvalidRequest(field="prices", value=prices, limit="must be a seedance_async.prices.PriceTable")
    return prices


_keepers: weakref.WeakKeyDictionary[Budget, BudgetKeeper] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def keeper_for(budget: Budget) -> BudgetKeeper:
    """Give the one keeper of a budget.

    Args:
        budget: the instance counts, not its values.

    Returns:
        The same keeper for every call that holds the instance, in every loop and thread.

    Raises:
        InvalidRequest: ``budget.prices`` is no price table.
    """
    with _lock:
        keeper = _keepers.get(budget)
        if keeper is None:
            keeper = _keepers[budget] = BudgetKeeper(budget)
        return keeper
