"""``seedance simulate``: the simulated server by itself, for programs of any language."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from seedance_async.cli.commands import command, setting
from seedance_async.cli.exits import OK
from seedance_async.cli.records import wants_json, write_json, write_text
from seedance_async.cli.reporting import tell
from seedance_async.cli.running import run_async
from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from seedance_async.simulator import Scenario

__all__ = ["simulate_command"]


@command("simulate")
@setting(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port on the loopback interface. Default: a free one.",
)
@setting("--work-seconds", type=float, default=2.0, show_default=True, help="Seconds that a task runs.")
@setting(
    "--queue-seconds", type=float, default=0.0, show_default=True, help="Seconds that it is queued before."
)
@setting("--sim-seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@setting("--font", metavar="FILE", help="Font for the prompts in the pictures.")
@setting("--scenario", metavar="NAME|FILE", help="Play a scenario of the gallery, or of a TOML file.")
@click.option("--list", "list_them", is_flag=True, help="List the gallery of scenarios, and end.")
def simulate_command(**options: Any) -> int:
    """Run a simulated server until Ctrl-C: no key, no cost, nothing leaves this machine."""
    return _list(options) if options["list_them"] else run_async(_simulate(options))


def _list(options: dict[str, Any]) -> int:
    """List the scenarios, one a line."""
    from seedance_async.simulator import gallery

    scenarios = gallery()
    width = max(len(scenario.name) for scenario in scenarios)
    for scenario in scenarios:
        if wants_json(options["as_json"]):
            write_json({"scenario": scenario.name, "about": scenario.about})
        else:
            write_text(f"{scenario.name:<{width}}  {scenario.about}")
    return OK


def _scenario(asked: str | None) -> Scenario | None:
    """Read the scenario that was asked for."""
    from seedance_async.simulator import BadSetting, load_scenario

    try:
        return load_scenario(asked) if asked else None
    except BadSetting as error:
        raise InvalidRequest(field="--scenario", value=asked, limit=str(error)) from error


async def _simulate(options: dict[str, Any]) -> int:
    """Run until somebody stops it, which is how it ends well."""
    from seedance_async.simulator import Simulator

    simulator = Simulator(
        port=options["port"],
        work_seconds=options["work_seconds"],
        queue_seconds=options["queue_seconds"],
        seed=options["sim_seed"],
        render=True,
        font=options["font"],
        scenario=_scenario(options["scenario"]),
    )
    try:
        async with simulator as sim:
            if wants_json(options["as_json"]):
                write_json({"ark": sim.base_url, "kkiai": sim.kkiai_url, "board": sim.board_url})
            else:
                write_text(f"export SEEDANCE_BASE_URL={sim.base_url} SEEDANCE_API_KEY=simulated")
            tell(
                f"The simulated server runs; any key opens it. Look at it: {sim.board_url}  Ctrl-C stops it."
            )
            await _for_ever()
            tell(f"{sim.accepted} tasks were accepted, {sim.billed} would have been billed.")
    except OSError as error:
        raise InvalidRequest(
            field="--port", value=options["port"], limit=error.strerror or str(error)
        ) from error
    return OK


async def _for_ever() -> None:
    """Wait for Ctrl-C."""
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
