"""A receiver of callbacks, which only wake the watcher: the state is always read from the server.

Ark signs nothing (api docs 1520757, ``callback_url``), so a callback proves nothing. The path is unguessable,
and the worst that somebody who knows it can do is to have a task looked at earlier.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, cast

from aiohttp import web
from attrs import frozen

from seedance_async._wire.folding import fold
from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["CallbackReceiver"]

_BODY_SECONDS = 5.0  # Ark waits as long for the answer
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Wakes(Protocol):
    """What a callback is told to: a session's watcher."""

    def wake(self, task_id: str) -> None:
        """Look at this task soon."""
        ...


@frozen
class _Bound:
    """A watcher, and the loop that it was bound in; None when none ran."""

    watcher: Wakes
    loop: asyncio.AbstractEventLoop | None

    def wake(self, task_id: str) -> None:
        """Wake the watcher in its own loop, which must not be touched from another thread."""
        if self.loop is None or self.loop is _running_loop():
            self.watcher.wake(task_id)
            return
        # A loop that is closed has no watcher any more, and a web server must hear of no error of ours.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.watcher.wake, task_id)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """Give the loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class CallbackReceiver:
    """Receives callbacks for any number of sessions, by itself or inside an aiohttp application.

    By itself::

        async with CallbackReceiver(port=8080, public_url="https://videos.example.org") as receiver:
            async with SeedanceSession(callbacks=receiver) as session: ...

    Inside your own application::

        receiver = CallbackReceiver(public_url="https://videos.example.org")
        receiver.add_to(app, "/hooks/seedance")

    Inside an application of another framework, give path and body of each callback to ``take``.

    Your application's own access log would print the secret path: leave these requests out of it.

    Args:
        public_url: address under which the server reaches this process, without the prefix; needed inside an
            application, and by itself unless the server runs on this machine.
        host: where to listen when run by itself; loopback unless said otherwise.
        port: port to listen at; 0 takes any free one.
        prefix: path before the secret part.
        secret: makes the paths of named sessions the same after a restart; drawn when None.

    Raises:
        InvalidRequest: ``public_url`` or ``prefix`` is not valid.
    """

    BODY_MOST: Final = 65_536
    """The most bytes that the body of a callback may have; a record takes about 1,000."""

    def __init__(
        self,
        *,
        public_url: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: str = "/seedance",
        secret: str | None = None,
    ) -> None:
        if public_url is not None and not public_url.startswith(("https://", "http://")):
            raise InvalidRequest(
                field="public_url", value=public_url, limit="must start with https:// or http://"
            )
        self._public_url = public_url.rstrip("/") if public_url else None
        self._host = host
        self._port = port
        self._prefix = _checked_prefix(prefix)
        self._secret = (secret or secrets.token_urlsafe(32)).encode()
        self._bound: dict[str, _Bound] = {}
        self._runner: web.AppRunner | None = None

    def __repr__(self) -> str:
        return f"<CallbackReceiver {self._public_url or self._host} {len(self._bound)} sessions>"

    # -- for the session

    def bind(self, watcher: Wakes, *, name: str | None = None) -> str:
        """Have callbacks wake a watcher, in the loop that runs now.

        Args:
            watcher: what to wake.
            name: 1 to 64 letters, digits, ``-`` or ``_``; drawn when None.

        Returns:
            The URL to send as ``callback_url``.

        Raises:
            InvalidRequest: the name is not valid or taken, or nothing tells the receiver's public address.
        """
        name = name or secrets.token_hex(8)
        if not _NAME.fullmatch(name) or name in self._bound:
            raise InvalidRequest(field="name", value=name, limit="must be unused letters, digits, - or _")
        url = f"{self._base()}/{name}/{self._token(name)}"
        self._bound[name] = _Bound(watcher, _running_loop())
        return url

    def unbind(self, watcher: Wakes) -> None:
        """Forget a watcher; its URL answers 404 from now on."""
        self._bound = {name: bound for name, bound in self._bound.items() if bound.watcher is not watcher}

    def url_for(self, watcher: Wakes) -> str:
        """Give the ``callback_url`` of a bound watcher.

        Raises:
            InvalidRequest: it is not bound.
        """
        for name, bound in self._bound.items():
            if bound.watcher is watcher:
                return f"{self._base()}/{name}/{self._token(name)}"
        raise InvalidRequest(field="watcher", value=watcher, limit="must be bound to this receiver")

    # -- inside an application

    @property
    def routes(self) -> list[web.RouteDef]:
        """The route for ``app.add_routes(receiver.routes)``, under the receiver's prefix."""
        return [web.post(self._prefix + "/{name}/{token}", self._receive)]

    def add_to(self, app: web.Application, prefix: str | None = None) -> None:
        """Add the route to an application.

        Args:
            app: the application; it must not be frozen.
            prefix: path before the secret part; the receiver's own when None.

        Raises:
            InvalidRequest: the prefix is not valid.
        """
        if prefix is not None:
            self._prefix = _checked_prefix(prefix)
        app.add_routes(self.routes)

    # -- inside an application of another framework

    def take(self, path: str, body: bytes) -> bool:
        """Take a callback that another framework received: wake the watcher whose path it came to.

        Nothing that a stranger can send raises, and it may be called in any thread. The body must be read
        before, so stop reading, or let the server in front stop, where it grows beyond ``BODY_MOST`` bytes.

        Args:
            path: path of the request, without the query; its last two segments are the secret part.
            body: body of the request, at most ``BODY_MOST`` bytes.

        Returns:
            Whether path and body were right; where not, answer 404. An id that nobody waits for is right.
        """
        bound = self._bound_to(path)
        return bound is not None and _woken(bound, body)

    # -- by itself

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application()
        self.add_to(app)
        # The default access log prints the path, and the path is the secret.
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def _base(self) -> str:
        """Give the public address with the prefix."""
        if self._public_url is not None:
            return self._public_url + self._prefix
        if self._runner is None:
            raise InvalidRequest(
                field="public_url", value=None, limit="must be given, or the receiver run by itself first"
            )
        port: int = self._runner.addresses[0][1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}{self._prefix}"

    def _token(self, name: str) -> str:
        """Give the secret that belongs to a name."""
        # A path may hold what is no text; such a name is nobody's.
        digest = hmac.digest(self._secret, name.encode(errors="replace"), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def _bound_to(self, path: str) -> _Bound | None:
        """Find whose path it is; a wrong name and a wrong token look the same from outside."""
        name, token = ["", *path.split("/")][-2:]
        right = hmac.compare_digest(self._token(name).encode(), token.encode(errors="replace"))
        return self._bound.get(name) if right else None

    async def _receive(self, request: web.Request) -> web.Response:
        """Answer one callback; the body of a stranger is not read."""
        bound = self._bound_to(request.path)
        if bound is None:
            raise web.HTTPNotFound
        if not _woken(bound, await _body(request)):
            raise web.HTTPBadRequest(text="The body must be a JSON object with the id of a task.")
        return web.Response()


def _woken(bound: _Bound, body: bytes) -> bool:
    """Wake a watcher for the task that a body names, if it names one."""
    task_id = None if len(body) > CallbackReceiver.BODY_MOST else _task_id(body)
    if task_id is None:
        return False
    bound.wake(task_id)
    return True


def _checked_prefix(prefix: str) -> str:
    """Give a path that starts with a slash and does not end with one."""
    if prefix and (not prefix.startswith("/") or "{" in prefix):
        raise InvalidRequest(field="prefix", value=prefix, limit="must be empty, or start with / without {")
    return prefix.rstrip("/")


async def _body(request: web.Request) -> bytes:
    """Read a body that is small and comes soon; a record takes about 1 kB."""
    body, most = bytearray(), CallbackReceiver.BODY_MOST
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.content.iter_chunked(most):
                body += chunk
                if len(body) > most:
                    raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=len(body))
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return bytes(body)


def _task_id(body: bytes) -> str | None:
    """Find the task's id in a record, or in a gateway's wrapper around one."""
    try:
        payload: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(payload, dict):
        return None
    task_id = fold(cast("dict[str, Any]", payload)).get("id")
    return task_id if isinstance(task_id, str) else None
