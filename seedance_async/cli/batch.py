"""``seedance batch``: a file of prompts, each paid for once."""

from __future__ import annotations

import asyncio
import shlex
import signal
from typing import TYPE_CHECKING, Any, Final

import click

from seedance_async.cli.batch_options import (
    bound_options,
    journal_of,
    look_options,
    page_of,
    place_options,
    take_no_journal,
)
from seedance_async.cli.commands import command
from seedance_async.cli.exits import INTERRUPTED, OK, TERMINATED, worst
from seedance_async.cli.fields import fields_of, request_options
from seedance_async.cli.going_on import say_how_to_go_on, say_what_is_left
from seedance_async.cli.money import currency_option, dry_run, price_table
from seedance_async.cli.opening import check_journal, opened, simulate_options
from seedance_async.cli.reporting import tell
from seedance_async.cli.running import run_async
from seedance_async.cli.sharding import part_of, shard_option
from seedance_async.cli.showing import show
from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from pathlib import Path

    from seedance_async.batch import StopSwitch
    from seedance_async.cli.showing import Shown
    from seedance_async.settings import Budget

__all__ = ["batch_command"]

_STOPPING: Final = (
    "Stopping: nothing more is ordered, what is on its way is put on record. Ctrl-C leaves at once."
)


@command("batch")
@click.argument("file", type=click.Path(allow_dash=True))
@place_options
@bound_options
@look_options
@shard_option
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
    take_no_journal(options)
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
    from seedance_async.cli.files import filled, read_jobs
    from seedance_async.progress import Progress

    written, defaults, page, part = options["format"], fields_of(options), page_of(options), part_of(options)
    journal = part.journal(journal_of(options))
    total = await asyncio.to_thread(_checked, file, defaults, journal, options)
    budget = _budget(options)
    known: dict[str, Any] = {"total": part.total(total), "budget": budget, "prices": price_table(options)}
    known["limits"] = part.limits()
    progress = Progress(**known, noted=True)
    switch = StopSwitch(cancel_queued=options["cancel_queued"], tell=lambda _: progress.say(_STOPPING))
    async with (
        boarded(file, options, journal=journal, stop=switch, **known) as board,
        opened(options, None if options["quiet"] else progress, board, limits=known["limits"]) as session,
    ):
        outcomes = session.run_many(
            part.jobs(filled(read_jobs(file, format=written, defaults=defaults), file)),
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
            shown = await show(outcomes, progress, options, board)
    return _ended(shown, switch, (journal, page), known["total"], options)


def _checked(
    file: str, defaults: Mapping[str, Any], journal: Path | None, options: Mapping[str, Any]
) -> int | None:
    """Read the whole file and see that its journal has a folder; blocks.

    Returns:
        How many prompts there are, or None for standard input: that can be read only once, so each of its bad
        lines is refused when it comes.

    Raises:
        InvalidRequest: the file is bad, or the folder cannot be written.
    """
    from seedance_async.cli.files import check_file
    from seedance_async.media.files import check_folder

    total: int | None = None
    try:
        if file != "-":
            total = check_file(file, options["format"], defaults, journal)
    except InvalidRequest as error:
        if journal is not None and journal.exists():
            places = shlex.join(["--journal", str(journal), "--out", str(options["out"])])
            error.advice = f"Videos that were ordered before are fetched by: seedance rescue {places}"
        raise
    if journal is not None and options["journal"] is None:
        check_folder(journal.parent)
    return total


def _budget(options: dict[str, Any]) -> Budget | None:
    """Make the budget, if there is one."""
    from seedance_async.settings import Budget

    tokens, cost = options["max_tokens"], options["max_cost"]
    if tokens is None and cost is None:
        return None
    return Budget(tokens=tokens, cost=_amount(cost), prices=price_table(options))


def _amount(cost: object) -> Decimal | None:
    """Read an amount of money; of a profile it is a number.

    Raises:
        BadParameter: it is none.
    """
    from decimal import Decimal, InvalidOperation

    try:
        amount = None if cost is None else Decimal(str(cost))
    except InvalidOperation:
        amount = Decimal("nan")
    if amount is not None and not (amount.is_finite() and amount >= 0):
        limit = "is no amount of money from 0 up; nothing was sent"
        raise click.BadParameter(f"{cost} {limit}", param_hint="--max-cost")
    return amount


def _ended(
    shown: Shown,
    switch: StopSwitch,
    places: tuple[Path | None, Path | None],
    total: int | None,
    options: dict[str, Any],
) -> int:
    """Say where to look and how to go on where something is left, and give the exit code."""
    journal, page = places
    code = _code_of_stop(switch) if switch.times else worst(shown.codes)
    if page is not None and page.exists():
        tell(f"Look at the videos in a browser: {page}")
    if switch.times and not options["quiet"]:
        say_what_is_left(shown, total, simulated=options["simulate"])
    if not options["simulate"] and code != OK:
        say_how_to_go_on(shown, journal, options, stopped=bool(switch.times))
    return code


def _code_of_stop(switch: StopSwitch) -> int:
    """Say by the code who stopped the batch: a button of the board counts as Ctrl-C."""
    return TERMINATED if switch.signal is signal.SIGTERM else INTERRUPTED
