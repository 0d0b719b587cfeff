"""The only aiohttp on the API path: one request out, one whole answer back, or how far it got."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from seedance_async._wire import clock
from seedance_async._wire.exchange import WireRequest, WireResponse
from seedance_async.errors import (
    AnswerLost,
    Billed,
    ConnectionFailed,
    InvalidRequest,
    SeedanceError,
    SessionClosed,
)
from seedance_async.events import RequestSent

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.abc import AbstractStreamWriter

    from seedance_async.events import Event
    from seedance_async.settings import Timeouts

__all__ = ["Transport"]

_LARGEST_ANSWER = 64 * 1024 * 1024
_PIECE = 256 * 1024
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)


class _Replayable(Exception):
    """Carries a connection error past aiohttp's own replay."""


async def _no_replay(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Hide dropped connections from aiohttp, which would send GET and DELETE a second time by itself.

    A replayed DELETE can turn "cancel" into "erase the paid result". aiohttp 3.14,
    ``ClientSession._request``.
    """
    try:
        return await handler(request)
    except _NEVER_SENT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Replayable from error


class _Body(aiohttp.payload.Payload):
    """The body of a request, which notes the moment at which its first byte goes out.

    Before that moment no server can have accepted the request; after it, only an answer tells. It is
    written in
    pieces, so that 64 MB of images neither block the loop nor draw aiohttp's warning about large bytes.
    """

    def __init__(self, data: bytes, on_sent: Callable[[], None] | None) -> None:
        super().__init__(data, content_type="application/json")
        self._size = len(data)
        self._on_sent = on_sent
        self.begun = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Give the body as text, as aiohttp asks of a payload."""
        return bytes(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body; from here on the request counts as sent."""
        self.begun = True
        if self._on_sent is not None:
            self._on_sent()
        view = memoryview(self._value)
        for start in range(0, len(view), _PIECE):
            await writer.write(bytes(view[start : start + _PIECE]))


class Transport:
    """Sends requests of the protocol to one server with one key.

    Reads share kept-alive connections. Everything that must not be repeated goes out on a connection of
    its own: on one that the server has dropped meanwhile, nobody could tell whether the request arrived.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        timeouts: Timeouts,
        borrowed: aiohttp.ClientSession | None,
        emit: Callable[[Event], None],
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {
            "Authorization": f"Bearer {api_key}",
            "Accept": "application/json",
            # One gateway labels plain bodies as gzip; an answer that cannot be unpacked would count as lost.
            "Accept-Encoding": "identity",
        }
        self._timeout = aiohttp.ClientTimeout(
            total=timeouts.connect + timeouts.request,
            connect=timeouts.connect,
            sock_connect=timeouts.connect,
            sock_read=timeouts.request,
        )
        self._emit = emit
        self._owned = borrowed is None
        self._reads = borrowed or aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._once = borrowed or aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True)
        )
        # Private to aiohttp, read only: giving middlewares per request would otherwise switch off the
        # user's own.
        own: tuple[aiohttp.ClientMiddlewareType, ...] = tuple(getattr(borrowed, "_middlewares", ()))
        self._middlewares = (*own, _no_replay)

    def __repr__(self) -> str:
        return f"<Transport {self._base_url}>"

    @property
    def http(self) -> aiohttp.ClientSession:
        """The aiohttp session for reads; it carries no key of its own."""
        return self._reads

    async def send(self, request: WireRequest, *, on_sent: Callable[[], None] | None = None) -> WireResponse:
        """Send once and read the whole answer.

        Args:
            request: what to send.
            on_sent: called when the first byte of a body goes out; before that nothing can be accepted.

        Raises:
            ConnectionFailed: nothing was sent.
            AnswerLost: it was sent and no whole answer came back.
        """
        started = clock.monotonic()
        status: int | None = None
        failure = ""
        try:
            response = await self._exchange(request, on_sent)
            status = response.status
        except SeedanceError as error:
            failure = str(error)
            raise
        else:
            return response
        finally:
            seconds = clock.monotonic() - started
            self._emit(RequestSent(route=request.route.name, status=status, seconds=seconds, error=failure))

    async def _exchange(self, request: WireRequest, on_sent: Callable[[], None] | None) -> WireResponse:
        """Translate every way in which aiohttp can fail into "sent" or "not sent"."""
        name = request.route.name
        body = _Body(request.body, on_sent) if request.body is not None else None
        try:
            return await self._attempt(request, body)
        except aiohttp.InvalidURL as error:
            raise InvalidRequest(
                field="base_url", value=self._base_url, limit="must be an http(s) URL"
            ) from error
        except (ValueError, RuntimeError) as error:
            raise _misused(error, self._reads) from error
        except _NEVER_SENT as error:
            raise ConnectionFailed(f"{name}: no connection ({_name(error)}); nothing was sent.") from error
        except (aiohttp.ClientError, OSError, _Replayable) as error:
            cause = error.__cause__ if isinstance(error, _Replayable) and error.__cause__ else error
            raise _lost(request, body, cause) from cause

    async def _attempt(self, request: WireRequest, body: _Body | None) -> WireResponse:
        """One HTTP exchange, body included, inside one timeout; redirects would carry the key elsewhere."""
        http = self._reads if request.route.repeatable else self._once
        async with (
            http.request(
                request.route.method,
                self._url(request),
                headers=self._headers,
                data=body,
                timeout=self._timeout,
                allow_redirects=False,
                raise_for_status=False,  # a borrowed session may raise: a refusal would look lost
                middlewares=self._middlewares,
            ) as response
        ):
            content = await _read(response.content)
            names = {name.lower(): value for name, value in response.headers.items()}
            return WireResponse(status=response.status, headers=names, body=content, received_at=clock.wall())

    def _url(self, request: WireRequest) -> URL:
        """Join base, path and query; already quoted, so that an id can never become another route."""
        query = f"?{urlencode(request.query)}" if request.query else ""
        return URL(f"{self._base_url}{request.path}{query}", encoded=True)

    async def close(self) -> None:
        """Close what is ours; a borrowed aiohttp session stays open."""
        if not self._owned:
            return
        try:
            await self._reads.close()
        finally:
            await self._once.close()


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


def _lost(request: WireRequest, body: _Body | None, cause: BaseException) -> SeedanceError:
    """Say whether a broken exchange may have been accepted."""
    name = request.route.name
    if body is not None and not body.begun:
        return ConnectionFailed(f"{name}: the connection broke before anything was sent ({_name(cause)}).")
    billed = Billed.MAYBE if request.route.paid else Billed.NO
    return AnswerLost(f"{name}: sent, and no answer came back ({_name(cause)}).", billed=billed)


def _name(error: BaseException) -> str:
    """Name an error without its text where the text could hold a URL's secrets."""
    text = str(error) if isinstance(error, OSError | asyncio.TimeoutError) else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
