"""Writing the gallery beside the videos."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from seedance_async.errors import DownloadFailed
from seedance_async.media.files import in_thread, on_disk, write_whole
from seedance_async.media.gallery.collecting import collect
from seedance_async.media.gallery.page import gallery_page

if TYPE_CHECKING:
    import os

    from seedance_async.prices import PriceTable

__all__ = ["save_text", "write_gallery"]


async def write_gallery(
    folder: str | os.PathLike[str],
    *,
    journal: str | os.PathLike[str] | None = None,
    title: str | None = None,
    prices: PriceTable | None = None,
    figures: bool = True,
    name: str = "index.html",
    most: int = 5000,
) -> Path:
    """Write a gallery of a folder's videos: one file that works offline and asks nobody for anything.

    Args:
        folder: the folder with the videos and their sidecars; it must exist.
        journal: the journal of the batch that made them; with it failures and unfinished prompts are shown,
            too. It may be in use by a running batch.
        title: the title; the folder's name when None.
        prices: the price list; None takes the one of the place where a model's id is used.
        figures: with a journal, put the figures of :mod:`seedance_async.report` below the videos.
        name: name of the file to write into the folder; replaced whole or not at all.
        most: how many items at most.

    Returns:
        The path of the page.

    Raises:
        JournalError: the journal cannot be read, or is none.
        DownloadFailed: the disk is full, or the file system refused.
    """
    place = await asyncio.to_thread(Path(folder).resolve)
    items = await collect(place, journal=journal, prices=prices, most=most)
    below, style = await _figures(journal, prices) if figures and journal is not None else ("", "")
    make = partial(gallery_page, items, title=title or place.name or "Gallery", below=below, style=style)
    return await save_text(place / name, await asyncio.to_thread(make))


async def _figures(journal: str | os.PathLike[str], prices: PriceTable | None) -> tuple[str, str]:
    """Give the figures of a journal and their style."""
    # The report stands on the words and prices of this package, so it can only be asked for late.
    from seedance_async import report

    drawn = await report.report(journal, prices=prices)
    return drawn.section, drawn.style


async def save_text(target: Path, text: str) -> Path:
    """Write a page, whole or not at all.

    Raises:
        DownloadFailed: the disk is full, or the file system refused.
    """
    return await in_thread(_save, target, text)


def _save(target: Path, text: str) -> Path:
    """Write a page, for a thread; half a surrogate pair in a prompt is no reason to write none."""
    try:
        with on_disk(target):
            write_whole(target, text.encode("utf-8", "xmlcharrefreplace"), durable=False)
            # As open to others as the folder is: a page on a web server's disk should be readable.
            target.chmod(target.parent.stat().st_mode & 0o666)
    except DownloadFailed as error:
        error.advice = "Mend the place or make room, then write the page again: it only shows what is there."
        raise
    return target
