"""Prompts from a file: JSON Lines, one request a line, bad lines named by their number.

A line is an object with the fields of a request and, if it likes, a ``key`` that names the result; or a JSON
string, which is a prompt. Blank lines and lines that begin with ``#`` are passed over. Paths of images are
relative to the file.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from attrs import frozen

from seedance_async.cli.secrets import masked
from seedance_async.errors import InvalidRequest
from seedance_async.local import is_remote
from seedance_async.request import VideoRequest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

__all__ = ["BadLine", "Line", "check_lines", "read_lines"]

_SHOWN: Final = 20
_ONE: Final = ("image", "first_frame", "last_frame")
_MANY: Final = ("reference_images", "reference_videos", "reference_audios")


@frozen
class Line:
    """One good line: its number in the file from 1, the key it gives if any, and the request."""

    number: int
    key: str | None
    request: VideoRequest


@frozen
class BadLine:
    """One bad line: its number in the file from 1, and what is wrong with it."""

    number: int
    error: InvalidRequest


def read_lines(name: str, defaults: Mapping[str, Any]) -> Iterator[Line | BadLine]:
    """Read a file of prompts line by line, in constant memory.

    Args:
        name: path of the file; ``-`` is standard input.
        defaults: fields for lines that do not set them.

    Raises:
        InvalidRequest: the file cannot be read.
    """
    folder = Path() if name == "-" else Path(name).parent
    with _opened(name) as file:
        for number, text in enumerate(file, 1):
            if not text.strip() or text.lstrip().startswith("#"):
                continue
            try:
                yield _line(number, text, defaults, folder)
            except InvalidRequest as error:
                yield BadLine(number, error)


@contextmanager
def _opened(name: str) -> Generator[TextIO]:
    """Open the file, with an error that names it."""
    if name == "-":
        yield sys.stdin
        return
    try:
        with Path(name).open(encoding="utf-8-sig") as file:
            yield file
    except OSError as error:
        raise InvalidRequest(field="FILE", value=name, limit=f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(field="FILE", value=name, limit=f"must be UTF-8: {error}") from error


def _line(number: int, text: str, defaults: Mapping[str, Any], folder: Path) -> Line:
    """Read one line."""
    found = _object(text)
    key = found.pop("key", None)
    if key is not None and (not isinstance(key, str) or not key):
        raise InvalidRequest(field="key", value=key, limit="must be a text that is not empty")
    fields = {**_applicable(defaults, found), **_placed(found, folder)}
    try:
        return Line(number, key, VideoRequest(**fields))
    except TypeError as error:
        raise InvalidRequest("it has a field that no request has", field="line", limit=str(error)) from None


def _object(text: str) -> dict[str, Any]:
    """Read the JSON of one line; a string is a prompt."""
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise InvalidRequest("it is not JSON", field="line", limit=str(error)) from None
    if isinstance(found, str):
        return {"prompt": found}
    if not isinstance(found, dict):
        raise InvalidRequest(field="line", value=found, limit="must be an object or a string")
    return cast("dict[str, Any]", found)


def _applicable(defaults: Mapping[str, Any], found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave the defaults out that a line says otherwise; raw content says all inputs by itself."""
    return {name: value for name, value in defaults.items() if name not in found}


def _placed(found: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Take local paths as relative to the file that names them."""
    placed = dict(found)
    for name in _ONE:
        if isinstance(placed.get(name), str):
            placed[name] = _path(placed[name], folder)
    for name in _MANY:
        if isinstance(placed.get(name), list):
            placed[name] = [_path(item, folder) if isinstance(item, str) else item for item in placed[name]]
    return placed


def _path(value: str, folder: Path) -> str:
    """Put one path into its folder; URLs stay."""
    return value if is_remote(value) else str(folder / value)


def check_lines(name: str, defaults: Mapping[str, Any]) -> int:
    """Read the whole file once before anything is paid for.

    Returns:
        How many prompts it holds.

    Raises:
        InvalidRequest: naming the bad lines, or saying that there is none at all.
    """
    good, bad, keys = 0, list[BadLine](), dict[str, int]()
    for line in read_lines(name, defaults):
        problem = line if isinstance(line, BadLine) else _problem(line, keys)
        if problem is None:
            good += 1
        else:
            bad.append(problem)
    if bad:
        raise InvalidRequest(_listed(name, bad), field="FILE", value=name)
    if not good:
        raise InvalidRequest(field="FILE", value=name, limit="must hold at least one prompt")
    return good


def _problem(line: Line, keys: dict[str, int]) -> BadLine | None:
    """Find what only shows beside other lines or on disk: a key used twice, a picture that is not there."""
    if line.key is not None and line.key in keys:
        limit = f"is the key of line {keys[line.key]} already"
        return BadLine(line.number, InvalidRequest(field="key", value=line.key, limit=limit))
    if line.key is not None:
        keys[line.key] = line.number
    missing = next((path for path in _local(line.request) if not Path(path).is_file()), None)
    if missing is None:
        return None
    return BadLine(line.number, InvalidRequest(field="image", value=missing, limit="is not there"))


def _local(request: VideoRequest) -> Iterator[str]:
    """Give the local paths of a request."""
    values = [
        *(getattr(request, name) for name in _ONE),
        *request.reference_images,
        *request.reference_audios,
    ]
    return (value for value in values if isinstance(value, str) and not is_remote(value))


def _listed(name: str, bad: list[BadLine]) -> str:
    """Say all bad lines, or the first of very many."""
    head = f"{name} has {len(bad)} bad {'line' if len(bad) == 1 else 'lines'}, so nothing was sent"
    lines = [f"  line {line.number}: {masked(str(line.error))}" for line in bad[:_SHOWN]]
    more = [f"  and {len(bad) - _SHOWN} more"] if len(bad) > _SHOWN else []
    return "\n".join([head, *lines, *more])
