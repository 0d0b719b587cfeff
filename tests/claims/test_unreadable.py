"""What lies in a shared store and cannot be read stops who reads it: it may stand for a paid task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from seedance_async.errors import JournalError
from seedance_async.ledger.claims.claim import read_claim, write_claim
from seedance_async.ledger.rows import JobState
from tests.claims.stores import Stand, bring, intent
from tests.fuzz.corpus import claims

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from seedance_async.ledger.claims import Claims

DEEP = b"[" * 100_000
ASKED: dict[str, Callable[[Claims], Awaitable[Any]]] = {
    "sending": lambda book: book.sending(intent("a")),
    "absent": lambda book: book.absent("a"),
    "find": lambda book: book.find("a"),
    "states": lambda book: book.states(["a"]),
    "has_twin": lambda book: book.has_twin(intent("b")),
    "owners": lambda book: book.owners(["cgt-a"]),
    "accepted": lambda book: book.accepted("a", "cgt-a"),
    "row": lambda book: book.row("a"),
}


def spoil(stand: Stand, folder: str, text: bytes) -> None:
    """Put a text into every object of a folder of the store."""
    for path in (stand.folder / "claims" / folder).rglob("*"):
        if path.is_file():
            path.write_bytes(text)


@pytest.mark.asyncio
@pytest.mark.parametrize("stand", ["folder"], indirect=True)
@pytest.mark.parametrize(
    "text", [b"", DEEP, b"7", b'["cgt-b", "b", 1]'], ids=["empty", "deep", "number", "other"]
)
@pytest.mark.parametrize(
    ("folder", "question"),
    [("claims", name) for name in ("sending", "absent", "find", "states", "has_twin", "row")]
    + [("tasks", "owners"), ("tasks", "accepted"), ("requests", "row")],
)
async def test_what_cannot_be_read_never_counts_as_absent(
    stand: Stand, folder: str, question: str, text: bytes
) -> None:
    """No job is sent, and no task is taken for nobody's, because a claim or a note is damaged."""
    async with stand.claims() as book:
        await bring(book, "a", JobState.UNCERTAIN)
        await book.shelf.assign("cgt-a", "a", 1)
    spoil(stand, folder, text)
    async with stand.claims() as book:
        with pytest.raises(JournalError, match="cannot be read"):
            await ASKED[question](book)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"version":2', '"version":"2"'),
        ('"attempts":1', '"attempts":null'),
        ('"lease":30.0', '"lease":1e999'),
        ('"lease":30.0', '"lease":' + "9" * 400),
        ('"sent_at":1000.5', '"sent_at":"then"'),
        ('"key":"cat"', '"key":7'),
        ('"facts":{"seed":7}', '"facts":[]'),
        ('"state":"sending"', '"state":"sent"'),
    ],
)
def test_a_field_of_another_type_makes_a_claim_unreadable(old: str, new: str) -> None:
    """A damaged claim is found out when it is read, not by what is reckoned with it at the next POST."""
    text = claims()[1].decode()
    assert old in text
    with pytest.raises(JournalError, match="cannot be read"):
        read_claim(text.replace(old, new))


def test_a_claim_is_read_as_it_was_written() -> None:
    """Seconds may be whole, and a count may be larger than any float."""
    claim = read_claim(claims()[2])
    claim = evolve(claim, row=evolve(claim.row, planned_at=1000, tokens=10**400))
    assert read_claim(write_claim(claim)) == claim
