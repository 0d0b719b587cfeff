"""JSON in and out: typed views of untrusted values, and compact bytes."""

from __future__ import annotations

import json
from typing import TypeGuard, cast


def as_object(value: object) -> dict[str, object] | None:
    """The value as a JSON object, or None when it is something else."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[object] | None:
    """The value as a JSON array, or None when it is something else."""
    return cast("list[object]", value) if isinstance(value, list) else None


def as_text(value: object) -> str | None:
    """The value as a string, or None when it is something else."""
    return value if isinstance(value, str) else None


def is_integer(value: object) -> TypeGuard[int]:
    """Whether the value is a JSON integer; true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def decode(body: bytes) -> object:
    """Parse a body.

    Raises:
        ValueError: It is not UTF-8 or not JSON.
    """
    try:
        return cast("object", json.loads(body.decode()))
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error


def encode(value: object) -> bytes:
    """Compact UTF-8 JSON, characters unescaped as the server sends them."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
