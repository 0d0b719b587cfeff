"""One PUT of a whole object: what is killed, broken, refused or kept waiting leaves and tells nothing."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from seedance_async.errors import DownloadFailed
from seedance_async.events import RetryScheduled
from seedance_async.media.storage import Store
from seedance_async.media.uploading import signed_put
from seedance_async.settings import RetryPolicy, Timeouts
from tests.landing.buckets import call, content, dangling, lead_to, s3_server
from tests.landing.host import Host, cut, movie, stall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from seedance_async.events import Event
    from seedance_async.media.download import Landed
    from tests.landing.host import Answer

obstore: Any = pytest.importorskip("obstore")
from_url: Any = pytest.importorskip("obstore.store").from_url
pytest.importorskip("moto.server")

pytestmark = pytest.mark.asyncio

LARGE = movie(21_000_000)
EDGE = movie((2 << 20) - len(movie(0)))
BUCKET = "uploading"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Run an S3 server; gives its address."""
    with s3_server() as address:
        yield address


@pytest.fixture(autouse=True)
def _bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a fresh bucket, and the environment that leads to it."""
    lead_to(s3, monkeypatch)
    asyncio.run(call("POST", "moto-api/reset"))
    asyncio.run(call("PUT", BUCKET))


async def land(store: Store, host: Host, *, events: list[Event] | None = None, **more: Any) -> Landed:
    """Land with plain settings, as a batch does."""
    heard: list[Event] = [] if events is None else events
    settings: dict[str, Any] = {
        "timeouts": Timeouts(),
        "retry": RetryPolicy(attempts=2, wait_initial=0.0),
        "emit": heard.append,
        "overwrite": True,
        **more,
    }
    return await store.land(host.http, host.url, "cat.mp4", **settings)


async def etag(store: Store) -> str:
    """Give the object's ETag; S3 ends that of an upload in parts with their number."""
    raw = store._store  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - the library never needs an ETag
    return str((await obstore.head_async(raw, "cat.mp4"))["e_tag"]).strip('"')


async def unmeasured(host: Host, request: web.BaseRequest) -> web.StreamResponse:
    """Send the video without telling its length."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(host.video)
    return response


async def test_the_length_decides_the_way() -> None:
    """A video of known length is one PUT, one of unknown length comes in parts; both arrive as they are."""
    store = Store(f"s3://{BUCKET}/videos")
    ways: list[tuple[list[Answer], str]] = [([], ""), ([unmeasured], "-3")]
    for plan, parts in ways:
        async with Host(video=LARGE, plan=plan) as host:
            await land(store, host)
        assert await content(store, "cat.mp4") == LARGE
        assert (await etag(store))[32:] == parts


_LANDER = """
import asyncio, sys, aiohttp
from seedance_async.media.storage import Store
from seedance_async.settings import RetryPolicy, Timeouts

async def main():
    async with aiohttp.ClientSession() as http:
        how = {"timeouts": Timeouts(), "retry": RetryPolicy(), "emit": print}
        await Store(sys.argv[1]).land(http, sys.argv[2], "cat.mp4", **how)

