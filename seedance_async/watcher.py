"""The one watcher of a session: looks at everything in flight with as few requests as the quotas allow."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from seedance_async._wire.clock import monotonic
from seedance_async.errors import SessionClosed
from seedance_async.watching.group import NOWHERE
from seedance_async.watching.listeners import NO_LIMITS, Listener, News, Tap, Wait, WaitLimits
from seedance_async.watching.looking import Looking
from seedance_async.watching.register import Register
from seedance_async.watching.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection

    from seedance_async._wire.emitter import Emitter
    from seedance_async.models import VideoTask
    from seedance_async.settings import AccountLimits, PollPolicy
    from seedance_async.watching.flight import Flight
    from seedance_async.watching.looks import Looks

__all__ = ["Watcher"]

# A loop's timers run up to its clock's resolution early: what is so nearly due is due, or it would spin.
_EARLY = 1e-5


def _nothing(_: str) -> None:
    """Hear of a task that the server forgot, and do nothing."""


class Watcher:
    """Looks at tasks in flight for everybody who waits.

    It runs while somebody waits and stops with the last one.  A failed look never ends a wait; what does is a
    terminal status, the waiter's own deadline or cancellation, ``close()``, 401, 403, and a lasting 404.

    Args:
        looks: how the server is read.
        poll: how often.
        limits: the account's quotas, for how much fits into a second; the pace itself is kept by ``looks``.
        emit: hears TaskChanged, LookFailed, ListUnusable; must not raise.
        ended: called once for every task seen terminal.
        gone: called with the id of a task that the server does not know any more.
    """

    def __init__(
        self,
        looks: Looks,
        *,
        poll: PollPolicy,
        limits: AccountLimits,
        emit: Emitter,
        ended: Callable[[VideoTask], None],
        gone: Callable[[str], None] = _nothing,
    ) -> None:
        self._poll = poll
        self._schedule = Schedule(poll)
        self._register = Register(self._schedule, poll=poll, looks=looks, emit=emit, ended=ended, gone=gone)
        self._looking = Looking(
            looks, self._schedule, self._register, poll=poll, limits=limits, emit=emit, over=self._look_over
        )
        self._surveys: Counter[Callable[[], Collection[str]]] = Counter()
        self._next_survey = math.inf
        self._next_turn = -math.inf
        self._bell: asyncio.Event | None = None
        self._runner: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def in_flight(self) -> int:
        """How many tasks are watched now."""
        return len(self._register.flights)

    def submitted(self, task_id: str, *, service_tier: str | None = None) -> None:
        """Note that this session had a task accepted just now.

        Its first look comes one interval later.
        """
        self._register.submitted(task_id, service_tier, monotonic())

    def wait(self, task_id: str, *, limits: WaitLimits = NO_LIMITS, known: VideoTask | None = None) -> Wait:
        """Begin to wait until a task is terminal.

        Args:
            task_id: the task's id.
            limits: how long.
            known: what the caller knows of the task, from a submit or an earlier look.

        Returns:
            The waiter: its ``future`` resolves to the ended task, or raises WaitTimeout, TaskNotFound,
            AuthenticationFailed or SessionClosed. The caller owes ``detach(waiter)``. No coroutine lies
            between, because there may be a hundred thousand waiters.

        Raises:
            SessionClosed: the session is closed.
        """
        now = monotonic()
        waiter = Wait(self._board(task_id, known, now), limits, now)
        self._attach(waiter)
        return waiter

    def tap(
        self,
        task_id: str,
        news: asyncio.Queue[News],
        *,
        limits: WaitLimits = NO_LIMITS,
        known: VideoTask | None = None,
        ends_only: bool = False,
    ) -> Listener:
        """Have the news of a task put into a queue: each change, and at last its end or an error.

        The caller owes ``detach(listener)``.

        Raises:
            SessionClosed: the session is closed.
        """
        now = monotonic()
        listener = Tap(self._board(task_id, known, now), limits, now, news=news, ends_only=ends_only)
        self._attach(listener)
        return listener

    def detach(self, listener: Listener) -> None:
        """Stop listening; nothing happens when the listener has heard its end already."""
        self._register.detach(listener)
        if not self._register.flights:
            self._ring()

    @asynccontextmanager
    async def watching_all(self, alive: Callable[[], Collection[str]]) -> AsyncGenerator[None, None]:
        """Look at the alive tasks of the account, too: a submit waits for one of them to end.

        Args:
            alive: gives the ids; asked again every interval.  Calls that pass the same callable share it.
        """
        self._surveys[alive] += 1
        self._next_survey = -math.inf
        self._start()
        try:
            yield
        finally:
            self._surveys[alive] -= 1
            self._surveys += Counter()
            if not self._surveys:
                self._next_survey = math.inf
                self._register.end_survey()
                self._ring()

    def wake(self, task_id: str) -> None:
        """Look at a task soon, because a callback says that it changed.

        Ids that nobody waits for are ignored, and so is a task that was woken 50 times: a flood of callbacks
        must not use up the account's quota.
        """
        if self._register.hint(task_id):
            self._ring()

    async def close(self) -> None:
        """End every wait with SessionClosed, and stop."""
        self._closed = True
        self._register.fail_all(SessionClosed("The session was closed while somebody waited."))
        runner = self._runner
        if runner is not None:
            runner.cancel()
            await asyncio.wait([runner])

    def _board(self, task_id: str, known: VideoTask | None, now: float) -> Flight:
        """Find or begin the flight of a task."""
        if self._closed:
            raise SessionClosed("The session is closed.")
        return self._register.board(task_id, now, known=known)

    def _attach(self, listener: Listener) -> None:
        """Let a listener hear, and see that the watcher runs."""
        self._register.attach(listener)
        self._start()

    def _ring(self) -> None:
        """Have the watcher think again now."""
        if self._bell is not None:
            self._bell.set()

    def _start(self) -> None:
        """Run if it does not run."""
        if self._runner is None:
            self._bell = asyncio.Event()
            self._runner = asyncio.get_running_loop().create_task(self._run(), name="seedance watcher")
        self._ring()

    async def _run(self) -> None:
        """Watch until nothing is in flight; whatever happens, nobody is left waiting for nothing."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._turns(group)
                self._looking.call_off()
        except asyncio.CancelledError:
            self._register.fail_all(SessionClosed("The watcher was stopped while somebody waited."))
            raise
        except Exception as error:  # noqa: BLE001 - a mistake in here must end the waits, not hang them
            self._register.fail_all(error)
            return
        finally:
            self._runner = None
        self._go_on()

    def _go_on(self) -> None:
        """Serve whoever came while the last looks were being called off."""
        self._schedule.clear()
        for flight in self._register.flights.values():
            flight.leave(NOWHERE)
            self._schedule.hurry(flight)
        if self._register.flights or self._surveys:
            self._start()

    async def _turns(self, group: asyncio.TaskGroup) -> None:
        """Begin looks as they are due, until nothing is in flight."""
        while self._register.flights or self._surveys:
            now = monotonic() + _EARLY
            self._survey(now)
            self._register.expire(now)
            self._looking.begin(group, now)
            self._next_turn = self._plan(now)
            await self._rest_until(self._next_turn)

    def _plan(self, now: float) -> float:
        """When there is something to do if nothing else happens before."""
        return min(self._looking.next_turn(now), self._register.deadlines.next, self._next_survey)

    def _look_over(self) -> None:
        """Think again if what a look brought cannot wait for the next turn."""
        if not self._register.flights or self._plan(monotonic()) < self._next_turn:
            self._ring()

    def _survey(self, now: float) -> None:
        """Ask which tasks are alive, once every interval."""
        if now < self._next_survey or not self._surveys:
            return
        for alive in self._surveys:
            self._register.survey(alive(), now)
        self._next_survey = now + self._poll.interval

    async def _rest_until(self, when: float) -> None:
        """Rest until then, or until the bell rings."""
        bell = self._bell
        if bell is None:
            return
        alarm = asyncio.get_running_loop().call_at(when, bell.set) if when < math.inf else None
        try:
            await bell.wait()
        finally:
            if alarm is not None:
                alarm.cancel()
        bell.clear()
