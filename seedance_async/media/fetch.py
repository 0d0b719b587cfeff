"""One GET of a video: no credentials, no surprises, and every failure sorted into "again" or "never".

The URL is a key of its own.  An Authorization header breaks its signature (api docs 1520757) and would hand
the account's key to a host that has no business with it, so only the headers that this module knows leave,
whatever the session adds by default.  No error text or cause holds the URL.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import hdrs
from attrs import frozen
from yarl import URL

from seedance_async._wire import clock
from seedance_async._wire.refusals import retry_after_of
from seedance_async.errors import DownloadFailed, InvalidRequest, SessionClosed
from seedance_async.media.part import Mark
from seedance_async.media.tries import FetchFailed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from seedance_async.settings import Timeouts

__all__ = ["BUFFER", "Body", "address", "fetched", "mark_of"]

BUFFER: Final = 1 << 19
"""Bytes that aiohttp may hold back per download; its own 64 KiB stop and start the socket too often."""

_HOPS: Final = 5
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_STALE: Final = {401, 403, 404, 410}
_AGAIN: Final = {408, 425, 429}
_FULL, _PARTIAL, _BAD, _UNSATISFIABLE = 200, 206, 400, 416
_ERROR_BYTES: Final = 2048
_ALLOWED: Final = frozenset(
    name.lower()
    for name in (
        hdrs.HOST,
        hdrs.ACCEPT,
        hdrs.ACCEPT_ENCODING,
        hdrs.USER_AGENT,
        hdrs.CONNECTION,
        hdrs.RANGE,
        hdrs.IF_RANGE,
        hdrs.PROXY_AUTHORIZATION,  # for the user's own proxy; it does not pass it on
    )
)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_CODE = re.compile(rb'<Code>([\w.-]{1,80})</Code>|"code"\s*:\s*"([\w.-]{1,80})"')


@frozen(kw_only=True)
class Body:
    """An answer whose body is about to be read.

    Attributes:
        response: the answer; its body is not decompressed.
        start: byte of the file at which the body starts.
        mark: what the server said of the whole file.
    """

    response: ClientResponse
    start: int
    mark: Mark


def address(url: str) -> URL:
    """Check a URL, and keep its spelling: a signature covers it to the last character.

    Raises:
        InvalidRequest: it is no http or https URL with a host.
    """
    try:
        plain = url.isascii() and url.isprintable() and " " not in url
        parsed = URL(url, encoded=plain)
        if parsed.scheme in {"http", "https"} and parsed.host and parsed.port:
            return parsed.with_user(None).with_fragment(None)
    except (ValueError, TypeError):
        pass
    # The value itself stays out of the message: a signed URL is a key to the video.
    raise InvalidRequest(
        "The video's address is not valid", field="url", limit="must be http:// or https://, with a host"
    )


@asynccontextmanager
async def fetched(
    http: aiohttp.ClientSession, url: str, *, mark: Mark, offset: int, timeouts: Timeouts
) -> AsyncGenerator[Body]:
    """Ask for the file from ``offset`` on, as long as it still is the one that ``mark`` describes.

    Raises:
        FetchFailed: another attempt may work; also for what goes wrong while the body is read.
        DownloadFailed: no attempt will work.
        SessionClosed: ``http`` is closed.
    """
    if http.closed:
        raise SessionClosed("The aiohttp session for downloads is closed.")
    try:
        response = await _arrive(http, address(url), _headers(mark, offset), timeouts)
        async with response:
            yield await _judged(response, mark, offset)
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        # These carry the whole URL, signature included, in their text.
        telling = isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL)
        raise FetchFailed(f"The download broke off: {_words(error)}.") from (None if telling else error)


def _words(error: BaseException) -> str:
    """Say what went wrong in words that hold no URL."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else ""
    return f"{type(error).__name__} ({why})" if why else type(error).__name__


def _headers(mark: Mark, offset: int) -> dict[str, str]:
    """Ask for the bytes as they are, from ``offset`` on."""
    headers: dict[str, str] = {hdrs.ACCEPT: "*/*", hdrs.ACCEPT_ENCODING: "identity"}
    if offset:
        headers |= {hdrs.RANGE: f"bytes={offset}-", hdrs.IF_RANGE: mark.validator}
    return headers


