"""An order takes a slot, is submitted, and leaves the slot with its task."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from seedance_async._wire import clock
from seedance_async.errors import Billed, InvalidRequest, SessionClosed, SubmitUncertain
from seedance_async.events import SlotWaited
from seedance_async.ledger.intents import Intent, uncertain_of
from seedance_async.ledger.orders import Order

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Container, Mapping

    from seedance_async._wire.slots import Slot
    from seedance_async.ledger.intents import IntentStore
    from seedance_async.models import VideoTask
    from seedance_async.wiring import Core

__all__ = ["place", "resume_search"]


async def place(
    core: Core, body: Mapping[str, Any], *, key: str, intents: IntentStore, known: Container[str] = ()
) -> VideoTask:
    """Submit a body under a key; see :meth:`seedance_async.SeedanceSession.submit` for how it can end."""
    async with _ordering(core, body, key, intents, known) as order:
        return await core.submissions.submit(order)


async def resume_search(
    core: Core, key_or_error: str | SubmitUncertain, intents: IntentStore, known: Container[str] = ()
) -> VideoTask | None:
    """Go on looking for the task of an uncertain submit, in another process too."""
    error = key_or_error if isinstance(key_or_error, SubmitUncertain) else None
    key = error.key if error is not None else str(key_or_error)
    intent = await intents.find(key) or (_intent_of(error) if error is not None else None)
    if intent is None:
        raise InvalidRequest(field="key", value=key, limit="must be the key of a submit whose end is unknown")
    async with _ordering(core, intent.facts, key, intents, known, searching=True) as order:
        return await core.submissions.reconcile(order, intent)


@asynccontextmanager
async def _ordering(
    core: Core,
    body: Mapping[str, Any],
    key: str,
    intents: IntentStore,
    known: Container[str],
    *,
    searching: bool = False,
) -> AsyncGenerator[Order, None]:
    """Hold a slot for an order, and say what became of it when the session closes meanwhile."""
    taken: list[VideoTask] = []
    try:
        async with core.doors.inside(), _holding(core, key, searching=searching) as slot:

            def on_accepted(task: VideoTask) -> None:
                taken.append(task)
                core.account.slots.bind(slot, task.id)
                core.watcher.submitted(task.id, service_tier=body.get("service_tier"))

            yield Order(key=key, body=body, intents=intents, on_accepted=on_accepted, known=known)
    except SessionClosed as error:
        await _say_what_is_left(error, key, intents, taken)
        raise


@asynccontextmanager
async def _holding(core: Core, key: str, *, searching: bool) -> AsyncGenerator[Slot, None]:
    """Hold a slot; a task that was accepted keeps it until it is seen to end, also when the caller left."""
    slot = core.account.search(key) if searching else await _slot(core, key)
    try:
        yield slot
    finally:
        if slot.task_id is None:
            slot.release()


async def _say_what_is_left(
    error: SessionClosed, key: str, intents: IntentStore, taken: list[VideoTask]
) -> None:
    """Tell apart what closing a session leaves behind: a task, a POST whose end is unknown, or nothing."""
    if taken:
        error.billed = Billed.YES
        error.advice = f"It was accepted as task {taken[-1].id}: wait for that one in a new session."
    elif (intent := await intents.find(key)) is not None:
        raise uncertain_of(intent, "the session was closed meanwhile") from error


async def _slot(core: Core, key: str) -> Slot:
    """Wait for a slot; meanwhile all tasks alive are looked at, or nobody might ever see one end."""
    slots, share = core.account.slots, core.account.share
    if slots.free >= 1 and not slots.waiting:
        slot = await slots.acquire()
        if await share(slot, key, wait=False):
            return slot
    started = clock.monotonic()
    async with core.watching():
        slot = await slots.acquire()
        await share(slot, key)
    core.calls.emit(SlotWaited(key=key, seconds=clock.monotonic() - started))
    return slot


def _intent_of(error: SubmitUncertain) -> Intent:
    """Rebuild the intent from an error that came from elsewhere."""
    return Intent(
        key=error.key,
        fingerprint=error.fingerprint,
        facts=error.facts,
        sent_at=error.sent_at,
        until=error.until,
        clock_offset=error.clock_offset,
    )
