"""The budget: reserved before, settled after, never passed."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import threading
import weakref
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async.errors import BudgetExceeded, InvalidRequest
from seedance_async.ledger.budget import Amount, BudgetKeeper, Left, Reservation, keeper_for
from seedance_async.models import TaskStatus, Usage, VideoTask
from seedance_async.prices import USD, PriceTable, Rate
from seedance_async.request import VideoRequest
from seedance_async.settings import Budget

FIVE_SECONDS = 108_900
"""Tokens of 5 s at 720p and 16:9 (api docs 1544106)."""

REQUEST = VideoRequest(
    prompt="a cat", model="doubao-seedance-1-5-pro-251215", resolution="720p", ratio="16:9", duration=5
)
ENDPOINT = REQUEST.evolve(model="ep-20260101000000-abcde")


def ended(tokens: int | None = FIVE_SECONDS, status: TaskStatus = TaskStatus.SUCCEEDED) -> VideoTask:
    """Make the record of a task that ended."""
    usage = None if tokens is None else Usage(completion_tokens=tokens)
    return VideoTask(id="cgt-1", status=status, usage=usage)


def table(*rates: Rate) -> PriceTable:
    """Make a price table of the caller's own."""
    return PriceTable(as_of=dt.date(2026, 1, 1), currency="EUR", source="contract", rates=rates)


def test_one_budget_has_one_keeper() -> None:
    """Calls that hold the same instance share the money; an equal instance is other money."""
    budget = Budget(tokens=1)
    assert keeper_for(budget) is keeper_for(budget)
    assert keeper_for(Budget(tokens=1)) is not keeper_for(budget)


def test_a_keeper_goes_with_its_budget() -> None:
    """A process that makes a budget for every batch does not collect keepers."""
    budget = Budget(tokens=1)
    keeper = weakref.ref(keeper_for(budget))
    del budget
    gc.collect()
    assert keeper() is None


def test_a_reservation_becomes_what_was_billed() -> None:
    """Reserved first, then spent: the bill replaces the estimate, in tokens and in money."""
    keeper = BudgetKeeper(Budget(tokens=300_000, cost=5))
    reservation = keeper.reserve(REQUEST)
    assert reservation.amount == Amount(tokens=FIVE_SECONDS, cost=Decimal("1.7424"))
    assert keeper.left == Left(tokens=191_100, cost=Decimal("3.2576"))
    reservation.settle(ended(100_000))
    assert keeper.spent == Amount(tokens=100_000, cost=Decimal("1.6"))
    assert keeper.left == Left(tokens=200_000, cost=Decimal("3.4"))


@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.EXPIRED])
def test_a_task_without_a_video_bills_nothing(status: TaskStatus) -> None:
    """Failed, cancelled and expired tasks give their money back, whatever usage they report."""
    keeper = BudgetKeeper(Budget(tokens=300_000))
    keeper.reserve(REQUEST).settle(ended(50_000, status))
    assert (keeper.left, keeper.spent) == (Left(tokens=300_000), Amount())


@pytest.mark.parametrize("status", [TaskStatus.QUEUED, TaskStatus.RUNNING, TaskStatus.UNKNOWN])
def test_a_task_that_goes_on_keeps_its_reservation(status: TaskStatus) -> None:
    """What may still be billed stays reserved."""
    keeper = BudgetKeeper(Budget(tokens=300_000))
    reservation = keeper.reserve(REQUEST)
    reservation.settle(ended(None, status))
    assert reservation.open
    assert keeper.left.tokens == 300_000 - FIVE_SECONDS


@pytest.mark.parametrize("tokens", [None, 0])
def test_a_success_without_a_count_bills_what_was_reserved(tokens: int | None) -> None:
    """A gateway that leaves usage out does not make videos free."""
    keeper = BudgetKeeper(Budget(tokens=300_000))
    keeper.reserve(REQUEST).settle(ended(tokens))
    assert keeper.spent.tokens == FIVE_SECONDS


