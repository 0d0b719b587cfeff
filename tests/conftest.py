"""What every test stands on: no real key, nothing leaves loopback, hypothesis without a stopwatch."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
from typing import Any

import pytest
from hypothesis import settings

# A deadline per example fails on a busy machine and finds no bug; in CI the examples are the same every time.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs tests in the background ignores Ctrl-C for them, and programs under test inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _stay_on_loopback(event: str, args: tuple[Any, ...]) -> None:
    """Refuse to connect anywhere else: a test that leaves this machine could spend money."""
    if event != "socket.connect" or args[0].family not in {socket.AF_INET, socket.AF_INET6}:
        return
    host: str = args[1][0]
    if host != "localhost" and not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        raise RuntimeError(f"a test tried to leave loopback: {host}")


sys.addaudithook(_stay_on_loopback)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own keys, addresses and proxies from the tests."""
    for name in list(os.environ):
        if name.startswith(("SEEDANCE_", "ARK_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
