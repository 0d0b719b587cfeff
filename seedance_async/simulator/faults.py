"""Faults as data: what goes wrong, on which route, at which request, and what the client then sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import define, evolve, field, frozen

from seedance_async.simulator.checks import one_of, within
from seedance_async.simulator.exchange import JSON_HEADERS, Fate, SimAnswer
from seedance_async.simulator.jsons import encode
from seedance_async.simulator.refusals import TYPES

if TYPE_CHECKING:
    from random import Random

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
]
RouteName = Literal["create", "get", "list", "delete", "video", "callback", "any"]

KINDS: tuple[FaultKind, ...] = (
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
)
_ROUTES = ("create", "get", "list", "delete", "video", "callback", "any")

_CODES = {
    400: ("InvalidParameter", "The parameter specified in the request is not valid."),
    401: ("AuthenticationError", "The API key or AK/SK in the request is missing or invalid."),
    403: ("AccessDenied", "The request failed because you do not have access to the requested resource."),
    404: ("ResourceNotFound", "The requested resource does not exist or you do not have access to it."),
    408: ("RequestTimeout", "The request timed out."),
    429: (
        "ServerOverloaded",
        "The service is currently unable to handle additional requests due to server overload.",
    ),
}
_INTERNAL = ("InternalServiceError", "The service encountered an unexpected internal error.")
_PAGE = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body>\r\n</html>\r\n"
)


def _listed(number: int | tuple[int, ...] | None) -> tuple[int, ...] | None:
    """One request number as a tuple of one."""
    return (number,) if isinstance(number, int) else number


@frozen
class Fault:
    """One thing that goes wrong.

    Args:
        kind: What the client meets. `late`: a whole answer `seconds` late. `truncated`: the body cut in half.
            `wrong_length`: the body ends before its Content-Length. `slow_body`: it takes `seconds`.
        route: Where: create, get, list, delete, video, callback, or any.
        when: `before`: the request has no effect (nothing is created or deleted); `after`: it has its effect
            and then its answer is spoiled. A `late` fault `before` takes effect only after `seconds`, even
            when the client has gone.
        nth: Numbers (from 1) of requests on that route since the fault was added; `times` is then ignored.
        times: How often in all; None: no end.
        probability: Chance at each request, 0 to 1, drawn from the simulator's seed.
        status: Status of `status`, `html`, `string_error`, `list_body`; default 500, 502, 500, 200.
        code: `error.code` of a `status` answer; default: a usual one for the status.
        message: `error.message`, likewise.
        seconds: For `late` and `slow_body`.
        retry_after: `Retry-After` header, in seconds or as an HTTP date.
    """

    kind: FaultKind = field(validator=one_of(KINDS))
    route: RouteName = field(default="create", kw_only=True, validator=one_of(_ROUTES))
    when: Literal["before", "after"] = field(
        default="before", kw_only=True, validator=one_of(("before", "after"))
    )
    nth: tuple[int, ...] | None = field(default=None, kw_only=True, converter=_listed)
    times: int | None = field(default=1, kw_only=True, validator=within(1))
    probability: float | None = field(default=None, kw_only=True, validator=within(0, 1))
    status: int | None = field(default=None, kw_only=True)
    code: str = field(default="", kw_only=True)
    message: str = field(default="", kw_only=True)
    seconds: float = field(default=1.0, kw_only=True, validator=within(0))
    retry_after: float | str | None = field(default=None, kw_only=True)


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
        return tuple(one.fault for one in self._armed if not one.spent)

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


def _error_body(fault: Fault, request_id: str) -> bytes:
    """The JSON error of a `status` fault."""
    status = fault.status or 500
    code, message = _CODES.get(status, _INTERNAL)
    text = f"{fault.message or message} Request id: {request_id}"
    error = {
        "code": fault.code or code,
        "message": text,
        "param": "",
        "type": TYPES.get(status, "InternalServerError"),
    }
    return encode({"error": error})


def _replaced(fault: Fault, answer: SimAnswer) -> tuple[int, str, bytes]:
    """Status, content type and body of the kinds that put another answer in place of the real one."""
    json_type = JSON_HEADERS["Content-Type"]
    if fault.kind == "html":
        status = fault.status or 502
        return status, "text/html", _PAGE.format(status).encode()
    if fault.kind == "list_body":
        return fault.status or 200, json_type, b"[" + (answer.body or b"{}") + b"]"
    if fault.kind == "string_error":
        return fault.status or 500, json_type, encode({"error": fault.message or "upstream error"})
    return fault.status or 500, json_type, _error_body(fault, answer.headers.get("x-request-id", ""))


def _fate(fault: Fault) -> Fate:
    """The way of the answer for the kinds that spoil the way."""
    if fault.kind == "late":
        return Fate(delay=fault.seconds)
    if fault.kind == "slow_body":
        return Fate(ending="slow", seconds=fault.seconds)
    if fault.kind == "wrong_length":
        return Fate(ending="short")
    endings: dict[str, Literal["reset", "eof", "hang"]] = {"reset": "reset", "eof": "eof", "hang": "hang"}
    return Fate(ending=endings[fault.kind])


def spoil_body(kind: str, body: bytes) -> bytes:
    """The body after `truncated`, `bad_utf8` or `empty`; used once media are loaded as well."""
    if kind == "truncated":
        return body[: max(1, len(body) // 2)]
    if kind == "bad_utf8":
        middle = len(body) // 2
        return body[:middle] + b"\xff\xfe\x80" + body[middle:]
    return b""


def spoil(fault: Fault, answer: SimAnswer) -> SimAnswer:
    """The answer as the client meets it.

    Media keep their footage here; whoever loads it applies `spoil_body` through `SimAnswer.spoiled`.
    """
    if fault.kind in ("truncated", "bad_utf8", "empty"):
        return evolve(answer, body=spoil_body(fault.kind, answer.body), spoiled=fault.kind)
    if fault.kind in ("status", "html", "list_body", "string_error"):
        status, content_type, body = _replaced(fault, answer)
        headers = {**answer.headers, "Content-Type": content_type}
        if fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
        return evolve(answer, status=status, headers=headers, body=body, footage=None)
    return answer.with_fate(_fate(fault))
