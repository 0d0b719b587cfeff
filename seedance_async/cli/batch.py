"""``seedance batch``: a file of prompts, each paid for once."""

from __future__ import annotations

import asyncio
import shlex
from typing import TYPE_CHECKING, Any, Final

import click

from seedance_async.cli.batch_options import bound_options, journal_of, look_options, page_of, place_options
from seedance_async.cli.commands import command
from seedance_async.cli.exits import INTERRUPTED, OK, code_of_outcome, worst
from seedance_async.cli.fields import fields_of, request_options
from seedance_async.cli.money import currency_option, dry_run, price_table
from seedance_async.cli.opening import check_journal, opened, simulate_options
from seedance_async.cli.records import outcome_record, outcome_row, wants_json, write_json, write_text
from seedance_async.cli.reporting import tell
from seedance_async.cli.running import run_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from seedance_async.batch import StopSwitch
    from seedance_async.board import Board
    from seedance_async.outcomes import Outcome
    from seedance_async.progress import Progress
    from seedance_async.settings import Budget

__all__ = ["batch_command", "show"]

_STOPPING: Final = (
    "Stopping: nothing more is ordered, what is on its way is put on record. Ctrl-C leaves at once."
)


@command("batch")
@click.argument("file", type=click.Path(allow_dash=True))
@place_options
@bound_options
@look_options
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
    check_journal(options)
    return run_async(_batch(file, options))


async def _batch(file: str, options: dict[str, Any]) -> int:
    """Check the file, run it, write one line for each prompt."""
    from seedance_async.batch import StopSwitch
    from seedance_async.cli.boards import boarded
    from seedance_async.cli.files import check_file, read_jobs
    from seedance_async.progress import Progress
    from seedance_async.settings import AccountLimits

    written, defaults, page = options["format"], fields_of(options), page_of(options)
    # Standard input can be read only once: there each bad line is refused when it comes.
    total = None if file == "-" else await asyncio.to_thread(check_file, file, written, defaults)
    journal = await asyncio.to_thread(journal_of, options)
    budget = _budget(options)
    known: dict[str, Any] = {"total": total, "budget": budget, "prices": price_table(options)}
    known["limits"] = AccountLimits()
    progress = Progress(**known)
    switch = StopSwitch(cancel_queued=options["cancel_queued"], tell=lambda _: progress.say(_STOPPING))
    codes: list[int] = []
    async with (
        boarded(file, options, journal=journal, stop=switch, **known) as board,
        opened(options, None if options["quiet"] else progress, board) as session,
    ):
        outcomes = session.run_many(
            read_jobs(file, format=written, defaults=defaults),
            journal=journal,
            save_to=options["out"],
            budget=budget,
            concurrency=options["concurrency"],
            on_failure=options["on_failure"],
            retry_failed=options["retry_failed"],
            stop=switch,
            gallery=page is not None,
        )
        with switch.on_signals():
            await show(outcomes, progress, codes, options, board)
    return _ended(codes, switch, journal, page, options)


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
    outcomes: AsyncIterator[Outcome],
    progress: Progress,
    codes: list[int],
    options: dict[str, Any],
    board: Board | None = None,
) -> None:
    """Write one line for each outcome as it comes."""
    from seedance_async.batch import BatchStopped

    as_json, quiet = wants_json(options["as_json"]), options["quiet"]
    try:
        async for outcome in outcomes:
            codes.append(code_of_outcome(outcome))
            if not quiet:
                progress.note(outcome)
            if board is not None:
                board.note(outcome)
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


def _ended(
    codes: list[int],
    switch: StopSwitch,
    journal: Path | None,
    page: Path | None,
    options: dict[str, Any],
) -> int:
    """Say where to look and how to go on where something is left, and give the exit code."""
    if page is not None and page.exists():
        tell(f"Look at the videos in a browser: {page}")
    if not options["simulate"]:
        _say_how_to_go_on(worst(codes), switch, journal)
    return INTERRUPTED if switch.times else worst(codes)


def _say_how_to_go_on(code: int, switch: StopSwitch, journal: Path | None) -> None:
    """Give the command that does what is left."""
    again = shlex.join(["seedance", *(click.get_current_context().obj or ())])
    if switch.times and journal is not None:
        tell(f"Resume with: {again}")
    elif switch.times:
        tell("There is no journal, so the same command would order anew. Tasks that go on: seedance list")
    elif code != OK and journal is not None:
        tell(f"What is on record: seedance journal show {journal}; to go on with what is left: {again}")
