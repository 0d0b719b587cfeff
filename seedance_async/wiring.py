"""What one open session is made of, and how its parts are put together."""

from __future__ import annotations

import asyncio
import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from attrs import field, frozen

from seedance_async._wire.doors import Doors
from seedance_async._wire.emitter import Emitter
from seedance_async._wire.limits import Account, account_for
from seedance_async._wire.secret import Secret
from seedance_async._wire.server_clock import ServerClock
from seedance_async._wire.sockets import HttpCarrier
from seedance_async._wire.transport import Transport
from seedance_async.calls import Calls
from seedance_async.errors import InvalidRequest, MissingApiKey
from seedance_async.ledger.known import KnownTasks
from seedance_async.ledger.reconcile import Reconciler
from seedance_async.ledger.submission import Submissions
from seedance_async.ledger.sweeps import Sweeps
from seedance_async.settings import ARK, KKIAI, AccountLimits, PollPolicy, RetryPolicy, Timeouts
from seedance_async.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractAsyncContextManager

    import aiohttp

    from seedance_async.carrier import Carrier
    from seedance_async.events import Observer
    from seedance_async.ledger.orders import Watching
    from seedance_async.models import VideoTask

__all__ = [
    "KEY_OF_ARK",
    "Core",
    "Settings",
    "find_base_url",
    "find_key",
    "is_key_of_ark",
    "open_core",
    "warn_of_key_of_ark",
]

logger = logging.getLogger("seedance_async")


KEY_OF_ARK: Final = (
    f"The key of ARK_API_KEY goes to the default address, {KKIAI}. If it is Ark's, choose Ark with"
    f" SEEDANCE_BASE_URL={ARK}; if it is for this address, say so with SEEDANCE_API_KEY."
)
_ROUTE: Final = "/contents/generations/tasks"
_KINDS: Final = {"timeouts": Timeouts, "retry": RetryPolicy, "poll": PollPolicy, "limits": AccountLimits}


@frozen(kw_only=True)
class Settings:
    """Everything that a session was given; the key has no place in a repr."""

    api_key: str = field(repr=False)
    base_url: str
    http: aiohttp.ClientSession | None
    transport: Carrier | None = None
    timeouts: Timeouts
    retry: RetryPolicy
    poll: PollPolicy
    limits: AccountLimits
    observer: Observer

    def __attrs_post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise InvalidRequest(field=name, value=value, limit=f"must be {kind.__name__}(...)")
        if not callable(self.observer):
            limit = "must be callable with an event"
            raise InvalidRequest(field="observer", value=self.observer, limit=limit)
        if self.http is not None and not hasattr(self.http, "request"):
            limit = "must be an aiohttp.ClientSession"
            raise InvalidRequest(field="http", value=self.http, limit=limit)
        if self.http is not None and self.transport is not None:
            given, limit = type(self.transport).__name__, "must be left out where http is given"
            raise InvalidRequest(field="transport", value=given, limit=limit)

    def __repr__(self) -> str:
        return f"<Settings {self.base_url}>"


def find_key(given: str | None) -> str:
    """Take the key, or find it in the environment."""
    key = (
        given
        if given is not None
        else os.environ.get("SEEDANCE_API_KEY") or os.environ.get("ARK_API_KEY") or ""
    )
    if not isinstance(key, str):
        raise InvalidRequest("api_key is not valid", field="api_key", limit="must be a string")
    if not key.strip():
        raise MissingApiKey
    if not key.isascii() or not key.isprintable():
        # The value stays out of the message: it is a secret.
        raise InvalidRequest(
            "api_key is not valid", field="api_key", limit="must be printable ASCII, without line ends"
        )
    return Secret(key.strip())


