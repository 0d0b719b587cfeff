"""Files of prompts as the commands need them: checked whole before anything is paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from seedance_async.batch.files import Format, check_jobs, read_jobs
from seedance_async.batch.jobs import Line, read_job
from seedance_async.batch.keys import Keys
from seedance_async.cli.secrets import masked
from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from seedance_async.request import VideoRequest

__all__ = ["Format", "Line", "check_file", "filled", "read_jobs", "read_requests", "requests_of"]

_SHOWN: Final = 20


def check_file(
    name: str, written: Format | None, defaults: Mapping[str, Any], journal: Path | None = None
) -> int:
    """Read a whole file before anything is paid for; blocks.

    Args:
        name: the file.
        written: how it is written; by its ending when None.
        defaults: fields for lines that do not set them.
        journal: where earlier runs are on record; what they ordered needs its local files no more.

    Returns:
        How many prompts it holds.

    Raises:
        InvalidRequest: naming the bad lines, or saying that there is no prompt at all.
    """
    found = check_jobs(read_jobs(name, format=written, defaults=defaults), most=_SHOWN, journal=journal)
    if found.bad:
        head = f"{name} has {found.bad} bad {'line' if found.bad == 1 else 'lines'}, so nothing was sent"
        lines = [f"  {masked(problem.message)}" for problem in found.problems]
        more = [f"  and {found.bad - len(lines)} more"] if found.bad > len(lines) else []
        raise InvalidRequest("\n".join([head, *lines, *more]), field="FILE", value=name)
    if not found.jobs:
        raise _no_prompt(name)
    return found.jobs


def filled(lines: Iterable[Line], name: str) -> Iterator[Line]:
    """Give lines on as they come; for standard input, which nobody checks beforehand.

    Raises:
        InvalidRequest: there was none.
    """
    line = None
    for line in lines:
        yield line
    if line is None:
        raise _no_prompt(name)


def _no_prompt(name: str) -> InvalidRequest:
    """Word the error of an input with nothing to do: a success would hide that its maker failed."""
    return InvalidRequest(field="FILE", value=name, limit="must hold at least one prompt; nothing was sent")


def requests_of(
    name: str,
    *,
    written: Format | None,
    defaults: Mapping[str, Any],
) -> Iterator[tuple[str, VideoRequest]]:
    """Check a file and give its requests with their keys, as :func:`read_requests` does.

    Raises:
        InvalidRequest: naming the bad lines; of standard input, which can be read only once, the first.
    """
    if name != "-":
        check_file(name, written, defaults)
    yield from read_requests(name, written=written, defaults=defaults)


def read_requests(
    name: str,
    *,
    written: Format | None,
    defaults: Mapping[str, Any],
) -> Iterator[tuple[str, VideoRequest]]:
    """Give the requests of a file with their keys; links of chains have no body yet and are left out.

    Raises:
        InvalidRequest: a line is bad, or there is none.
    """
    keys = Keys()
    try:
        lines = filled(read_jobs(name, format=written, defaults=defaults), name)
        for index, line in enumerate(lines):
            item = read_job(line, index, keys)
            if item.problem is not None:
                raise item.problem
            if item.request is not None:
                yield item.key, item.request
    finally:
        keys.close()
