"""The account's key never reaches the video host, and the URL's signature reaches nobody else."""

from __future__ import annotations

import logging
import ssl
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from seedance_async.errors import DownloadFailed, InvalidRequest
from seedance_async.events import log_event
from seedance_async.media.fetch import address
from tests.landing.host import Host, cut, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.landing.host import Answer

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def signing(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Sign every request of a session, as a user's own middleware may."""
    request.headers["Authorization"] = "Bearer sk-secret"
    return await handler(request)


SESSIONS: dict[str, Callable[[], aiohttp.ClientSession]] = {
    "header": lambda: aiohttp.ClientSession(headers={"Authorization": "Bearer sk-secret"}),
    "other header": lambda: aiohttp.ClientSession(headers={"X-Api-Key": "sk-secret"}),
    "basic auth": lambda: aiohttp.ClientSession(auth=aiohttp.BasicAuth("me", "sk-secret")),
    "cookie": lambda: aiohttp.ClientSession(
        cookies={"session": "sk-secret"}, cookie_jar=aiohttp.CookieJar(unsafe=True)
    ),
    "netrc": lambda: aiohttp.ClientSession(trust_env=True),
    "middleware": lambda: aiohttp.ClientSession(middlewares=(signing,)),
}


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated", "ignore:The 'auth' parameter")
@pytest.mark.parametrize("way", SESSIONS)
async def test_no_credentials_leave(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a session comes to its credentials, the video host sees none, before and after a redirect."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password sk-secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with Host(plan=[say(302, Location="/moved.mp4?X-Tos-Signature=SECRET")]) as host:
        await host.http.close()
        host.http = SESSIONS[way]()
        await host.land(tmp_path / "cat.mp4")
    known = {"host", "accept", "accept-encoding", "user-agent", "connection"}
    assert {name.lower() for headers in host.seen for name in headers} <= known
    assert (tmp_path / "cat.mp4").read_bytes() == host.video


async def test_the_bytes_are_asked_for_as_they_are(tmp_path: Path) -> None:
    """Compression would make the length a lie, so it is declined; a false Content-Encoding does no harm."""
    async with Host(headers={"Content-Encoding": "gzip", "ETag": '"v1"'}) as host:
        await host.land(tmp_path / "cat.mp4")
    assert host.seen[0]["Accept-Encoding"] == "identity"
    assert (tmp_path / "cat.mp4").read_bytes() == host.video


async def test_credentials_in_a_url_are_dropped(tmp_path: Path) -> None:
    """User and password in a URL or in a redirect are not sent."""
    async with Host() as host:
        inside = host.base.replace("//", "//me:sk-secret@")
        host.plan.append(say(307, Location=f"{inside}/moved.mp4"))
        await host.land(tmp_path / "cat.mp4", url=f"{inside}/video.mp4")
    assert host.paths == ["/video.mp4", "/moved.mp4"]
    assert all("Authorization" not in headers for headers in host.seen)


@pytest.mark.parametrize(
    "where", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:video/mp4,x", "//[bad", "gopher:x"]
)
async def test_redirects_stay_on_http(tmp_path: Path, where: str) -> None:
    """A redirect to anything but http or https ends the landing, without reading what it points to."""
    async with Host(plan=[say(302, Location=where)]) as host:
        with pytest.raises(DownloadFailed, match="no http or https URL"):
            await host.land(tmp_path / "cat.mp4")
    assert (len(host.seen), list(tmp_path.iterdir())) == (1, [])


def certificate(folder: Path) -> ssl.SSLContext:
    """Make a host's certificate that nobody has signed."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "video host")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day.replace(year=2076))
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "host.pem"
    file.write_bytes(key.private_bytes(pem, *form) + made.sign(key, hashes.SHA256()).public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_no_redirect_leads_out_of_https(tmp_path: Path) -> None:
    """What began encrypted does not go on in the clear, where a signed address could be read."""
    tls, out = certificate(tmp_path), tmp_path / "out"
    async with (
        Host() as plain,
        Host(tls=tls, plan=[say(302, Location=plain.url), say(302, Location="/b")]) as host,
    ):
        await host.http.close()
        host.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False))
        with pytest.raises(DownloadFailed, match="from https to http"):
            await host.land(out / "cat.mp4")
        assert plain.seen == []
        assert list(out.iterdir()) == []
        await host.land(out / "cat.mp4")
    assert (out / "cat.mp4").read_bytes() == host.video


async def test_redirects_are_counted(tmp_path: Path) -> None:
    """A host that sends in circles is left after five hops."""
    async with Host(plan=[say(301, Location="/again.mp4")] * 20) as host:
        with pytest.raises(DownloadFailed, match="more than 5 times"):
            await host.land(tmp_path / "cat.mp4")
    assert len(host.seen) == 6


@pytest.mark.parametrize(
    "url", ["", "cat.mp4", "file:///etc/passwd", "ftp://host/x", "http://", "https://h:99999/"]
)
async def test_only_http_is_fetched(tmp_path: Path, url: str) -> None:
    """Anything but an http or https URL is refused before any file or connection is opened."""
    async with Host() as host:
        with pytest.raises(InvalidRequest, match="http:// or https://") as refused:
            await host.land(tmp_path / "cat.mp4", url=url or " ")
    assert (refused.value.field, list(tmp_path.iterdir()), host.seen) == ("url", [], [])


async def test_a_signed_url_is_sent_as_it_is_spelt() -> None:
    """The signature covers the spelling: an escaped slash stays escaped."""
    url = "https://a.tos-cn-beijing.volces.com/v%2F1.mp4?X-Tos-Credential=AK%2F20261122%2Fcn-beijing&X-Tos-Expires=86400"
    assert str(address(url)) == url


@pytest.mark.parametrize("trouble", [say(403, "<Code>AccessDenied</Code>SECRET"), say(418, "SECRET"), cut(0)])
async def test_the_signature_is_not_told(
    tmp_path: Path, trouble: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither error, nor its causes, nor the log hold the URL's signature."""
    caplog.set_level(logging.DEBUG)
    async with Host(plan=[trouble] * 9) as host:
        with pytest.raises(DownloadFailed) as failed:
            await host.land(tmp_path / "cat.mp4", emit=log_event)
    told = "".join(traceback.format_exception(failed.value)) + caplog.text.replace(host.paths[0], "")
    assert "SECRET" not in "\n".join(line for line in told.splitlines() if "aiohttp.access" not in line)


async def test_a_broken_answer_does_not_tell_the_url(tmp_path: Path) -> None:
    """Aiohttp's error for an answer that is no HTTP holds the URL; ours does not, also as a traceback."""

    async def garbage(host: Host, request: web.BaseRequest) -> web.StreamResponse:
        del host
        assert request.transport is not None
        request.transport.write(b"garbage garbage\r\n\r\n")
        request.transport.close()
        return web.Response()

    async with Host(plan=[garbage] * 9) as host:
        with pytest.raises(DownloadFailed) as failed:
            await host.land(tmp_path / "cat.mp4")
    assert "SECRET" not in "".join(traceback.format_exception(failed.value))
