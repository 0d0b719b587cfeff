"""Jobs from a file: JSON Lines, CSV or Parquet, one job a row, bad rows named by their line.

A row holds fields of :class:`~seedance_async.VideoRequest` by their names, and if it likes a ``key``;
``after`` and ``takes`` make it a link of a chain. Paths of local files are relative to the file that names
them. JSON Lines may also hold a bare string, which is a prompt; blank lines and lines that begin with ``#``
are passed over.
"""

from __future__ import annotations

import codecs
import json
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, TypeAlias, cast

from attrs import frozen

from seedance_async.batch.jobs import Item, Line, read_job
from seedance_async.batch.keys import Keys
from seedance_async.batch.moulds import Moulds
from seedance_async.batch.tables import read_csv, read_parquet
from seedance_async.errors import InvalidRequest, SeedanceError
from seedance_async.ledger.ordered import is_ordered
from seedance_async.local import is_remote
from seedance_async.media.inputs import resolve

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterator, Mapping

__all__ = ["Checked", "Format", "check_jobs", "read_jobs"]

Format: TypeAlias = Literal["jsonl", "csv", "tsv", "parquet"]

_FORMATS: Final[Mapping[str, Format]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".txt": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_NO_ARRAY: Final = "write one object a line, no array"
_QUOTES: Final = 'a prompt alone needs quotes, as in "a cat"'
_ONE: Final = ("image", "first_frame", "last_frame")
_MANY: Final = ("reference_images", "reference_videos", "reference_audios")


def read_jobs(
    path: str | os.PathLike[str],
    *,
    format: Format | None = None,  # noqa: A002 - the word that everybody uses
    defaults: Mapping[str, Any] | None = None,
) -> Iterator[Line]:
    """Read a file of jobs row by row, in constant memory; give it to ``run_many``.

    Args:
        path: the file; ``-`` is standard input, as JSON Lines unless ``format`` says otherwise.
        format: how it is written; by its ending when None.
        defaults: fields for rows that do not set them.

    Yields:
        One Line per row, the bad ones with their problem.

    Raises:
        InvalidRequest: the file cannot be read, its format is not known, or a column is no field of a
            request.
        MissingExtra: it is Parquet, and the extra ``parquet`` is not installed.
    """
    name = str(path)
    written = format or _format(name)
    folder = Path() if name == "-" else Path(path).parent
    shown, unit = "standard input" if name == "-" else name, "row" if written == "parquet" else "line"
    for number, found, problem in _rows(path, shown, written):
        where = f"{shown}, {unit} {number}"
        if found is None:
            yield Line(where=where, problem=problem)
        else:
            yield Line(where=where, job={**(defaults or {}), **_placed(found, folder)})


def _format(name: str) -> Format:
    """Tell the format from the name."""
    found = "jsonl" if name == "-" else _FORMATS.get(Path(name).suffix.lower())
    if found is None:
        limit = f"must end with one of {', '.join(_FORMATS)}, or format= must say what it is"
        raise InvalidRequest(field="path", value=name, limit=limit)
    return found


def _rows(
    path: str | os.PathLike[str], shown: str, written: Format
) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
    """Read number, fields and problem of each row."""
    if written == "parquet":
        yield from read_parquet(Path(path))
        return
    with _opened(str(path)) as file:
        if written == "jsonl":
            yield from _read_json_lines(file)
        else:
            yield from read_csv(file, name=shown, delimiter="\t" if written == "tsv" else ",")


@contextmanager
def _opened(name: str) -> Generator[BinaryIO]:
    """Open the file, with an error that names it."""
    if name == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(name).open("rb"))
        except OSError as error:
            limit = f"cannot be read: {error.strerror}"
            raise InvalidRequest(field="path", value=name, limit=limit) from error
        yield file


def _read_json_lines(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
    """Read one JSON value per line."""
    for number, line in enumerate(file, 1):
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not text.strip() or text.lstrip().startswith(b"#"):
            continue
        try:
            found: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield number, None, f"it is not JSON: {_slip(text.lstrip(), error)}"
            continue
        if isinstance(found, str):
            yield number, {"prompt": found}, ""
        elif isinstance(found, dict):
            yield number, cast("dict[str, Any]", found), ""
        else:
            array = f": {_NO_ARRAY}" if isinstance(found, list) else ""
            yield number, None, f"it must be an object or a string{array}"


def _slip(text: bytes, error: Exception) -> str:
    """Say how a line that is not JSON should be written, or what Python found, without its position there."""
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "it looks like UTF-16, save it as UTF-8"
    if text.startswith(b"["):
        return f"{_NO_ARRAY}; {_QUOTES}"
    if not text.startswith(b"{"):
        return _QUOTES
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def _placed(found: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Take local paths as relative to the file that names them; fields without a value are not set."""
    placed = {name: value for name, value in found.items() if value is not None}
    for name in _ONE:
        placed = {**placed, name: _path(placed[name], folder)} if name in placed else placed
    for name in _MANY:
        if isinstance(placed.get(name), list):
            placed[name] = [_path(item, folder) for item in placed[name]]
    return placed


def _path(value: Any, folder: Path) -> Any:
    """Put one path into its folder; URLs stay, and what is no path is refused later."""
    return value if not isinstance(value, str) or is_remote(value) else str(folder / value)


@frozen(kw_only=True)
class Checked:
    """What :func:`check_jobs` found.

    Attributes:
        jobs: how many jobs are good.
        problems: what is wrong with the others, each message with its line; at most ``most``.
        bad: how many are bad.
    """

    jobs: int
    problems: tuple[SeedanceError, ...]
    bad: int


def check_jobs(
    lines: Iterator[Line], *, most: int = 100, journal: str | os.PathLike[str] | None = None
) -> Checked:
    """Read a whole input before anything is paid for; blocks, for local files are read, too.

    Args:
        lines: what :func:`read_jobs` gives.
        most: problems that are kept.
        journal: where earlier runs are on record; what they ordered needs its local files no more.

    Raises:
        JournalError: the journal cannot be read.
    """
    good, bad = 0, 0
    problems: list[SeedanceError] = []
    keys, moulds = Keys(), Moulds()
    try:
        for index, line in enumerate(lines):
            problem = _problem(line, read_job(line, index, keys, moulds), journal)
            good, bad = (good + 1, bad) if problem is None else (good, bad + 1)
            if problem is not None and len(problems) < most:
                problems.append(problem)
    finally:
        keys.close()
    return Checked(jobs=good, problems=tuple(problems), bad=bad)


def _problem(line: Line, item: Item, journal: str | os.PathLike[str] | None) -> SeedanceError | None:
    """Say what is wrong with a line, its local files included where they are still to be sent."""
    if item.problem is not None or item.request is None or not item.request.has_local_media:
        return item.problem
    try:
        resolve(item.request)
    except InvalidRequest as error:
        if journal is not None and is_ordered(journal, item.key):
            return None
        return InvalidRequest(f"{line.where}: {error.message}", field=error.field, value=error.value)
    return None
