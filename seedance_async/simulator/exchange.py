"""Requests and answers as values, free of sockets, and the fate that an answer may meet on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seedance_async.simulator.footage import Footage

Ending = Literal["send", "reset", "eof", "hang", "slow", "short"]
"""How an answer ends: whole, TCP reset, silent close, never, drop by drop, or short of its length."""

JSON_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


@frozen(kw_only=True)
class SimRequest:
    """One HTTP request.

    Args:
        method: Upper-case method.
        path: The raw path as sent, percent-escapes kept, without the query.
        query: Query pairs in their order, repeated keys kept.
        headers: Case-insensitive mapping, or one with lower-case keys.
        body: The whole body.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(factory=dict[str, str])
    body: bytes = b""

    def param(self, name: str) -> str | None:
        """The first value of a query parameter, or None."""
        return next((value for key, value in self.query if key == name), None)

    def params(self, name: str) -> list[str]:
        """Every value of a repeated query parameter."""
        return [value for key, value in self.query if key == name]


def pairs_of(query: str) -> tuple[tuple[str, str], ...]:
    """Read the query of a URL, over sockets and within a process alike; a blank value is one, too."""
    return tuple(parse_qsl(query, keep_blank_values=True))


@frozen(kw_only=True)
class Fate:
    """What happens to an answer between the server and the client.

    Args:
        ending: See `Ending`.
        delay: Seconds before anything is sent.
        seconds: Seconds over which a slow body is spread.
        again: The request has not been handled at all; handle it with `SimulatedServer.answer` after `delay`.
    """

    ending: Ending = "send"
    delay: float = 0.0
    seconds: float = 0.0
    again: bool = False


SENT = Fate()


@frozen(kw_only=True)
class SimAnswer:
    """One HTTP answer.

    Args:
        status: HTTP status.
        headers: Headers; Content-Length is left to whoever sends it.
        body: The body; empty while `footage` has still to be loaded.
        fate: What happens on the way.
        footage: The video or still to load, if this is one.
        spoiled: The fault that still has to be done to the loaded footage.
    """

    status: int
    headers: Mapping[str, str] = field(factory=dict[str, str])
    body: bytes = b""
    fate: Fate = SENT
    footage: Footage | None = None
    spoiled: str = ""

    def with_fate(self, fate: Fate) -> SimAnswer:
        """The same answer on another way."""
        return evolve(self, fate=fate)
