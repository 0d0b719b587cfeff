"""``seedance report``: pictures of a batch, drawn from its journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seedance_async.cli.commands import command, setting
from seedance_async.cli.exits import OK
from seedance_async.cli.pages import page_written
from seedance_async.cli.records import wants_json, write_json, write_text
from seedance_async.cli.running import run_async
from seedance_async.errors import InvalidRequest

__all__ = ["report_command"]


@command("report")
@click.argument("journal", type=click.Path(dir_okay=False))
@setting(
    "-o",
    "--out",
    "report_out",  # the variable of other commands' --out names a folder of videos
    metavar="FILE",
    help="A page, or with the ending .svg a picture. Default: beside JOURNAL.",
)
@setting("--title", help="Title of the report. Default: the name of JOURNAL.")
@setting(
    "--currency",
    type=click.Choice(["CNY", "USD"], case_sensitive=False),
    help="Price list: CNY (Volcengine Ark) or USD (BytePlus). Default: where a model's id is used.",
)
def report_command(journal: str, **options: Any) -> int:
    """Draw the figures of JOURNAL: timeline, tokens and cost, run times, errors.

    Writes one file that needs no server and no script, as in run.report.html beside run.db. The journal may
    be in use by a running batch.
    """
    if not Path(journal).is_file():
        raise InvalidRequest(field="JOURNAL", value=journal, limit="is not there")
    out = options["report_out"]
    if out is not None and not Path(out).parent.is_dir():
        raise InvalidRequest(field="--out", value=out, limit="must lie in a folder that is there")
    return run_async(_report(journal, options))


async def _report(journal: str, options: dict[str, Any]) -> int:
    """Write the report and say where it is."""
    from seedance_async.cli.money import price_table
    from seedance_async.report import write_report

    prices = price_table(options) if options["currency"] else None
    out = options["report_out"]
    with page_written("--out" if out else "JOURNAL", out or journal):
        page = await write_report(journal, out, title=options["title"], prices=prices)
    if wants_json(options["as_json"]):
        write_json({"report": str(page)})
    else:
        write_text(str(page))
    return OK
