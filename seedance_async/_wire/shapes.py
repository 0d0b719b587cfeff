"""Decoded JSON by its shape: an object, a list, or not what was hoped for."""

from __future__ import annotations

import json
from typing import Any, cast

__all__ = ["as_list", "as_object", "decoded"]


def decoded(text: bytes | str) -> object:
    """Decode JSON; what cannot be read is None, and is judged by the status of the answer."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def as_object(value: object) -> dict[str, Any] | None:
    """Give a JSON object, or None."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any] | None:
    """Give a JSON list, or None."""
    return [*cast("list[object]", value)] if isinstance(value, list) else None
