"""The callback receiver: a hint and nothing more, whoever sends it."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from seedance_async.callbacks import CallbackReceiver
from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio


class Ear:
    """Takes the place of a watcher."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def wake(self, task_id: str) -> None:
        """Note the id."""
        self.heard.append(task_id)


async def post(url: str, body: bytes | AsyncIterator[bytes]) -> int:
    """Send a callback as the server would; the status of the answer."""
    async with aiohttp.ClientSession() as http, http.post(url, data=body) as answer:
        return answer.status


def record(task_id: object) -> bytes:
    """Make the body of a callback: the record that a GET would give."""
    return json.dumps({"id": task_id, "status": "succeeded"}).encode()


async def test_a_callback_wakes_the_watcher_of_its_path() -> None:
    """Two sessions on one receiver hear only of their own tasks."""
    one, two = Ear(), Ear()
    async with CallbackReceiver() as receiver:
        first, second = receiver.bind(one), receiver.bind(two)
        assert first.startswith("http://127.0.0.1:")
        assert receiver.url_for(one) == first
        assert await post(first, record("a")) == 200
        assert await post(second, record("b")) == 200
    assert (one.heard, two.heard) == (["a"], ["b"])


@pytest.mark.parametrize(
    "body",
    [
        {"id": "a", "status": "running"},
        {"task_id": "a", "status": "SUCCESS"},
        {"code": "success", "message": "", "data": {"task_id": "a", "status": "SUCCESS"}},
    ],
    ids=["ark", "task_id", "wrapper"],
)
async def test_gateways_wrap_callbacks_too(body: dict[str, object]) -> None:
    """The id is found in a record and in a gateway's wrapper."""
    ear = Ear()
    async with CallbackReceiver() as receiver:
        assert await post(receiver.bind(ear), json.dumps(body).encode()) == 200
    assert ear.heard == ["a"]


async def test_a_wrong_token_looks_like_a_wrong_path() -> None:
    """Without the secret part nobody is woken and nothing is learned."""
    ear = Ear()
    async with CallbackReceiver() as receiver:
        url = receiver.bind(ear, name="mine")
        base = url.rpartition("/")[0]
        wrong = [f"{base}/x", f"{base}/{'A' * 43}", f"{url}x", base.replace("mine", "other") + "/x", base]
        assert [await post(one, record("a")) for one in wrong] == [404] * 5
        receiver.unbind(ear)
        assert await post(url, record("a")) == 404
    assert ear.heard == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b"null", b'{"id": 5}', b'{"status": "x"}', b"\xff\xfe", b"[" * 60_000],
    ids=["empty", "cut", "list", "null", "number", "no id", "bytes", "deep"],
)
async def test_garbage_is_refused(body: bytes) -> None:
    """A body that names no task is a 400, never a 500."""
    ear = Ear()
    async with CallbackReceiver() as receiver:
        assert await post(receiver.bind(ear), body) == 400
    assert ear.heard == []


async def test_a_large_body_is_refused_unread() -> None:
    """More than 64 kB is a 413, also when no length was announced."""
    ear = Ear()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 10_000

    async with CallbackReceiver() as receiver:
        url = receiver.bind(ear)
        assert await post(url, b" " * 70_000) == 413
        assert await post(url, endless()) == 413
    assert ear.heard == []


async def test_it_can_be_mounted_into_an_application() -> None:
    """The user's own application serves the route under the prefix of its choice."""
    ear = Ear()
    app = web.Application()
    receiver = CallbackReceiver(public_url="https://videos.example.org/")
    receiver.add_to(app, "/hooks/seedance")
    url = receiver.bind(ear)
    assert url.startswith("https://videos.example.org/hooks/seedance/")
    async with TestServer(app) as server:
        path = url.removeprefix("https://videos.example.org")
        assert await post(str(server.make_url(path)), record("a")) == 200
    assert ear.heard == ["a"]


