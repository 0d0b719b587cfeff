"""Inputs on this machine: told apart from what a server can fetch, opened, and known by their content."""

from __future__ import annotations

import base64
import binascii
import hashlib
import stat
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from io import BufferedReader

__all__ = ["Media", "content_of", "is_embedded", "is_remote", "open_file"]

Media: TypeAlias = str | bytes | PathLike[str]
"""An input: URL, ``asset://`` id, data URI or path as a string, a path object, or the bytes themselves."""

_SCHEME: Final = 40  # a scheme stands in front; the rest of a data URI may be megabytes


def is_embedded(value: str) -> bool:
    """Tell whether a string is a data URI."""
    return value[:5].lower() == "data:"


def is_remote(value: str) -> bool:
    """Tell a string that a server understands (URL, ``asset://``, data URI) from a local path."""
    return is_embedded(value) or "://" in value[:_SCHEME]


def open_file(path: str | PathLike[str], name: str) -> tuple[BufferedReader, int]:
    """Open a local file; blocks.

    Args:
        path: where it lies.
        name: field name for the error.

    Returns:
        The open file and its size in bytes.

    Raises:
        InvalidRequest: there is no such file, it is a folder or a device, or it may not be read.
    """
    try:
        status = Path(path).stat()
        # Opening a pipe would wait for a writer, for ever.
        if not stat.S_ISREG(status.st_mode):
            raise InvalidRequest(field=name, value=fspath(path), limit="must be a regular file")
        return Path(path).open("rb"), status.st_size
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidRequest):
            raise
        why = getattr(error, "strerror", None) or str(error)
        raise InvalidRequest(field=name, value=fspath(path), limit=f"cannot be read: {why}") from error


def content_of(value: Media, name: str) -> object:
    """Give what stands for an input in a digest; blocks for a path.

    The same picture counts as the same whether given as path, bytes or base64 data URI.

    Args:
        value: the input.
        name: field name for the error.

    Returns:
        The hash of the content for local inputs and data URIs, the string itself for what the server fetches.

    Raises:
        InvalidRequest: a path cannot be read.
    """
    if isinstance(value, bytes):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, str) and is_embedded(value):
        return _embedded_content(value)
    if isinstance(value, str) and is_remote(value):
        return value
    with open_file(value, name)[0] as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _embedded_content(uri: str) -> object:
    """Hash what a data URI holds; one that cannot be decoded stands for itself."""
    try:
        content = base64.b64decode(uri.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        return uri
    return {"sha256": hashlib.sha256(content).hexdigest()}
