"""Decoded JSON by its shape: an object, a list, or not what was hoped for."""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["as_list", "as_object", "decoded"]

_LONG: Final = 4096
"""Bytes from which the extra ``speed`` reads: lists, which are read all the time and decide no payment."""


def decoded(text: bytes | str, *, is_listed: bool = False) -> object:
    """Decode JSON; what cannot be read is None, and is judged by the status of the answer.

    Args:
        text: the JSON.
        is_listed: it is a part of a list, and may be read as one whatever its length.
    """
    if (is_listed or len(text) >= _LONG) and (fast := _fast()) is not None:
        try:
            return fast(text)
        except ValueError:
            pass  # it is stricter: NaN and lone surrogates are left to the one below
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


@cache
def _fast() -> Callable[[bytes | str], object] | None:
    """Find the fast reader of the extra ``speed``, where it is installed."""
    try:
        return cast("Callable[[bytes | str], object]", import_module("orjson").loads)
    except (ImportError, OSError):  # a process out of files cannot load it, and must still read its answer
        return None


def as_object(value: object) -> dict[str, Any] | None:
    """Give a JSON object, or None."""
    return value if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType]


def as_list(value: object) -> list[Any] | None:
    """Give a JSON list, or None."""
    return [*cast("list[object]", value)] if isinstance(value, list) else None
