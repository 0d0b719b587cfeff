"""The small file beside a video: what was asked, what the server said, what landed.

It outlives the server's record (7 days), so it holds everything that may be told: no signed URL (the query is
the key to the video), no address that answers callbacks, no API key, and media as their hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit, urlunsplit

from attrs import fields, frozen, has

from seedance_async._wire.shapes import as_object, decoded
from seedance_async.media.files import on_disk, write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from seedance_async.media.download import Landed
    from seedance_async.models import VideoTask

__all__ = [
    "Told",
    "read_sidecar",
    "sidecar",
    "sidecar_path",
    "told_by",
    "told_of",
    "write_sidecar",
]

_VERSION: Final = 1
_LARGEST: Final = 16 << 20
_KEYS: Final = {"authorization", "proxy-authorization", "api_key", "apikey", "api-key", "x-api-key", "cookie"}
_ORIGIN_ONLY: Final = {"callback_url"}


def sidecar_path(path: Path) -> Path:
    """Give the sidecar's place: ``cat.mp4.json`` for ``cat.mp4``, so that two files never share one."""
    return path.with_name(f"{path.name}.json")


def read_sidecar(path: Path) -> dict[str, Any]:
    """Read a sidecar; anything else that lies in its place says nothing. Blocking: call it in a thread."""
    try:
        told = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
    except OSError:
        return {}
    return as_object(decoded(told)) or {}


def write_sidecar(path: Path, *, request: Mapping[str, Any], task: VideoTask, landed: Landed) -> Path:
    """Write the sidecar of a video, whole or not at all, and durably. Blocking: call it in a thread.

    Args:
        path: the video.
        request: the body that was sent.
        task: the record of the task.
        landed: what landed.

    Returns:
        The sidecar's path.

    Raises:
        DownloadFailed: the disk is full, or the file system refused.
    """
    target = sidecar_path(path)
    with on_disk(target, task.id):
        write_whole(target, sidecar(path.name, request=request, task=task, landed=landed), durable=True)
    return target


def sidecar(name: str, *, request: Mapping[str, Any], task: VideoTask, landed: Landed) -> bytes:
    """Make the sidecar's text (JSON, UTF-8), for where it does not go to disk; arguments as above."""
    facts = {
        "version": _VERSION,
        "file": name,
        "size": landed.size,
        "sha256": landed.sha256,
        "tokens": task.tokens,
        "request": _tellable(request),
        "task": _tellable(_told(task)),
        "raw": _tellable(task.raw),
    }
    text = json.dumps(facts, ensure_ascii=False, indent=2) + "\n"
    return text.encode("utf-8", "backslashreplace")


@frozen
class Told:
    """What a sidecar tells of its video.

    Attributes:
        task_id: whose video it is.
        size: its length in bytes; 0 where that is not told.
        sha256: hash of its bytes, hexadecimal; "" where that is not told.
    """

    task_id: str
    size: int
    sha256: str


def told_by(text: bytes) -> Told | None:
    """Read a sidecar's text; None for what is none."""
    return _told_in(as_object(decoded(text)) or {})


def told_of(path: Path) -> Told | None:
    """Read the sidecar of a video on disk; None where either is missing. Blocking."""
    with suppress(OSError):
        return _told_in(read_sidecar(sidecar_path(path))) if path.is_file() else None
    return None


def _told_in(facts: Mapping[str, Any]) -> Told | None:
    """Take out what names the video; None for what is about no task."""
    task_id = (as_object(facts.get("task")) or {}).get("id")
    if not isinstance(task_id, str):
        return None
    size, digest = facts.get("size"), facts.get("sha256")
    return Told(task_id, size if isinstance(size, int) else 0, digest if isinstance(digest, str) else "")


def _told(task: VideoTask) -> dict[str, Any]:
    """List the fields that the server filled in."""
    named = {item.name: getattr(task, item.name) for item in fields(type(task)) if item.name != "raw"}
    return {name: value for name, value in named.items() if value is not None}


def _tellable(value: Any, name: str = "") -> Any:
    """Copy a value without its secrets and without megabytes of media."""
    if isinstance(value, str):
        return _text(value, name)
    if isinstance(value, Mapping):
        return _object(cast("Any", value))
    if isinstance(value, list | tuple):
        return [_tellable(item, name) for item in cast("Sequence[Any]", value)]
    kind: type[Any] = value.__class__
    if has(kind):
        return _object({item.name: getattr(value, item.name) for item in fields(kind)})
    return _scalar(value)


def _scalar(value: Any) -> Any:
    """Copy what has no parts."""
    if isinstance(value, bytes | bytearray):
        return _folded("", bytes(value))
    if isinstance(value, Enum):
        return value.value
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    """Copy an object, and leave out what is named like a key."""
    return {
        str(name): _tellable(item, str(name))
        for name, item in value.items()
        if str(name).lower() not in _KEYS
    }


def _text(value: str, name: str) -> str:
    """Fold media, and cut off of a URL what opens it."""
    if value.startswith("data:"):
        head, _, body = value.partition(",")
        return _folded(head, _decoded(body) if head.endswith(";base64") else body.encode())
    if not value.lower().startswith(("http://", "https://")) or any(sign.isspace() for sign in value):
        return value
    return _open_part(value, origin_only=name in _ORIGIN_ONLY)


def _open_part(url: str, *, origin_only: bool) -> str:
    """Keep what names a URL: no user, no query, no fragment; of a callback's address not even the path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(a URL that cannot be read)"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, "" if origin_only else parts.path, "", ""))


def _decoded(body: str) -> bytes:
    """Decode base64 so that the hash is that of the picture; what is no base64 is hashed as text."""
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        return body.encode()


def _folded(head: str, data: bytes) -> str:
    """Name media by size and hash."""
    digest = hashlib.sha256(data).hexdigest()
    return f"{head + ',' if head else ''}({len(data)} bytes, sha256 {digest})"
