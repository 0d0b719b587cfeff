"""``seedance simulate``: the simulated server by itself, for programs of any language."""

from __future__ import annotations

import asyncio
from typing import Any

from seedance_async.cli.commands import command, setting
from seedance_async.cli.exits import OK
from seedance_async.cli.records import wants_json, write_json, write_text
from seedance_async.cli.reporting import tell
from seedance_async.cli.running import run_async
from seedance_async.errors import InvalidRequest

__all__ = ["simulate_command"]


@command("simulate")
@setting("--port", type=int, default=0, help="Port on the loopback interface. Default: a free one.")
@setting("--work-seconds", type=float, default=2.0, show_default=True, help="Seconds that a task runs.")
@setting(
    "--queue-seconds", type=float, default=0.0, show_default=True, help="Seconds that it is queued before."
)
@setting("--sim-seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@setting("--font", metavar="FILE", help="Font for the prompts in the pictures.")
def simulate_command(**options: Any) -> int:
    """Run a simulated server until Ctrl-C: no key, no cost, nothing leaves this machine."""
    return run_async(_simulate(options))


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
    )
    try:
        async with simulator as sim:
            if wants_json(options["as_json"]):
                write_json({"ark": sim.base_url, "kkiai": sim.kkiai_url})
            else:
                write_text(f"export SEEDANCE_BASE_URL={sim.base_url} SEEDANCE_API_KEY=simulated")
            tell("The simulated server runs; any key opens it. Ctrl-C stops it.")
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
