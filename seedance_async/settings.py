"""Settings: frozen, keyword-only, checked at once with the reason in the message."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from attrs import Attribute, field, frozen

from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

__all__ = [
    "ARK",
    "BYTEPLUS",
    "KKIAI",
    "AccountLimits",
    "Budget",
    "PollPolicy",
    "RetryPolicy",
    "SharedLimiter",
    "Timeouts",
]

KKIAI = "https://www.kkiai.com/volc/v1"
"""The gateway kkiai, models 1.x (the default)."""
ARK = "https://ark.cn-beijing.volces.com/api/v3"
"""Volcengine Ark, Beijing (``doubao-`` model ids)."""
BYTEPLUS = "https://ark.ap-southeast.bytepluses.com/api/v3"
"""BytePlus ModelArk, AP (``dreamina-`` and ``seedance-`` model ids)."""


def _between(
    low: float, high: float = math.inf, *, unit: str = ""
) -> Callable[[object, Attribute[float], float], None]:
    """Make a validator: a finite number from low to high; infinity is allowed where high is infinite."""

    def check(_: object, attribute: Attribute[float], value: float) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or math.isnan(value) or not low <= value <= high:
            limit = f"must be a number from {low} to {high}{' ' + unit if unit else ''}"
            raise InvalidRequest(field=attribute.name, value=value, limit=limit)

    return check


def _finite(_: object, attribute: Attribute[float], value: float) -> None:
    """Refuse infinity: whether a lost POST is a task is told from when it can last have been accepted."""
    if math.isinf(value):
        limit = "must be finite; without an end to it a lost submit could never be proven absent"
        raise InvalidRequest(field=attribute.name, value=value, limit=limit)


def _whole(low: int, high: float = math.inf) -> Callable[[object, Attribute[int], int], None]:
    """Make a validator: a whole number from low to high."""

    def check(_: object, attribute: Attribute[int], value: int) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            limit = f"must be a whole number from {low} to {high}"
            raise InvalidRequest(field=attribute.name, value=value, limit=limit)

    return check


def _flag(_: object, attribute: Attribute[bool], value: bool) -> None:  # noqa: FBT001 - signature given by attrs
    """Refuse anything but True and False; a truthy string is a mistake."""
    if not isinstance(value, bool):
        raise InvalidRequest(field=attribute.name, value=value, limit="must be True or False")


@frozen(kw_only=True)
class Timeouts:
    """How long one HTTP exchange may take, in seconds.

    Attributes:
        request: a whole API exchange, connecting and body included; finite. Creates with base64 images take
            tens of seconds.
        connect: until the connection stands; finite. Ends surely before anything was sent.
        download_idle: longest pause between two chunks of a video.
        cancel: how long a submit that is cancelled while its POST is out may still wait to learn its
            task's id.
    """

    request: float = field(default=120.0, validator=[_between(0.001, unit="s"), _finite])
    connect: float = field(default=15.0, validator=[_between(0.001, unit="s"), _finite])
    download_idle: float = field(default=60.0, validator=_between(0.001, unit="s"))
    cancel: float = field(default=2.0, validator=_between(0.0, unit="s"))


@frozen(kw_only=True)
class RetryPolicy:
    """How often and how long a call is repeated, and what happens to a submit whose answer got lost.

    The wait before repeat *n* is drawn evenly from 0 to ``min(wait_max, wait_initial * 2**(n-1))`` seconds
    (full jitter); a ``Retry-After`` of the server counts as the least wait.

    Attributes:
        attempts: how often a call is sent at most, the first time included.
        budget: seconds after the first attempt within which a repeat may still start.
        wait_initial: seconds, upper bound of the first wait.
        wait_max: seconds, upper bound of every wait.
        retry_after_max: seconds; a server that asks to wait longer than this is not waited for.
        on_uncertain: ``"reconcile"`` looks for the lost task, ``"raise"`` raises SubmitUncertain at once.
        fingerprint: whether submits carry an ``execution_expires_after`` of their own.
        settling: seconds after a lost answer before "it is not there" may count as proof.
        looks: how many listings must agree that the task is not there.
        reconcile_budget: seconds to look for one lost task; bare records may not tell before the task ends.
    """

    attempts: int = field(default=10, validator=_whole(1))
    budget: float = field(default=300.0, validator=_between(0.0, unit="s"))
    wait_initial: float = field(default=0.5, validator=_between(0.0, unit="s"))
    wait_max: float = field(default=30.0, validator=_between(0.0, unit="s"))
    retry_after_max: float = field(default=120.0, validator=_between(0.0, unit="s"))
    on_uncertain: Literal["reconcile", "raise"] = "reconcile"
    fingerprint: bool = field(default=True, validator=_flag)
    settling: float = field(default=20.0, validator=_between(0.0, unit="s"))
    looks: int = field(default=3, validator=_whole(1))
    reconcile_budget: float = field(default=1800.0, validator=_between(0.0, unit="s"))

    def __attrs_post_init__(self) -> None:
        if self.on_uncertain not in {"reconcile", "raise"}:
            raise InvalidRequest(
                field="on_uncertain", value=self.on_uncertain, limit="must be 'reconcile' or 'raise'"
            )


@frozen(kw_only=True)
class PollPolicy:
    """How the watcher looks at tasks in flight.

    Attributes:
        interval: seconds between two looks at the same running task, while the quotas allow it.
        max_interval: seconds, upper bound that the interval grows to for tasks that are old or still queued.
        not_found_grace: seconds for which the server must go on saying "no such task" before it is believed;
            a look that shows the task starts them anew.
        list_retry: seconds after which a server whose list did not work is asked again.
    """

    interval: float = field(default=3.0, validator=_between(0.01, unit="s"))
    max_interval: float = field(default=30.0, validator=_between(0.01, unit="s"))
    not_found_grace: float = field(default=60.0, validator=_between(0.0, unit="s"))
    list_retry: float = field(default=300.0, validator=_between(1.0, unit="s"))


@runtime_checkable
class SharedLimiter(Protocol):
    """Grants what one account may do to several processes and machines; see ``AccountLimits(shared=)``.

    A route is ``"create"``, ``"get"``, ``"list"`` or ``"delete"``. Each process asks for one turn per route
    at a time, so nobody ever waits behind more turns than there are processes. Every method may raise
    LimiterUnavailable, and may be cancelled: a lost turn does no harm, and a cancelled ``take_slot`` is
    followed by ``give_slot``.
    """

    async def turn(self, route: str) -> float:
        """Take the account's next turn; gives the seconds from now until it, 0 and up."""
        ...

    async def slow_down(self, route: str, hold: float) -> None:
        """The server said "slow down": nobody goes for ``hold`` seconds, and then at half the pace."""

    async def take_slot(self, key: str) -> bool:
        """Count the job as alive if there is room, or if it is counted already; never waits for room."""
        ...

    async def give_slot(self, key: str) -> None:
        """Count the job no more; one that is not counted does nothing."""


