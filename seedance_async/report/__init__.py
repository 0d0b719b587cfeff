"""The report: pictures of a batch, drawn from its journal as SVG, without a server and without a script.

``await write_report("run.db")`` writes ``run.report.html``; a target that ends in ``.svg`` gives one picture.
:func:`read_facts` and :func:`draw` are its two halves. The gallery shows the same figures below its cards.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from seedance_async.errors import InvalidRequest
from seedance_async.media.gallery.writing import save_text
from seedance_async.report.drawing import Report, draw
from seedance_async.report.facts import Fact, Facts, read_facts

if TYPE_CHECKING:
    import os

    from seedance_async.prices import PriceTable

__all__ = ["Fact", "Facts", "Report", "draw", "read_facts", "report", "write_report"]


async def report(
    journal: str | os.PathLike[str], *, title: str | None = None, prices: PriceTable | None = None
) -> Report:
    """Draw the figures of a journal, also beside its running owner.

    Args:
        journal: the journal file.
        title: the title; the journal's name when None.
        prices: the price list; None takes the one of the place where a model's id is used.

    Raises:
        JournalError: the journal cannot be read, or is none.
    """
    facts = await read_facts(journal, prices=prices)
    return await asyncio.to_thread(draw, facts, title=title or Path(journal).name)


async def write_report(
    journal: str | os.PathLike[str],
    target: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    prices: PriceTable | None = None,
) -> Path:
    """Write the figures of a journal as a page or as a picture, whole or not at all.

    Args:
        journal: the journal file.
        target: the file to write; one that ends in ``.svg`` becomes a picture, any other a page. None writes
            ``run.report.html`` beside ``run.db``.
        title: the title; the journal's name when None.
        prices: the price list; None takes the one of the place where a model's id is used.

    Returns:
        The path of what was written.

    Raises:
        InvalidRequest: the target is the journal itself.
        JournalError: the journal cannot be read, or is none.
        DownloadFailed: the disk is full, or the file system refused.
    """
    path = Path(journal).with_suffix(".report.html") if target is None else Path(target)
    if await asyncio.to_thread(_same, path, Path(journal)):
        raise InvalidRequest(field="target", value=str(path), limit="must not be the journal itself")
    drawn = await report(journal, title=title, prices=prices)
    return await save_text(path, drawn.svg if path.suffix.lower() == ".svg" else drawn.page)


def _same(one: Path, other: Path) -> bool:
    """Whether two names are one file."""
    return one.resolve() == other.resolve()
