"""Words of others, made safe for a terminal and for a line of a log."""

from __future__ import annotations

from typing import Final

__all__ = ["in_one_line", "spelt_out"]

_BREAKS: Final = "\u2028\u2029"
_TURNS: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# Halves of a character, which JSON can say and no terminal, file or log takes.
_HALVES: Final = range(0xD800, 0xE000)
_SIGNS: Final = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *_BREAKS, *_TURNS, *map(chr, _HALVES)]
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_ESCAPES: Final = {ord(sign): _SHORT.get(sign, f"\\u{ord(sign):04x}") for sign in _SIGNS}
_BUT_LINES: Final = {sign: escape for sign, escape in _ESCAPES.items() if chr(sign) != "\n"}


def spelt_out(text: str, *, lines: bool = False) -> str:
    r"""Spell out what a terminal would act on or choke on: control characters, line ends, turns, halves.

    Args:
        text: what may hold words of others.
        lines: leave line feeds as they are.

    Returns:
        The text with ``\u001b`` for an escape, and so on, as JSON spells them: a JSON text says what it said.
    """
    return text.translate(_BUT_LINES if lines else _ESCAPES)


def in_one_line(text: object) -> str:
    """Give words of others as one line, spelt out; joiners stay, because Persian and emoji need them."""
    return spelt_out(" ".join(str(text).split()))
