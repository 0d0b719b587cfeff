"""The aiohttp front: turns answers and their fates into what a socket does. Loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web
from attrs import define, field

from seedance_async.simulator.exchange import SimAnswer, SimRequest, pairs_of

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader

HOST = "127.0.0.1"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_DROPS = 8
_MAX_BODY = 80 * 1024 * 1024
_GRACE = 0.05
_BACKLOG = 1024

Answer = Callable[[SimRequest], Awaitable[SimAnswer]]


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """A request that may be a little larger than the server's 64 MB, so that it is refused by name."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_MAX_BODY)


@define(eq=False)
class Front:
    """Listens on one port of the loopback interface.

    Args:
        answer: Makes the answer to a request.
        port: Port to bind; 0: a free one, which is then to be read here.
    """

    _answer: Answer = field(alias="answer")
    port: int = 0
    _socket: socket.socket | None = field(default=None, init=False)
    _server: web.Server | None = field(default=None, init=False)
    _listener: asyncio.Server | None = field(default=None, init=False)
    _closing: asyncio.Event = field(factory=asyncio.Event, init=False)

    def bind(self) -> socket.socket:
        """Take the port, without a loop; whoever connects waits until `open`.

        Raises:
            OSError: The port is taken.
        """
        if self._socket is None:
            self._socket = socket.create_server((HOST, self.port), backlog=_BACKLOG)
            self.port = self._socket.getsockname()[1]
        return self._socket

    def release(self) -> None:
        """Give back a port that was bound and never opened."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def open(self) -> None:
        """Listen; bind first where that has not been done.

        Raises:
            OSError: The port is taken.
        """
        bound = self.bind()
        self._server = web.Server(self._serve, request_factory=_request, access_log=None)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._server, sock=bound, backlog=_BACKLOG)

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._listener is not None

    async def close(self) -> None:
        """Stop listening, and drop every connection, hanging ones too."""
        if self._listener is None or self._server is None:
            self.release()
            return
        self._closing.set()
        self._listener.close()
        self._server.pre_shutdown()
        await self._server.shutdown(_GRACE)
        await self._listener.wait_closed()
        self._listener = self._server = self._socket = None

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request, from socket to socket."""
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        value = _value(request, body)
        answer = await self._answer(value)
        fate = answer.fate
        if fate.delay and not await self.pause(fate.delay):
            return _drop(request, reset=False)
        if fate.ending in ("send", "slow", "short"):
            # a client that has left is no fault of the server's, and nothing to log
            with contextlib.suppress(ConnectionError):
                return await self._send(request, answer)
        if fate.ending == "hang":
            await self.pause(None)
        return _drop(request, reset=fate.ending == "reset")

    async def pause(self, seconds: float | None) -> bool:
        """Wait (None: for ever), but not beyond the closing of the front.

        Returns:
            Whether the front is still open.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)
        return not self._closing.is_set()

    async def _send(self, request: web.BaseRequest, answer: SimAnswer) -> web.StreamResponse:
        """Send an answer: whole, drop by drop, or short of what it promised."""
        fate = answer.fate
        if fate.ending == "send":
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(answer.body) + (_DROPS if fate.ending == "short" else 0)
        await response.prepare(request)
        if fate.ending == "short":
            await response.write(answer.body)
            return _drop(request, reset=False)
        size = max(1, -(-len(answer.body) // _DROPS))
        for start in range(0, len(answer.body), size):
            if not await self.pause(fate.seconds / _DROPS):
                return _drop(request, reset=False)
            await response.write(answer.body[start : start + size])
        return response


def _value(request: web.BaseRequest, body: bytes) -> SimRequest:
    """The request as a value; the path stays as it was sent."""
    path, _, query = request.raw_path.partition("?")
    return SimRequest(
        method=request.method, path=path, query=pairs_of(query), headers=request.headers, body=body
    )


def _drop(request: web.BaseRequest, *, reset: bool) -> web.Response:
    """Close the connection without an answer, by a TCP reset or quietly.

    The response that is returned finds a closed transport; it is only there because a handler returns one.
    """
    transport = request.transport
    if transport is not None and reset:
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    elif transport is not None:
        transport.close()
    return web.Response()
