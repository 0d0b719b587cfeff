"""The options of ``seedance batch`` in groups, and the folder that they mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from seedance_async.cli.commands import setting
from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "bound_options",
    "folder_of",
    "journal_of",
    "look_options",
    "page_of",
    "place_options",
    "take_no_journal",
]

_FORMATS: Final = ("jsonl", "csv", "tsv", "parquet")
_PLACE: Final = (
    setting(
        "-o",
        "--out",
        metavar="DIR",
        default="videos",
        show_default=True,
        help="Folder or object store (s3://bucket/folder), or a template as in videos/{index:04d}.mp4.",
    ),
    setting(
        "--journal", metavar="FILE", help="Where every step is on record. Default: journal.db in the folder."
    ),
    click.option("--no-journal", is_flag=True, help="Keep nothing: a second run orders and pays anew."),
    setting("--format", type=click.Choice(_FORMATS), help="How FILE is written. Default: by its ending."),
)
_BOUNDS: Final = (
    setting("-c", "--concurrency", type=click.IntRange(min=1), help="Prompts worked on at once."),
    setting("--max-tokens", type=click.IntRange(min=0), help="Tokens that may be billed at most."),
    setting("--max-cost", metavar="AMOUNT", help="Money that may be billed at most, see --currency."),
    setting("--on-failure", type=click.Choice(["skip", "stop", "later"]), help="What follows a failure."),
    click.option(
        "--retry-failed", is_flag=True, help="Order again what failed in earlier runs; it costs again."
    ),
    setting("--cancel-queued", is_flag=True, help="At Ctrl-C, also cancel tasks that are still queued."),
    click.option(
        "--dry-run", is_flag=True, help="Show what would be sent and what it may cost, and send nothing."
    ),
)
_LOOKS: Final = (
    setting("--board", is_flag=True, help="Show the batch in a browser while it runs, on this machine only."),
    setting(
        "--board-port",
        type=click.IntRange(0, 65535),
        default=0,
        metavar="PORT",
        help="Port of the board. Default: any free one.",
    ),
    setting(
        "--gallery", is_flag=True, help="At the end, write a page that plays the videos into the folder."
    ),
)


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where things are."""
    return _dressed(command, _PLACE)


def bound_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say how much, how fast, and what follows a failure."""
    return _dressed(command, _BOUNDS)


def look_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that show a batch in a browser."""
    return _dressed(command, _LOOKS)


def _dressed(command: Callable[..., Any], options: tuple[Callable[..., Any], ...]) -> Callable[..., Any]:
    """Give a command options, in their order."""
    for option in reversed(options):
        command = option(command)
    return command


def folder_of(options: Mapping[str, Any]) -> Path | None:
    """Give the folder that the videos go to; None where that is in an object store."""
    out = str(options["out"])
    if "://" in out:
        return None
    return Path(out).parent if "{" in Path(out).name else Path(out)


def journal_of(options: Mapping[str, Any]) -> Path | None:
    """Choose the journal: as asked for, else beside the videos; a simulated run needs none.

    Nothing is made yet.
    """
    if options["journal"] is not None:
        return Path(options["journal"])
    if options["no_journal"] or options["simulate"]:
        return None
    folder = folder_of(options)
    return Path("seedance-journal.db") if folder is None else folder / "journal.db"


def take_no_journal(options: dict[str, Any]) -> None:
    """Let ``--no-journal`` beat a journal that the environment or the profile names.

    Raises:
        UsageError: both are on the command line, so nobody knows which is meant.
    """
    source = click.get_current_context().get_parameter_source("journal")
    if options["no_journal"] and options["journal"] is not None:
        if source is ParameterSource.COMMANDLINE:
            raise click.UsageError("--journal and --no-journal exclude each other; nothing was sent")
        options["journal"] = None


def page_of(options: Mapping[str, Any]) -> Path | None:
    """Give the page that is to be written at the end; None where none was asked for.

    Raises:
        InvalidRequest: the videos do not go to this machine.
    """
    if not options["gallery"]:
        return None
    folder = folder_of(options)
    if folder is None:
        limit = "needs --out to be a folder: the page plays the files that lie beside it"
        raise InvalidRequest(field="--gallery", value=options["out"], limit=limit)
    return folder / "index.html"