def test_a_reservation_ends_once() -> None:
    """Whoever sees the end first books it; release after settle, or twice, changes nothing."""
    keeper = BudgetKeeper(Budget(tokens=300_000))
    settled, released = keeper.reserve(REQUEST), keeper.reserve(REQUEST)
    for _ in range(2):
        settled.settle(ended(7))
        settled.release()
        released.release()
        released.settle(ended(9))
    assert (keeper.left.tokens, keeper.spent.tokens) == (300_000 - 7, 7)


def test_a_submit_that_would_pass_the_tokens_is_refused() -> None:
    """The second of two that fit only once raises with need and rest, and reserves nothing."""
    keeper = BudgetKeeper(Budget(tokens=FIVE_SECONDS * 2 - 1))
    keeper.reserve(REQUEST)
    with pytest.raises(BudgetExceeded) as caught:
        keeper.reserve(REQUEST)
    assert (caught.value.unit, caught.value.needed, caught.value.left) == ("tokens", 108_900, 108_899)
    assert keeper.left.tokens == FIVE_SECONDS - 1


def test_a_budget_can_be_spent_to_the_last_token() -> None:
    """What fits exactly is not refused."""
    keeper = BudgetKeeper(Budget(tokens=FIVE_SECONDS * 2, cost=Decimal("3.4848")))
    keeper.reserve(REQUEST)
    keeper.reserve(REQUEST)
    assert keeper.left == Left(tokens=0, cost=Decimal(0))


def test_a_submit_that_would_pass_the_cost_is_refused_in_its_currency() -> None:
    """The cap in money counts in the currency of the table that was given."""
    keeper = BudgetKeeper(Budget(cost=0.2, prices=USD))
    with pytest.raises(BudgetExceeded, match="USD"):
        keeper.reserve(REQUEST)
    assert keeper.left == Left(cost=Decimal("0.2"))


def test_silent_video_is_priced_as_such() -> None:
    """Estimate and bill ask the price of this request, not of its model in general."""
    keeper = BudgetKeeper(Budget(cost=10))
    keeper.reserve(REQUEST.evolve(generate_audio=False)).settle(ended(1_000_000))
    assert keeper.spent.cost == Decimal(8)


def test_the_model_chooses_the_length_and_the_longest_is_reserved() -> None:
    """``duration=-1`` may become 12 s and 21:9, and that much is set aside."""
    keeper = BudgetKeeper(Budget(tokens=10**7))
    automatic = keeper.reserve(REQUEST.evolve(duration=-1))
    longest = keeper.reserve(REQUEST.evolve(duration=12))
    assert automatic.amount == longest.amount
    assert automatic.amount.tokens > 2 * FIVE_SECONDS


@pytest.mark.parametrize("caps", [{"tokens": 10**9}, {"cost": 10**6}])
def test_an_unknown_model_cannot_be_capped(caps: dict[str, Any]) -> None:
    """Nobody can say what an endpoint bills: the error names the model and both ways out."""
    keeper = BudgetKeeper(Budget(**caps))
    with pytest.raises(InvalidRequest, match=r"ep-2026.*endpoint.*Rate\(model=") as caught:
        keeper.reserve(ENDPOINT)
    assert caught.value.field == "model"
    assert keeper.left == Left(**caps)


def test_a_price_of_ones_own_names_an_endpoint() -> None:
    """Listed by its id, an endpoint is reserved as dear as the dearest model and billed at its own price."""
    prices = table(Rate(model=ENDPOINT.model, price=10))
    keeper = BudgetKeeper(Budget(tokens=10**8, cost=1000, prices=prices))
    reservation = keeper.reserve(ENDPOINT)
    assert reservation.amount.tokens >= FIVE_SECONDS
    reservation.settle(ended(2_000_000))
    assert keeper.spent == Amount(tokens=2_000_000, cost=Decimal(20))


