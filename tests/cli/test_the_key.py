"""The key is in nothing that any command writes, the depths of --debug included."""

from __future__ import annotations

import json
import signal
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from seedance_async.cli.app import COMMANDS
from tests.cli.helpers import KEY, Ran, invoke, start, write_lines

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ("--resolution", "480p", "--duration", "4")
LOST = ("--sent-at", "1", "--fingerprint", "172811", "--look-seconds", "0.2")
WORDS = {
    "generate": ("{prompt}", *SMALL, "--out", "one/"),
    "batch": ("prompts.jsonl", *SMALL, "--out", "many"),
    "wait": ("{task}", "--out", "waited/"),
    "download": ("{task}", "--out", "fetched/"),
    "status": ("{task}", "cgt-nowhere", "--urls"),
    "list": ("--all",),
    "cancel": ("{task}",),
    "reconcile": ("video", *LOST),
    "gallery": ("many",),
    "report": ("many/journal.db",),
    "rescue": ("--out", "rescued"),
    "journal": ("show", "many/journal.db"),
    "estimate": ("{prompt}",),
    "plan": ("prompts.jsonl",),
    "models": (),
    "demo": ("--out", "demo", "--work-seconds", "0.1"),
    "doctor": (),
    "completion": ("bash",),
    "delete": ("{task}", "--yes"),
}
"""Command -> words that let it do its work; one that needs another's files stands after it."""
SILENT = {"gallery", "report", "journal", "estimate", "plan", "models", "demo", "completion"}
"""Those that send nothing; demo is silent about its own simulated server, whose key is not ours."""


class Rude(BaseHTTPRequestHandler):
    """A gateway that repeats the key in its error message."""

    def do_GET(self) -> None:
        """Refuse."""
        body = json.dumps({"error": {"code": "InvalidKey", "message": f"bad key {KEY}"}}).encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the class above it
        """Stay silent."""


def no_secret(*ran: Ran) -> bool:
    """Whether the key is in nothing that was written."""
    return not any(KEY in one.out + one.err for one in ran)


@pytest.mark.usefixtures("server")
def test_the_key_is_in_no_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No command writes the key anywhere, with --debug, on the screen or into a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("seedance_async.cli.demo._prompts", list)  # its films take their time
    write_lines(tmp_path / "prompts.jsonl", {"prompt": "a cat"}, {"prompt": "a dog"})
    task = invoke(capsys, "generate", "a cat", "--no-wait", "-q", *SMALL).records[0]["id"]
    ran = {
        name: invoke(capsys, name, *(word.format(task=task, prompt="a cat") for word in words), "--debug")
        for name, words in WORDS.items()
    }
    assert {name: one.err[-300:] for name, one in ran.items() if one.code not in {0, 4, 6}} == {}
    assert {name for name, one in ran.items() if "RequestSent" not in one.err} <= SILENT
    assert no_secret(*ran.values())
    assert KEY.encode() not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_the_simulated_server_does_not_tell_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one command that does not end by itself finds the key in its environment, and keeps it there."""
    monkeypatch.setenv("SEEDANCE_API_KEY", KEY)
    server = start("simulate", "--json", "--debug")
    assert server.stdout is not None
    first = server.stdout.readline()
    server.send_signal(signal.SIGINT)
    out, err = server.communicate(timeout=20)
    assert KEY not in first + out + err


def test_every_command_is_searched() -> None:
    """A new command gets its words here."""
    assert WORDS.keys() | {"simulate"} == COMMANDS.keys()


def test_a_key_that_a_server_sends_back_is_masked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gateway that repeats the key in its error message does not get it onto the screen."""
    monkeypatch.setenv("SEEDANCE_API_KEY", KEY)
    with HTTPServer(("127.0.0.1", 0), Rude) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        monkeypatch.setenv("SEEDANCE_BASE_URL", f"http://127.0.0.1:{server.server_port}/api/v3")
        ran = invoke(capsys, "status", "cgt-x", "--debug")
        thread.join()
    assert ran.code == 3
    assert "bad key ***" in ran.err
    assert no_secret(ran)
