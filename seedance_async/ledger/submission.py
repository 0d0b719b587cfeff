"""The paid POST: intend, send, classify, reconcile. One key never has two tasks.

Each layer adds one thing: ``submit`` first looks for what the key has left open, ``_send_until_settled``
starts again after a proven absence, ``_repeat_refused`` waits for the account's pace and repeats what was
surely not accepted, ``_admitted`` tells the account what came back, ``_intended`` makes the POST durable
before it is sent, ``_sent`` keeps its answer even when the caller leaves.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from seedance_async._wire import clock
from seedance_async._wire.protocol import build_create, read_created
from seedance_async._wire.retry import repeat
from seedance_async.errors import (
    Billed,
    ConnectionFailed,
    QuotaExhausted,
    RateLimited,
    SeedanceError,
    SubmitUncertain,
)
from seedance_async.events import RetryScheduled, SubmitAccepted, SubmitLost
from seedance_async.ledger.fingerprints import FIELD, Fingerprints, refuses_field
from seedance_async.ledger.intents import Intent, SharedIntents, uncertain_of
from seedance_async.ledger.keeping import keep_accepted, keep_late, keep_uncertain
from seedance_async.ledger.matching import facts_of
from seedance_async.ledger.orders import InFlight, Order, Watching
from seedance_async.ledger.patience import gave_up
from seedance_async.models import VideoTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from seedance_async._wire.limits import Account
    from seedance_async._wire.server_clock import ServerClock
    from seedance_async._wire.transport import Transport
    from seedance_async.events import Event
    from seedance_async.ledger.known import KnownTasks
    from seedance_async.ledger.reconcile import Reconciler
    from seedance_async.settings import RetryPolicy, Timeouts

__all__ = ["Submissions"]

# When the server breaks the connection it has done with the request; when we give up waiting, a queue may
# still hold it. Then it counts as under way for this many settling times more.
_STILL_UNDER_WAY = 5.0


class _ProvenAbsentError(Exception):
    """The POST was lost and is proven not to have been accepted: the order may be sent again."""


@define(kw_only=True)
class Submissions:
    """Carries out orders on one account."""

    transport: Transport
    account: Account
    retry: RetryPolicy
    timeouts: Timeouts
    reconciler: Reconciler
    known: KnownTasks
    server_clock: ServerClock
    emit: Callable[[Event], None]
    watching: Watching
    fingerprints: Fingerprints = field(factory=Fingerprints)
    _in_flight: InFlight = field(factory=InFlight, init=False)

    async def submit(self, order: Order) -> VideoTask:
        """Send the order until the server has it or says no; what its key has left open is looked for first.

        Raises:
            InvalidRequest: the key is in flight already.
            RequestRefused: the server said no; nothing is billed.
            ConnectionFailed: the server was never reached within the policy; nothing is billed.
            SubmitUncertain: the answer was lost and the task can be neither found nor ruled out.
        """
        with self._in_flight.alone(order):
            left = await order.intents.find(order.key)
            task = await self._reconcile(order, left) if left is not None else None
            return task or await self._send_until_settled(order)

    async def reconcile(self, order: Order, intent: Intent) -> VideoTask | None:
        """Look for the task of a lost order and record the finding; None: proven to be none.

        Raises:
            InvalidRequest: the key is in flight already.
            SubmitUncertain: it can be neither found nor ruled out.
        """
        with self._in_flight.alone(order):
            return await self._reconcile(order, intent)

    async def _send_until_settled(self, order: Order) -> VideoTask:
        """Send the order, and again only after it is proven that the last POST made no task."""
        rounds = self.retry.attempts
        while True:
            rounds -= 1
            try:
                return await self._repeat_refused(order)
            except _ProvenAbsentError as absent:
                if rounds <= 0 and isinstance(absent.__cause__, SeedanceError):
                    absent.__cause__.billed = Billed.NO  # proven: the last one was not accepted either
                    raise absent.__cause__ from None

    async def _repeat_refused(self, order: Order) -> VideoTask:
        """Repeat what the server surely did not accept, with back-off; no repeat starts after the budget."""
        until = clock.monotonic() + self.retry.budget
        refusals: list[BaseException] = []

        async def attempt(number: int) -> VideoTask:
            try:
                # The account may be held for longer than the back-off: the budget counts this wait, too.
                async with asyncio.timeout_at(until if refusals else None):
                    await self._admit()
            except TimeoutError:
                raise refusals[-1] from None
            return await self._admitted(order, number)

        def on_retry(number: int, wait: float, error: BaseException) -> None:
            refusals.append(error)
            self.emit(
                RetryScheduled(route="create", attempt=number, wait=wait, error=str(error), key=order.key)
            )

        return await repeat(self.retry, attempt, on_retry=on_retry)

    async def _admitted(self, order: Order, number: int) -> VideoTask:
        """Send once and tell the account what came back."""
        try:
            task = await self._intended(order, number)
        except RateLimited as error:
            self.account.slow_down(error, self.emit)
            raise
        except QuotaExhausted as error:
            self.account.stop(error, self.emit)
            raise
        self.account.accepted()
        return task

    async def _admit(self) -> None:
        """Wait for the pace; while the server's queue is full, look for a task that ends and makes room."""
        async with self.watching() if self.account.creates.crowded else nullcontext():
            await self.account.admit()

    async def _intended(self, order: Order, number: int) -> VideoTask:
        """Make the POST durable, send it, and make its end durable."""
        intent = self._intent(order, number)
        try:
            await order.intents.sending(intent)
        except asyncio.CancelledError:
            # Who leaves before the POST goes out has ordered nothing, and leaves whatever the store says.
            with suppress(SeedanceError):
                await order.intents.absent(order.key)
            raise
        self.reconciler.opened(intent)
        return await self._settled(order, intent)

    def _intent(self, order: Order, number: int) -> Intent:
        """Note what finds the task again; draw a fingerprint where the caller left the field alone."""
        marked = self.retry.fingerprint and not self.fingerprints.refused and FIELD not in order.body
        now = clock.wall()
        return Intent(
            key=order.key,
            attempt=number,
            fingerprint=self.fingerprints.draw() if marked else None,
            facts=facts_of(order.body),
            sent_at=now,
            until=now + self.timeouts.connect + self.timeouts.request + self._under_way,
            clock_offset=self.server_clock.offset,
        )

    async def _settled(self, order: Order, intent: Intent) -> VideoTask:
        """Send once; sort the end into accepted, refused and uncertain."""
        started = clock.monotonic()
        try:
            task = await self._sent(order, intent)
        except SeedanceError as error:
            if error.billed is not Billed.NO:
                until = self._until(error, ended=intent.sent_at + clock.monotonic() - started)
                return await self._lost(order, evolve(intent, until=until), error)
            self.reconciler.closed(intent)
            await order.intents.refused(order.key, error)
            if intent.fingerprint is None or not refuses_field(error):
                raise
            self.fingerprints.refused = True
            await self._admit()
            return await self._intended(order, intent.attempt)
        await keep_accepted(order, task)
        return task

    async def _sent(self, order: Order, intent: Intent) -> VideoTask:
        """Send the POST in a task of its own: leaving must not cut off an answer worth money."""
        out = asyncio.Event()
        posting = asyncio.create_task(self._post(order, intent, out), name=f"submit {order.key}")
        try:
            # Shielded: once it is out, only its answer tells whether it is paid for.
            return await asyncio.shield(posting)
        except asyncio.CancelledError:
            # What the store does not take stays open there, and the next run looks for it.
            with suppress(SeedanceError):
                await self._learn(posting, out, order, intent)
            raise

    async def _post(self, order: Order, intent: Intent, out: asyncio.Event) -> VideoTask:
        """One POST and its answer; ``out`` is set when its first byte is sent."""
        body = dict(order.body)
        if intent.fingerprint is not None:
            body[FIELD] = intent.fingerprint

        def leaves() -> None:
            # Who was asleep since then may have been taken for dead, and its task for absent.
            if clock.wall() > intent.until - self._under_way:
                raise ConnectionFailed(f"Submit {order.key!r} came too late to be sent.")
            out.set()

        response = await self.transport.send(build_create(body), on_sent=leaves)
        self.server_clock.note(response)
        task = read_created(response)
        self._take(order, task, intent)
        return task

    def _take(self, order: Order, task: VideoTask, intent: Intent) -> None:
        """From here on the task is ours, whoever still waits for it."""
        self.known.add(task.id, intent, now=clock.wall())
        self.reconciler.closed(intent)
        order.on_accepted(task)
        self.emit(SubmitAccepted(key=order.key, task_id=task.id, attempt=intent.attempt))

    async def _learn(
        self, posting: asyncio.Task[VideoTask], out: asyncio.Event, order: Order, intent: Intent
    ) -> None:
        """The caller leaves: take back what is not out yet, else wait a moment for the id."""
        try:
            if out.is_set():
                await asyncio.wait({posting}, timeout=self.timeouts.cancel)
        finally:
            if not posting.done():
                posting.cancel()
        await asyncio.wait({posting})
        if posting.cancelled():
            await self._note_cancelled(order, intent, out=out.is_set())
        elif (error := posting.exception()) is None:
            await order.intents.accepted(order.key, posting.result().id)
        elif isinstance(error, SeedanceError) and error.billed is Billed.NO:
            self.reconciler.closed(intent)
            await order.intents.refused(order.key, error)
        else:
            await self._note_lost(order, intent, str(error))

    async def _note_cancelled(self, order: Order, intent: Intent, *, out: bool) -> None:
        """Record a POST that was cut off: before its first byte nothing was ordered."""
        if out:
            await self._note_lost(order, intent, "cancelled while the answer was on its way")
        else:
            self.reconciler.closed(intent)
            await order.intents.absent(order.key)

    def _until(self, error: SeedanceError, *, ended: float) -> float:
        """Give the moment after which a POST whose answer was lost just now cannot be accepted any more.

        ``ended`` is now by the loop's clock, which stops while the machine sleeps; ours may be set back.
        """
        return max(clock.wall(), ended) + (self._under_way if gave_up(error) else 0.0)

    @property
    def _under_way(self) -> float:
        """Seconds that a POST may still be under way at the server after we are gone."""
        return self.retry.settling * _STILL_UNDER_WAY

    async def _note_lost(self, order: Order, intent: Intent, why: str) -> SubmitUncertain:
        """Report and record a submit whose end is unknown."""
        self.emit(SubmitLost(key=order.key, fingerprint=intent.fingerprint, error=why))
        error = uncertain_of(intent, why)
        await keep_uncertain(order, error)
        return error

    async def _lost(self, order: Order, intent: Intent, error: SeedanceError) -> VideoTask:
        """The answer is lost: look for the task unless the policy says to raise."""
        uncertain = await self._note_lost(order, intent, str(error))
        if self.retry.on_uncertain == "raise":
            raise uncertain from error
        task = await self._reconcile(order, intent)
        if task is None:
            raise _ProvenAbsentError from error
        return task

    async def _reconcile(self, order: Order, intent: Intent) -> VideoTask | None:
        """Find out what became of a POST, and record it."""
        settled = self.known.task_of(intent)
        if settled is not None:
            found = VideoTask(id=settled)
            await keep_late(order, found)
            return found
        self.reconciler.opened(intent)
        try:
            task = await self.reconciler.search(
                intent,
                known=order.known,
                owners=order.intents.owners,
                twins=order.intents.has_twin if isinstance(order.intents, SharedIntents) else None,
            )
        except SubmitUncertain as error:
            await keep_uncertain(order, error)
            raise
        if task is None:
            self.reconciler.closed(intent)
            await order.intents.absent(order.key)
            return None
        self._take(order, task, intent)
        await keep_accepted(order, task)
        return task
