"""``seedance generate``: one prompt, one video."""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedance_async.cli.commands import command, setting
from seedance_async.cli.exits import OK, code_of_outcome
from seedance_async.cli.fields import fields_of, names_a_file, request_options
from seedance_async.cli.money import currency_option, dry_run, price_table
from seedance_async.cli.opening import check_journal, opened, simulate_options
from seedance_async.cli.placing import out_option
from seedance_async.cli.records import outcome_record, outcome_row, wants_json, write_json, write_text
from seedance_async.cli.reporting import explain, tell
from seedance_async.cli.running import run_async
from seedance_async.cli.typed import typed
from seedance_async.errors import InvalidRequest, SeedanceError, SubmitUncertain, TaskEnded

if TYPE_CHECKING:
    from seedance_async.cli.recorded import Record
    from seedance_async.ledger.intents import Intent
    from seedance_async.models import VideoTask
    from seedance_async.outcomes import Outcome, OutcomeKind
    from seedance_async.request import VideoRequest
    from seedance_async.session import SeedanceSession

__all__ = ["generate_command", "refuse_taken"]

_KEY = "video"


@command("generate")
@click.argument("prompt", required=False)
@out_option("Where the video goes.", default=".")
@setting("--timeout", type=float, metavar="SECONDS", help="How long to wait; the task goes on after it.")
@setting("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--no-wait", is_flag=True, help="Only order it, and show its id.")
@setting("--journal", metavar="FILE", help="Put every step on record: the same command never pays twice.")
@click.option("--key", metavar="NAME", help="Name of the order in the journal. Default: from the request.")
@click.option(
    "--dry-run", is_flag=True, help="Show what would be sent and what it may cost, and send nothing."
)
@currency_option
@request_options
@simulate_options
def generate_command(prompt: str | None, **options: Any) -> int:
    """Order one video for PROMPT, wait for it and save it.

    The order costs money and is sent once. With an image the prompt may be left out.

    With --journal the same command goes on after Ctrl-C, a crash or a deadline: it looks for an order whose
    end is unknown, waits for a task that was ordered, and orders nothing that was paid for. Another take of
    the same prompt needs another --key or --seed.
    """
    from seedance_async.request import VideoRequest

    if names_a_file(prompt):
        limit = (
            "names a file of prompts, and would be paid for as a prompt; make its videos with: seedance batch"
        )
        raise InvalidRequest(field="PROMPT", value=prompt, limit=limit)
    request = VideoRequest(prompt=prompt, **fields_of(options))
    if options["dry_run"]:
        run_async(dry_run([(None, request)], options))
        return OK
    if options["key"] is not None and options["journal"] is None:
        raise InvalidRequest(field="--key", value=options["key"], limit="names an order in a --journal")
    check_journal(options)
    if options["journal"] is None:
        refuse_taken(options["out"], overwrite=options["overwrite"])
    return run_async(_generate(request, options))


async def _generate(request: VideoRequest, options: dict[str, Any]) -> int:
    """Order, wait, save; one record whatever happened."""
    from seedance_async.cli.recorded import recorded
    from seedance_async.progress import Progress

    progress = Progress(total=1, prices=price_table(options))
    async with (
        opened(options, None if options["quiet"] else progress) as session,
        recorded(session, request, path=options["journal"], key=options["key"]) as record,
    ):
        try:
            outcome = await _outcome(session, request, record, options)
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
    return code_of_outcome(outcome)


async def _outcome(
    session: SeedanceSession, request: VideoRequest, record: Record | None, options: dict[str, Any]
) -> Outcome:
    """Carry the order out; whoever leaves in between is told how to go on."""
    from seedance_async import landing
    from seedance_async.outcomes import Outcome, OutcomeKind

    if record is not None and (earlier := await record.done()) is not None:
        tell("It was made before, and nothing was ordered now. Another take: another --key or --seed.")
        return earlier
    key = record.item.key if record is not None else _KEY
    task, path = None, None
    try:
        if not options["no_wait"]:
            await landing.refuse_taken(options["out"], overwrite=options["overwrite"])
        task = await (session.submit(request, key=key) if record is None else record.order(request))
        if not options["no_wait"]:
            task = await _ended(session, task, record, options)
            path = await _saved(session, task, record, options)
    except SeedanceError as error:
        last = getattr(error, "task", None) or task
        return Outcome(key=key, kind=_kind(error, last), request=request, task=last, error=error)
    except asyncio.CancelledError:
        _stopped(session, None if task is None else task.id, options)
        raise
    return Outcome(key=key, kind=OutcomeKind.SUCCEEDED, request=request, task=task, path=path)


async def _ended(
    session: SeedanceSession, task: VideoTask, record: Record | None, options: dict[str, Any]
) -> VideoTask:
    """Wait for the end of the task, and put it on record."""
    from seedance_async.landing import url_of
    from seedance_async.waiting import wait_for

    done = await wait_for(session, task, timeout=options["timeout"], raise_on_failure=False)
    if record is not None:
        await record.ended(done)
    url_of(done)
    return done


async def _saved(
    session: SeedanceSession, task: VideoTask, record: Record | None, options: dict[str, Any]
) -> Path:
    """Save the video, and put that on record."""
    from seedance_async.landing import land_video

    landed = await land_video(session, task, options["out"], overwrite=options["overwrite"])
    if record is not None:
        await record.saved(landed)
    return Path(landed.path)


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
    lost, left = isinstance(error, SubmitUncertain), task is not None and not isinstance(error, TaskEnded)
    if options["simulate"]:
        return
    if options["journal"] is not None and (lost or left):
        tell(f"  Go on with: {shlex.join(typed())}")
    elif isinstance(error, SubmitUncertain):
        tell(_look_for(error))
    elif task is not None and left:
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
    elif options["journal"] is not None:
        tell("Stopped. What was ordered goes on at the server and is on record; nothing is paid for twice.")
        tell(f"  Go on with: {shlex.join(typed())}")
    elif task_id is not None:
        tell(f"Stopped. Task {task_id} goes on at the server and bills when it succeeds.")
        tell(f"  Fetch it: seedance wait {task_id} --out {options['out']}")
    elif session.uncertain:
        intent = session.uncertain[0]
        tell("Stopped while the order was on its way: a task may exist and bill. Do not order again.")
        tell(_look_for(intent))
    else:
        tell("Stopped. Nothing was ordered.")
