"""Which route a request means: API routes under every mounted prefix, and videos."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from attrs import frozen

from seedance_async.simulator.links import VIDEO_PREFIX

if TYPE_CHECKING:
    from seedance_async.simulator.behaviour import Behaviour
    from seedance_async.simulator.exchange import SimRequest

TAIL = "/contents/generations/tasks"

_COLLECTION = {"POST": "create", "GET": "list"}
_ITEM = {"GET": "get", "DELETE": "delete"}


@frozen(kw_only=True)
class Route:
    """Where a request goes.

    Args:
        name: create, get, list, delete, video, or nothing for an unknown path.
        prefix: The mounted prefix, for API routes.
        subject: Task id or file name, percent-decoded.
    """

    name: str
    prefix: str = ""
    subject: str = ""


_UNKNOWN = Route(name="")


def route_of(request: SimRequest, behaviour: Behaviour) -> Route:
    """Find the route of a request.

    POST to a path below a task falls into the create handler, as the real server does (live).
    """
    path = request.path
    if path.startswith(VIDEO_PREFIX):
        known = request.method in ("GET", "HEAD")
        return Route(name="video", subject=unquote(path.removeprefix(VIDEO_PREFIX))) if known else _UNKNOWN
    prefix, found, rest = path.partition(TAIL)
    if not found or prefix not in behaviour.mounts:
        return _UNKNOWN
    if rest in ("", "/"):
        return Route(name=_COLLECTION.get(request.method, ""), prefix=prefix)
    if not rest.startswith("/"):
        return _UNKNOWN
    return _below(request.method, prefix, rest.removeprefix("/"))


def _below(method: str, prefix: str, rest: str) -> Route:
    """A path below the collection: one task, or something that does not exist."""
    if method == "POST":
        return Route(name="create", prefix=prefix)
    if "/" in rest:
        return _UNKNOWN
    return Route(name=_ITEM.get(method, ""), prefix=prefix, subject=unquote(rest))
