"""Sends one request and says how it ended: an answer, or how far it got without one."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from seedance_async._wire import clock
from seedance_async._wire.exchange import WireResponse
from seedance_async._wire.secret import Screen, Secret
from seedance_async._wire.sockets import NEVER_SENT
from seedance_async.errors import AnswerLost, Billed, ConnectionFailed, InvalidRequest, SeedanceError
from seedance_async.events import RequestSent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from seedance_async._wire.emitter import Emitter
    from seedance_async._wire.exchange import WireRequest
    from seedance_async.carrier import Carrier
    from seedance_async.settings import Timeouts

__all__ = ["Transport"]

_TOLD: Final = ("date", "retry-after", "x-request-id")
"""What is read of an answer's headers; nothing else of them goes further."""


class Transport:
    """Sends requests of the protocol to one server with one key, over whatever carries them."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        timeouts: Timeouts,
        carrier: Carrier,
        emit: Emitter,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = CIMultiDictProxy(
            CIMultiDict(
                {
                    "Authorization": Secret(f"Bearer {api_key}"),
                    "Accept": "application/json",
                    # One gateway labels plain bodies as gzip; an answer that cannot be unpacked would count
                    # as lost.
                    "Accept-Encoding": "identity",
                }
            )
        )
        self._screen = Screen(api_key)
        self._timeouts = timeouts
        self._carrier = carrier
        self._emit = emit

    def __repr__(self) -> str:
        return f"<Transport {self._base_url}>"

    @property
    def http(self) -> aiohttp.ClientSession:
        """The aiohttp session for reads; it carries no key of its own."""
        return self._carrier.http

    async def send(self, request: WireRequest, *, on_sent: Callable[[], None] | None = None) -> WireResponse:
        """Send once and read the whole answer; where it repeats the key, three stars stand for it.

        Args:
            request: what to send.
            on_sent: called when the first byte of a body goes out; before that nothing can be accepted. What
                it raises ends the exchange as one that was never sent.

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
            return WireResponse(
                status=status,
                headers=self._told(response.headers),
                body=self._screen.body(response.body),
                received_at=response.received_at,
                seconds=clock.monotonic() - started,
            )
        except SeedanceError as error:
            failure = str(error)
            raise
        finally:
            if self._emit.is_heard(logging.DEBUG):
                seconds = clock.monotonic() - started
                self._emit(
                    RequestSent(route=request.route.name, status=status, seconds=seconds, error=failure)
                )

    def _told(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Pick the headers that are read, cleared of the key."""
        return {name: self._screen.text(headers[name]) for name in _TOLD if name in headers}

    async def _exchange(self, request: WireRequest, on_sent: Callable[[], None] | None) -> WireResponse:
        """Translate every way in which a carrier can fail into "sent" or "not sent"."""
        sent = False

        def departed() -> None:
            nonlocal sent
            if on_sent is not None:
                on_sent()  # what it raises keeps the body back: nothing is sent then
            sent = True

        try:
            return await self._carrier.carry(
                request,
                base_url=self._base_url,
                headers=self._headers,
                timeouts=self._timeouts,
                departed=departed,
            )
        except aiohttp.InvalidURL as error:
            limit = "must be an http(s) URL"
            raise InvalidRequest(field="base_url", value=self._base_url, limit=limit) from error
        except NEVER_SENT as error:
            raise _unreached(request, error, sent=sent) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _lost(request, error, sent=sent) from self._screen.cause(error)
        except SeedanceError as error:
            if sent and isinstance(error, ConnectionFailed):
                raise _unreached(request, error, sent=True) from error
            raise
        except Exception as error:
            # Somebody's middleware or carrier broke after the order went out: only the server knows.
            if not sent:
                raise
            raise _lost(request, error, sent=True) from self._screen.cause(error)

    async def close(self) -> None:
        """Close what is ours; a borrowed aiohttp session stays open."""
        await self._carrier.close()


def _unreached(request: WireRequest, cause: BaseException, *, sent: bool) -> SeedanceError:
    """Say that no connection was found; a middleware or carrier may look for one after a first try is out."""
    if sent:
        return _lost(request, cause, sent=True)
    return ConnectionFailed(f"{request.route.name}: no connection ({_name(cause)}); nothing was sent.")


def _lost(request: WireRequest, cause: BaseException, *, sent: bool) -> SeedanceError:
    """Say whether a broken exchange may have been accepted."""
    name = request.route.name
    if request.body is not None and not sent:
        return ConnectionFailed(f"{name}: the connection broke before anything was sent ({_name(cause)}).")
    billed = Billed.MAYBE if request.route.paid else Billed.NO
    return AnswerLost(f"{name}: sent, and no answer came back ({_name(cause)}).", billed=billed)


def _name(error: BaseException) -> str:
    """Name an error without its text where the text could hold a URL's secrets."""
    text = str(error) if isinstance(error, OSError | asyncio.TimeoutError) else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
