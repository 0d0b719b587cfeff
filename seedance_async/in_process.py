"""A session and a simulator in one process and one event loop, with no sockets between them.

    async with (
        Simulator(work_seconds=90) as sim,
        SeedanceSession("any-key", sim.base_url, transport=InProcess(sim)) as session,
    ):
        task = await session.submit("a cat surfing")

Every fault of the simulator ends as it does over a socket. An exchange costs a fraction of what HTTP does,
and under a virtual loop clock (looptime) waiting costs nothing.
"""

from __future__ import annotations

import asyncio
import errno
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from attrs import define, field

from seedance_async._wire import clock
from seedance_async._wire.exchange import WireResponse
from seedance_async.errors import ConnectionFailed
from seedance_async.simulator import Broken, SimRequest, Simulator
from seedance_async.simulator.exchange import pairs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from seedance_async._wire.exchange import WireRequest
    from seedance_async.settings import Timeouts
    from seedance_async.simulator import SimAnswer

__all__ = ["InProcess"]


@define(eq=False)
class InProcess:
    """A :class:`seedance_async.carrier.Carrier` that hands requests to a simulator; one per session.

    The path of the session's ``base_url`` picks the simulator's dialect, as over HTTP; its host plays no
    part, so that nothing leaves the process whatever address is set. Videos are fetched from the simulator's
    loopback port: landing is about streams, and a stream without a socket would be another one.

    Args:
        sim: A running simulator.
        latency: Seconds that a request and its answer are on their way, half of it each.
    """

    sim: Simulator
    latency: float = field(default=0.0, kw_only=True)
    _http: aiohttp.ClientSession | None = field(default=None, init=False)

    @property
    def http(self) -> aiohttp.ClientSession:
        """The aiohttp session that fetches videos; opened at the first use."""
        if self._http is None:
            self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self._http

    async def carry(
        self,
        request: WireRequest,
        *,
        base_url: str,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        departed: Callable[[], None],
    ) -> WireResponse:
        """Hand a request over and wait for its answer; fails as sockets do.

        Raises:
            ConnectionFailed: The simulator is not running.
            aiohttp.ClientError, TimeoutError: No whole answer came.
        """
        asked = SimRequest(
            method=request.route.method,
            path=_prefix(base_url) + request.path,
            query=pairs_of(request.query),
            headers=headers,
            body=request.body or b"",
        )
        # A moment until the request is out, and one until its answer is there: callers leave in both.
        await clock.sleep(self.latency / 2)
        if not self.sim.is_running:
            name = request.route.method
            raise ConnectionFailed(f"{name}: the simulator is not running; nothing was sent.")
        departed()
        answer = await self._asked(asked, timeouts)
        await clock.sleep(self.latency / 2)
        names = {name.lower(): value for name, value in answer.headers.items()}
        return WireResponse(status=answer.status, headers=names, body=answer.body, received_at=clock.wall())

    async def _asked(self, request: SimRequest, timeouts: Timeouts) -> SimAnswer:
        """Ask, and name a broken exchange as aiohttp does."""
        try:
            async with asyncio.timeout(timeouts.request):
                return await self.sim.ask(request)
        except Broken as broken:
            how = broken.how
        if how == "reset":
            raise aiohttp.ClientOSError(errno.ECONNRESET, "Connection reset by peer")
        if how == "short":
            raise aiohttp.ClientPayloadError("the body ended before its length")
        raise aiohttp.ServerDisconnectedError

    async def close(self) -> None:
        """Close the connections of the downloads."""
        http, self._http = self._http, None
        if http is not None:
            await http.close()


@cache
def _prefix(base_url: str) -> str:
    """The path that all routes of a base URL begin with."""
    return urlsplit(base_url).path.rstrip("/")
