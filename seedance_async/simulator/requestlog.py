"""What the simulator remembers of requests: counts by route, and the last ones with the key redacted."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from seedance_async.simulator.auth import SHOWN

if TYPE_CHECKING:
    from seedance_async.simulator.exchange import SimRequest

_KEPT = 1000


@frozen(kw_only=True)
class SeenRequest:
    """One request as it was answered.

    Args:
        route: create, get, list, delete, video, callback, or nothing for an unknown path.
        method: HTTP method.
        path: Path without the query.
        query: Query pairs.
        status: Status of the answer as it was to be sent; 0 where no answer was given.
        key: `Bearer ***`, or nothing where there was no Authorization header.
        at: Monotonic seconds.
        fault: The fault that struck it, or nothing.
    """

    route: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int
    key: str
    at: float
    fault: str = ""


@define
class RequestLog:
    """Counts, the last requests, those to no known route, and leaks of the key."""

    counts: Counter[str] = field(factory=Counter[str])
    last: deque[SeenRequest] = field(factory=lambda: deque[SeenRequest](maxlen=_KEPT))
    leaks: list[str] = field(factory=list[str])
    strangers: deque[SeenRequest] = field(factory=lambda: deque[SeenRequest](maxlen=_KEPT))

    def note(self, route: str, request: SimRequest, status: int, now: float, fault: str = "") -> None:
        """Remember a request."""
        seen = SeenRequest(
            route=route,
            method=request.method,
            path=request.path,
            query=request.query,
            status=status,
            key=SHOWN if "authorization" in request.headers else "",
            at=now,
            fault=fault,
        )
        self.last.append(seen)
        if not route:
            self.strangers.append(seen)
