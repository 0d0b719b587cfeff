"""JSON values of a request: copied so that nobody changes them later, hashed, digested, folded for people."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Final, cast

from seedance_async.errors import InvalidRequest

__all__ = ["digest_of", "fold", "hashable", "json_copy"]

_LONG: Final = 300  # characters of a string that people still want to see whole
_HEAD: Final = 80  # what is left of a longer one


def json_copy(value: object, name: str) -> Any:
    """Copy a JSON value, leaving out keys whose value is None (the server reads null as absent).

    Args:
        value: what the caller gave.
        name: field name for the error.

    Returns:
        The same in fresh dicts and lists.

    Raises:
        InvalidRequest: it is not JSON (a set, NaN, a key that is no string, null inside a list, half a
            character).
    """
    if isinstance(value, str):
        return _text(value, name)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, list | tuple):
        items = cast("list[object]", value)
        return [json_copy(item, f"{name}[{index}]") for index, item in enumerate(items)]
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {_key(key, name): json_copy(item, f"{name}.{key}") for key, item in pairs if item is not None}
    raise InvalidRequest(field=name, value=value, limit=f"must be a JSON value, not {type(value).__name__}")


def _key(key: object, name: str) -> str:
    """Refuse keys that JSON cannot have."""
    if isinstance(key, str):
        return _text(key, name)
    raise InvalidRequest(field=name, value=key, limit="must have strings as keys")


def _text(value: str, name: str) -> str:
    """Refuse half characters, which no UTF-8 body can carry."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            limit = "must be valid Unicode; it holds a lone surrogate, as from an emoji cut in two"
            raise InvalidRequest(field=name, value=value, limit=limit) from None
    return value


def hashable(value: object) -> object:
    """Give a hashable stand-in for a JSON value; equal values have equal stand-ins."""
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value).items()
        return frozenset((key, hashable(item)) for key, item in pairs)
    if isinstance(value, list | tuple):
        return tuple(hashable(item) for item in cast("list[object]", value))
    return value


def digest_of(value: object) -> str:
    """Give the SHA-256, in hex, of a JSON value in its canonical form: sorted keys, no spaces, ASCII."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def fold(value: object) -> str:
    """Give a repr for people: bytes, data URIs, signatures of URLs and long strings are cut, at any depth."""
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, str):
        return _fold_text(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return "{" + ", ".join(f"{key!r}: {fold(item)}" for key, item in pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(fold(item) for item in cast("list[object]", value)) + "]"
    return repr(value)


def _fold_text(text: str) -> str:
    """Cut a data URI after its type, a URL before its query (a signature), other text where it is long."""
    if "://" in text[:_HEAD] and "?" in text and " " not in text:
        return repr(text.partition("?")[0] + "?...")
    embedded = text[:5].lower() == "data:"
    if not embedded and len(text) <= _LONG:
        return repr(text)
    shown = text[:_HEAD].partition(",")[0] + "," if embedded else text[:_HEAD]
    return f"{shown + '...'!r} ({len(text)} characters)"
