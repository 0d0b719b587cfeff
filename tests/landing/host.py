"""A video host for tests: Range, validators, and a script of misfortunes, one per request."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Self

from aiohttp import ClientSession, web
from attrs import define, field

from seedance_async.media.download import land
from seedance_async.settings import RetryPolicy, Timeouts

if TYPE_CHECKING:
    from pathlib import Path
    from ssl import SSLContext

    from multidict import CIMultiDictProxy

    from seedance_async.events import Event
    from seedance_async.media.download import Landed

Answer = Callable[["Host", web.BaseRequest], Awaitable[web.StreamResponse]]


def box(kind: bytes, payload: bytes = b"") -> bytes:
    """Make one MP4 box."""
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def movie(size: int = 300_000, seed: int = 0) -> bytes:
    """Make bytes with the outer form of an MP4 and a payload that differs per seed."""
    payload = random.Random(seed).randbytes(size)
    return box(b"ftyp", b"isom\0\0\2\0isommp42") + box(b"moov", b"\0" * 64) + box(b"mdat", payload)


def _headers() -> dict[str, str]:
    return {"ETag": '"v1"'}


def _plan() -> list[Answer]:
    return []


def _seen() -> list[CIMultiDictProxy[str]]:
    return []


@define(kw_only=True, eq=False)
class Host:
    """Serves ``video`` at ``url``; each entry of ``plan`` answers one request in its own way first."""

    video: bytes = field(factory=movie)
    headers: dict[str, str] = field(factory=_headers)
    plan: list[Answer] = field(factory=_plan)
    tls: SSLContext | None = None
    seen: list[CIMultiDictProxy[str]] = field(factory=_seen, init=False)
    paths: list[str] = field(factory=list[str], init=False)
    http: ClientSession = field(init=False)
    base: str = field(default="", init=False)
    _runner: web.ServerRunner = field(init=False)

    @property
    def url(self) -> str:
        """The signed URL of the video."""
        return f"{self.base}/video/cgt-1.mp4?X-Tos-Signature=SECRET"

    @property
    def ranges(self) -> list[str]:
        """What each request asked for."""
        return [headers.get("Range", "") for headers in self.seen]

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls).start()
        self.base = "{}://{}:{}".format("https" if self.tls else "http", *self._runner.addresses[0][:2])
        self.http = ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(request.headers)
        self.paths.append(request.path_qs)
        misfortune = self.plan.pop(0) if self.plan else serve
        return await misfortune(self, request)

    async def land(
        self, target: Path, *, url: str = "", events: list[Event] | None = None, **more: Any
    ) -> Landed:
        """Call ``land`` with plain settings."""
        heard: list[Event] = [] if events is None else events
        settings: dict[str, Any] = {
            "timeouts": Timeouts(download_idle=5.0),
            "retry": RetryPolicy(attempts=4),
            "emit": heard.append,
        }
        return await land(self.http, url or self.url, target, **{**settings, **more})


async def until(happened: Callable[[], bool]) -> None:
    """Wait in real time for what another process does."""
    while not happened():  # noqa: ASYNC110 - another process sets no event here
        await asyncio.sleep(0.01)


def window(host: Host, request: web.BaseRequest) -> tuple[int, int]:
    """Judge the Range as a server does: (200, 0) for the whole, (206, start), or (416, start)."""
    asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
    condition = request.headers.get("If-Range", "")
    if asked is None or (condition and condition not in host.headers.values()):
        return 200, 0
    start = int(asked[1])
    return (206, start) if start < len(host.video) else (416, start)


async def begin(host: Host, request: web.BaseRequest) -> tuple[web.StreamResponse, bytes]:
    """Send the header of a good answer; gives the body that should follow."""
    status, start = window(host, request)
    size = len(host.video)
    response = web.StreamResponse(status=status, headers=host.headers)
    if status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    if status == 416:
        response.headers["Content-Range"] = f"bytes */{size}"
    body = host.video[start:]
    response.content_length = len(body)
    await response.prepare(request)
    return response, body


async def serve(host: Host, request: web.BaseRequest) -> web.StreamResponse:
    """Answer as a good host does."""
    response, body = await begin(host, request)
    await response.write(body)
    return response


async def ignore_ranges(host: Host, request: web.BaseRequest) -> web.StreamResponse:
    """Send the whole whatever was asked for."""
    del request
    return web.Response(body=host.video, headers=host.headers)


def cut(after: int) -> Answer:
    """End the connection after so many bytes of body, all of which are read."""

    async def answer(host: Host, request: web.BaseRequest) -> web.StreamResponse:
        response, body = await begin(host, request)
        await response.write(body[:after])
        # aiohttp gives no more of what it holds once the connection is lost: let the client read first.
        for _ in range(50):
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def reset(after: int) -> Answer:
    """Reset the connection after so many bytes of body, of which some may get lost on the way."""

    async def answer(host: Host, request: web.BaseRequest) -> web.StreamResponse:
        response, body = await begin(host, request)
        await response.write(body[:after])
        assert request.transport is not None
        sock = request.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
        return response

    return answer


def stall(after: int) -> Answer:
    """Send so many bytes of body, then nothing for an hour."""

    async def answer(host: Host, request: web.BaseRequest) -> web.StreamResponse:
        response, body = await begin(host, request)
        await response.write(body[:after])
        await asyncio.sleep(3600)
        return response

    return answer


def say(status: int, body: str = "", **headers: str) -> Answer:
    """Answer with a status, a text and headers (``Retry_After`` becomes ``Retry-After``)."""

    async def answer(host: Host, request: web.BaseRequest) -> web.StreamResponse:
        del host, request
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=body, headers=named)

    return answer