async def _known_headers_only(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Drop keys, cookies and whatever else was meant for another host; also what .netrc or the URL added."""
    for name in {name for name in request.headers if name.lower() not in _ALLOWED}:
        del request.headers[name]
    return await handler(request)


async def _arrive(
    http: aiohttp.ClientSession, url: URL, headers: dict[str, str], timeouts: Timeouts
) -> ClientResponse:
    """Follow redirects to the answer; each hop is checked like the first URL."""
    limits = aiohttp.ClientTimeout(
        total=None, sock_connect=timeouts.connect, sock_read=timeouts.download_idle
    )
    for _ in range(_HOPS + 1):
        response = await http.get(
            url,
            headers=headers,
            timeout=limits,
            allow_redirects=False,
            raise_for_status=False,
            auto_decompress=False,
            read_bufsize=BUFFER,
            middlewares=(_known_headers_only,),
        )
        if response.status not in _REDIRECTS:
            return response
        response.release()
        url = _next_hop(url, response)
    raise DownloadFailed(f"The video's address was redirected more than {_HOPS} times.")


def _next_hop(url: URL, response: ClientResponse) -> URL:
    """Give the URL that a redirect points to."""
    where = response.headers.get(hdrs.LOCATION, "")
    try:
        found = address(str(url.join(URL(where, encoded=where.isascii()))))
    except ValueError:
        raise DownloadFailed(
            "The video's address was redirected to something that is no http or https URL.",
            status=response.status,
        ) from None
    if url.scheme == "https" and found.scheme == "http":
        raise DownloadFailed(
            "The video's address was redirected from https to http, where its signature could be read.",
            status=response.status,
        )
    return found


async def _judged(response: ClientResponse, mark: Mark, offset: int) -> Body:
    """Sort an answer by its status."""
    status = response.status
    if status == _FULL:
        return Body(response=response, start=0, mark=mark_of(response, response.content_length))
    if status == _PARTIAL:
        return _continued(response, mark, offset)
    if status == _UNSATISFIABLE and offset:
        return Body(response=response, start=-1, mark=Mark())
    code = await _code(response)
    text = f"The video host answered HTTP {status}{' ' + code if code else ''}."
    again = status in _AGAIN or status >= 500 or (status == _BAD and "not_ready" in code.lower())  # noqa: PLR2004
    if again or status in _STALE:
        wait = retry_after_of(response.headers.get(hdrs.RETRY_AFTER), clock.wall())
        raise FetchFailed(text, status=status, stale=status in _STALE, retry_after=wait)
    raise DownloadFailed(text, status=status)


def _continued(response: ClientResponse, mark: Mark, offset: int) -> Body:
    """Check that a 206 goes on with the same file exactly where ours ends; start -1 means "begin again"."""
    said = _RANGE.fullmatch(response.headers.get(hdrs.CONTENT_RANGE, ""))
    first, last, size = (int(number) for number in said.groups()) if said else (-1, -1, -1)
    found = mark_of(response, size)
    same = mark.size in {None, size} and found.validator in {"", mark.validator}
    if first != offset or last != size - 1 or not same:
        return Body(response=response, start=-1, mark=Mark())
    return Body(response=response, start=offset, mark=Mark(validator=mark.validator, size=size))


def mark_of(response: ClientResponse, size: int | None) -> Mark:
    """Read the validators of an answer; a weak ETag may not be used for ranges (RFC 9110, 13.1.5)."""
    etag = response.headers.get(hdrs.ETAG, "")
    strong = etag if etag.startswith('"') else ""
    return Mark(validator=strong or response.headers.get(hdrs.LAST_MODIFIED, ""), size=size)


async def _code(response: ClientResponse) -> str:
    """Find the error code in the beginning of a body; the rest of it may repeat the signed URL."""
    found = _CODE.search(await response.content.read(_ERROR_BYTES))
    return next(part.decode() for part in found.groups() if part) if found else ""
