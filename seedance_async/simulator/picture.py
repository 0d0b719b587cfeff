"""Inline images: format, size in bytes, and the geometry in their header (api docs 1520757)."""

from __future__ import annotations

import base64
import binascii
import re

from seedance_async.simulator.refusals import invalid, not_valid

_HEAD = re.compile(r"data:image/([^;,]+);base64,")
_FORMATS = frozenset({"jpeg", "jpg", "png", "webp", "bmp", "tiff", "gif", "heic", "heif"})
_MAX_BYTES = 30 * 1024 * 1024
_PNG_HEAD, _GIF_HEAD, _MARKER = 24, 10, 0xFF
_SIDES = (300, 6000)
_SHAPES = (0.4, 2.5)
_JPEG_SIZED = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)})


def bytes_of(uri: str) -> bytes:
    """The bytes inside a data URI.

    Raises:
        ValueError: It is not base64.
    """
    try:
        return base64.b64decode(uri.partition(",")[2], validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def check_image(name: str, uri: str) -> None:
    """Refuse an inline image that the server would refuse.

    Raises:
        Refusal: 400 about the format, the size or the geometry.
    """
    head = _HEAD.match(uri[:64])
    if head is None or head[1] not in _FORMATS:
        raise invalid(
            name, f"The `{name}` in the request has an invalid format.", code="InvalidImageURL.InvalidFormat"
        )
    if (len(uri) - head.end()) * 3 // 4 > _MAX_BYTES:
        raise invalid(
            name, f"The `{name}` in the request is over 30 MB.", code="InvalidParameter.OversizeImage"
        )
    try:
        data = bytes_of(uri)
    except ValueError:
        raise invalid(name, f"The `{name}` is not base64.", code="InvalidImageURL.InvalidFormat") from None
    size = size_in(data)
    if size is not None:
        _check_geometry(name, *size)


def _check_geometry(name: str, width: int, height: int) -> None:
    low, high = _SIDES
    if not (low <= width <= high and low <= height <= high):
        raise not_valid(name, f"image sides must be within {low} and {high} px, got {width}x{height}")
    if not _SHAPES[0] <= width / height <= _SHAPES[1]:
        raise not_valid(
            name, f"image aspect ratio must be within {_SHAPES[0]} and {_SHAPES[1]}, got {width}x{height}"
        )


def size_in(data: bytes) -> tuple[int, int] | None:
    """Width and height from the header of a PNG, GIF or JPEG; None for anything else."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= _PNG_HEAD:
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data[:4] == b"GIF8" and len(data) >= _GIF_HEAD:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    return _jpeg_size(data) if data[:2] == b"\xff\xd8" else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the segments of a JPEG up to its frame header (ITU T.81 section B.2)."""
    at = 2
    while at + 9 <= len(data) and data[at] == _MARKER:
        if data[at + 1] in _JPEG_SIZED:
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