def test_a_capped_cost_needs_a_price() -> None:
    """A table without the model's price is refused before the submit, not found wanting after the bill."""
    keeper = BudgetKeeper(Budget(cost=10**6, prices=table(Rate(model="2.5", price=1))))
    with pytest.raises(InvalidRequest, match=r"contract.*no price.*Budget\(prices"):
        keeper.reserve(REQUEST)


def test_without_caps_everything_passes_and_is_counted() -> None:
    """A budget can be a counter alone: unknown models pass, tokens add up, nothing is ever left over."""
    keeper = BudgetKeeper(Budget())
    keeper.reserve(ENDPOINT).settle(ended(1000))
    assert (keeper.spent, keeper.left) == (Amount(tokens=1000), Left())


def test_a_bill_above_the_estimate_is_booked_in_full() -> None:
    """Money that is gone is gone: nothing is left, never less than nothing."""
    keeper = BudgetKeeper(Budget(tokens=FIVE_SECONDS))
    keeper.reserve(REQUEST).settle(ended(FIVE_SECONDS + 1))
    assert (keeper.spent.tokens, keeper.left.tokens) == (FIVE_SECONDS + 1, 0)
    with pytest.raises(BudgetExceeded):
        keeper.reserve(REQUEST)


def test_prices_must_be_a_table() -> None:
    """A dict of prices is refused when the budget is first used, by name."""
    with pytest.raises(InvalidRequest, match="PriceTable"):
        keeper_for(Budget(cost=1, prices={"1.5-pro": 16}))


ENDINGS = ("succeeded", "cheaper", "failed", "released", "lost")
jobs = st.lists(st.tuples(st.integers(4, 12), st.integers(0, 40), st.sampled_from(ENDINGS)), max_size=40)


def _end(reservation: Reservation, ending: str) -> int:
    """End a reservation in one of the ways there are; tell what was billed."""
    reserved = reservation.amount.tokens
    if ending == "released":
        reservation.release()
    elif ending == "failed":
        reservation.settle(ended(None, TaskStatus.FAILED))
    elif ending != "lost":
        billed = reserved if ending == "succeeded" else reserved // 2
        reservation.settle(ended(billed))
        return billed
    return 0


@given(st.integers(0, 2_000_000), jobs)
def test_no_interleaving_passes_the_cap(cap: int, plan: list[tuple[int, int, str]]) -> None:
    """However coroutines interleave, spent and reserved stay within both caps, and the books add up."""
    keeper = BudgetKeeper(Budget(tokens=cap, cost=cap * 16 / 10**6))
    bills, lost, made = list[int](), list[int](), list[Reservation]()

    async def job(seconds: int, turns: int, ending: str) -> None:
        try:
            reservation = keeper.reserve(REQUEST.evolve(duration=seconds))
        except BudgetExceeded:
            return
        made.append(reservation)
        for _ in range(turns):
            await asyncio.sleep(0)
            gone = sum((one.amount for one in made if one.open), keeper.spent)
            assert gone.tokens <= cap
            assert gone.cost <= Decimal(str(cap * 16 / 10**6))
        bills.append(_end(reservation, ending))
        if ending == "lost":
            lost.append(reservation.amount.tokens)

    async def scene() -> None:
        async with asyncio.TaskGroup() as group:
            for one in plan:
                group.create_task(job(*one))

    asyncio.run(scene())
    assert keeper.spent.tokens == sum(bills)
    assert keeper.left.tokens == cap - sum(bills) - sum(lost)


def test_threads_share_a_budget() -> None:
    """Eight threads that grab what they can get exactly what there is."""
    keeper, got = BudgetKeeper(Budget(tokens=FIVE_SECONDS * 100)), list[int]()

    def grab() -> None:
        try:
            while True:
                keeper.reserve(REQUEST)
                got.append(1)
        except BudgetExceeded:
            return

    threads = [threading.Thread(target=grab) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), keeper.left.tokens) == (100, 0)
