"""simulate: the gallery of scenarios, and a server that plays one."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from seedance_async.simulator import gallery
from tests.cli.helpers import invoke, start

if TYPE_CHECKING:
    import pytest


def test_the_gallery_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every scenario has a line with its name and what it is about."""
    ran = invoke(capsys, "simulate", "--list", "--text")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert [line.split()[0] for line in lines] == [scenario.name for scenario in gallery()]
    assert all(scenario.about in line for scenario, line in zip(gallery(), lines, strict=True))


def test_an_unknown_scenario_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the option, the value, and the scenarios that there are."""
    ran = invoke(capsys, "simulate", "--scenario", "nope")
    assert ran.code == 2
    assert "--scenario='nope'" in ran.err
    assert "lost-answers" in ran.err


def test_a_scenario_is_played() -> None:
    """With `no-list` the server's list answers 404; the first line says where everything is."""
    process = start("simulate", "--json", "--scenario", "no-list")
    try:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{where['ark']}/contents/generations/tasks", headers={"Authorization": "Bearer sk-simulated-key"}
        )
        try:
            urllib.request.urlopen(request, timeout=10)  # noqa: S310 - loopback
            status = 200
        except urllib.error.HTTPError as error:
            status = error.code
            error.close()
        assert status == 404
        assert where["board"].endswith("/_sim/")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
