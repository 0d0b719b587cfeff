"""Rows of a dataset: what one asks for, and what is said of it in the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, frozen

from seedance_async.asked import as_request
from seedance_async.errors import InvalidRequest
from seedance_async.outcomes import OutcomeKind
from seedance_async.request import VideoRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seedance_async.outcomes import Outcome

__all__ = [
    "COLUMNS",
    "Asked",
    "Result",
    "check_columns",
    "given_key",
    "read_row",
    "refusal",
    "result_of",
    "said_of",
]

COLUMNS: Final = ("key", "state", "task_id", "tokens", "uri", "error")
"""What every row of the result has, in this order, behind the columns of the input."""
_FIELDS: Final = frozenset(VideoRequest.__annotations__)
_KEY_LENGTH: Final = 16


@frozen(kw_only=True)
class Asked:
    """What one row asks for.

    Attributes:
        key: names the job on every machine and in every run.
        request: what is wanted.
    """

    key: str
    request: VideoRequest


@frozen(kw_only=True)
class Result:
    """What became of one row.

    Attributes:
        key: names the job; None where the row could not be read.
        state: a value of :class:`~seedance_async.OutcomeKind`.
        task_id: the task, or None where there is none.
        tokens: tokens billed, or None while unknown.
        uri: where the video is, or None.
        error: why it is not ``succeeded``, or None.
    """

    key: str | None = None
    state: str
    task_id: str | None = None
    tokens: int | None = None
    uri: str | None = None
    error: str | None = None

    def columns(self) -> dict[str, Any]:
        """Give the values by the names of their columns."""
        return asdict(self)


def read_row(
    row: Mapping[str, Any], *, fields: Mapping[str, str] | None, defaults: Mapping[str, Any]
) -> Asked:
    """Read one row.

    Args:
        row: values by column; None is not set.
        fields: the column of each field of the request, and of ``key``; None takes every column that is named
            like a field.
        defaults: fields for rows that do not set them.

    Raises:
        InvalidRequest: no video can be made of it.
    """
    names = {name: name for name in (*_FIELDS, "key") if name in row} if fields is None else fields
    given = {name: row.get(column) for name, column in names.items()}
    key = given.pop("key", None)
    wanted = {**defaults, **{name: value for name, value in given.items() if value is not None}}
    request = as_request(wanted)
    if key is None:
        return Asked(key=request.digest()[:_KEY_LENGTH], request=request)
    if not isinstance(key, str) or not key:
        raise InvalidRequest(field="key", value=key, limit="must be a text that is not empty")
    return Asked(key=key, request=request)


def given_key(row: Mapping[str, Any], fields: Mapping[str, str] | None) -> str | None:
    """Give the key that a row names, also where nothing else of it can be read; None where it names none."""
    key = row.get("key" if fields is None else fields.get("key", ""))
    return key if isinstance(key, str) else None


def check_columns(fields: Mapping[str, str] | None) -> dict[str, str] | None:
    """Refuse names that a request does not have, before anything is paid for.

    Raises:
        InvalidRequest: a name is neither a field of a request nor ``key``.
    """
    if fields is None:
        return None
    for name in fields:
        if name not in _FIELDS and name != "key":
            limit = "must have fields of VideoRequest, or key, as its keys"
            raise InvalidRequest(field="fields", value=name, limit=limit)
    return dict(fields)


def result_of(outcome: Outcome) -> Result:
    """Give the result of one job."""
    task, path = outcome.task, outcome.path
    return Result(
        key=outcome.key,
        state=outcome.kind.value,
        task_id=task.id if task is not None else None,
        tokens=task.tokens if task is not None else None,
        uri=path.absolute().as_uri() if isinstance(path, Path) else path,
        error=None if outcome.error is None else said_of(outcome.error),
    )


def refusal(key: str | None, error: BaseException) -> Result:
    """Give the result of a row for which surely nothing was sent."""
    return Result(key=key, state=OutcomeKind.REFUSED.value, error=said_of(error))


def said_of(error: BaseException) -> str:
    """Give the class of an error and what it says."""
    return f"{type(error).__name__}: {error}"