asyncio.run(main())
"""


async def test_a_killed_process_leaves_nothing() -> None:
    """After SIGKILL in the middle of an upload there is no object, and no unfinished upload that bills."""
    video, arrived = movie(80_000_000), asyncio.Event()

    async def most(host: Host, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(host.video))})
        await response.prepare(request)
        await response.write(host.video[:-1000])
        arrived.set()
        await asyncio.sleep(3600)
        return response

    async with Host(video=video, plan=[most]) as host:
        lander = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _LANDER, f"s3://{BUCKET}", host.url, stdout=asyncio.subprocess.DEVNULL
        )
        await arrived.wait()
        lander.kill()
        assert await lander.wait() == -9
    await asyncio.sleep(0.3)  # so that the store has noticed
    assert not await dangling(BUCKET)
    assert await Store(f"s3://{BUCKET}").size("cat.mp4") is None


@pytest.mark.parametrize("video", [EDGE[:-1] + b"!", movie(500), LARGE], ids=["edge", "small", "large"])
async def test_a_wrong_video_never_becomes_an_object(video: bytes) -> None:
    """Whatever its length, also at the edge of a block, a video whose boxes are wrong stays away whole."""
    start = video.index(b"mdat") - 4
    wrong = video[:start] + (len(video) - start + 1).to_bytes(4) + video[start + 4 :]
    store = Store(f"s3://{BUCKET}")
    async with Host(video=wrong) as host:
        with pytest.raises(DownloadFailed):
            await land(store, host)
    assert (await store.size("cat.mp4"), len(host.seen)) == (None, 2)


async def test_a_cancelled_upload_leaves_nothing() -> None:
    """Cancelling in the middle of a PUT leaves no object and no parts, and the next landing works."""
    store = Store(f"s3://{BUCKET}")
    async with Host(video=LARGE, plan=[stall(20_000_000)]) as host:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(land(store, host), timeout=0.3)
        assert (await store.size("cat.mp4"), await dangling(BUCKET)) == (None, False)
        await land(store, host)
    assert await content(store, "cat.mp4") == LARGE


async def test_few_connections_are_enough() -> None:
    """Uploads wait for no connection of the session that downloads: with one, both would wait for ever."""
    async with Host() as host:
        await host.http.close()
        host.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
        store = Store(f"s3://{BUCKET}")
        await asyncio.wait_for(land(store, host), timeout=10)
    assert await content(store, "cat.mp4") == host.video


# ------------------------------------------------------------------ a store that does not take it


async def whole(request: web.BaseRequest) -> bytes:
    """Read a body of any length."""
    return b"".join([chunk async for chunk in request.content.iter_any()])


class Gate:
    """Stands before the S3 server: the first signed PUTs are answered by ``plan``, the rest goes through."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.plan: list[Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]] = []
        self.puts: list[dict[str, str]] = []

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer, or pass on."""
        if "Signature" in request.path_qs or "sig=" in request.path_qs:
            self.puts.append(dict(request.headers))
            if self.plan:
                return await self.plan.pop(0)(request)
        sent, address = await whole(request), self.server + request.path_qs
        body = io.BytesIO(sent) if sent else None
        headers = {name: request.headers[name] for name in ("Authorization",) if name in request.headers}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(request.method, address, data=body) as said,
        ):
            kept = {name: said.headers[name] for name in ("ETag", "Last-Modified") if name in said.headers}
            answer = await said.read()
            if request.method == "HEAD":
                kept["Content-Length"] = said.headers.get("Content-Length", "0")
            return web.Response(status=said.status, body=answer or None, headers=kept)


@pytest_asyncio.fixture
async def gate(s3: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gate]:
    """Put a gate between the library and the S3 server."""
    gate = Gate(s3)
    # Its own log would hold the URLs that it is asked for.
    runner = web.ServerRunner(web.Server(gate.answer, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("AWS_ENDPOINT", "http://{}:{}".format(*runner.addresses[0][:2]))
    yield gate
    await runner.cleanup()


def refuse(status: int, code: str) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    """Take the whole body, then refuse."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        await whole(request)
        return web.Response(status=status, text=f"<Error><Code>{code}</Code><R>{request.path_qs}</R></Error>")

    return answer


async def early(request: web.BaseRequest) -> web.StreamResponse:
    """Say yes before anything has come."""
    del request
    return web.Response(status=200)


async def slam(request: web.BaseRequest) -> web.StreamResponse:
    """Close the connection in the middle."""
    await request.content.readany()
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def silent(request: web.BaseRequest) -> web.StreamResponse:
    """Take the whole body and say nothing for an hour."""
    await whole(request)
    await asyncio.sleep(3600)
    return web.Response()


async def deaf(request: web.BaseRequest) -> web.StreamResponse:
    """Take nothing for an hour."""
    del request
    await asyncio.sleep(3600)
    return web.Response()


HURDLES = {
    "503": refuse(503, "SlowDown"),
    "400": refuse(400, "RequestTimeout"),
    "early": early,
    "slam": slam,
    "silent": silent,
    "deaf": deaf,
}


@pytest.mark.parametrize("hurdle", HURDLES)
async def test_a_stumbling_store_is_tried_again(gate: Gate, hurdle: str) -> None:
    """What may pass is tried again with a PUT; a store that takes or says nothing has its limit."""
    store, events = Store(f"s3://{BUCKET}"), list["Event"]()
    gate.plan = [HURDLES[hurdle]]
    # Real seconds, which the good second try must also keep: short only where they are waited for.
    patience = Timeouts(download_idle=1.5) if hurdle in {"silent", "deaf"} else Timeouts()
    async with Host(video=LARGE) as host:
        await land(store, host, events=events, timeouts=patience)
    assert [type(event) for event in events].count(RetryScheduled) == 1
    assert (len(gate.puts), len((await etag(store))[32:])) == (2, 0)
    assert await content(store, "cat.mp4") == LARGE


async def test_a_store_that_wants_no_put_gets_parts(gate: Gate) -> None:
    """Where signed PUTs are forbidden the video still lands, and the next one does not ask again."""
    store = Store(f"s3://{BUCKET}")
    gate.plan = [refuse(403, "AccessDenied")]
    async with Host(video=LARGE) as host:
        await land(store, host)
        await land(store, host)
    assert (len(gate.puts), (await etag(store))[32:]) == (1, "-3")


