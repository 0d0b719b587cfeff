"""A text that must not be shown, and a screen that takes it out of what a server says."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import quote

__all__ = ["Screen", "Secret"]

_STARS: Final = "***"
_SHORTEST: Final = 8


class Secret(str):
    """A string like any other, but for its repr: tracebacks with local variables print three stars."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Screen:
    """Puts three stars where an answer repeats a key, before anybody else sees the answer.

    A key is found as it is, and as JSON (that of PHP too, which escapes slashes) or an address spells it.
    One of fewer than 8 characters is no secret: it could be a word of the answer, which would be spoilt.
    """

    def __init__(self, key: str) -> None:
        plain, quoted = str(key), json.dumps(key)[1:-1]
        spellings = dict.fromkeys((plain, quoted, quoted.replace("/", r"\/"), quote(plain, safe="")))
        self._spellings = tuple(spellings) if len(plain) >= _SHORTEST else ()
        self._in_bytes = tuple(spelling.encode() for spelling in self._spellings)

    def text(self, text: str) -> str:
        """Clear a text."""
        for spelling in self._spellings:
            text = text.replace(spelling, _STARS)
        return text

    def body(self, body: bytes) -> bytes:
        """Clear a body; where there is nothing to clear, the same one comes back."""
        for spelling in self._in_bytes:
            body = body.replace(spelling, _STARS.encode())
        return body

    def cause(self, error: BaseException) -> BaseException | None:
        """Give an error as the cause of ours; None where its text repeats the key."""
        text = str(error)
        return error if self.text(text) == text else None
