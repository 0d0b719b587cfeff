"""``seedance batch``: a file of prompts, each paid for once."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from seedance_async.cli.commands import SeedanceCommand, setting
from seedance_async.cli.exits import code_of_kinds
from seedance_async.cli.fields import fields_of, request_options
from seedance_async.cli.opening import opened, server_options
from seedance_async.cli.records import outcome_record, outcome_row, wants_json, write_json, write_text
from seedance_async.cli.reporting import tell
from seedance_async.cli.running import run_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from seedance_async.batch import Job
    from seedance_async.outcomes import Outcome
    from seedance_async.progress import Progress

__all__ = ["batch"]


@click.command(cls=SeedanceCommand, short_help="Make many videos from a file of prompts.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@setting(
    "-o",
    "--out",
    metavar="DIR",
    default="videos",
    show_default=True,
    help="Folder for the videos, or a template as in videos/{index:04d}.mp4.",
)
@setting("-c", "--concurrency", type=click.IntRange(min=1), help="Prompts worked on at once.")
@request_options
@server_options
def batch(file: str, **options: Any) -> int:
    """Make a video of every line of FILE (JSON Lines; - reads standard input).

    A line is an object with the fields of a request and an optional "key" that names the result, or a JSON
    string with a prompt. Blank lines and lines that begin with # are passed over. Options are for lines that
    do not say otherwise. A file with a bad line is refused before anything is sent.
    """
    return run_async(_batch(file, options))


async def _batch(file: str, options: dict[str, Any]) -> int:
    """Check the file, run it, write one line for each prompt."""
    from seedance_async.cli.lines import check_lines
    from seedance_async.progress import Progress

    defaults = fields_of(options)
    # Standard input can be read only once, so there each bad line is refused when it comes.
    total = None if file == "-" else await asyncio.to_thread(check_lines, file, defaults)
    progress = Progress(total=total)
    kinds: Counter[str] = Counter()
    async with opened(options, None if options["quiet"] else progress) as session:
        jobs = _jobs(file, defaults, kinds)
        outcomes = session.run_many(jobs, save_to=options["out"], concurrency=options["concurrency"])
        try:
            await show(outcomes, progress, kinds, options)
        except asyncio.CancelledError:
            _how_to_go_on(progress, options)
            raise
    return code_of_kinds(kinds)


def _jobs(file: str, defaults: dict[str, Any], kinds: Counter[str]) -> Iterator[Job]:
    """Give the good lines as jobs, and report the bad ones of standard input."""
    from seedance_async.cli.lines import BadLine, read_lines

    for line in read_lines(file, defaults):
        if isinstance(line, BadLine):
            kinds["refused"] += 1
            tell(f"line {line.number}: {line.error}")
        else:
            yield line.request if line.key is None else (line.key, line.request)


async def show(
    outcomes: AsyncIterator[Outcome], progress: Progress, kinds: Counter[str], options: dict[str, Any]
) -> None:
    """Write one line for each outcome as it comes."""
    as_json, quiet = wants_json(options["as_json"]), options["quiet"]
    try:
        async for outcome in outcomes:
            kinds[outcome.kind.value] += 1
            if not quiet:
                progress.note(outcome)
            with progress.paused():
                if as_json:
                    write_json(outcome_record(outcome))
                else:
                    write_text(outcome_row(outcome))
    finally:
        progress.close()
    if not quiet:
        progress.sum_up()


def _how_to_go_on(progress: Progress, options: dict[str, Any]) -> None:
    """Say what goes on at the server, and the command that comes back to it."""
    if options.get("simulate"):
        tell("Stopped. It was only simulated: nothing goes on.")
        return
    ids = list(progress.tally.alive)
    tell(f"Stopped. {len(ids)} tasks go on at the server and bill when they succeed.")
    if ids:
        tell(f"  Fetch them with: seedance wait {' '.join(ids)} --out {options['out']}")
