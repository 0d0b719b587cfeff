"""Spoils bytes at random, in the ways that wires and people do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fuzz.targets import WORDS

if TYPE_CHECKING:
    from random import Random


def spoiled(data: bytes, chance: Random, others: list[bytes]) -> bytes:
    """Apply one to four random changes."""
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(_WAYS)(data, chance, others)
    return data[:4096]


def _flip(data: bytes, chance: Random, _others: list[bytes]) -> bytes:
    """Change one byte."""
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, chance: Random, _others: list[bytes]) -> bytes:
    """Stop early, as a broken connection does."""
    return data[: chance.randrange(len(data) + 1)]


def _drop(data: bytes, chance: Random, _others: list[bytes]) -> bytes:
    """Leave a piece out."""
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start + chance.randint(1, 16) :]


def _word(data: bytes, chance: Random, _others: list[bytes]) -> bytes:
    """Put a word of the formats somewhere, over what is there or between."""
    word = chance.choice(WORDS).encode("utf-8", "surrogatepass")
    at = chance.randrange(len(data) + 1)
    return data[:at] + word + data[at + chance.choice((0, len(word))) :]


def _splice(data: bytes, chance: Random, others: list[bytes]) -> bytes:
    """Go on with another input."""
    other = chance.choice(others)
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


_WAYS = (_flip, _cut, _drop, _word, _splice)
