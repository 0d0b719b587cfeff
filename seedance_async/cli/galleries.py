"""``seedance gallery``: a page that shows the videos of a folder."""

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

__all__ = ["gallery_command"]


@command("gallery")
@click.argument("folder", type=click.Path(file_okay=False), default="videos")
@setting(
    "--journal", metavar="FILE", help="Also show failures. Default: journal.db in FOLDER, if it is there."
)
@setting("--title", help="Title of the page. Default: the name of FOLDER.")
def gallery_command(folder: str, **options: Any) -> int:
    """Write index.html into FOLDER (default: videos): a page that plays its videos, offline too."""
    if not Path(folder).is_dir():
        raise InvalidRequest(field="FOLDER", value=folder, limit="is not there")
    return run_async(_gallery(folder, options))


async def _gallery(folder: str, options: dict[str, Any]) -> int:
    """Write the page and say where it is."""
    from seedance_async.media.gallery import write_gallery

    beside = Path(folder) / "journal.db"
    journal = options["journal"] or (beside if beside.is_file() else None)
    with page_written("FOLDER", folder):
        page = await write_gallery(folder, journal=journal, title=options["title"])
    if wants_json(options["as_json"]):
        write_json({"page": str(page)})
    else:
        write_text(str(page))
    return OK
