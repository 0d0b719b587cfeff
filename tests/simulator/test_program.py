"""The simulator as a program of its own."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

from seedance_async.simulator import gallery
from seedance_async.simulator.__main__ import main
from tests.simulator.helpers import order

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "seedance_async.simulator"]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_prints_its_urls_and_ends_cleanly(stop: signal.Signals) -> None:
    """It prints its URLs at once, answers a create, and exits 0 after SIGINT and SIGTERM."""
    process = subprocess.Popen([*COMMAND, "--port", "0", "--no-render"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ark, kkiai, board = (process.stdout.readline() for _ in range(3))
        port = re.fullmatch(r"ark   http://127\.0\.0\.1:(\d+)/api/v3\n", ark)
        assert port is not None
        assert kkiai == f"kkiai http://127.0.0.1:{port[1]}/volc/v1\n"
        assert board == f"board http://127.0.0.1:{port[1]}/_sim/\n"
        request = urllib.request.Request(  # noqa: S310 - the URL is the one just matched
            f"{kkiai.split()[1]}/contents/generations/tasks",
            json.dumps(order()).encode(),
            {"Authorization": "Bearer k", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            assert json.load(answer)["status"] == "submitted"
    finally:
        process.send_signal(stop)
        rest, _ = process.communicate(timeout=20)
    assert (process.returncode, rest) == (0, "")


def test_a_taken_port_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken is an exit 1 with one line, not a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"cannot listen on port {port}: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("wrong", [("--font", __file__), ("--scenario", "strom"), ("--scenario", __file__)])
def test_a_bad_file_is_explained(wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """A font or a scenario that is not there or cannot be read is an exit 1 with one line that names it."""
    assert main(wrong) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert wrong[1] in said


@pytest.mark.parametrize(
    "wrong",
    [("--port", "80900"), ("--port", "-1"), ("--work-seconds", "-1"), ("--queue-seconds", "nan")],
)
def test_a_bad_number_is_a_mistake_of_usage(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A number out of range is an exit 2 that names option, value and limit, before anything runs."""
    with pytest.raises(SystemExit) as left:
        main(wrong)
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert f"argument {wrong[0]}: must be a" in said
    assert f"not {wrong[1]}" in said


def test_lists_the_gallery(capsys: pytest.CaptureFixture[str]) -> None:
    """--list prints every scenario with its line, and ends."""
    assert main(["--list"]) == 0
    lines = dict(re.split(" {2,}", line, maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines == {one.name: one.about for one in gallery()}


def test_plays_a_scenario_from_a_file(tmp_path: Path) -> None:
    """--scenario takes a file as well as a name, and plays it."""
    path = tmp_path / "broke.toml"
    path.write_text("[quotas]\narrears = true\n", encoding="utf-8")
    command = [*COMMAND, "--no-render", "--scenario", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readlines(1)[0].split()[1]
        with urllib.request.urlopen(f"{url.removesuffix('/api/v3')}/_sim/state", timeout=10) as answer:  # noqa: S310
            assert json.load(answer)["scenario"] == "broke"
    finally:
        process.terminate()
        process.communicate(timeout=20)
