"""The gallery that a batch leaves beside its videos, where that was asked for."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from seedance_async.errors import InvalidRequest, SeedanceError
from seedance_async.prices import PriceTable

if TYPE_CHECKING:
    from seedance_async.ledger.journal import Journal
    from seedance_async.media.targets import Aim
    from seedance_async.settings import Budget

__all__ = ["gallery_folder", "leave_gallery"]

logger = logging.getLogger("seedance_async")


def gallery_folder(aim: Aim | None) -> Path:
    """Give the folder of a batch's gallery, before anything is paid for.

    Raises:
        InvalidRequest: the videos are not saved, or not on this machine.
    """
    if aim is None:
        raise InvalidRequest(field="gallery", value=True, limit="needs save_to, the folder of the videos")
    if aim.remote:
        limit = "needs a save_to on this machine: the page plays the files that lie beside it"
        raise InvalidRequest(field="gallery", value=True, limit=limit)
    return Path(aim.folder)


async def leave_gallery(folder: Path, journal: Journal | None, budget: Budget | None) -> None:
    """Write the gallery; every outcome was given by now, so one that cannot be written is only logged."""
    from seedance_async.media.gallery import write_gallery

    path = journal.path if journal is not None else None
    prices = budget.prices if budget is not None and isinstance(budget.prices, PriceTable) else None
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        await write_gallery(folder, journal=path, prices=prices)
    except (SeedanceError, OSError) as error:
        logger.warning("The gallery of %s could not be written; nothing else is affected: %s", folder, error)
