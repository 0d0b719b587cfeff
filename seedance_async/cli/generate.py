"""``seedance generate``: one prompt, one video."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedance_async.cli.commands import command, setting
from seedance_async.cli.exits import OK, code_of
from seedance_async.cli.fields import fields_of, request_options
from seedance_async.cli.money import currency_option, dry_run, price_table
from seedance_async.cli.opening import opened, simulate_options
from seedance_async.cli.records import outcome_record, outcome_row, wants_json, write_json, write_text
from seedance_async.cli.reporting import explain, tell
from seedance_async.cli.running import run_async
from seedance_async.errors import InvalidRequest, SeedanceError, SubmitUncertain, TaskEnded, WaitTimeout

if TYPE_CHECKING:
    from seedance_async.ledger.intents import Intent
    from seedance_async.models import VideoTask
    from seedance_async.outcomes import Outcome, OutcomeKind
    from seedance_async.request import VideoRequest
    from seedance_async.session import SeedanceSession

__all__ = ["generate_command", "refuse_taken"]

_KEY = "video"


@command("generate")
@click.argument("prompt", required=False)
@setting("-o", "--out", metavar="DIR|FILE", default=".", show_default=True, help="Where the video goes.")
@setting("--timeout", type=float, metavar="SECONDS", help="How long to wait; the task goes on after it.")
@setting("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--no-wait", is_flag=True, help="Only order it, and show its id.")
@click.option(
    "--dry-run", is_flag=True, help="Show what would be sent and what it may cost, and send nothing."
)
@currency_option
@request_options
@simulate_options
def generate_command(prompt: str | None, **options: Any) -> int:
    """Order one video for PROMPT, wait for it and save it.

    The order costs money and is sent once. With an image the prompt may be left out.
    """
    from seedance_async.request import VideoRequest

    request = VideoRequest(prompt=prompt, **fields_of(options))
    if options["dry_run"]:
        run_async(dry_run([(None, request)], options))
        return OK
    refuse_taken(options["out"], overwrite=options["overwrite"])
    return run_async(_generate(request, options))


async def _generate(request: VideoRequest, options: dict[str, Any]) -> int:
    """Order, wait, save; one record whatever happened."""
    from seedance_async.progress import Progress

    progress = Progress(total=1, prices=price_table(options))
    async with opened(options, None if options["quiet"] else progress) as session:
        try:
            outcome = await _outcome(session, request, options)
        finally:
            progress.close()
    if wants_json(options["as_json"]):
        write_json(outcome_record(outcome))
    elif outcome.error is None:
        write_text(outcome_row(outcome))
    if not isinstance(outcome.error, SeedanceError):
        return OK
    explain(outcome.error)
    _next_step(outcome.error, outcome.task, options)
    return code_of(outcome.error)


async def _outcome(session: SeedanceSession, request: VideoRequest, options: dict[str, Any]) -> Outcome:
    """Carry the order out; whoever leaves in between is told how to go on."""
    from seedance_async.outcomes import Outcome, OutcomeKind
    from seedance_async.waiting import wait_for

    task, path = None, None
    try:
        task = await session.submit(request, key=_KEY)
        if not options["no_wait"]:
            task = await wait_for(session, task, timeout=options["timeout"])
            path = await session.download(task, options["out"], overwrite=options["overwrite"])
    except SeedanceError as error:
        last = getattr(error, "task", None) or task
        return Outcome(key=_KEY, kind=_kind(error, last), request=request, task=last, error=error)
    except asyncio.CancelledError:
        _stopped(session, None if task is None else task.id, options)
        raise
    return Outcome(key=_KEY, kind=OutcomeKind.SUCCEEDED, request=request, task=task, path=path)


def _kind(error: SeedanceError, task: VideoTask | None) -> OutcomeKind:
    """Sort an error into a kind."""
    from seedance_async.outcomes import kind_of

    return kind_of(error, accepted=task is not None, ended=task is not None and task.is_terminal)


def refuse_taken(out: str, *, overwrite: bool) -> None:
    """Refuse a target that exists before the video is paid for, not after.

    Raises:
        InvalidRequest: there is a file of this name.
    """
    taken = os.path.lexists(out) and not Path(out).is_dir()
    if taken and not overwrite:
        raise InvalidRequest(field="--out", value=out, limit="exists already; --overwrite replaces it")


def _next_step(error: SeedanceError, task: VideoTask | None, options: dict[str, Any]) -> None:
    """Say the command that goes on from an error."""
    if options["simulate"]:
        return
    if isinstance(error, SubmitUncertain):
        tell(_look_for(error))
    elif task is not None and (isinstance(error, WaitTimeout) or not isinstance(error, TaskEnded)):
        tell(f"  Fetch it: seedance wait {task.id} --out {options['out']}")


def _look_for(lost: SubmitUncertain | Intent) -> str:
    """Say the command that looks for an order whose answer got lost."""
    mark = f" --fingerprint {lost.fingerprint}" if lost.fingerprint else ""
    window = f"--sent-at {lost.sent_at:.0f} --until {lost.until:.0f}"
    return f"  Look for it: seedance reconcile {lost.key} {window}{mark}"


def _stopped(session: SeedanceSession, task_id: str | None, options: dict[str, Any]) -> None:
    """Say what goes on at the server, and the command that comes back to it."""
    if options["simulate"]:
        tell("Stopped. It was only simulated: nothing goes on.")
    elif task_id is not None:
        tell(f"Stopped. Task {task_id} goes on at the server and bills when it succeeds.")
        tell(f"  Fetch it: seedance wait {task_id} --out {options['out']}")
    elif session.uncertain:
        intent = session.uncertain[0]
        tell("Stopped while the order was on its way: a task may exist and bill. Do not order again.")
        tell(_look_for(intent))
    else:
        tell("Stopped. Nothing was ordered.")
