"""An order takes a slot, is submitted, and leaves the slot with its task."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from seedance_async._wire import clock
from seedance_async.errors import (
    Billed,
    InvalidRequest,
    SeedanceError,
    SessionClosed,
    SubmitUncertain,
    TaskEnded,
)
from seedance_async.events import SlotWaited
from seedance_async.ledger.intents import Intent, uncertain_of
from seedance_async.ledger.orders import Order
from seedance_async.media.places import Places
from seedance_async.models import TaskStatus, VideoTask

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Generator, Mapping

    from seedance_async._wire.slots import Slot
    from seedance_async.ledger.intents import IntentStore
    from seedance_async.wiring import Core

__all__ = ["free_place", "paid_for", "place", "resume_search"]

T = TypeVar("T")


async def place(
    core: Core, body: Mapping[str, Any], *, key: str, intents: IntentStore, known: Container[str] = ()
) -> VideoTask:
    """Submit a body under a key; see :meth:`seedance_async.SeedanceSession.submit` for how it can end."""
    carry_out = core.submissions.submit
    return await _in_a_slot(core, body, key=key, intents=intents, known=known, carry_out=carry_out)


async def resume_search(
    core: Core, key_or_error: str | SubmitUncertain, intents: IntentStore, known: Container[str] = ()
) -> VideoTask | None:
    """Go on looking for the task of an uncertain submit, in another process too."""
    error = key_or_error if isinstance(key_or_error, SubmitUncertain) else None
    key = error.key if error is not None else str(key_or_error)
    intent = await intents.find(key) or (_intent_of(error) if error is not None else None)
    if intent is None:
        raise InvalidRequest(field="key", value=key, limit="must be the key of a submit whose end is unknown")
    search = partial(core.submissions.reconcile, intent=intent)
    return await _in_a_slot(
        core, intent.facts, key=key, intents=intents, known=known, carry_out=search, searching=True
    )


async def _in_a_slot(
    core: Core,
    body: Mapping[str, Any],
    *,
    key: str,
    intents: IntentStore,
    known: Container[str],
    carry_out: Callable[[Order], Awaitable[T]],
    searching: bool = False,
) -> T:
    """Carry out an order in a slot, and say what became of it when the session closes meanwhile."""
    taken: list[VideoTask] = []
    try:
        with core.doors.inside():
            slot = core.account.search(key) if searching else await _slot(core, key)

            def on_accepted(task: VideoTask) -> None:
                taken.append(task)
                core.account.slots.bind(slot, task.id)
                core.watcher.submitted(task.id, service_tier=body.get("service_tier"))

            order = Order(key=key, body=body, intents=intents, on_accepted=on_accepted, known=known)
            try:
                return await carry_out(order)
            finally:
                # An accepted task keeps its slot until it is seen to end, also when the caller has left.
                if slot.task_id is None:
                    slot.release()
    except SessionClosed as error:
        await _say_what_is_left(error, key, intents, taken)
        raise


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


@asynccontextmanager
async def free_place(save_to: str | os.PathLike[str] | None, *, key: str | None) -> AsyncGenerator[None]:
    """Keep the place of one video free from before its submit until it has landed.

    Args:
        save_to: as for ``session.run``.
        key: what the caller calls the submit, or None.

    Raises:
        InvalidRequest: there is a file of that name, another video is about to land there, or the template is
            none.
    """
    if save_to is None:
        yield
        return
    # Here, before anything is paid: an import that fails must not stand between a video and its file.
    from seedance_async.landing import refuse_taken
    from seedance_async.media.targets import target_of

    target, other = (target_of(save_to, VideoTask(id=name)).absolute() for name in ("cgt-one", "cgt-other"))
    with Places() as places:
        if target == other:  # a name with the task's id is new in any case
            places.keep(str(target), "", name="another run" if key is None else f"job {key!r}")
        await refuse_taken(save_to)
        yield


@contextmanager
def paid_for(task: VideoTask) -> Generator[None]:
    """Let no error out that takes an accepted task for free, or leaves its id unsaid."""
    try:
        yield
    except TaskEnded:
        raise
    except SeedanceError as error:
        done = task.status is TaskStatus.SUCCEEDED
        if error.billed is Billed.NO:
            error.billed = Billed.YES if done else Billed.MAYBE
        if task.id not in str(error):
            way = f"session.download({task.id!r})" if done else f"wait_for(session, {task.id!r})"
            error.advice = (
                f"It was accepted as task {task.id}; go on with: await {way}. {error.advice}".strip()
            )
        raise


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
