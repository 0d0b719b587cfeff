"""Faults as data: what goes wrong, on which route, at which request, and what the client then sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from attrs import Factory, define, field, frozen

from seedance_async.simulator.behaviour import check_switches
from seedance_async.simulator.checks import one_of, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from random import Random

    from attrs import Attribute

FaultKind = Literal[
    "reset",
    "eof",
    "hang",
    "late",
    "status",
    "html",
    "truncated",
    "bad_utf8",
    "empty",
    "slow_body",
    "wrong_length",
    "list_body",
    "string_error",
    "short_file",
    "corrupt_file",
    "expired_url",
    "duplicate",
    "forged",
    "switched",
]
RouteName = Literal["create", "get", "list", "delete", "video", "callback", "any"]

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
"""All kinds."""

_ROUTES: tuple[RouteName, ...] = get_args(RouteName)
_VIDEO: tuple[RouteName, ...] = ("video",)
_CALLBACK: tuple[RouteName, ...] = ("callback",)
_PLACES: Mapping[FaultKind, tuple[RouteName, ...]] = {
    "short_file": _VIDEO,
    "corrupt_file": _VIDEO,
    "expired_url": _VIDEO,
    "duplicate": _CALLBACK,
    "forged": _CALLBACK,
}
"""Where a kind belongs that does not belong everywhere; its first place is its default."""


def _listed(numbers: int | Iterable[int] | None) -> tuple[int, ...] | None:
    """One request number as a tuple of one."""
    if numbers is None:
        return None
    return (numbers,) if isinstance(numbers, int) else tuple(numbers)


def _usual_route(fault: Fault) -> RouteName:
    """The only place of a kind, or else create."""
    return _PLACES.get(fault.kind, ("create",))[0]


def _fitting(fault: Fault, _attribute: Attribute[Any], route: RouteName) -> None:
    """A kind that belongs to one route is not armed on another."""
    places = _PLACES.get(fault.kind)
    if places is not None and route not in places:
        raise ValueError(f"route must be {places[0]} for the kind {fault.kind}, got {route!r}")


def _from_one(_fault: Fault, _attribute: Attribute[Any], numbers: tuple[int, ...] | None) -> None:
    """Requests are counted from 1, and a list names one at least."""
    if numbers is not None and min(numbers, default=0) < 1:
        raise ValueError(f"nth must be numbers of at least 1, got {numbers}")


def _known(fault: Fault, _attribute: Attribute[Any], switches: Mapping[str, object]) -> None:
    """Switches belong to `switched`, and are those of a behaviour."""
    if (fault.kind == "switched") != bool(switches):
        raise ValueError(f"switches must be given for the kind switched and no other, got {dict(switches)!r}")
    check_switches(switches)


@frozen
class Fault:
    """One thing that goes wrong.

    Args:
        kind: What the client meets. Ways: `reset`, `eof`, `hang`, `late` (a whole answer `seconds` late),
            `slow_body` (it takes `seconds`), `wrong_length` (it ends before its Content-Length).
            Answers: `status`, `html`, `truncated` (cut in half), `bad_utf8`, `empty`, `list_body`,
            `string_error`. Videos: `short_file` and `corrupt_file` (the stored file is so, in every range of
            it), `expired_url`. Callbacks, where any other kind loses a delivery: `duplicate`, `forged`.
            `switched`: the request is answered under other `switches`.
        route: Where: create, get, list, delete, video, callback, or any. Default: create, but for the kinds
            that belong to videos or callbacks.
        when: `before`: the request has no effect (nothing is created or deleted); `after`: it has its effect
            and then its answer is spoiled. A `late` fault `before` takes effect only after `seconds`, even
            when the client has gone; a `slow_body` has its effect in either case.
        nth: Numbers (from 1) of requests on that route since the fault was added; `times` is then ignored.
        times: How often in all; None (in data: `always`): no end.
        probability: Chance at each request, 0 to 1, drawn from the simulator's seed.
        status: Status of `status`, `html`, `string_error`, `list_body`; default 500, 502, 500, 200.
        code: `error.code` of a `status` answer; default: a usual one for the status.
        message: `error.message`, likewise.
        seconds: For `late` and `slow_body`.
        retry_after: `Retry-After` header, in seconds or as an HTTP date.
        switches: For `switched`: fields of `Behaviour`, by name, as they are while this request is answered.
    """

    kind: FaultKind = field(validator=one_of(KINDS))
    route: RouteName = field(
        default=Factory(_usual_route, takes_self=True), kw_only=True, validator=[one_of(_ROUTES), _fitting]
    )
    when: Literal["before", "after"] = field(
        default="before", kw_only=True, validator=one_of(("before", "after"))
    )
    nth: tuple[int, ...] | None = field(default=None, kw_only=True, converter=_listed, validator=_from_one)
    times: int | None = field(default=1, kw_only=True, validator=within(1))
    probability: float | None = field(default=None, kw_only=True, validator=within(0, 1))
    status: int | None = field(default=None, kw_only=True, validator=within(200, 599))
    code: str = field(default="", kw_only=True)
    message: str = field(default="", kw_only=True)
    seconds: float = field(default=1.0, kw_only=True, validator=within(0))
    retry_after: float | str | None = field(default=None, kw_only=True)
    switches: Mapping[str, object] = field(
        factory=dict[str, object], kw_only=True, hash=False, validator=_known
    )


@define
class _Armed:
    """A fault with what is left of it."""

    fault: Fault
    seen: int = 0
    fired: int = 0

    def fires(self, random: Random) -> bool:
        """Decide about the request that was counted last."""
        fault = self.fault
        if fault.nth is not None:
            hit = self.seen in fault.nth
        else:
            hit = fault.times is None or self.fired < fault.times
        if hit and fault.probability is not None:
            hit = random.random() < fault.probability
        self.fired += hit
        return hit

    @property
    def spent(self) -> bool:
        """Whether it can never fire again."""
        fault = self.fault
        if fault.nth is not None:
            return self.seen >= max(fault.nth, default=0)
        return fault.times is not None and self.fired >= fault.times


@define
class FaultBook:
    """The faults that are armed, in the order in which they were added; the first that fires wins."""

    random: Random
    _armed: list[_Armed] = field(factory=list[_Armed])

    def add(self, fault: Fault) -> None:
        """Arm one more."""
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    @property
    def armed(self) -> tuple[Fault, ...]:
        """The faults that can still fire."""
        return tuple(one.fault for one in self._armed)

    @property
    def fired(self) -> tuple[int, ...]:
        """How often each of the armed faults has fired."""
        return tuple(one.fired for one in self._armed)

    def pick(self, route: str) -> Fault | None:
        """Count a request on the route and return the fault that strikes it, if any."""
        if not self._armed:
            return None
        here = [one for one in self._armed if one.fault.route in (route, "any")]
        for one in here:
            one.seen += 1
        hit = next((one.fault for one in here if one.fires(self.random)), None)
        self._armed = [one for one in self._armed if not one.spent]
        return hit