async def test_routes_can_be_added_by_hand() -> None:
    """``receiver.routes`` fits aiohttp's ``add_routes``."""
    ear = Ear()
    app = web.Application()
    receiver = CallbackReceiver(public_url="https://x.example", prefix="")
    app.add_routes(receiver.routes)
    async with TestServer(app) as server:
        path = receiver.bind(ear).removeprefix("https://x.example")
        assert await post(str(server.make_url(path)), record("a")) == 200
    assert ear.heard == ["a"]


async def test_a_secret_keeps_the_paths_over_a_restart() -> None:
    """Named sessions of one secret have the same path again, and of another secret another one."""

    def path(secret: str | None) -> str:
        return CallbackReceiver(public_url="https://x.example", secret=secret).bind(Ear(), name="n")

    assert path("s") == path("s")
    assert len({path("s"), path("t"), path(None), path(None)}) == 4


async def test_the_secret_path_reaches_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Run by itself, the receiver writes no access log, because the path is the secret."""
    ear = Ear()
    with caplog.at_level(logging.DEBUG):
        async with CallbackReceiver() as receiver:
            url = receiver.bind(ear)
            await post(url, record("a"))
            await post(url, b"{")
            shown = repr(receiver)
    token = url.rpartition("/")[2]
    assert token not in caplog.text
    assert token not in shown


async def test_bad_arguments_are_named() -> None:
    """Every wrong argument raises InvalidRequest with its name."""
    with pytest.raises(InvalidRequest, match="public_url"):
        CallbackReceiver(public_url="videos.example.org")
    with pytest.raises(InvalidRequest, match="prefix"):
        CallbackReceiver(prefix="hooks")
    with pytest.raises(InvalidRequest, match="public_url"):
        CallbackReceiver().bind(Ear())
    receiver = CallbackReceiver(public_url="https://x.example")
    receiver.bind(Ear(), name="taken")
    for name in ("taken", "a/b", "ä", "x" * 65):
        with pytest.raises(InvalidRequest, match="name"):
            receiver.bind(Ear(), name=name)
    with pytest.raises(InvalidRequest, match="watcher"):
        receiver.url_for(Ear())


@pytest.mark.parametrize("segments", ["\udcff/x", "x/\udcff", "\udcff/\udcff"])
async def test_a_path_that_is_no_text_is_nobodys(segments: str) -> None:
    """Frameworks hand over bytes that are no UTF-8 as lone surrogates; such a path is wrong, no error."""
    receiver = CallbackReceiver(public_url="https://x.example")
    receiver.bind(Ear())
    assert not receiver.take(f"/seedance/{segments}", record("a"))


class Thoughtful(Ear):
    """Notes in which thread it is woken."""

    def wake(self, task_id: str) -> None:
        """Note the id and the thread."""
        super().wake(f"{task_id} in {threading.current_thread().name}")


async def test_a_callback_that_another_thread_received_wakes_in_the_loop_of_the_session() -> None:
    """Web servers call from threads, and a watcher that is touched from there would miss it or break."""
    ear = Thoughtful()
    receiver = CallbackReceiver(public_url="https://x.example")
    path = URL(receiver.bind(ear)).path
    assert await asyncio.to_thread(receiver.take, path, record("a"))
    await asyncio.sleep(0)
    assert receiver.take(path, record("b"))
    here = threading.current_thread().name
    assert ear.heard == [f"a in {here}", f"b in {here}"]


async def test_a_callback_for_a_loop_that_is_closed_is_no_error() -> None:
    """A session that was never closed left its path behind; a web server that still serves it is not hurt."""
    ear = Ear()
    receiver = CallbackReceiver(public_url="https://x.example")

    async def bind() -> str:
        return URL(receiver.bind(ear)).path

    path = await asyncio.to_thread(lambda: asyncio.run(bind()))
    assert receiver.take(path, record("a"))
    assert ear.heard == []


async def test_a_flood_is_answered() -> None:
    """200 callbacks at once, duplicates and strangers among them, are all answered and all passed on."""
    ear = Ear()
    async with CallbackReceiver() as receiver, aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        url = receiver.bind(ear)

        async def send(number: int) -> None:
            async with http.post(url, data=record(f"t{number % 40}")) as answer:
                assert answer.status == 200

        for number in range(200):
            group.create_task(send(number))
    assert len(ear.heard) == 200
