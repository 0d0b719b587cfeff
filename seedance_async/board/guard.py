"""Who may look at a board and who may press its buttons: whoever has its address, from a page of its own.

Every process and every web page on this machine can reach a port of the loopback interface. So the address
holds a token that nobody guesses, the Host header must name the loopback interface (against DNS rebinding),
and a button is pressed only by a request that a foreign page cannot make: same Origin, token in a header.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web
from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["TOKEN_HEADER", "Guard"]

TOKEN_HEADER: Final = "X-Board-Token"  # noqa: S105 - the name of a header
_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@frozen
class Guard:
    """Lets in who has the token.

    Attributes:
        token: part of the address; drawn for each board.
    """

    token: str = field(factory=lambda: secrets.token_urlsafe(24), repr=False)

    def middleware(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """Give the middleware that asks before every answer."""

        @web.middleware
        async def ask(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            self._check(request)
            return await handler(request)

        return ask

    async def dress(self, request: web.Request, response: web.StreamResponse) -> None:
        """Put the headers on every answer that keep it to this page."""
        del request
        response.headers.update(_HEADERS)

    def _check(self, request: web.Request) -> None:
        """Refuse who may not.

        Raises:
            HTTPForbidden: the request comes by way of another name or another page.
            HTTPNotFound: the address is not this board's.
        """
        if _name(f"//{request.headers.get('Host', '')}") not in _HOSTS:
            raise web.HTTPForbidden(text="This board answers on the loopback interface only.")
        if not self._fits(request.path.split("/")[1]):
            raise web.HTTPNotFound
        if request.method not in {"GET", "HEAD"} and not self._own(request):
            raise web.HTTPForbidden(text="Only the board's own page may do this.")

    def _own(self, request: web.Request) -> bool:
        """Whether the request comes from the board's own page."""
        origin, token = request.headers.get("Origin", ""), request.headers.get(TOKEN_HEADER, "")
        return origin == f"http://{request.headers['Host']}" and self._fits(token)

    def _fits(self, given: str) -> bool:
        """Compare with the token in constant time."""
        return hmac.compare_digest(given.encode(), self.token.encode())


def _name(url: str) -> str:
    """Give the host of a URL; "" for what is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
