"""One page of a list, read only as far as it is new: most records of most lists say what they said before.

An answer is cut where its records meet, without being read.  A record whose bytes were seen before is known,
and only the others are decoded.  However a server writes its JSON, nothing is misread: each piece must be an
object by itself, and what is left around the pieces must be the frame of a list.  Where either fails, as with
records that begin with another field than their id, the answer is read as a whole.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, field, frozen

from seedance_async._wire.folding import fold_all
from seedance_async._wire.protocol import read_items, read_page
from seedance_async._wire.shapes import decoded
from seedance_async.errors import AnswerUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from seedance_async._wire.exchange import WireResponse

__all__ = ["Page", "page_of", "record_of"]

_OPENING: Final = b'{"id":'
_CLOSING: Final = b"}"
_NEXT: Final = _CLOSING + b"," + _OPENING
_NEXT_SPACED: Final = _CLOSING + b", " + _OPENING
_MARK: Final = b'"*records*"'
"""What stands for all records in the frame of an answer."""
_FRAMED: Final = [json.loads(_MARK)]


@frozen(kw_only=True)
class Page:
    """What a list shows.

    Attributes:
        total: how many tasks match the filter over all pages, or None when the server does not say.
    """

    total: int | None
    _whole: Callable[[], list[dict[str, Any]]] = field(alias="whole")
    _pieces: list[bytes] = field(factory=list[bytes], alias="pieces")

    def compare(
        self, seen: Mapping[bytes | None, str]
    ) -> tuple[set[str], list[tuple[dict[str, Any], bytes | None]]]:
        """Tell which records were seen before, and read all others.

        Args:
            seen: the ids of tasks, each by the bytes that an earlier page gave for its record; None in their
                place is no record.

        Returns:
            The ids of the records that are known, and the new records under Ark's names, each with its bytes;
            without them, and with all records of the page, where it could not be cut.

        Raises:
            AnswerUnreadable: it cannot be read.
        """
        known = [*map(seen.get, self._pieces)]
        fresh = [piece for piece, one in zip(self._pieces, known, strict=True) if one is None]
        records = [*map(_decoded, fresh)]
        if not known or None in records:
            return set(), [(record, None) for record in self._whole()]
        return {*filter(None, known)}, [*zip(fold_all(records), fresh, strict=True)]


def page_of(answer: WireResponse) -> Page:
    """Take a page in, without reading its records where that can wait.

    Raises:
        SeedanceError: it is an error, or no list.
    """
    cut = _cut(answer.body)
    if cut is not None:
        frame, pieces = cut
        with suppress(AnswerUnreadable):
            items, total = read_items(evolve(answer, body=frame))
            if items == _FRAMED:
                return Page(total=total, whole=lambda: read_page(answer)[0], pieces=pieces)
    records, total = read_page(answer)
    return Page(total=total, whole=lambda: records)


def record_of(piece: bytes) -> dict[str, Any]:
    """Read a record again from the bytes that a page gave for it."""
    return fold_all([_decoded(piece)])[0]


def _decoded(piece: bytes) -> object:
    """Decode what lies between the brackets of a record; None where it is no object by itself."""
    return decoded(_OPENING + piece + _CLOSING, is_listed=True)


def _cut(body: bytes) -> tuple[bytes, list[bytes]] | None:
    """Cut an answer where records meet: its frame, and what lies between the brackets of each record."""
    start, end = body.find(b"[" + _OPENING) + 1, body.rfind(_CLOSING + b"]")
    if not 0 < start < end:
        return None
    before, middle, after = body[:start], body[start + len(_OPENING) : end], body[end + len(_CLOSING) :]
    if _MARK in before + after:
        return None
    pieces = middle.split(_NEXT if _NEXT in middle else _NEXT_SPACED)
    return before + _MARK + after, pieces
