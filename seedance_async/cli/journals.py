"""``seedance journal``: what is on record about a batch, also while it runs."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from attrs import asdict

from seedance_async.cli.commands import command, setting
from seedance_async.cli.exits import OK
from seedance_async.cli.records import near, wants_json, write_json, write_text
from seedance_async.cli.running import run_async
from seedance_async.cli.secrets import masked
from seedance_async.cli.tables import Column, table
from seedance_async.errors import InvalidRequest
from seedance_async.ledger.rows import JobState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from seedance_async.ledger.rows import JournalRow

__all__ = ["journal_command"]

_STATES: Final = tuple(state.value for state in JobState)
_COLUMNS: Final = (
    Column("key"),
    Column("state"),
    Column("tokens", right=True),
    Column("task", rank=1),
    Column("ended", rank=2),
    Column("file or error", running_over=True),
)
_FLAT: Final = (
    "position", "key", "state", "task_id", "tokens", "tokens_estimated", "attempts", "error_type",
    "error_code", "error", "file", "size", "sha256", "planned_at", "sent_at", "accepted_at", "ended_at",
    "saved_at",
)  # fmt: skip

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class _Group(click.Group):
    """The commands about journals."""


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the journal and the choice of rows."""
    function = setting("--limit", type=click.IntRange(min=1), help="At most so many rows.")(function)
    function = setting(
        "--state", "states", multiple=True, type=click.Choice(_STATES), help="May be repeated."
    )(function)
    return click.argument("file", type=click.Path(dir_okay=False))(function)


@command("show")
@_options
def show_command(file: str, **options: Any) -> int:
    """Show the jobs of a journal, and how many are in each state."""
    return run_async(_show(file, options))


@command("export")
@_options
@click.option("--format", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
def export_command(file: str, **options: Any) -> int:
    """Write the jobs of a journal to standard output, with their requests in JSON Lines."""
    return run_async(_export(file, options))


@click.group("journal", cls=_Group)
def journal_command() -> None:
    """Look at what is on record about a batch, also while it runs."""


for _command in (show_command, export_command):
    journal_command.add_command(_command)


async def _rows(file: str, options: dict[str, Any], *, requests: bool) -> AsyncIterator[JournalRow]:
    """Read the rows that are asked for, beside a running owner too."""
    import os

    from seedance_async.ledger.journal import Journal

    if not os.path.exists(file):  # noqa: ASYNC240, PTH110 - once, before anything runs
        raise InvalidRequest(field="FILE", value=file, limit="is not there")
    states = {JobState(word) for word in options["states"]} or None
    async with Journal.open(file, read_only=True) as journal:
        async for row in journal.rows(states=states, limit=options["limit"], requests=requests):
            yield row


async def _show(file: str, options: dict[str, Any]) -> int:
    """Write a table, or flat objects."""
    counts: dict[str, int] = {}
    rows: list[tuple[object, ...]] = []
    as_json = wants_json(options["as_json"])
    async for row in _rows(file, options, requests=False):
        counts[row.state.value] = counts.get(row.state.value, 0) + 1
        if as_json:
            write_json(_flat(row))
        else:
            cells = (
                row.key,
                row.state.value,
                row.tokens,
                row.task_id,
                _time(row.ended_at),
                _where(row),
            )
            rows.append(cells)
    if not as_json:
        for line in table(_COLUMNS, rows) if rows else ():
            write_text(line)
        write_text(", ".join(f"{count} {word}" for word, count in counts.items()) or "No jobs.")
    return OK


async def _export(file: str, options: dict[str, Any]) -> int:
    """Write everything there is, row by row."""
    if options["format"] == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_FLAT)
        async for row in _rows(file, options, requests=False):
            writer.writerow([_spreadsheet(value) for value in _flat(row).values()])
        return OK
    async for row in _rows(file, options, requests=True):
        write_json(json.loads(json.dumps({**asdict(row), "state": row.state.value}, default=str)))
    return OK


def _where(row: JournalRow) -> object:
    """Give the file, as seen from here, or the error."""
    return row.error if row.file is None else near(row.file if "://" in row.file else Path(row.file))


def _flat(row: JournalRow) -> dict[str, Any]:
    """Give the columns of one job that fit into a table."""
    return {name: getattr(row, name) for name in _FLAT} | {"state": row.state.value}


def _spreadsheet(value: Any) -> Any:
    """Keep a text from being taken for a formula by the program that opens the file."""
    if not isinstance(value, str):
        return value
    return masked(f"'{value}" if value.startswith(_FORMULA) else value)


def _time(seconds: float | None) -> str | None:
    """Write a time of day."""
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).astimezone().strftime("%Y-%m-%d %H:%M")
