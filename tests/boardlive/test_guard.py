"""Who may look at a board and press its buttons, and that nobody else gets anything."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async.board.guard import Guard
from tests.boardlive.stands import Switch, accept, land, reading
from tests.gallery.shelves import CLIP, put

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio

BUTTONS = ("stop", "cancel-queued")


async def test_only_the_whole_address_opens(tmp_path: Path) -> None:
    """Without the token, or with another one, there is nothing: no page, no stream, no video."""
    async with reading(tmp_path) as reader:
        accept(reader.board, "a")
        land(reader.board, "a", put(tmp_path, "a.mp4"))
        assert await reader.status() == 200
        assert await reader.status("video/0.mp4") == 200
        for address in (
            "/",
            "/events",
            "/video/0.mp4",
            f"/{reader.token[:-1]}/",
            f"/{reader.token}x/video/0.mp4",
        ):
            async with reader.http.get(reader.origin + address) as answer:
                assert answer.status == 404
                assert reader.token not in await answer.text()


async def test_another_host_name_is_refused(tmp_path: Path) -> None:
    """A name that an attacker bound to 127.0.0.1 opens nothing (DNS rebinding)."""
    async with reading(tmp_path) as reader:
        port = reader.origin.rpartition(":")[2]
        for host in (f"evil.example:{port}", "", "[", f"127.0.0.1.evil.example:{port}"):
            assert await reader.status(headers={"Host": host}) in {400, 403}
        assert await reader.status(headers={"Host": f"localhost:{port}"}) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"X_Board_Token": None},
        {"X_Board_Token": "guess"},
        {"X_Board_Token": "\u00fc"},
    ],
)
async def test_a_foreign_page_presses_no_button(tmp_path: Path, headers: dict[str, Any]) -> None:
    """Knowing the address is not enough: the request must come from the board's own page."""
    async with reading(tmp_path) as reader:
        for button in BUTTONS:
            assert await reader.press(button, **headers) == 403
        assert reader.switch.times == 0


@pytest.mark.parametrize("button", BUTTONS)
async def test_a_button_stops_once(tmp_path: Path, button: str) -> None:
    """A second press does not throw the switch again, which would leave everything at once."""
    async with reading(tmp_path) as reader:
        assert await reader.press(button) == 204
        assert [await reader.press(other) for other in BUTTONS] == [204, 204]
        assert reader.switch.times == 1


async def test_a_press_after_ctrl_c_changes_nothing(tmp_path: Path) -> None:
    """Whoever threw the switch before, a button is never the second throw, and the page says what goes on."""
    switch = Switch(cancel_queued=True)
    async with reading(tmp_path, stop=switch) as reader:
        switch.stop()
        assert await reader.press() == 204
        assert (switch.times, switch.cancel_queued) == (1, True)
        async with reader.http.get(reader.board.url) as answer:
            assert "what is queued is cancelled" in await answer.text()


async def test_looking_at_the_button_presses_nothing(tmp_path: Path) -> None:
    """A link or a picture of another page can only GET, and that does nothing."""
    async with reading(tmp_path) as reader:
        assert [await reader.status(button) for button in BUTTONS] == [405, 405]
        assert reader.switch.times == 0


@pytest.mark.parametrize("button", BUTTONS)
async def test_each_button_says_what_it_does(tmp_path: Path, button: str) -> None:
    """A press does what its words say, however the switch was made; Ctrl-C alone asks the switch."""
    cancels = button == "cancel-queued"
    switch = Switch(cancel_queued=not cancels)
    async with reading(tmp_path, stop=switch) as reader:
        async with reader.http.get(reader.board.url) as answer:
            page = await answer.text()
        words = dict(re.findall(r'<button[^>]*data-does="([^"]*)">([^<]*)', page))
        assert words == {"stop": "Stop ordering", "cancel-queued": "Stop, and cancel what is queued"}
        assert await reader.press(button) == 204
        assert switch.cancel_queued is cancels


async def test_without_a_switch_nothing_pretends_to_stop(tmp_path: Path) -> None:
    """A board that cannot stop its batch has no button, and says so to whoever presses one."""
    async with reading(tmp_path, stop=None) as reader:
        async with reader.http.get(reader.board.url) as answer:
            assert '<button type="button" data-does' not in await answer.text()
        assert [await reader.press(button) for button in BUTTONS] == [400, 400]


async def test_only_videos_of_the_batch_are_given(tmp_path: Path) -> None:
    """No path leads to another file, and a video that is gone is not found."""
    (tmp_path / "secret.txt").write_text("no")
    async with reading(tmp_path) as reader:
        accept(reader.board, "a")
        path = put(tmp_path, "a.mp4")
        land(reader.board, "a", path)
        for name in (
            "video/1.mp4",
            "video/0.txt",
            "secret.txt",
            "video/..%2Fsecret.txt",
            "video/../secret.txt",
        ):
            assert await reader.status(name) == 404
        path.unlink()
        assert await reader.status("video/0.mp4") == 404


async def test_a_player_may_seek(tmp_path: Path) -> None:
    """A part of a video is given as such, or browsers could not jump."""
    async with reading(tmp_path) as reader:
        accept(reader.board, "a")
        land(reader.board, "a", put(tmp_path, "a.mp4"))
        async with reader.http.get(
            reader.board.url + "video/0.mp4", headers={"Range": "bytes=4-7"}
        ) as answer:
            assert (answer.status, await answer.read()) == (206, CLIP[4:8])
            assert answer.content_type == "video/mp4"


async def test_every_answer_keeps_to_itself(tmp_path: Path) -> None:
    """No cache, no referrer, no frame, no other site gets at a board."""
    async with reading(tmp_path) as reader, reader.http.get(reader.board.url) as answer:
        headers = answer.headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


async def test_the_token_is_not_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither logs nor reprs hold what opens the board."""
    with caplog.at_level(logging.DEBUG):
        async with reading(tmp_path) as reader:
            await reader.status()
            await reader.press()
            told = [record for record in caplog.records if record.name != "asyncio"]
            assert not any(reader.token in record.getMessage() for record in told)
    assert "token" not in repr(Guard())
    assert Guard().token != Guard().token


async def test_only_this_machine_reaches_it(tmp_path: Path) -> None:
    """The port is bound on the loopback interface alone, and a taken one is an error."""
    async with reading(tmp_path) as reader:
        port = int(reader.origin.rpartition(":")[2])
        addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}
        for address in addresses - {"127.0.0.1"}:
            if not str(address).startswith("127."):
                with socket.socket() as other:
                    other.bind((str(address), port))
        with pytest.raises(OSError, match="in use"):
            async with reading(tmp_path, port=port):
                pass
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
