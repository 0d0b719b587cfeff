"""``seedance batch``: a file of prompts, each paid for once."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from seedance_async.cli.commands import command, setting
from seedance_async.cli.exits import INTERRUPTED, OK, code_of_outcome, worst
from seedance_async.cli.fields import fields_of, request_options
from seedance_async.cli.money import currency_option, dry_run, price_table
from seedance_async.cli.opening import opened, simulate_options
from seedance_async.cli.records import outcome_record, outcome_row, wants_json, write_json, write_text
from seedance_async.cli.reporting import tell
from seedance_async.cli.running import run_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from seedance_async.batch import StopSwitch
    from seedance_async.outcomes import Outcome
    from seedance_async.progress import Progress
    from seedance_async.settings import Budget

__all__ = ["batch_command", "journal_of", "show"]

_STOPPING: Final = (
    "Stopping: nothing more is ordered, what is on its way is put on record. Ctrl-C leaves at once."
)
_FORMATS: Final = ("jsonl", "csv", "tsv", "parquet")


@command("batch")
@click.argument("file", type=click.Path(allow_dash=True))
@setting(
    "-o",
    "--out",
    metavar="DIR",
    default="videos",
    show_default=True,
    help="Folder or object store (s3://bucket/folder), or a template as in videos/{index:04d}.mp4.",
)
@setting(
    "--journal", metavar="FILE", help="Where every step is on record. Default: journal.db in the folder."
)
@click.option("--no-journal", is_flag=True, help="Keep nothing: a second run orders and pays anew.")
@setting("-c", "--concurrency", type=click.IntRange(min=1), help="Prompts worked on at once.")
@setting("--max-tokens", type=click.IntRange(min=0), help="Tokens that may be billed at most.")
@setting("--max-cost", metavar="AMOUNT", help="Money that may be billed at most, see --currency.")
@setting("--on-failure", type=click.Choice(["skip", "stop", "later"]), help="What follows a failure.")
@click.option("--retry-failed", is_flag=True, help="Order again what failed in earlier runs; it costs again.")
@setting("--cancel-queued", is_flag=True, help="At Ctrl-C, also cancel tasks that are still queued.")
@setting("--format", type=click.Choice(_FORMATS), help="How FILE is written. Default: by its ending.")
@click.option(
    "--dry-run", is_flag=True, help="Show what would be sent and what it may cost, and send nothing."
)
@currency_option
@request_options
@simulate_options
def batch_command(file: str, **options: Any) -> int:
    """Make a video of every prompt in FILE (JSON Lines, CSV or Parquet; - reads standard input).

    A row has the fields of a request and an optional "key" that names the result; in JSON Lines it may
    also be a string with a prompt. Blank lines and lines that begin with # are passed over. Options are
    for rows that do not say otherwise. A file with a bad row is refused before anything is sent.

    Every step is in the journal: after Ctrl-C, or a crash, the same command goes on and pays nothing twice.
    """
    if options["dry_run"]:
        from seedance_async.cli.files import requests_of

        requests = requests_of(file, written=options["format"], defaults=fields_of(options))
        run_async(dry_run(requests, options))
        return OK
    return run_async(_batch(file, options))


async def _batch(file: str, options: dict[str, Any]) -> int:
    """Check the file, run it, write one line for each prompt."""
    from seedance_async.batch import StopSwitch
    from seedance_async.cli.files import check_file, read_jobs
    from seedance_async.progress import Progress

    written, defaults = options["format"], fields_of(options)
    # Standard input can be read only once: there each bad line is refused when it comes.
    total = None if file == "-" else await asyncio.to_thread(check_file, file, written, defaults)
    budget = _budget(options)
    progress = Progress(total=total, budget=budget, prices=price_table(options))
    switch = StopSwitch(cancel_queued=options["cancel_queued"], tell=lambda _: progress.say(_STOPPING))
    journal = await asyncio.to_thread(journal_of, options)
    codes: list[int] = []
    async with opened(options, None if options["quiet"] else progress) as session:
        outcomes = session.run_many(
            read_jobs(file, format=written, defaults=defaults),
            journal=journal,
            save_to=options["out"],
            budget=budget,
            concurrency=options["concurrency"],
            on_failure=options["on_failure"],
            retry_failed=options["retry_failed"],
            stop=switch,
        )
        with switch.on_signals():
            await show(outcomes, progress, codes, options)
    return _ended(codes, switch, journal, options)


def journal_of(options: dict[str, Any]) -> Path | None:
    """Choose the journal: as asked for, else beside the videos; a simulated run needs none."""
    if options["journal"] is not None:
        return Path(options["journal"])
    if options["no_journal"] or options["simulate"]:
        return None
    out = str(options["out"])
    if "://" in out:
        return Path("seedance-journal.db")
    folder = Path(out).parent if "{" in Path(out).name else Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "journal.db"


def _budget(options: dict[str, Any]) -> Budget | None:
    """Make the budget, if there is one."""
    from decimal import Decimal, InvalidOperation

    from seedance_async.settings import Budget

    tokens, cost = options["max_tokens"], options["max_cost"]
    if tokens is None and cost is None:
        return None
    try:
        amount = None if cost is None else Decimal(str(cost))
    except InvalidOperation:
        raise click.BadParameter(f"{cost!r} is no amount of money", param_hint="--max-cost") from None
    return Budget(tokens=tokens, cost=amount, prices=price_table(options))


async def show(
    outcomes: AsyncIterator[Outcome], progress: Progress, codes: list[int], options: dict[str, Any]
) -> None:
    """Write one line for each outcome as it comes."""
    from seedance_async.batch import BatchStopped

    as_json, quiet = wants_json(options["as_json"]), options["quiet"]
    try:
        async for outcome in outcomes:
            codes.append(code_of_outcome(outcome))
            if not quiet:
                progress.note(outcome)
            with progress.paused():
                if as_json:
                    write_json(outcome_record(outcome))
                elif not isinstance(outcome.error, BatchStopped):
                    # After Ctrl-C a person wants to read how to go on, not what was left for then.
                    write_text(outcome_row(outcome))
    finally:
        progress.close()
    if not quiet:
        progress.sum_up()


def _ended(codes: list[int], switch: StopSwitch, journal: Path | None, options: dict[str, Any]) -> int:
    """Say how to go on where something is left, and give the exit code."""
    again = shlex.join(["seedance", *(click.get_current_context().obj or ())])
    if options["simulate"]:
        return INTERRUPTED if switch.times else worst(codes)
    if switch.times and journal is not None:
        tell(f"Resume with: {again}")
    elif switch.times:
        tell("There is no journal, so the same command would order anew. Tasks that go on: seedance list")
    elif worst(codes) != OK and journal is not None:
        tell(f"What is on record: seedance journal show {journal}; to go on with what is left: {again}")
    return INTERRUPTED if switch.times else worst(codes)
