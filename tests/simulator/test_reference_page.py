"""The reference page says what the code does: its faults are all told of, its examples are run."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, cast

import pytest

from seedance_async.simulator import dump_scenario
from seedance_async.simulator.data import scenario_from
from seedance_async.simulator.faults import KINDS
from tests.checkout import ROOT
from tests.simulator.helpers import simulated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PAGE = (ROOT / "docs/reference/simulator.md").read_text(encoding="utf-8")


def first_column(heading: str) -> list[str]:
    """The names in the last table below a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section.rpartition("| --- |")[2], flags=re.MULTILINE)


def test_every_kind_of_fault_is_explained() -> None:
    """The table of kinds has each kind once, in the order of the code."""
    assert first_column("Faults") == list(KINDS)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_every_route_of_the_door_is_explained() -> None:
    """The table of routes has what the door itself names when it is asked for something unknown."""
    async with simulated() as (sim, api):
        reply = await api.send("GET", f"{sim.origin}/_sim/nothing")
    known = reply.json["error"].partition("known: ")[2].split(", ")
    assert sorted(first_column("The door")) == sorted(known)


def test_the_example_is_a_scenario() -> None:
    """The file on the page is read, and is written again as it stands there."""
    found = re.search(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    assert found is not None
    scenario = scenario_from(tomllib.loads(found[1]))
    assert (len(scenario.faults), scenario.quotas.max_running) == (2, 2)
    assert scenario_from(tomllib.loads(dump_scenario(scenario))) == scenario


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_the_python_example_runs() -> None:
    """The first example is run line by line and leaves a simulator that plays the second scenario."""
    found = re.search(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert found is not None
    lines = [*found[1].splitlines(), "    names = (sim.scenario.name, sim.board_url)"]
    scope: dict[str, object] = {}
    exec("async def main():\n    " + "\n    ".join([*lines, "return names"]), scope)  # noqa: S102 - our own page
    main = cast("Callable[[], Awaitable[tuple[str, str]]]", scope["main"])
    name, url = await main()
    assert name == "no-list"
    assert url.endswith("/_sim/")
