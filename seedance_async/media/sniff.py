"""What kind of file some bytes are, and how large a picture, told from the first bytes and never from a name.

Sources: PNG (RFC 2083), JPEG (ITU T.81), GIF89a, BMP (BITMAPCOREHEADER, BITMAPINFOHEADER), WebP (RFC 9649),
TIFF 6.0, HEIF (ISO 23008-12), WAVE (RIFF), MP3 (ISO 11172-3, ID3v2).
"""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["audio_format", "image_format", "image_size"]

_HEIC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF: Final = frozenset({b"mif1", b"msf1"})
_PREFIXES: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)
_CORE_HEADER: Final = 12  # size of the oldest BMP header, which has 16-bit sizes
_NOT_FRAMES: Final = frozenset({0xC4, 0xC8, 0xCC})  # tables among the JPEG markers of a frame


def image_format(data: bytes) -> str | None:
    """Tell the format of a picture as the API writes it; None for anything it does not take."""
    for prefix, name in _PREFIXES:
        if data.startswith(prefix):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        return "heic" if brand in _HEIC else "heif" if brand in _HEIF else None
    return None


def audio_format(data: bytes) -> str | None:
    """Tell the format of a sound as the API writes it; None for anything it does not take."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[:3] == b"ID3":
        return "mp3"
    # A frame starts with eleven set bits; the layer bits 01 are layer III (00 would be AAC).
    framed = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2  # noqa: PLR2004 - bits of the header
    return "mp3" if framed else None


def image_size(data: bytes, kind: str) -> tuple[int, int] | None:
    """Read width and height of a picture.

    Args:
        data: the file.
        kind: its format, as image_format() tells it.

    Returns:
        Width and height in pixels; None for TIFF, HEIC and HEIF, whose headers are not read here.

    Raises:
        ValueError: the header is cut off or makes no sense.
    """
    reader = _READERS.get(kind)
    if reader is None:
        return None
    try:
        return reader(data)
    except (struct.error, IndexError) as error:
        raise ValueError(f"the {kind} header is cut off") from error


def _png(data: bytes) -> tuple[int, int]:
    """Read the IHDR chunk, which comes first."""
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> tuple[int, int]:
    """Read the logical screen."""
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _bmp(data: bytes) -> tuple[int, int]:
    """Read the header; a negative height means top-down."""
    (header,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == _CORE_HEADER else "<ii", data, 18)
    if width < 0:
        raise ValueError("the bmp header tells of a negative width")
    return width, abs(height)


def _webp(data: bytes) -> tuple[int, int]:
    """Read the first chunk: lossy, lossless or extended."""
    chunk = data[12:16]
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8X" and len(data) >= 30:  # noqa: PLR2004 - where the sizes end
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    raise ValueError("the webp header is cut off")


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk the segments to the frame header."""
    position = 2
    while True:
        marker = data[position + 1]
        if data[position] != 0xFF:  # noqa: PLR2004 - every marker starts so
            raise ValueError("the jpeg file has no frame header")
        if marker == 0xFF:  # noqa: PLR2004 - padding before a marker
            position += 1
        elif 0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES:  # noqa: PLR2004 - SOF0 to SOF15
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        else:
            (length,) = struct.unpack_from(">H", data, position + 2)
            position += 2 + length


_READERS: Final = {"png": _png, "gif": _gif, "bmp": _bmp, "webp": _webp, "jpeg": _jpeg}
