"""A claim: one job's row as several machines share it, who holds it, and its way into JSON and back.

What lies in a store and cannot be read stops who reads it: taken for nothing, it might be paid for again.
"""

from __future__ import annotations

import json
import math
import os
import platform
import secrets
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, evolve, field, fields, frozen

from seedance_async.errors import JournalError
from seedance_async.ledger._moves import as_json
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.rows import OPEN_STATES, JobState, JournalRow

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Claim", "Owner", "read_claim", "read_note", "read_request", "write_claim"]

_FORMAT: Final = 1
_JSON_OF: Final = {"float": {"float", "int"}, "Mapping[str, Any]": {"dict"}, "None": {"NoneType"}}


@frozen(kw_only=True)
class Owner:
    """Who holds claims: one open :class:`Claims` of one process.

    Attributes:
        id: drawn at random; a process that is started again is another owner.
        host: name of the machine.
        pid: process id on it.
        lease: seconds without a sign of life after which the owner counts as dead.
    """

    id: str
    host: str
    pid: int
    lease: float

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    @classmethod
    def here(cls, *, lease: float) -> Self:
        """Make the owner that this process is."""
        return cls(id=secrets.token_hex(12), host=platform.node(), pid=os.getpid(), lease=lease)


@frozen(kw_only=True)
class Claim:
    """One version of one job's row. A store keeps one document per version, and a version is made once.

    Attributes:
        row: the row, without its request.
        version: from 1; who changes a row makes the next version, and of two at the same time one fails.
        owner: who made this version.
        mark: drawn for each version, so that a writer whose answer was lost recognises its own.
        intent: the last POST, with all that finds its task again; None before the first.
    """

    row: JournalRow
    version: int
    owner: Owner
    mark: str = field(factory=lambda: secrets.token_hex(8))
    intent: Intent | None = None

    @property
    def key(self) -> str:
        """Names the job."""
        return self.row.key

    @property
    def is_open(self) -> bool:
        """Whether a task may exist without its id being known."""
        return self.row.state in OPEN_STATES

    def following(self, row: JournalRow, *, owner: Owner, intent: Intent | None = None) -> Claim:
        """Give the next version."""
        kept = self.intent if intent is None else intent
        return Claim(row=row, version=self.version + 1, owner=owner, intent=kept)


def write_claim(claim: Claim) -> str:
    """Give the JSON text of a version.

    Raises:
        JournalError: something in it is not JSON.
    """
    document = {
        "format": _FORMAT,
        "version": claim.version,
        "mark": claim.mark,
        "owner": asdict(claim.owner),
        "intent": None if claim.intent is None else _plain(claim.intent),
        "row": _plain(evolve(claim.row, request=None)),
    }
    return as_json(document, claim.key, ours=False)


def _plain(value: Intent | JournalRow) -> dict[str, Any]:
    """Give the fields that say something; what is left out reads as its default."""
    return {name: part for name, part in asdict(value, recurse=False).items() if part is not None}


def read_claim(text: str | bytes) -> Claim:
    """Read a version.

    Raises:
        JournalError: it is none, or was written by a newer version of this library.
    """
    document: dict[str, Any] = _read(text, dict, "claim")
    try:
        if document["format"] > _FORMAT:
            raise JournalError(
                f"The claim has format {document['format']}, and this library knows up to {_FORMAT}.",
                advice="Use one version of seedance-async on all machines.",
            )
        row: dict[str, Any] = document["row"]
        row["state"] = JobState(row["state"])
        intent: dict[str, Any] | None = document["intent"]
        claim = Claim(
            row=JournalRow(**row),
            version=document["version"],
            owner=Owner(**document["owner"]),
            mark=document["mark"],
            intent=None if intent is None else Intent(**intent),
        )
        for part in filter(None, (claim, claim.row, claim.owner, claim.intent)):
            _check(part)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise _unreadable("claim", error) from error
    return claim


def _check(part: Any) -> None:
    """See that each field is what its annotation says, and that seconds can be reckoned with.

    Raises:
        TypeError: a field is of another type.
        ValueError: a number of seconds is not finite.
        OverflowError: it is an integer beyond all floats.
    """
    for item in fields(part.__class__):
        value: Any = getattr(part, item.name)
        told, words = type(value).__name__, str(item.type).split(" | ")
        if not any(told in _JSON_OF.get(word, {word}) for word in words):
            raise TypeError(f"{item.name} is {told} and not {item.type}")
        if "float" in words and value is not None and not math.isfinite(value):
            raise ValueError(f"{item.name} is {value}")


def read_note(text: str | bytes, task_id: str) -> tuple[str, int]:
    """Read the note that says whose task it is, as key and attempt.

    Raises:
        JournalError: it is none, or that of another task.
    """
    match _read(text, list, "note of a task"):
        case [str(noted), str(key), int(attempt)] if noted == task_id:
            return key, attempt
        case _:
            raise _unreadable("note of a task", f"not that of {task_id}")


def read_request(text: str | bytes, key: str) -> dict[str, Any]:
    """Read what a job asks for.

    Raises:
        JournalError: it is no JSON object.
    """
    request: dict[str, Any] = _read(text, dict, f"request of job {key!r}")
    return request


def _read(text: str | bytes, kind: type[dict[str, Any] | list[Any]], what: str) -> Any:
    """Decode JSON of one kind.

    Raises:
        JournalError: it is not.
    """
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(what, error) from error
    if type(value) is not kind:
        raise _unreadable(what, f"it is {type(value).__name__}")
    return value


def _unreadable(what: str, why: object) -> JournalError:
    """Word the error of what lies in a store and says nothing."""
    name = f"{type(why).__name__}: " if isinstance(why, Exception) else ""
    return JournalError(
        f"A {what} cannot be read ({name}{why}).",
        advice="See what lies in the store of the claims and mend it: it may stand for a paid task.",
    )
