"""What brings a request to a server and its answer back: sockets as a rule, something else where you say so.

A session sends through a :class:`Carrier`. The usual one opens HTTP connections; give another one as
``SeedanceSession(transport=...)`` to talk to a server in the same process
(:class:`seedance_async.in_process.InProcess`), over a proxy protocol of your own, or to a recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from seedance_async._wire.exchange import Route, WireRequest, WireResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import aiohttp

    from seedance_async.settings import Timeouts

__all__ = ["Carrier", "Route", "WireRequest", "WireResponse"]


class Carrier(Protocol):
    """Carries single requests of one session, in one event loop; the session closes it when it closes."""

    @property
    def http(self) -> aiohttp.ClientSession:
        """The aiohttp session that fetches videos; it adds no key."""
        ...

    async def carry(
        self,
        request: WireRequest,
        *,
        base_url: str,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        departed: Callable[[], None],
    ) -> WireResponse:
        """Send a request once, and wait for the whole answer, whatever its status; never repeat it.

        How an exchange failed decides whether the paid create may be sent again, so tell the truth: call
        ``departed`` right before the first byte of a body can reach the server, and not earlier.

        Args:
            request: route, path and query below ``base_url``, as they go into the URL, and the body.
            base_url: scheme, host, port and prefix, without a slash at the end.
            headers: case-insensitive; they hold the key, which no other host may see.
            timeouts: ``connect`` and ``request``, in seconds.
            departed: to be called when the body goes out. A failure before counts as "nothing was sent",
                one after it as "may have been accepted".

        Raises:
            ConnectionFailed: it is certain that nothing was sent.
            aiohttp.ClientError, OSError, TimeoutError: the exchange broke.
        """
        ...

    async def close(self) -> None:
        """Close what is open; a second time does nothing."""
        ...
