"""What a journal says of each prompt, with its video where that lies on this machine."""

from __future__ import annotations

import asyncio
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from seedance_async.media.gallery.advice import advice_for, problem_of
from seedance_async.media.gallery.folder import address, poster_of
from seedance_async.media.gallery.items import Item, Problem
from seedance_async.media.gallery.telling import prompt_of, settings_of, took

if TYPE_CHECKING:
    import os

    from seedance_async.ledger.rows import JournalRow
    from seedance_async.media.gallery.pricing import Pricer

__all__ = ["RowReader", "read_journal"]

_WORDS: Final = {JobState.SAVED: JobState.SUCCEEDED.value}
_AT_ONCE: Final = 200


@define(kw_only=True)
class RowReader:
    """Makes items of a journal's rows.

    Attributes:
        folder: where the page will lie.
        known: what the videos of the folder say of themselves, by path.
        pricer: puts tokens into money.
    """

    folder: Path
    known: dict[Path, Item]
    pricer: Pricer
    _by_task: dict[str | None, Path] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._by_task = {item.task_id: path for path, item in self.known.items() if item.task_id}

    def item(self, row: JournalRow) -> Item:
        """Make an item; looks for the video on disk, so call it in a thread."""
        request, record = row.request, row.record
        cost, currency = self.pricer.price(request, record, row.tokens)
        path = self._video(row)
        seed = (record or {}).get("seed")
        status = _WORDS.get(row.state, row.state.value)
        return Item(
            key=row.key,
            status=status,
            prompt=prompt_of(request),
            model=str((record or {}).get("model") or (request or {}).get("model") or ""),
            video=None if path is None else address(path, self.folder),
            poster=None if path is None else poster_of(path, self.folder),
            place=row.file if row.file and "://" in row.file else "",
            task_id=row.task_id or "",
            seed=seed if isinstance(seed, int) else None,
            tokens=row.tokens,
            cost=cost,
            currency=currency,
            seconds=took(row),
            at=row.ended_at or row.accepted_at or row.sent_at or row.planned_at,
            size=row.size,
            facts=(*settings_of(request, record), *_attempts(row)),
            problem=None if path is not None else _problem(row, status),
        )

    def _video(self, row: JournalRow) -> Path | None:
        """Find the video: where it was saved, or where the folder has moved to."""
        if row.file and "://" in row.file:
            return None
        places: list[Path] = []
        if row.file:
            saved = Path(row.file)
            places = [saved.resolve(), self.folder / saved.name]
        if row.task_id in self._by_task:
            places.append(self._by_task[row.task_id])
        return next((path for path in places if path in self.known or path.is_file()), None)


def _attempts(row: JournalRow) -> list[tuple[str, str]]:
    """Say how many POSTs it took, where one was not enough."""
    return [("Attempts", str(row.attempts))] if row.attempts > 1 else []


def _problem(row: JournalRow, status: str) -> Problem | None:
    """Say why there is no video."""
    if row.file and "://" in row.file:
        return None
    code, kind = row.error_code or "", row.error_type or ""
    if row.state is JobState.SAVED:
        return Problem(message="The video is not where it was saved any more.")
    if row.state is JobState.SUCCEEDED:
        return Problem(message="The video has not landed yet.", advice=advice_for(status=status))
    if row.state is JobState.PLANNED and not row.error:
        return None
    return problem_of(status=status, message=row.error or "", code=code, error_type=kind)


async def read_journal(
    journal: str | os.PathLike[str], *, folder: Path, known: dict[Path, Item], pricer: Pricer, most: int
) -> list[Item]:
    """Read the rows of a journal in the order of the input; also beside its running owner.

    Args:
        journal: the journal file.
        folder: where the page will lie.
        known: the videos of that folder.
        pricer: puts tokens into money.
        most: rows after which reading ends.

    Raises:
        JournalError: it cannot be read, or is no journal.
    """
    reader = RowReader(folder=folder, known=known, pricer=pricer)
    found: list[tuple[int, Item]] = []
    batch: list[JournalRow] = []
    async with Journal.open(journal, read_only=True) as opened:
        async for row in opened.rows(limit=most):
            batch.append(row)
            if len(batch) >= _AT_ONCE:
                found += await asyncio.to_thread(_placed, reader, batch)
                batch = []
    found += await asyncio.to_thread(_placed, reader, batch)
    return [item for _, item in sorted(found, key=itemgetter(0))]


def _placed(reader: RowReader, rows: list[JournalRow]) -> list[tuple[int, Item]]:
    """Make the items of some rows, each with its place in the input; for a thread."""
    places = (row.position if row.input_index is None else row.input_index for row in rows)
    return list(zip(places, map(reader.item, rows), strict=True))
