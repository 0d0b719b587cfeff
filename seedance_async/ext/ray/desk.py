"""The limits of one account for a whole cluster: what the limiter actor does, without Ray.

Workers may vanish at any moment, and so may the desk itself:

* each worker renews a lease and says with it which slots it holds. The slots of a worker whose lease has run
  out stay counted for a while, because their tasks may be alive and another worker is going to take them up.
* a desk that replaces a lost one knows nothing. It lets one gap of each pace pass, and gives no new slot
  until every worker had the time to renew: so no turn is given twice, and no task is forgotten.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async._wire import clock
from seedance_async.ext.ray.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Collection

    from seedance_async.settings import AccountLimits

__all__ = ["LEASE_SECONDS", "ORPHAN_SECONDS", "RENEW_SECONDS", "AccountDesk", "numbers_of"]

RENEW_SECONDS: Final = 2.0
"""How often a worker renews its lease."""
LEASE_SECONDS: Final = 15.0
"""A worker that has not renewed for so long is taken for dead."""
ORPHAN_SECONDS: Final = 900.0
"""For so long the slots of a dead worker stay counted, unless somebody takes them up or gives them back."""
_LONGEST_GAP: Final = 60.0


@define(eq=False)
class _Lease:
    """What one worker has.

    Attributes:
        until: when it runs out.
        keys: jobs whose slots it holds.
    """

    until: float
    keys: set[str] = field(factory=set[str])


class AccountDesk:
    """One account's counters.  Its methods are coroutines, so that all run on one loop and never at once.

    Args:
        limits: what the account may do.
        replacing: whether an earlier desk of this account was lost.
    """

    def __init__(self, limits: AccountLimits, *, replacing: bool = False) -> None:
        self._limits = numbers_of(limits)
        self._turns = {
            "create": Turns(per_second=limits.creates_per_minute / 60.0),
            "get": Turns(per_second=limits.gets_per_second),
            "list": Turns(per_second=limits.lists_per_second),
            "delete": Turns(per_second=limits.deletes_per_second),
        }
        self._most = limits.max_alive
        self._slots: dict[str, str] = {}
        self._leases: dict[str, _Lease] = {}
        self._orphans: dict[str, float] = {}
        self._replacing = replacing
        self._slots_from = -math.inf
        self._meetings: dict[str, str] = {}

    async def limits(self) -> dict[str, float]:
        """Say what the account may do."""
        return self._limits

    async def turn(self, owner: str, route: str) -> float:
        """Take the account's next turn; gives the seconds until it.

        Args:
            owner: the worker.
            route: ``create``, ``get``, ``list`` or ``delete``.
        """
        now = self._now()
        self._lease(owner, now)
        return self._turns[route].take(now)

    async def slow_down(self, route: str, hold: float) -> None:
        """A 429 came: no turn for ``hold`` seconds, and half the pace."""
        self._turns[route].slow_down(self._now(), hold)

    async def take_slot(self, owner: str, key: str) -> bool:
        """Count a job as alive if there is room; one that is counted already has its slot."""
        now = self._now()
        if key not in self._slots and (now < self._slots_from or self._full(now)):
            return False
        self._give_to(owner, key, now)
        return True

    async def give_slot(self, key: str) -> None:
        """Count a job no longer; unknown keys do nothing."""
        self._orphans.pop(key, None)
        lease = self._leases.get(self._slots.pop(key, ""))
        if lease is not None:
            lease.keys.discard(key)

    async def renew(self, owner: str, keys: Collection[str]) -> None:
        """Prolong a worker's lease.

        Args:
            owner: the worker.
            keys: jobs whose slots it holds. One that is unknown here is counted from now on, whatever the
                limit: a task is alive.
        """
        now = self._now()
        for key in keys:
            self._give_to(owner, key, now)
        self._bury_the_dead(now)

    async def leave(self, owner: str) -> None:
        """Let a worker go that has nothing more to do; what it still holds is left to others."""
        lease = self._leases.get(owner)
        if lease is not None:
            lease.until = -math.inf
            self._bury_the_dead(self._now())

    async def meet(self, place: str, word: str) -> str:
        """Agree on one word for a place: the first one that comes says it, the others get it."""
        return self._meetings.setdefault(place, word)

    async def alive(self) -> int:
        """How many slots are out."""
        return len(self._slots)

    def _full(self, now: float) -> bool:
        """Whether there is no slot left, those of the long dead not counted."""
        if len(self._slots) + 1 > self._most:
            self._bury_the_dead(now)
        return len(self._slots) + 1 > self._most

    def _give_to(self, owner: str, key: str, now: float) -> None:
        """Count a job for a worker, whoever had it before."""
        before = self._leases.get(self._slots.get(key, ""))
        if before is not None:
            before.keys.discard(key)
        self._orphans.pop(key, None)
        self._slots[key] = owner
        self._lease(owner, now).keys.add(key)

    def _bury_the_dead(self, now: float) -> None:
        """Turn slots of dead workers into orphans, and forget orphans that nobody wants."""
        for owner in [owner for owner, lease in self._leases.items() if lease.until <= now]:
            for key in self._leases.pop(owner).keys:
                self._orphans[key] = now + ORPHAN_SECONDS
        for key in [key for key, until in self._orphans.items() if until <= now]:
            del self._orphans[key]
            self._slots.pop(key, None)

    def _lease(self, owner: str, now: float) -> _Lease:
        """Give a worker's lease; whoever calls is alive."""
        lease = self._leases.setdefault(owner, _Lease(now))
        lease.until = now + LEASE_SECONDS
        return lease

    def _now(self) -> float:
        """Ask the clock, which needs the loop that runs the calls; a replaced desk begins with the first."""
        now = clock.monotonic()
        if self._replacing:
            self._replacing = False
            self._slots_from = now + RENEW_SECONDS * 2
            for turns in self._turns.values():
                turns.hold(now + min(turns.gap, _LONGEST_GAP))
        return now

    def __repr__(self) -> str:
        return f"<AccountDesk {len(self._leases)} workers, {len(self._slots)} of {self._most:g} slots out>"


def numbers_of(limits: AccountLimits) -> dict[str, float]:
    """Give the limits as numbers: two instances are never equal."""
    return {
        "creates_per_minute": limits.creates_per_minute,
        "max_alive": limits.max_alive,
        "gets_per_second": limits.gets_per_second,
        "lists_per_second": limits.lists_per_second,
        "deletes_per_second": limits.deletes_per_second,
    }
