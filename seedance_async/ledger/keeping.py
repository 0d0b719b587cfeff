"""Writes down how a POST ended; a store that fails then leaves an error that says what may be paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedance_async.errors import Billed, SeedanceError

if TYPE_CHECKING:
    from seedance_async.errors import SubmitUncertain
    from seedance_async.ledger.orders import Order
    from seedance_async.models import VideoTask

__all__ = ["keep_accepted", "keep_late", "keep_uncertain"]


async def keep_accepted(order: Order, task: VideoTask) -> None:
    """Make the id durable; if that fails, the task is paid for all the same."""
    try:
        await order.intents.accepted(order.key, task.id)
    except SeedanceError as error:
        error.billed = Billed.YES
        error.advice = f"The server accepted the submit as task {task.id}: wait for that one. {error.advice}"
        raise


async def keep_late(order: Order, task: VideoTask) -> None:
    """Make the id of a task durable that was found before, where the store did not take it then."""
    if await order.intents.find(order.key) is not None:
        await keep_accepted(order, task)


async def keep_uncertain(order: Order, uncertain: SubmitUncertain) -> None:
    """Make the doubt durable; what cannot be written down is no less uncertain."""
    try:
        await order.intents.uncertain(order.key, uncertain)
    except SeedanceError as error:
        error.billed = Billed.MAYBE
        error.advice = f"{uncertain} {error.advice}".strip()
        raise
