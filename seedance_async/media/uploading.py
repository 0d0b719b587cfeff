"""One signed PUT of a whole object, streamed: what a store has not taken to the last byte does not exist.

An upload in parts leaves them at the store when its process is killed, where they are billed until a rule of
the bucket removes them (docs.aws.amazon.com, S3, "Uploading and copying objects using multipart upload"). A
single PUT has no parts, needs its length beforehand, and ends at 5 GiB on S3 ("PutObject") and at 5000 MiB on
Azure ("Put Blob"). The signed URL is a key to the object: no error text or cause holds it.
"""

from __future__ import annotations

import asyncio
import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp import hdrs
from attrs import define, field
from yarl import URL

from seedance_async._wire import clock
from seedance_async._wire.refusals import retry_after_of
from seedance_async.errors import DownloadFailed
from seedance_async.media.tries import FetchFailed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import ModuleType

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from seedance_async.settings import Timeouts

__all__ = ["LARGEST", "Blocks", "PutUnwelcome", "put_whole", "signed_put"]

LARGEST: Final = 5000 << 20
"""Bytes that every one of these stores takes in one PUT."""

_SIGNING: Final = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}
_VALID: Final = timedelta(minutes=15)
_UNSIGNABLE: Final = (
    "skip_signature",
    "server_side_encryption",
    "sse_",
    "encryption_key",
    "checksum_algorithm",
    "request_payer",
)
"""Settings (their beginnings) that put headers on each request, which URLs signed by obstore do not cover."""
_OWN_LINES: Final = (
    "proxy_",
    "allow_invalid_certificates",
    "root_certificate",
    "default_headers",
    "s3_express",
)
"""Settings of obstore's own connections, which those of aiohttp do not share."""
_AGAIN: Final = {408, 409, 425, 429}
_UNWELCOME: Final = {400, 401, 403, 405, 413, 501}
_ERROR_BYTES: Final = 2048
_CODE: Final = re.compile(rb"<Code>(\w{1,80})</Code>")


class PutUnwelcome(FetchFailed):
    """The store refused a signed PUT; it may still take an upload in parts."""


async def signed_put(obstore: ModuleType, store: Any, *, scheme: str, name: str) -> str | None:
    """Sign a PUT of an object; None where this store, or how it was set up, knows no such thing."""
    if scheme not in _SIGNING:
        return None
    settings = _settings(store, _SIGNING[scheme])
    if any(setting.startswith(_UNSIGNABLE + _OWN_LINES) for setting in settings):
        return None
    try:
        url = str(await obstore.sign_async(store, "PUT", name, expires_in=_VALID))
    except obstore.exceptions.BaseError:
        # Not every kind of credentials can sign: a SAS token on Azure, a Google account without that right.
        return None
    secure = url.startswith("https://") or settings.get("allow_http") in {"true", "1"}
    return url if secure else None


def _settings(store: Any, prefix: str) -> dict[str, str]:
    """Gather how a store was set up; obstore does not tell what it took from the environment."""
    found = {
        name.removeprefix(prefix).lower(): value.lower()
        for name, value in os.environ.items()
        if name.startswith(prefix)
    }
    for told in ("config", "client_options"):
        options: dict[Any, Any] = getattr(store, told, None) or {}
        found |= {str(name).lower(): str(value).lower() for name, value in options.items()}
    return found


@define(kw_only=True)
class Blocks:
    """The body of a PUT: watches that the store goes on taking it, and keeps what breaks its source.

    Attributes:
        source: yields the object; whatever it raises ends the PUT before its last byte.
        idle: seconds that the store may take for one block.
        handed: bytes that were handed out.
        trouble: what the source raised; aiohttp wraps it into an error of its own.
    """

    source: AsyncGenerator[bytes]
    idle: float
    handed: int = field(default=0, init=False)
    trouble: Exception | None = field(default=None, init=False)

    async def flow(self, patience: asyncio.Timeout) -> AsyncGenerator[bytes]:
        """Yield the blocks; the store's time counts, the source has a limit of its own."""
        try:
            async for block in self.source:
                self.handed += len(block)
                self._wait(patience, clock.monotonic() + self.idle)
                yield block
                self._wait(patience, None)
        except Exception as error:
            self.trouble = error
            raise
        self._wait(patience, clock.monotonic() + self.idle)

    @staticmethod
    def _wait(patience: asyncio.Timeout, until: float | None) -> None:
        """Set the end of patience, unless it is over already."""
        if not patience.expired():
            patience.reschedule(until)


async def put_whole(
    url: str, source: AsyncGenerator[bytes], *, size: int, timeouts: Timeouts, azure: bool, where: str
) -> None:
    """Stream an object of ``size`` bytes into a signed URL, a block at a time.

    Args:
        url: the signed URL.
        source: yields exactly ``size`` bytes, the last of them only when all are known to be right.
        size: bytes, 1 to :data:`LARGEST`.
        timeouts: ``connect`` and ``download_idle`` hold for the store, too.
        azure: whether the store is Azure, which wants to be told the kind of blob.
        where: address of the object, for errors.

    Raises:
        FetchFailed: another attempt may work; whatever the source raises comes through as it is.
        PutUnwelcome: the store knows this bucket, and does not take this PUT.
        DownloadFailed: no attempt will work.
    """
    headers = {hdrs.CONTENT_LENGTH: str(size)} | ({"x-ms-blob-type": "BlockBlob"} if azure else {})
    blocks = Blocks(source=source, idle=timeouts.download_idle)
    try:
        async with asyncio.timeout(None) as patience, _connection(timeouts) as http:
            body = blocks.flow(patience)
            put = http.put(URL(url, encoded=True), data=body, headers=headers, allow_redirects=False)
            async with put as response:
                await _judge(response, where)
                if blocks.handed == size:
                    return
        why = f"answered HTTP {response.status} before it had everything"
    except (aiohttp.ClientError, OSError) as error:
        # Its text may hold the signed URL, so nothing of it is kept but the kind.
        why = f"broke off ({type(error).__name__})"
    raise blocks.trouble or FetchFailed(f"The object store of {where} {why}.")


def _connection(timeouts: Timeouts) -> aiohttp.ClientSession:
    """Open a session for one PUT.

    In the one that fetches, all connections may be taken by the downloads that wait for these uploads, and
    what it adds to requests (keys, cookies) is not meant for the store. Proxies are those of the environment,
    as with obstore.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_without_authorization,),
        trust_env=True,
    )


async def _without_authorization(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Drop what .netrc adds: a store refuses a signed URL with a second proof of identity."""
    request.headers.pop(hdrs.AUTHORIZATION, None)
    return await handler(request)


async def _judge(response: ClientResponse, where: str) -> None:
    """Sort an answer by its status."""
    status = response.status
    if response.ok and status < 300:  # noqa: PLR2004
        return
    found = _CODE.search(await response.content.read(_ERROR_BYTES))
    code = found[1].decode() if found else ""
    text = f"The object store refused {where}: HTTP {status}{' ' + code if code else ''}."
    # S3 says 400 RequestTimeout when the video's host was too slow for it.
    if status in _UNWELCOME and code != "RequestTimeout":
        raise PutUnwelcome(text, status=status)
    if status in _AGAIN or status >= 500 or code == "RequestTimeout":  # noqa: PLR2004
        wait = retry_after_of(response.headers.get(hdrs.RETRY_AFTER), clock.wall())
        raise FetchFailed(text, status=status, retry_after=wait)
    raise DownloadFailed(text, status=status)
