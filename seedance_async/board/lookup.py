"""What the journal of the running batch knows of prompts that events only name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async.errors import JournalError
from seedance_async.ledger.journal import Journal
from seedance_async.media.gallery.collecting import collect
from seedance_async.media.gallery.journals import RowReader

if TYPE_CHECKING:
    from contextlib import AsyncExitStack
    from pathlib import Path

    from seedance_async.board.state import State
    from seedance_async.ledger.rows import JournalRow
    from seedance_async.media.gallery.items import Item

__all__ = ["Lookup"]

_AT_ONCE: Final = 200


@define(kw_only=True, eq=False)
class Lookup:
    """Reads the journal beside its owner; close it with its stack.

    Attributes:
        path: the journal, which may not exist yet; None: there is none.
        folder: where the videos go.
        stack: closes what was opened.
    """

    path: Path | None
    folder: Path
    stack: AsyncExitStack = field(repr=False)
    _journal: Journal | None = field(default=None, init=False)
    _line: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def restore(self, state: State) -> None:
        """Show what earlier runs left, if there were any."""
        if self.path is None or not await asyncio.to_thread(self.path.is_file):
            return
        items = await collect(self.folder, journal=self.path, prices=state.pricer.table, most=state.most)
        state.restore(items, self.folder)

    async def fill(self, state: State) -> None:
        """Add the prompts of cards that have none; a journal that cannot be read now is asked later."""
        async with self._line:
            keys = list(state.unknown)[:_AT_ONCE]
            if not keys or self.path is None:
                return
            try:
                journal = await self._opened(self.path)
                rows = await journal.lookup(keys, requests=True)
            except JournalError:
                return
            reader = RowReader(folder=self.folder, known={}, pricer=state.pricer)
            for item in await asyncio.to_thread(_items, reader, list(rows.values())):
                state.fill(item)
            state.unknown.difference_update(keys)

    async def _opened(self, path: Path) -> Journal:
        """Open the journal when it is first needed."""
        if self._journal is None:
            self._journal = await self.stack.enter_async_context(Journal.open(path, read_only=True))
        return self._journal


def _items(reader: RowReader, rows: list[JournalRow]) -> list[Item]:
    """Make the items of some rows, for a thread."""
    return [reader.item(row) for row in rows]
