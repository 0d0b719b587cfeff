"""Who may use the control door: programs on this machine, and the board's own page in a browser.

The Host header has to name the loopback interface (against DNS rebinding). A request that a browser sends for
a page says so in `Origin` (RFC 6454 section 7) or `Sec-Fetch-Site` (W3C Fetch Metadata): that page has to be
of this very origin, and to change anything it has to know the token that only the board holds.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seedance_async.simulator.courier import is_loopback

if TYPE_CHECKING:
    from seedance_async.simulator.exchange import SimRequest

TOKEN_HEADER = "x-board-token"  # noqa: S105 - the name of a header
_OWN_SITES = ("same-origin", "none")
_READS = ("GET", "HEAD")


class Refused(Exception):
    """The door says no: status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def check_caller(request: SimRequest, token: str) -> None:
    """Let programs and the board in.

    Raises:
        Refused: 403 for another host, page or token, 415 for a body that is not declared as JSON.
    """
    host = request.headers.get("host", "")
    if not is_loopback(urlsplit(f"//{host}").hostname):
        raise Refused(403, f"Host {host!r} is not the loopback interface")
    _check_page(request, host)
    if request.method in _READS:
        return
    if _from_browser(request):
        _check_token(request, token)
    if request.body:
        _check_type(request.headers.get("content-type", ""))


def _from_browser(request: SimRequest) -> bool:
    return "origin" in request.headers or "sec-fetch-site" in request.headers


def _check_page(request: SimRequest, host: str) -> None:
    """Refuse what another page asks for; following a link to the board is no harm."""
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host}".lower():
        raise Refused(403, f"Origin {origin!r} is another page than http://{host}")
    site = request.headers.get("sec-fetch-site", "none")
    followed = request.method in _READS and request.headers.get("sec-fetch-mode") == "navigate"
    if site not in _OWN_SITES and not followed:
        raise Refused(403, f"Sec-Fetch-Site {site!r}: a page of another origin may not use the door")


def _check_token(request: SimRequest, token: str) -> None:
    given = request.headers.get(TOKEN_HEADER, "")
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise Refused(403, "this page does not know the board's token; load the board again")


def _check_type(content_type: str) -> None:
    """A form of another page cannot declare JSON."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, f"a body has to come as Content-Type: application/json, got {content_type!r}")
