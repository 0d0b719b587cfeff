"""``seedance generate``: one prompt, one video."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedance_async.cli.commands import SeedanceCommand, setting
from seedance_async.cli.fields import fields_of, request_options
from seedance_async.cli.opening import opened, server_options
from seedance_async.cli.records import outcome_record, outcome_row, wants_json, write_json, write_text
from seedance_async.cli.reporting import tell
from seedance_async.cli.running import run_async
from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from seedance_async.outcomes import Outcome
    from seedance_async.progress import Progress
    from seedance_async.request import VideoRequest
    from seedance_async.session import SeedanceSession

__all__ = ["generate"]

_TEMPLATE = "{task_id}.mp4"


@click.command(cls=SeedanceCommand, short_help="Make one video.")
@click.argument("prompt", required=False)
@setting("-o", "--out", metavar="DIR|FILE", default=".", show_default=True, help="Where the video goes.")
@setting("--timeout", type=float, metavar="SECONDS", help="How long to wait; the task goes on after it.")
@setting("--overwrite", is_flag=True, help="Replace an existing file.")
@request_options
@server_options
def generate(prompt: str | None, **options: Any) -> int:
    """Order one video for PROMPT, wait for it and save it.

    The order costs money and is sent once. With an image the prompt may be left out.
    """
    return run_async(_generate(prompt, options))


async def _generate(prompt: str | None, options: dict[str, Any]) -> int:
    """Check, order, wait, save."""
    from seedance_async.progress import Progress
    from seedance_async.request import VideoRequest

    request = VideoRequest(prompt=prompt, **fields_of(options))
    refuse_taken(options["out"], overwrite=options["overwrite"])
    progress = None if options["quiet"] else Progress(total=1)
    async with opened(options, progress) as session:
        outcome = await _watched(session, request, options, progress)
    if wants_json(options["as_json"]):
        write_json(outcome_record(outcome))
    else:
        write_text(outcome_row(outcome))
    return 0


async def _watched(
    session: SeedanceSession, request: VideoRequest, options: dict[str, Any], progress: Progress | None
) -> Outcome:
    """Carry the order out; whoever leaves in between is told how to go on."""
    from seedance_async.outcomes import Outcome, OutcomeKind
    from seedance_async.waiting import wait_for

    task = None
    try:
        task = await session.submit(request, key="video")
        task = await wait_for(session, task, timeout=options["timeout"])
        path = await session.download(task, options["out"], overwrite=options["overwrite"])
    except asyncio.CancelledError:
        _how_to_go_on(None if task is None else task.id, options)
        raise
    finally:
        if progress is not None:
            progress.close()
    return Outcome(key="video", kind=OutcomeKind.SUCCEEDED, request=request, task=task, path=path)


def refuse_taken(out: str, *, overwrite: bool) -> None:
    """Refuse a target that exists before the video is paid for, not after.

    Raises:
        InvalidRequest: there is a file of this name.
    """
    taken = os.path.lexists(out) and not Path(out).is_dir()
    if taken and not overwrite:
        raise InvalidRequest(field="--out", value=out, limit="exists already; --overwrite replaces it")


def _how_to_go_on(task_id: str | None, options: dict[str, Any]) -> None:
    """Say what goes on at the server, and the command that comes back to it."""
    if options.get("simulate"):
        tell("Stopped. It was only simulated: nothing goes on.")
    elif task_id is None:
        tell("Stopped while the order was on its way.")
    else:
        tell(f"Stopped. Task {task_id} goes on at the server and bills when it succeeds.")
        tell(f"  Fetch it with: seedance wait {task_id} --out {options['out']}")
