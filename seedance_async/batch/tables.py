"""Jobs from tables: CSV, whose cells are texts, and Parquet (extra ``parquet``), whose columns have types."""

from __future__ import annotations

import csv
import json
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from seedance_async.errors import InvalidRequest, MissingExtra
from seedance_async.request import VideoRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["read_csv", "read_parquet"]

_OF_JOBS: Final = frozenset({"key", "after", "takes"})
_ROWS: Final = 1000
_SHOWN: Final = 60
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_csv(
    file: BinaryIO, *, name: str, delimiter: str
) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
    """Read number, fields and problem of each row; the first row names the columns.

    Empty cells are not set. Lists and objects are written as JSON; a list may also be one bare value.

    Raises:
        InvalidRequest: the first row cannot be read, or a column is no field of a request.
    """
    lines = _Lines(file)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    _check_columns(columns := _columns(reader), name)
    while True:
        number = lines.read + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, UnicodeDecodeError) as error:
            yield number, None, f"it is not CSV: {error}"
            continue
        if cells:
            yield (number, *_row(columns, cells))


def _columns(reader: Iterator[list[str]]) -> list[str]:
    """Read the names in the first row: without them no other row means anything."""
    try:
        return [name.strip() for name in next(reader, list[str]())]
    except (csv.Error, UnicodeDecodeError) as error:
        limit = f"must be a row of column names in UTF-8: {error}"
        raise InvalidRequest(field="first line", value="", limit=limit) from error


class _Lines:
    """Decodes line by line, so that one bad byte spoils one line; a generator would end there."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self.read += 1
        # Some programs put a mark before the first line.
        return line.decode("utf-8-sig")


def _check_columns(columns: Sequence[str], where: str) -> None:
    """Refuse columns that mean nothing: a misspelt name would be a video that nobody wanted."""
    known = _OF_JOBS | set(VideoRequest.__annotations__)
    for name in columns:
        if name not in known:
            limit = f"is no field of a request: rename it or leave it out{_hint(name, columns, known)}"
            raise InvalidRequest(f"{where}, column {_cut(name)}", field="column", value=name, limit=limit)


def _hint(name: str, columns: Sequence[str], known: Iterable[str]) -> str:
    """Say what is probably meant."""
    if len(columns) == 1 and ";" in name:
        return " (it looks like a file with semicolons: use commas or tabs)"
    near = get_close_matches(name.lower().replace(" ", "_"), known, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _cut(name: str) -> str:
    """Show so much of a name as fits in a message."""
    return repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")


def _row(columns: list[str], cells: list[str]) -> tuple[dict[str, Any] | None, str]:
    """Read the cells of one row."""
    if len(cells) != len(columns):
        return None, f"it has {len(cells)} cells, and the first line names {len(columns)} columns"
    try:
        return {name: _value(name, cell) for name, cell in zip(columns, cells, strict=True) if cell}, ""
    except ValueError as error:
        return None, str(error)


def _value(name: str, cell: str) -> Any:
    """Read one cell as what its field takes."""
    kind = VideoRequest.__annotations__.get(name, "str")
    if kind.startswith("int"):
        return _number(name, cell)
    if kind.startswith("bool"):
        if cell.strip().lower() not in _FLAGS:
            raise ValueError(f"{name}={cell!r} is not valid: must be true or false")
        return _FLAGS[cell.strip().lower()]
    if kind.startswith(("tuple", "dict")):
        return _json(name, cell, one=kind.startswith("tuple[Media"))
    return cell


def _number(name: str, cell: str) -> int:
    """Read a whole number."""
    try:
        return int(cell)
    except ValueError:
        raise ValueError(f"{name}={cell!r} is not valid: must be a whole number") from None


def _json(name: str, cell: str, *, one: bool) -> Any:
    """Read a list or an object."""
    if one and not cell.lstrip().startswith("["):
        return [cell]
    try:
        return json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from None


def read_parquet(path: Path) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
    """Read number (from 1) and fields of each row, some at a time; nulls are not set.

    Raises:
        InvalidRequest: the file cannot be read, or a column is no field of a request.
        MissingExtra: pyarrow is not installed.
    """
    parquet, refusals = _pyarrow()
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            _check_columns(file.schema_arrow.names, str(path))
            for batch in file.iter_batches(batch_size=_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: value for name, value in row.items() if value is not None}, ""
    except refusals as error:
        raise InvalidRequest(field="path", value=str(path), limit=f"cannot be read: {error}") from error


def _pyarrow() -> tuple[Any, tuple[type[Exception], ...]]:
    """Import what reads Parquet, and what it raises; it publishes no types."""
    try:
        parquet = import_module("pyarrow.parquet")
        refusal: type[Exception] = import_module("pyarrow").ArrowException
    except ImportError as error:
        raise MissingExtra("Reading Parquet", extra="parquet") from error
    return parquet, (OSError, refusal)