@pytest.mark.parametrize("hurdle", [refuse(404, "NoSuchBucket"), refuse(503, "Slow"), slam, deaf, early])
async def test_no_signature_is_told(gate: Gate, hurdle: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong, neither error, cause, event nor log line holds the signed URL."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.CRITICAL, "aiohttp.access")  # the video host's own
    events: list[Event] = []
    gate.plan = [hurdle] * 2
    async with Host(video=LARGE, plan=[cut(15_000_000)] if hurdle is slam else []) as host:
        with pytest.raises(DownloadFailed, match=f"s3://{BUCKET}/cat.mp4|broke off") as failed:
            await land(Store(f"s3://{BUCKET}"), host, events=events, timeouts=Timeouts(download_idle=0.3))
    told = "".join(traceback.format_exception(failed.value)) + caplog.text + repr(events)
    chain: BaseException | None = failed.value
    while chain is not None:
        told, chain = told + repr(chain) + str(chain), chain.__cause__ or chain.__context__
    assert "Signature=" not in told
    assert "test%2F" not in told


async def test_the_store_sees_no_other_key(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """A .netrc, or the session that downloads, adds nothing to the PUT."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password sk-secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with Host() as host:
        await host.http.close()
        host.http = aiohttp.ClientSession(headers={"X-Api-Key": "sk-secret"}, trust_env=True)
        await land(Store(f"s3://{BUCKET}"), host)
    assert set(gate.puts[0]) & {"Authorization", "X-Api-Key"} == set()
    assert "sk-secret" not in json.dumps(gate.puts)


async def test_azure_is_told_the_kind_of_blob(gate: Gate) -> None:
    """Azure refuses a PUT of a blob that does not say its kind ("Put Blob", x-ms-blob-type)."""
    gate.plan = [created]
    options: dict[str, Any] = {
        "account_name": "account",
        "account_key": "a2V5" * 8,
        "endpoint": os.environ["AWS_ENDPOINT"],
        "client_options": {"allow_http": True},
    }
    async with Host() as host:
        landed = await land(Store("az://container/folder", **options), host)
        assert landed.size == len(host.video)
    assert gate.puts[0]["x-ms-blob-type"] == "BlockBlob"
    assert gate.puts[0]["Content-Length"] == str(len(host.video))


async def created(request: web.BaseRequest) -> web.StreamResponse:
    """Take the whole body and say what Azure says."""
    await whole(request)
    return web.Response(status=201)


# ------------------------------------------------------------------ which stores can sign

KEYS = {"access_key_id": "a", "secret_access_key": "b", "region": "cn-beijing"}
TOS = {"endpoint": "https://b.tos-s3-cn-beijing.volces.com", "virtual_hosted_style_request": True}
SIGNED: list[tuple[str, dict[str, Any], str | None]] = [
    ("s3://b/folder", KEYS, "http://"),
    ("s3://b/folder", {**KEYS, **TOS}, "https://b.tos-s3-cn-beijing.volces.com/folder/a%20b.mp4?X-Amz-"),
    ("s3://b/folder", {**KEYS, "sse_kms_key_id": "k"}, None),
    ("s3://b/folder", {**KEYS, "client_options": {"proxy_url": "http://127.0.0.1:1"}}, None),
    (
        "s3://b/folder",
        {**KEYS, "endpoint": "http://127.0.0.1:1", "client_options": {"allow_http": False}},
        None,
    ),
    ("az://c/folder", {"account_name": "a", "sas_key": "sv=1&sig=x"}, None),
    ("memory://", {}, None),
]


@pytest.mark.parametrize(("url", "options", "start"), SIGNED)
async def test_who_can_sign(url: str, options: dict[str, Any], start: str | None) -> None:
    """A URL is signed only where it carries all that the store was set up to send, over a safe line."""
    store = from_url(url, **options)
    signed = await signed_put(obstore, store, scheme=url.partition(":")[0], name="a b.mp4")
    assert signed is None if start is None else (signed or "").startswith(start)


@pytest.mark.parametrize(
    ("name", "value"),
    [("SERVER_SIDE_ENCRYPTION", "AES256"), ("SKIP_SIGNATURE", "true"), ("PROXY_URL", "http://127.0.0.1:1")],
)
async def test_the_environment_counts(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What obstore takes from the environment keeps a store from signing, too: an object stays encrypted."""
    monkeypatch.setenv(f"AWS_{name}", value)
    store = from_url("s3://b", **KEYS)
    assert await signed_put(obstore, store, scheme="s3", name="cat.mp4") is None
