"""Local files and bytes become data URIs that a server understands, checked against its limits (1520757).

Everything here blocks (files are read, megabytes encoded): call it in a thread.
"""

from __future__ import annotations

import base64
import json
from os import fspath
from typing import TYPE_CHECKING, Any, Final

from seedance_async.catalog import ModelSpec, spec_for
from seedance_async.errors import InvalidRequest
from seedance_async.local import Media, is_embedded, is_remote, open_file
from seedance_async.media.sniff import audio_format, image_format, image_size

if TYPE_CHECKING:
    from seedance_async.request import VideoRequest

__all__ = ["resolve"]

_MB: Final = 1024 * 1024
_IMAGE_LIMIT: Final = 30 * _MB
_AUDIO_LIMIT: Final = 15 * _MB
_BODY_LIMIT: Final = 64 * _MB
_LEAST_SIDE: Final = 300
_MOST_SIDE: Final = 6000
_LEAST_RATIO: Final = 0.4
_MOST_RATIO: Final = 2.5
_HEAD: Final = 40  # characters of a data URI shown in an error
_IMAGES: Final = ("image", "first_frame", "last_frame")


def resolve(request: VideoRequest) -> VideoRequest:
    """Turn local paths and bytes into data URIs; URLs, asset ids and data URIs stay as they are.

    Args:
        request: the request; one without local inputs and data URIs comes back untouched.

    Returns:
        A request whose ``to_body()`` can be sent.

    Raises:
        InvalidRequest: a file cannot be read, is of another format, too large or of a wrong shape, or the
            whole body would pass 64 MB.
    """
    spec = spec_for(request.model)
    changes: dict[str, Any] = {}
    for name in _IMAGES:
        value: Media | None = getattr(request, name)
        if value is not None:
            changes[name] = _image(value, name, spec)
    for name, make in (("reference_images", _image), ("reference_audios", _audio)):
        values: tuple[Media, ...] = getattr(request, name)
        if values:
            changes[name] = tuple(make(value, f"{name}[{i}]", spec) for i, value in enumerate(values))
    resolved = request
    if any(value != getattr(request, name) for name, value in changes.items()):
        resolved = request.evolve(**changes)
    if changes or request.content is not None:
        _check_body(resolved)
    return resolved


def _image(value: Media, name: str, spec: ModelSpec | None) -> str:
    """Give an image as a string that a server understands."""
    if isinstance(value, str) and is_remote(value):
        _check_embedded(value, name, _IMAGE_LIMIT - 1)
        return value
    data, shown = _read(value, name, _IMAGE_LIMIT - 1)
    kind = image_format(data)
    if kind is None:
        limit = "must be a jpeg, png, webp, bmp, tiff, gif, heic or heif image; the bytes are none of them"
        raise InvalidRequest(field=name, value=shown, limit=limit)
    if spec is not None:
        _check_image(data, kind, name, shown, spec)
    return _data_uri("image", kind, data)


def _audio(value: Media, name: str, _spec: ModelSpec | None) -> str:
    """Give a sound as a string that a server understands."""
    if isinstance(value, str) and is_remote(value):
        _check_embedded(value, name, _AUDIO_LIMIT)
        return value
    data, shown = _read(value, name, _AUDIO_LIMIT)
    kind = audio_format(data)
    if kind is None:
        limit = "must be a wav or mp3 sound; the bytes are neither"
        raise InvalidRequest(field=name, value=shown, limit=limit)
    return _data_uri("audio", kind, data)


def _read(value: Media, name: str, limit: int) -> tuple[bytes, str]:
    """Give the bytes of an input and what to call it in an error."""
    if isinstance(value, bytes):
        _check_size(len(value), name, f"<{len(value)} bytes>", limit)
        return value, f"<{len(value)} bytes>"
    shown = fspath(value)
    file, size = open_file(value, name)
    with file:
        _check_size(size, name, shown, limit)
        # The file may have grown since it was measured.
        data = file.read(limit + 1)
    _check_size(len(data), name, shown, limit)
    return data, shown


def _check_embedded(value: str, name: str, limit: int) -> None:
    """Check the size of a data URI by the length of its base64."""
    if is_embedded(value):
        size = len(value) * 3 // 4
        _check_size(size, name, value[:_HEAD] + "...", limit)


def _check_size(size: int, name: str, shown: str, limit: int) -> None:
    """Refuse what is larger than the server takes."""
    if size > limit:
        words = f"must have at most {limit} bytes ({-(-limit // _MB)} MB), not {size}"
        raise InvalidRequest(field=name, value=shown, limit=words)


def _check_image(data: bytes, kind: str, name: str, shown: str, spec: ModelSpec) -> None:
    """Refuse formats and shapes that the known models do not take; both ends of a range count as inside."""
    if kind in {"heic", "heif"} and not spec.heic:
        raise InvalidRequest(
            field=name, value=shown, limit=f"{kind} is not supported by Seedance {spec.family}"
        )
    try:
        size = image_size(data, kind)
    except ValueError as error:
        raise InvalidRequest(field=name, value=shown, limit=f"must be a whole image: {error}") from error
    if size is None:
        return
    if not _LEAST_SIDE <= min(size) <= max(size) <= _MOST_SIDE:
        limit = f"sides must be from {_LEAST_SIDE} to {_MOST_SIDE} pixels, not {size[0]}x{size[1]}"
        raise InvalidRequest(field=name, value=shown, limit=limit)
    if not _LEAST_RATIO <= size[0] / size[1] <= _MOST_RATIO:
        limit = f"width / height must be from {_LEAST_RATIO} to {_MOST_RATIO}, not {size[0]}x{size[1]}"
        raise InvalidRequest(field=name, value=shown, limit=limit)


def _data_uri(family: str, kind: str, data: bytes) -> str:
    """Write bytes as the server wants them, the format in lower case."""
    return f"data:{family}/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _check_body(request: VideoRequest) -> None:
    """Refuse a body that no server takes."""
    size = len(json.dumps(request.to_body()))
    if size > _BODY_LIMIT:
        limit = f"all inputs together make a body of {size} bytes, at most {_BODY_LIMIT} (64 MB): give URLs"
        raise InvalidRequest(field="body", value=f"<{size} bytes>", limit=limit)
