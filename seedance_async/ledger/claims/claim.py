"""A claim: one job's row as several machines share it, who holds it, and its way into JSON and back."""

from __future__ import annotations

import json
import os
import platform
import secrets
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, evolve, field, frozen

from seedance_async.errors import JournalError
from seedance_async.ledger._moves import as_json
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.rows import OPEN_STATES, JobState, JournalRow

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Claim", "Owner", "read_claim", "write_claim"]

_FORMAT: Final = 1


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
    try:
        document: dict[str, Any] = json.loads(text)
        if document["format"] > _FORMAT:
            raise JournalError(
                f"The claim has format {document['format']}, and this library knows up to {_FORMAT}.",
                advice="Use one version of seedance-async on all machines.",
            )
        row: dict[str, Any] = document["row"]
        row["state"] = JobState(row["state"])
        intent: dict[str, Any] | None = document["intent"]
        return Claim(
            row=JournalRow(**row),
            version=document["version"],
            owner=Owner(**document["owner"]),
            mark=document["mark"],
            intent=None if intent is None else Intent(**intent),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"A claim cannot be read ({type(error).__name__}: {error}).") from error
