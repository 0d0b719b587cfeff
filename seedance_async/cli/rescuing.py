"""``seedance rescue``: paid videos that are not on disk, fetched before their addresses die."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seedance_async.cli.commands import command, setting
from seedance_async.cli.exits import worst
from seedance_async.cli.opening import opened, server_options
from seedance_async.cli.running import run_async
from seedance_async.cli.showing import show
from seedance_async.errors import InvalidRequest

__all__ = ["rescue_command"]


@command("rescue")
@setting("-o", "--out", metavar="DIR", default="videos", show_default=True, help="Where the videos go.")
@setting("--journal", metavar="FILE", help="Look after the prompts of this journal.")
@server_options
def rescue_command(**options: Any) -> int:
    """Fetch paid videos that are not on disk. Orders nothing.

    Without --journal the account's tasks of the last 7 days are gone through. An address lives 24 hours.
    """
    if options["journal"] is not None and not Path(options["journal"]).is_file():
        raise InvalidRequest(field="--journal", value=options["journal"], limit="is not there")
    return run_async(_rescue(options))


async def _rescue(options: dict[str, Any]) -> int:
    """Go through what there is, and write one line for each video that was missing."""
    from seedance_async.batch import rescue
    from seedance_async.progress import Progress

    progress = Progress()
    async with opened(options, None if options["quiet"] else progress) as session:
        outcomes = rescue(session, save_to=options["out"], journal=options["journal"])
        shown = await show(outcomes, progress, options)
    if not shown.codes and not options["quiet"]:
        progress.say("Nothing is missing.")
    return worst(shown.codes)
