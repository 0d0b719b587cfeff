"""What a batch takes, and one job of it as it was read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from attrs import frozen

from seedance_async.batch.chains import Link
from seedance_async.batch.moulds import Moulds
from seedance_async.errors import InvalidRequest, SeedanceError
from seedance_async.request import VideoRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from seedance_async.batch.keys import Keys

__all__ = ["Item", "Job", "Line", "read_job"]

# SQLite looks for what stands before a NUL, and no UTF-8 holds half a character.
_UNFIT: Final = re.compile(r"[\x00\ud800-\udfff]")

_NAMELESS: Final = (
    "The job's key is made of this file, too: without it nobody knows whether an earlier run ordered the job."
    " Put the file back, or fetch what was ordered: seedance rescue --journal FILE."
)


@frozen(kw_only=True)
class Line:
    """One line of a file of jobs.

    Attributes:
        where: names the file and the line, for errors.
        job: the fields of the request, or None when the line cannot be read.
        problem: why it cannot be read.
    """

    where: str
    job: Mapping[str, Any] | None = None
    problem: str = ""


_Asked: TypeAlias = VideoRequest | str | Mapping[str, Any] | Link
Job: TypeAlias = _Asked | tuple[str, _Asked] | Line
"""What a batch takes: a request, a prompt, a mapping of its fields (with ``key``, and for a chain ``after``
and ``takes``, among them), a link of a chain, a pair of a key and one of these, or a line of a file."""


@frozen(kw_only=True)
class Item:
    """One job as it was read.

    Attributes:
        index: where it stands in the input, from 0.
        key: names it; ``#index`` where the job cannot be read.
        request: what is wanted; None for a link, and where it cannot be read.
        link: what a job of a chain needs and wants.
        problem: why it cannot be carried out.
        again: whether it was put off once in this run.
    """

    index: int
    key: str
    request: VideoRequest | None = None
    link: Link | None = None
    problem: SeedanceError | None = None
    again: bool = False


def read_job(job: Job, index: int, keys: Keys, moulds: Moulds | None = None) -> Item:
    """Read one job; what is wrong with it becomes its problem.  Blocks where local files must be hashed.

    Args:
        job: what the caller gave.
        index: where it stands in the input.
        keys: the keys that the input has had so far.
        moulds: what its requests looked like so far; saves time in a long input.
    """
    where = job.where if isinstance(job, Line) else ""
    try:
        given, asked = _parted(_of_line(job) if isinstance(job, Line) else job)
        wanted, digest = _wanted(asked, moulds or Moulds())
        key = _derived(digest, keys) if given is None else _claimed(given, keys)
        if isinstance(wanted, Link):
            return Item(index=index, key=key, link=wanted)
        return Item(index=index, key=key, request=wanted)
    except SeedanceError as error:
        return Item(index=index, key=f"#{index}", problem=_located(error, where))


def _of_line(line: Line) -> Mapping[str, Any]:
    """Give the fields of a line, or say what is wrong with it."""
    if line.job is None:
        raise InvalidRequest(line.problem, field="line")
    return line.job


def _located(error: SeedanceError, where: str) -> SeedanceError:
    """Say in which line the mistake is."""
    if not where or not isinstance(error, InvalidRequest):
        return error
    located = InvalidRequest(f"{where}: {error.message}", field=error.field, value=error.value)
    located.limit, located.advice = error.limit, error.advice
    return located


def _parted(job: object) -> tuple[object, object]:
    """Part a job into the caller's key, or None, and what is wanted."""
    if isinstance(job, tuple):
        if len(cast("tuple[object, ...]", job)) != 2:  # noqa: PLR2004 - a pair
            limit = "must be a pair of a key and a request"
            raise InvalidRequest(field="job", value=cast("object", job), limit=limit)
        given, wanted = cast("tuple[object, object]", job)
        if given is None:
            raise InvalidRequest(field="key", value=None, limit="must be a text that is not empty")
        return given, wanted
    if isinstance(job, Mapping):
        fields = dict(cast("Mapping[str, Any]", job))
        return fields.pop("key", None), fields
    return None, job


def _wanted(wanted: object, moulds: Moulds) -> tuple[VideoRequest | Link, Callable[[], str]]:
    """Make a request, or a link, of what is wanted; gives also what gives its digest."""
    if isinstance(wanted, VideoRequest | Link):
        return wanted, wanted.digest
    if isinstance(wanted, str):
        return moulds.make({"prompt": wanted})
    if not isinstance(wanted, Mapping):
        limit = "must be a VideoRequest, a prompt, a mapping or a Link"
        raise InvalidRequest(field="request", value=wanted, limit=limit)
    fields = cast("Mapping[str, Any]", wanted)
    if fields.get("after") is None:
        return moulds.make(fields)
    rest = {name: value for name, value in fields.items() if name not in {"after", "takes"}}
    link = Link(after=fields["after"], takes=fields.get("takes", "last_frame"), fields=rest)
    return link, link.digest


def _derived(digest: Callable[[], str], keys: Keys) -> str:
    """Make a key of the request.

    Raises:
        InvalidRequest: a local file of it cannot be read.
    """
    try:
        return keys.derive(digest())
    except InvalidRequest as error:
        error.advice = _NAMELESS
        raise


def _claimed(given: object, keys: Keys) -> str:
    """Take the caller's key.

    Raises:
        InvalidRequest: it is none, no journal can hold it, or it was given before.
    """
    if not isinstance(given, str) or not given:
        raise InvalidRequest(field="key", value=given, limit="must be a text that is not empty")
    if _UNFIT.search(given):
        limit = "must hold no NUL and no half of a character, so nothing was sent"
        raise InvalidRequest(field="key", value=given, limit=limit)
    if not keys.claim(given):
        raise InvalidRequest(field="key", value=given, limit="names another job of this batch already")
    return given
