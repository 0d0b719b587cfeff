"""Long texts and bytes of a request, kept once by their content instead of in every row.

A request folds into a small JSON value: ``{"$blob": sha256}`` stands for a long text (mostly a base64 image),
``{"$bytes": sha256}`` for bytes, and ``{"$literal": {...}}`` wraps an object with such a key of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

__all__ = ["LONGEST_INLINE", "fold", "unfold"]

LONGEST_INLINE = 4096
"""Characters of the longest text that stays in its row."""

_BLOB, _BYTES, _LITERAL = "$blob", "$bytes", "$literal"
_MARKS = frozenset({_BLOB, _BYTES, _LITERAL})


def fold(value: Any, keep: Callable[[bytes], str]) -> Any:
    """Give the JSON value that stands for a request.

    Args:
        value: JSON values, and bytes among them.
        keep: stores some bytes and gives their sha256 in hex.
    """
    if isinstance(value, str):
        return {_BLOB: keep(value.encode())} if len(value) > LONGEST_INLINE else value
    if isinstance(value, bytes | bytearray):
        return {_BYTES: keep(bytes(value))}
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        folded = {name: fold(item, keep) for name, item in mapping.items()}
        return folded if _MARKS.isdisjoint(folded) else {_LITERAL: folded}
    if isinstance(value, list | tuple):
        return [fold(item, keep) for item in cast("Sequence[Any]", value)]
    return value


def unfold(value: Any, give: Callable[[str], bytes]) -> Any:
    """Give back what was folded.

    Args:
        value: what :func:`fold` gave.
        give: finds the bytes of a sha256.
    """
    if isinstance(value, list):
        return [unfold(item, give) for item in cast("Sequence[Any]", value)]
    if not isinstance(value, dict):
        return value
    mapping = cast("Mapping[str, Any]", value)
    if _BLOB in mapping:
        return give(mapping[_BLOB]).decode()
    if _BYTES in mapping:
        return give(mapping[_BYTES])
    inner = mapping.get(_LITERAL, mapping)
    return {name: unfold(item, give) for name, item in inner.items()}
