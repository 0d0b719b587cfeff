"""`python -m seedance_async.simulator`: the simulator as a program, for any language."""

from __future__ import annotations

import argparse
import asyncio
import math
import signal
import sys
from typing import TYPE_CHECKING, Final

from seedance_async.simulator.data import BadSetting
from seedance_async.simulator.scenario_files import gallery, load_scenario
from seedance_async.simulator.service import Simulator
from seedance_async.simulator.video import FontUnreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.simulator.scenario import Scenario

_LAST_PORT: Final = 65_535


def _port(text: str) -> int:
    """Read a port; argparse tells who gave none."""
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"must be a port from 0 to {_LAST_PORT}, not {text}")
    return int(text)


def _seconds(text: str) -> float:
    """Read a length of time."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not found >= 0:  # nan is not, either
        raise argparse.ArgumentTypeError(f"must be a number of seconds from 0 up, not {text}")
    return found


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m seedance_async.simulator",
        description="A simulated Seedance server on the loopback interface.",
    )
    parser.add_argument("--port", type=_port, default=0, help="port to bind (default: a free one)")
    parser.add_argument(
        "--work-seconds", type=_seconds, default=2.0, help="seconds that a task runs (default: 2)"
    )
    parser.add_argument(
        "--queue-seconds", type=_seconds, default=0.0, help="seconds that a task is queued (default: 0)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (default: 0)")
    parser.add_argument("--scenario", help="name from the gallery, or a TOML file")
    parser.add_argument("--list", action="store_true", help="list the gallery of scenarios and end")
    parser.add_argument("--font", help="font file for the prompts in the films")
    parser.add_argument(
        "--no-render", action="store_true", help="serve one packaged clip in place of rendered films"
    )
    return parser.parse_args(given)


def _print_gallery() -> None:
    scenarios = gallery()
    width = max(len(one.name) for one in scenarios)
    for one in scenarios:
        print(f"{one.name:{width}}  {one.about}")


async def _serve(arguments: argparse.Namespace, scenario: Scenario | None) -> None:
    """Run until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    simulator = Simulator(
        work_seconds=arguments.work_seconds,
        queue_seconds=arguments.queue_seconds,
        seed=arguments.seed,
        port=arguments.port,
        scenario=scenario,
        render=not arguments.no_render,
        font=arguments.font,
    )
    async with simulator as sim:
        sys.stdout.write(f"ark   {sim.base_url}\nkkiai {sim.kkiai_url}\nboard {sim.board_url}\n")
        sys.stdout.flush()
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Returns:
        0 after a signal, 1 where the port is taken or the font or the scenario cannot be read.

    Raises:
        SystemExit: 2, for a number that is none.
    """
    parsed = _arguments(arguments)
    if parsed.list:
        _print_gallery()
        return 0
    try:
        scenario = load_scenario(parsed.scenario) if parsed.scenario else None
        asyncio.run(_serve(parsed, scenario))
    except (BadSetting, FontUnreadable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"cannot listen on port {parsed.port}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
