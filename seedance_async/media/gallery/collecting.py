"""Folder and journal put together: one item a prompt."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from seedance_async.media.gallery.folder import read_folder
from seedance_async.media.gallery.journals import read_journal
from seedance_async.media.gallery.pricing import Pricer

if TYPE_CHECKING:
    import os

    from seedance_async.media.gallery.items import Item
    from seedance_async.prices import PriceTable

__all__ = ["collect"]


async def collect(
    folder: str | os.PathLike[str],
    *,
    journal: str | os.PathLike[str] | None = None,
    prices: PriceTable | None = None,
    most: int = 5000,
) -> list[Item]:
    """Read what there is to show: the journal's prompts first, then videos that it does not know.

    Args:
        folder: the folder with the videos and their sidecars.
        journal: the journal of the batch that made them, or None; with it failures are shown, too.
        prices: the price list; None takes the one of the place where a model's id is used.
        most: how many items at most.

    Raises:
        JournalError: the journal cannot be read, or is none.
    """
    place = await asyncio.to_thread(Path(folder).resolve)
    pricer = Pricer(prices)
    videos = await asyncio.to_thread(read_folder, place, pricer)
    if journal is None:
        return list(videos.values())[:most]
    told = await read_journal(journal, folder=place, known=videos, pricer=pricer, most=most)
    shown = {item.video for item in told}
    tasks = {item.task_id for item in told if item.task_id}
    own = [item for item in videos.values() if item.video not in shown and item.task_id not in tasks]
    return (told + own)[:most]
