"""A receiver of callbacks: takes what comes, and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@define
class Receiver:
    """Takes callbacks, and answers the first few with other statuses than the rest.

    Attributes:
        url: where it listens.
        answers: statuses of the first answers.
        usual: status of all the others.
        seconds: how long an answer takes.
        calls: moment and body of each callback.
        headers: headers of each.
    """

    url: str = ""
    answers: list[int] = field(factory=list[int])
    usual: int = 204
    seconds: float = 0.0
    calls: list[tuple[float, dict[str, Any]]] = field(factory=list[tuple[float, dict[str, Any]]])
    headers: list[dict[str, str]] = field(factory=list[dict[str, str]])

    async def take(self, request: web.BaseRequest) -> web.Response:
        """One callback."""
        self.calls.append((asyncio.get_running_loop().time(), json.loads(await request.read())))
        self.headers.append(dict(request.headers))
        status = self.answers.pop(0) if self.answers else self.usual
        await asyncio.sleep(self.seconds)
        return web.Response(status=status)

    @property
    def statuses(self) -> list[str]:
        """The statuses that came."""
        return [body["status"] for _, body in self.calls]


@asynccontextmanager
async def receiving(**settings: Any) -> AsyncGenerator[Receiver, None]:
    """A receiver on a free port."""
    receiver = Receiver(**settings)
    server = web.Server(receiver.take, access_log=None)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/hook/secret"
    yield receiver
    listener.close()
    server.pre_shutdown()
    await server.shutdown(0.1)
