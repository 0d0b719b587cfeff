"""Which film or still an answer carries, and the cutting of byte ranges out of it (RFC 9110 section 14)."""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING, Literal

from attrs import evolve, field, frozen

from seedance_async.simulator.spoiling import spoil_body, spoil_file

if TYPE_CHECKING:
    from seedance_async.simulator.exchange import SimAnswer
    from seedance_async.simulator.order import Order

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})$")
TYPES = {"mp4": "video/mp4", "mov": "video/quicktime", "png": "image/png"}


@frozen(kw_only=True, eq=False)
class Footage:
    """A file still to be loaded.

    Args:
        order: What was ordered.
        kind: A video, or the last frame.
        range_header: The request's `Range`.
        if_range: The request's `If-Range`.
    """

    order: Order = field(repr=False)
    kind: Literal["video", "still"] = "video"
    range_header: str = ""
    if_range: str = ""


def filled(answer: SimAnswer, footage: Footage, data: bytes) -> SimAnswer:
    """The answer with the loaded file, or the range of it that was asked for."""
    data = spoil_file(answer.spoiled, data)
    tag = f'"{zlib.crc32(data):08x}{len(data):x}"'
    headers = {**answer.headers, "Accept-Ranges": "bytes", "ETag": tag}
    whole = footage.if_range not in ("", tag)
    status, body = 200, data
    if footage.range_header and not whole:
        status, body = _cut(footage.range_header, data, headers)
    if answer.spoiled in ("truncated", "bad_utf8", "empty"):
        body = spoil_body(answer.spoiled, body)
    return evolve(answer, status=status, headers=headers, body=body, footage=None)


def _cut(wanted: str, data: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and bytes for a `Range` header; one that cannot be read is ignored (RFC 9110 section 14.2)."""
    match = _RANGE.match(wanted.strip())
    if match is None or match[0] == "bytes=-":
        return 200, data
    size = len(data)
    if match[1]:
        first, last = int(match[1]), min(int(match[2] or size), size - 1)
    else:
        first, last = max(0, size - int(match[2])), size - 1
    if first >= size or first > last:
        headers["Content-Range"] = f"bytes */{size}"
        return 416, b""
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return 206, data[first : last + 1]


def plain_still(width: int, height: int, shade: int) -> bytes:
    """A PNG of one grey, for a last frame without the renderer."""
    row = b"\x00" + bytes([shade]) * width
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * height, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG (RFC 2083 section 3.2)."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
