"""One HTTP exchange as plain values: what goes out, what comes back, which route it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Route", "WireRequest", "WireResponse"]


@frozen(kw_only=True)
class Route:
    """One row of the API: what it is called, and whether it may be repeated when its answer is missing."""

    name: str
    method: str
    path: str
    repeatable: bool
    paid: bool = False


@frozen(kw_only=True)
class WireRequest:
    """What goes out, without host and key.

    The path is quoted; the query is form-encoded (``urllib.parse.parse_qsl`` reads it), without the question
    mark, and empty where there is none. Both go into the URL as they are.
    """

    route: Route
    path: str
    query: str = ""
    body: bytes | None = field(default=None, repr=False)


@frozen(kw_only=True)
class WireResponse:
    """What came back; header names are lower-case, or found in any case.

    ``received_at`` is Unix seconds on our clock, ``seconds`` the length of the whole exchange.
    """

    status: int
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)
    received_at: float = 0.0
    seconds: float = 0.0