def find_base_url(given: str | None) -> str:
    """Take the address, or find it in the environment."""
    url = given or os.environ.get("SEEDANCE_BASE_URL") or KKIAI
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise _no_address(
            "must start with https:// or http://; seedance_async.settings has KKIAI, ARK, BYTEPLUS"
        )
    parts = _parts(url)
    if parts is None or not parts.hostname or parts.query or parts.fragment:
        raise _no_address("must be a host, maybe with a port and a path, without ? and #")
    if parts.username is not None:
        raise _no_address("must be without user and password: the key goes into api_key")
    if url.rstrip("/").endswith(_ROUTE):
        raise InvalidRequest(
            field="base_url", value=url, limit=f"must end before {_ROUTE}, which is added to it"
        )
    return url.rstrip("/")


def _no_address(limit: str) -> InvalidRequest:
    """Word the error without the value: what is no address may be a key, or hold one, or a password."""
    return InvalidRequest("base_url is not valid", field="base_url", limit=limit)


def is_key_of_ark(api_key: str | None, base_url: str | None) -> bool:
    """Whether the key comes from ARK_API_KEY while nobody has said that it is for the default gateway."""
    another = api_key is not None or os.environ.get("SEEDANCE_API_KEY")
    said = base_url or os.environ.get("SEEDANCE_BASE_URL")
    return not another and not said and bool(os.environ.get("ARK_API_KEY"))


@cache
def warn_of_key_of_ark() -> None:
    """Log once where the key goes."""
    logger.warning(KEY_OF_ARK)


def _parts(url: str) -> SplitResult | None:
    """Split an address; None when no host can have it."""
    try:
        parts = urlsplit(url)
        _ = parts.port, (parts.hostname or "").encode("idna")  # both are looked at only when asked for
    except ValueError:
        return None
    return parts if url.isprintable() and " " not in url else None


@frozen(kw_only=True)
class Core:
    """The parts of an open session; they belong to one event loop."""

    loop: asyncio.AbstractEventLoop
    account: Account
    transport: Transport
    calls: Calls
    submissions: Submissions
    watcher: Watcher
    watching: Watching
    doors: Doors

    async def close(self) -> None:
        """Let every waiter go, then close the connections."""
        try:
            await self.watcher.close()
            await self.doors.send_out()
            await self.account.errands.finish()
        finally:
            await self.transport.close()


def open_core(settings: Settings) -> Core:
    """Build the parts in the running loop; nothing is sent yet."""
    emit = Emitter(settings.observer)
    account = account_for(settings.limits)
    server_clock = ServerClock()
    transport = Transport(
        base_url=settings.base_url,
        api_key=settings.api_key,
        timeouts=settings.timeouts,
        carrier=settings.transport or HttpCarrier(settings.http),
        emit=emit,
    )
    calls = Calls(
        transport=transport, account=account, retry=settings.retry, server_clock=server_clock, emit=emit
    )

    watcher = _watcher(settings, calls)

    def alive() -> Collection[str]:
        return list(account.slots.alive)

    def watching() -> AbstractAsyncContextManager[None]:
        return watcher.watching_all(alive)

    return Core(
        loop=asyncio.get_running_loop(),
        account=account,
        transport=transport,
        calls=calls,
        submissions=_submissions(settings, calls, watching),
        watcher=watcher,
        watching=watching,
        doors=Doors(),
    )


def _watcher(settings: Settings, calls: Calls) -> Watcher:
    """Make the watcher; a task that it sees end gives its slot back."""
    slots = calls.account.slots

    def ended(task: VideoTask) -> None:
        slots.ended(task.id)

    return Watcher(
        calls, poll=settings.poll, limits=settings.limits, emit=calls.emit, ended=ended, gone=slots.ended
    )


def _submissions(settings: Settings, calls: Calls, watching: Watching) -> Submissions:
    """Put together what the paid POST needs."""
    known = KnownTasks()
    reconciler = Reconciler(
        sweeps=Sweeps(calls.list_tasks),
        known=known,
        retry=settings.retry,
        server_clock=calls.server_clock,
        emit=calls.emit,
    )
    return Submissions(
        transport=calls.transport,
        account=calls.account,
        retry=settings.retry,
        timeouts=settings.timeouts,
        reconciler=reconciler,
        known=known,
        server_clock=calls.server_clock,
        emit=calls.emit,
        watching=watching,
    )
