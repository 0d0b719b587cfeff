"""The only aiohttp on the API path: requests go out over HTTP connections, and whole answers come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aiohttp
from yarl import URL

from seedance_async._wire import clock
from seedance_async._wire.exchange import WireResponse
from seedance_async.errors import InvalidRequest, SeedanceError, SessionClosed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp.abc import AbstractStreamWriter

    from seedance_async._wire.exchange import WireRequest
    from seedance_async.settings import Timeouts

__all__ = ["NEVER_SENT", "HttpCarrier"]

NEVER_SENT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)
"""Errors of aiohttp that end an exchange before anything went out."""

_LARGEST_ANSWER: Final = 64 * 1024 * 1024
_PIECE: Final = 256 * 1024


class _ReplayableError(Exception):
    """Carries a connection error past aiohttp's own replay."""

    def __init__(self, cause: aiohttp.ClientError) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def _no_replay(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Hide dropped connections from aiohttp, which would send GET and DELETE a second time by itself.

    A replayed DELETE can turn "cancel" into "erase the paid result". aiohttp 3.14,
    ``ClientSession._request``.
    """
    try:
        return await handler(request)
    except NEVER_SENT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _ReplayableError(error) from error


class _Body(aiohttp.payload.Payload):
    """The body of a request, which tells the moment at which its first byte goes out.

    Before that moment no server can have accepted the request; after it, only an answer tells. It is
    written in pieces, so that 64 MB of images neither block the loop nor draw aiohttp's warning about large
    bytes.
    """

    def __init__(self, data: bytes, departed: Callable[[], None]) -> None:
        super().__init__(data, content_type="application/json")
        self._size = len(data)
        self._departed = departed
        self.begun = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Give the body as text, as aiohttp asks of a payload."""
        return bytes(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body; from here on the request counts as sent."""
        self.begun = True
        self._departed()
        view = memoryview(self._value)
        for start in range(0, len(view), _PIECE):
            await writer.write(bytes(view[start : start + _PIECE]))


class HttpCarrier:
    """Carries requests over HTTP.

    Reads share kept-alive connections. Everything that must not be repeated goes out on a connection of
    its own: on one that the server has dropped meanwhile, nobody could tell whether the request arrived.

    Args:
        borrowed: an aiohttp session to use for everything; it is never closed here.
    """

    def __init__(self, borrowed: aiohttp.ClientSession | None = None) -> None:
        self._owned = borrowed is None
        self._reads = borrowed or aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._once = borrowed or aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True)
        )
        # Private to aiohttp, read only: giving middlewares per request would otherwise switch off the
        # user's own.
        own: tuple[aiohttp.ClientMiddlewareType, ...] = tuple(getattr(borrowed, "_middlewares", ()))
        self._middlewares = (*own, _no_replay)

    @property
    def http(self) -> aiohttp.ClientSession:
        """The aiohttp session for reads; it carries no key of its own."""
        return self._reads

    async def carry(
        self,
        request: WireRequest,
        *,
        base_url: str,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        departed: Callable[[], None],
    ) -> WireResponse:
        """Send once and read the whole answer; see :class:`seedance_async.carrier.Carrier`."""
        body = _Body(request.body, departed) if request.body is not None else None
        try:
            return await self._attempt(request, _url(base_url, request), headers, body, timeouts)
        except _ReplayableError as hidden:
            cause = hidden.cause
        except aiohttp.ClientError:
            raise  # some of them are ValueErrors too
        except (ValueError, RuntimeError) as error:
            # After the first byte it is somebody's middleware that broke, and the order may stand.
            if body is not None and body.begun:
                raise
            raise _misused(error, self._reads) from error
        raise cause

    async def _attempt(
        self,
        request: WireRequest,
        url: URL,
        headers: Mapping[str, str],
        body: _Body | None,
        timeouts: Timeouts,
    ) -> WireResponse:
        """One HTTP exchange, body included, inside one timeout; redirects would carry the key elsewhere."""
        http = self._reads if request.route.repeatable else self._once
        async with http.request(
            request.route.method,
            url,
            headers=headers,
            data=body,
            timeout=_limits(timeouts),
            allow_redirects=False,
            raise_for_status=False,  # a borrowed session may raise: a refusal would look like a lost answer
            middlewares=self._middlewares,
        ) as response:
            whole = await _read(response.content)
            return WireResponse(
                status=response.status, headers=response.headers, body=whole, received_at=clock.wall()
            )

    async def close(self) -> None:
        """Close what is ours; a borrowed aiohttp session stays open."""
        if not self._owned:
            return
        try:
            await self._reads.close()
        finally:
            await self._once.close()


def _limits(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    """Bound the whole exchange, and connecting by itself: a total could not tell that nothing was sent."""
    return aiohttp.ClientTimeout(total=timeouts.request, connect=timeouts.connect)


def _url(base_url: str, request: WireRequest) -> URL:
    """Join base, path and query; already quoted, so that an id can never become another route."""
    query = f"?{request.query}" if request.query else ""
    return URL(f"{base_url}{request.path}{query}", encoded=True)


async def _read(content: aiohttp.StreamReader) -> bytes:
    """Read a whole body, up to a size that no answer of this API has."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in content.iter_any():
        size += len(chunk)
        if size > _LARGEST_ANSWER:
            raise aiohttp.ClientPayloadError("the answer is larger than 64 MiB")
        chunks.append(chunk)
    return b"".join(chunks)


def _misused(error: Exception, http: aiohttp.ClientSession) -> SeedanceError:
    """Explain what aiohttp refuses before it sends anything: a closed session, or one with its own auth."""
    if http.closed:
        return SessionClosed("The aiohttp session is closed; nothing was sent.")
    return InvalidRequest(field="http", value=type(error).__name__, limit=str(error))
