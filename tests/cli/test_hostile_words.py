"""What a server says reaches a terminal as text: it moves no cursor, and speaks not as the program."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import KEY, invoke

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = "\x1b]0;owned\x07\x1b[2J\r\nError: all is well \x9b2J\x7f\u202e \ud83d"


class Hostile(BaseHTTPRequestHandler):
    """A gateway whose error is made for terminals."""

    def do_GET(self) -> None:
        """Refuse."""
        body = json.dumps({"error": {"code": "Invalid\x1b[2J", "message": WORDS}}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the class above it
        """Stay silent."""


@pytest.fixture
def _hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the environment point to that gateway."""
    monkeypatch.setenv("SEEDANCE_API_KEY", KEY)
    with HTTPServer(("127.0.0.1", 0), Hostile) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("SEEDANCE_BASE_URL", f"http://127.0.0.1:{server.server_port}/api/v3")
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("_hostile")
@pytest.mark.parametrize(
    "words", [("list",), ("list", "--debug"), ("status", "cgt-x"), ("status", "cgt-x", "--json"), ("doctor",)]
)
def test_no_control_character_of_a_server_reaches_the_terminal(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """Escapes are shown, not sent; so are line ends, with which a message could begin a line of its own."""
    ran = invoke(capsys, *words)
    shown = ran.out + ran.err
    assert "owned" in shown
    assert [sign for sign in shown if not sign.isprintable() and sign != "\n"] == []
    if "--debug" not in words:  # where the lines of a traceback stand between
        assert "\nError: all is well" not in shown
