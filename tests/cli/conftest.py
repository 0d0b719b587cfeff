"""A simulated server in a process of its own, as the command line starts it."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import KEY, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_config_of_the_developer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide profiles that this machine may have."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    monkeypatch.setenv("SEEDANCE_INTERVAL", "0.1")


def served(*words: str) -> Iterator[str]:
    """Run `seedance simulate` and give its address."""
    process = start("simulate", "--json", *words)
    assert process.stdout is not None
    address: str = json.loads(process.stdout.readline())["ark"]
    yield address
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.fixture(scope="module")
def quick_server() -> Iterator[str]:
    """Address of a server whose tasks take a moment."""
    yield from served("--work-seconds", "0.1")


@pytest.fixture(scope="module")
def slow_server() -> Iterator[str]:
    """Address of a server whose tasks stay queued."""
    yield from served("--queue-seconds", "600")


@pytest.fixture
def server(quick_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The quick server, which the environment points to."""
    monkeypatch.setenv("SEEDANCE_BASE_URL", quick_server)
    monkeypatch.setenv("SEEDANCE_API_KEY", KEY)
    return quick_server


@pytest.fixture
def queue(slow_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The slow server, which the environment points to."""
    monkeypatch.setenv("SEEDANCE_BASE_URL", slow_server)
    monkeypatch.setenv("SEEDANCE_API_KEY", KEY)
    return slow_server
