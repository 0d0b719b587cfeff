"""Tables for a terminal: columns as wide as they must be, the least important left out where it is narrow."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from attrs import frozen

from seedance_async._wire.plain import in_one_line
from seedance_async.cli.wrapping import width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Column", "table"]

_GAP: Final = 2
_USUAL: Final = 40
"""Places that a column which runs over the edge is given: one long error must not cost all other columns."""


@frozen
class Column:
    """One column: its title, how it is aligned, and how soon it is left out (0: never).

    What others wrote, of any length, stands in a last column that may run over the edge of the terminal.
    """

    title: str
    right: bool = False
    rank: int = 0
    running_over: bool = False


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[object]], *, width: int | None = None
) -> list[str]:
    """Set rows in columns.

    Args:
        columns: the columns, from the left.
        rows: their cells; None is shown as nothing.
        width: places on a line; those of the terminal when None.

    Returns:
        The lines, titles first. The last column is never cut: names of files are there to be copied.
    """
    room = shutil.get_terminal_size().columns if width is None else width
    cells = [[_cell(value) for value in row] for row in rows]
    shown = list(range(len(columns)))
    while _total(shown, columns, cells) > room and (drop := _least(shown, columns)) is not None:
        shown.remove(drop)
    widths = {index: _width(index, columns, cells) for index in shown}
    lines = [[column.title for column in columns], *cells]
    return ["  ".join(_padded(line[i], widths[i], columns[i]) for i in shown).rstrip() for line in lines]


def _cell(value: object) -> str:
    """Show one value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else in_one_line(value)


def _width(index: int, columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> int:
    """Give the places that a column takes."""
    return max(width_of(columns[index].title), *(width_of(row[index]) for row in cells), 0)


def _total(shown: Sequence[int], columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> int:
    """Give the places that a line takes."""
    return sum(_claimed(index, columns, cells) + _GAP for index in shown) - _GAP


def _claimed(index: int, columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> int:
    """Give the places for which other columns have to go."""
    width = _width(index, columns, cells)
    return min(width, _USUAL) if columns[index].running_over else width


def _least(shown: Sequence[int], columns: Sequence[Column]) -> int | None:
    """Give the column that can be done without first."""
    spare = [index for index in shown if columns[index].rank]
    return max(spare, key=lambda index: columns[index].rank, default=None)


def _padded(text: str, width: int, column: Column) -> str:
    """Fill a cell up to its width."""
    space = " " * (width - width_of(text))
    return space + text if column.right else text + space