def _limiter(_: object, attribute: Attribute[SharedLimiter | None], value: SharedLimiter | None) -> None:
    """Refuse what is no limiter, before anything is sent."""
    if value is not None and not isinstance(value, SharedLimiter):
        limit = "must have the methods of seedance_async.settings.SharedLimiter"
        raise InvalidRequest(field=attribute.name, value=type(value).__name__, limit=limit)


@frozen(kw_only=True, eq=False)
class AccountLimits:
    """What one account may do (api docs: quotas); share one instance between sessions of the same account.

    Two sessions that hold the same instance share its counters; two equal instances do not.

    Attributes:
        creates_per_minute: accepted submits per minute.
        max_alive: tasks alive at the server at once; further submits wait for a slot.
        gets_per_second: looks at single tasks.
        lists_per_second: list calls.
        deletes_per_second: cancels and deletes.
        shared: grants turns and slots to all machines that work on the account; None when this process is
            alone. The figures above then bound what this process takes of it.
    """

    creates_per_minute: float = field(default=600.0, validator=_between(0.01))
    max_alive: float = field(default=100.0, validator=_between(1))
    gets_per_second: float = field(default=20.0, validator=_between(0.001))
    lists_per_second: float = field(default=1.0, validator=_between(0.001))
    deletes_per_second: float = field(default=20.0, validator=_between(0.001))
    shared: SharedLimiter | None = field(default=None, validator=_limiter, repr=False)

    @classmethod
    def enterprise(cls) -> AccountLimits:
        """Limits of an enterprise account: 600 creates a minute, 100 tasks alive."""
        return cls()

    @classmethod
    def individual(cls) -> AccountLimits:
        """Limits of an individual account: 180 creates a minute; 3 run at once, the others queue."""
        return cls(creates_per_minute=180.0, max_alive=30)

    @classmethod
    def unlimited(cls) -> AccountLimits:
        """No limits, for a server of your own."""
        inf = math.inf
        return cls(
            creates_per_minute=inf,
            max_alive=inf,
            gets_per_second=inf,
            lists_per_second=inf,
            deletes_per_second=inf,
        )


@frozen(kw_only=True, eq=False)
class Budget:
    """The most that may be spent; share one instance between calls that share the money.

    Attributes:
        tokens: tokens that may be billed, or None for no cap.
        cost: money that may be billed, in the currency of ``prices``, or None for no cap.
        prices: price table; None takes the dated list of :mod:`seedance_async.prices`.
    """

    tokens: int | None = None
    cost: Decimal | float | None = None
    prices: object | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("tokens", "cost"):
            value = getattr(self, name)
            if value is not None and not _is_amount(value):
                raise InvalidRequest(
                    field=name, value=value, limit="must be a finite number from 0 up, or None"
                )


def _is_amount(value: object) -> bool:
    """Tell whether a value is a number that money or tokens can be counted in."""
    from decimal import Decimal

    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    return math.isfinite(value) and value >= 0
