"""Long lines on a terminal: broken between words, except commands, which are there to be copied."""

from __future__ import annotations

import re
import shutil
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

__all__ = ["fitted", "width_of", "wrapped"]

_WIDE: Final = {"W", "F"}
_COMMAND: Final = re.compile(r"(?<=: )seedance [a-z]")
_WORD: Final = re.compile(r"\s*\S+")


def width_of(text: str) -> int:
    """Count the places that a text takes on a terminal; Chinese characters take two, accents none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in _WIDE else 1
        for char in text
    )


def fitted(text: str, stream: TextIO) -> str:
    """Break the lines of a text for a terminal; what goes elsewhere stays as it is."""
    if not stream.isatty():
        return text
    columns = shutil.get_terminal_size().columns
    return "\n".join(wrapped(line, columns) for line in text.split("\n"))


def wrapped(line: str, columns: int) -> str:
    """Break one line between words; what follows is indented by two more places.

    Args:
        line: the line; from a command on (``...: seedance ...``) it is one word.
        columns: places on a line.
    """
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    lines = [""]
    for word in _words(line):
        if lines[-1].strip() and width_of(lines[-1] + word) > columns:
            lines.append(indent + word.lstrip())
        else:
            lines[-1] += word
    return "\n".join(lines)


def _words(line: str) -> Iterator[str]:
    """Give the words of a line with the spaces before them."""
    found = _COMMAND.search(line)
    prose = line[: found.start()] if found else line
    yield from _WORD.findall(prose)
    if found:
        yield f" {line[found.start() :]}"
