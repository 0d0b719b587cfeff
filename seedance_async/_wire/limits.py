"""What one account may do: one :class:`Account` for all sessions that share an AccountLimits in one loop.

The way of a submit: a slot (outside the retry), then for every POST :meth:`Account.admit` (inside it), then
one of ``accepted``, ``slow_down`` or ``stop`` with what the server said.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Final

from seedance_async._wire import clock
from seedance_async._wire.breaker import Breaker
from seedance_async._wire.errands import Errands
from seedance_async._wire.pace import Pace
from seedance_async._wire.slots import Slot, Slots
from seedance_async.errors import QueueFull
from seedance_async.events import BreakerOpened, PaceLowered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from seedance_async.errors import QuotaExhausted, RateLimited
    from seedance_async.events import Observer
    from seedance_async.settings import AccountLimits, SharedLimiter

__all__ = ["Account", "Breaker", "Pace", "Slot", "Slots", "account_for"]

_QUEUE_FULL_HOLD: Final = 15.0
_FIRST_HOLD: Final = 1.0
_MOST_DOUBLINGS: Final = 5
# A server that asks for more is asked again after this long: an hour must not pass in silence.
_LONGEST_HOLD: Final = 120.0
# One request in a window of one second leaves no room for the network's jitter.
_LIST_MARGIN: Final = 0.98
# Seconds until a full account is asked again whether a slot is free: other machines do not call.
_ASK_AGAIN: Final = 0.5


class Account:
    """The counters of one account.

    Attributes:
        slots: tasks alive at the server.
        creates: pace of submits; ramps up at the start, see :mod:`seedance_async._wire.ramp`.
        gets: pace of looks at single tasks.
        lists: pace of list calls; 2 % below the limit.
        deletes: pace of cancels and deletes.
        breaker: open after the server said "stop".
        shared: grants turns and slots to several processes, or None where this one is alone.
        errands: what the shared limiter is told without waiting for it.
    """

    def __init__(self, limits: AccountLimits) -> None:
        # It keeps the numbers and not `limits`: account_for() could never forget a key that its value holds.
        self.breaker = Breaker()
        self.shared = limits.shared
        self.errands = Errands()
        self.creates = self._pace("create", limits.creates_per_minute / 60.0, ramp=True)
        self.gets = self._pace("get", limits.gets_per_second)
        self.lists = self._pace("list", limits.lists_per_second * _LIST_MARGIN)
        self.deletes = self._pace("delete", limits.deletes_per_second)
        self.slots = Slots(
            limits.max_alive,
            gate=self.breaker.check,
            room=self.creates.let_one_go,
            taken=lambda key: self._tell(lambda shared: shared.take_slot(key)),
            given=lambda key: self._tell(lambda shared: shared.give_slot(key)),
        )
        self._strikes = 0
        self._asking = asyncio.Lock()

    def _pace(self, route: str, per_second: float, *, ramp: bool = False) -> Pace:
        """Make the pace of a route; a shared limiter is asked for each turn and hears of each hold."""
        if self.shared is None:
            return Pace(per_second, ramp=ramp)
        return Pace(
            per_second,
            ramp=ramp,
            turn=partial(self.shared.turn, route),
            told=lambda seconds: self._tell(lambda shared: shared.slow_down(route, seconds)),
        )

    def _tell(self, what: Callable[[SharedLimiter], Awaitable[object]]) -> None:
        """Tell the shared limiter something without waiting for it."""
        shared = self.shared
        if shared is not None:
            self.errands.run(lambda: what(shared))

    async def share(self, slot: Slot, key: str, *, wait: bool = True) -> bool:
        """Let a slot count among all machines too; one that cannot be had is given back.

        Args:
            slot: a slot of this process, not bound yet.
            key: names the job; a job that counts already, tried again elsewhere, counts once.
            wait: ask again until there is room.

        Returns:
            Whether it counts.

        Raises:
            LimiterUnavailable: nobody can tell.
            QuotaExhausted: the account was told to stop.
        """
        if self.shared is None:
            return True
        slot.key = key
        try:
            async with self._asking:
                await self.errands.done()
                while not await self.shared.take_slot(key):
                    if not wait:
                        slot.release()
                        return False
                    await clock.sleep(_ASK_AGAIN)
                    self.breaker.check()
        except BaseException:
            slot.release()
            raise
        return True

    def occupy(self, task_id: str, key: str) -> None:
        """Count a task that is alive since an earlier run; never waits, may pass the limit."""
        self._share_unasked(self.slots.occupy(task_id), key)

    def search(self, key: str) -> Slot:
        """Count a submit that is looked for: it may be alive, so that neither limit nor stop keeps it out."""
        slot = self.slots.take()
        self._share_unasked(slot, key)
        return slot

    def _share_unasked(self, slot: Slot, key: str) -> None:
        """Let a slot count among all machines, without waiting for room."""
        if self.shared is not None and not slot.key:
            slot.key = key
            self._tell(lambda shared: shared.take_slot(key))

    async def admit(self) -> None:
        """Wait until one POST may go out: first come first served, nothing is kept when cancelled.

        Raises:
            QuotaExhausted: the account was told to stop; at once, also for those who wait.
        """
        self.breaker.check()
        await self.creates.wait()
        self.breaker.enter()

    def accepted(self) -> None:
        """A submit was accepted: what was cut grows a little."""
        self._strikes = 0
        self.breaker.accepted()
        self.creates.grow()
        self.slots.grow()

    def slow_down(self, error: RateLimited, emit: Observer) -> float:
        """A submit was refused for now: slow down, for all submits of the account.

        A full queue cuts the slots to three quarters and holds the submits until a task ends (then one goes),
        at most 15 s. Any other refusal halves the pace and holds it for 1 s, doubling up to 32 s while no
        submit is accepted. ``Retry-After`` replaces these times. There is at most one cut and event a second.

        Args:
            error: what the server said; ``retry_after`` in seconds counts up to 120.
            emit: gets a PaceLowered when something was cut.

        Returns:
            Seconds that submits are held.
        """
        self.breaker.relent()
        if isinstance(error, QueueFull):
            hold = _asked(error, _QUEUE_FULL_HOLD)
            lowered = self.slots.shrink()
            self.creates.hold_for_room(hold)
        else:
            lowered = self.creates.cut()
            self._strikes += lowered
            hold = _asked(error, _FIRST_HOLD * 2.0 ** min(max(self._strikes - 1, 0), _MOST_DOUBLINGS))
            self.creates.hold(hold)
        if lowered:
            emit(PaceLowered(per_minute=self.creates.rate * 60.0, hold=hold, code=error.code))
        return hold

    def stop(self, error: QuotaExhausted, emit: Observer) -> None:
        """A submit was refused for good: all fail at once, waiting ones too, until a probe is accepted.

        Args:
            error: what the server said; everybody gets a copy.
            emit: gets one BreakerOpened for each time that the breaker opens.
        """
        if not self.breaker.open(error):
            return
        self.creates.fail_waiting(self.breaker.refusal)
        self.slots.fail_waiting(self.breaker.refusal)
        emit(BreakerOpened(code=error.code, message=error.server_message, seconds=self.breaker.cool_down))


def _asked(error: RateLimited, otherwise: float) -> float:
    """Give the server's Retry-After in sensible bounds, or our own wait."""
    if error.retry_after is None:
        return otherwise
    return min(max(error.retry_after, 0.0), _LONGEST_HOLD)


_Accounts = weakref.WeakKeyDictionary["AccountLimits", Account]
_accounts: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Accounts] = weakref.WeakKeyDictionary()
# Loops of several threads meet here.
_lock = threading.Lock()


def account_for(limits: AccountLimits) -> Account:
    """Give the one account of these limits in the running loop.

    Args:
        limits: the instance counts, not its values.

    Returns:
        The same account for every session that holds the instance; another loop has another one, because
        futures and timers belong to one loop.

    Raises:
        RuntimeError: no event loop is running.
    """
    loop = asyncio.get_running_loop()
    with _lock:
        # An account may hold its loop (an Event does, once waited for), which the weak key alone never frees.
        for other in [known for known in _accounts if known.is_closed()]:
            del _accounts[other]
        accounts = _accounts.setdefault(loop, weakref.WeakKeyDictionary())
        account = accounts.get(limits)
        if account is None:
            account = accounts[limits] = Account(limits)
        return account
