"""The smallest files that have a header: pictures of any size, sounds, and what is neither."""

from __future__ import annotations

import struct


def png(width: int = 320, height: int = 320) -> bytes:
    """Make a PNG up to its IHDR chunk."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + struct.pack(">II", width, height)
        + b"\x08\x02\0\0\0"
    )


def jpeg(width: int = 320, height: int = 320) -> bytes:
    """Make a JPEG with an application segment, padding and a progressive frame header."""
    frame = struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\0"
    return b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + bytes(14) + b"\xff\xff\xc2" + frame


def gif(width: int = 320, height: int = 320) -> bytes:
    """Make a GIF with a logical screen."""
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(3)


def bmp(width: int = 320, height: int = -320) -> bytes:
    """Make a BMP with a modern header, top-down."""
    return b"BM" + bytes(12) + struct.pack("<Iii", 40, width, height) + bytes(28)


def old_bmp(width: int = 320, height: int = 320) -> bytes:
    """Make a BMP with the oldest header."""
    return b"BM" + bytes(12) + struct.pack("<IHH", 12, width, height) + bytes(4)


def webp(width: int = 320, height: int = 320) -> bytes:
    """Make a lossy WebP."""
    return _riff(b"WEBPVP8 " + bytes(4) + bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height))


def webp_lossless(width: int = 320, height: int = 320) -> bytes:
    """Make a lossless WebP."""
    return _riff(b"WEBPVP8L" + bytes(4) + b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14))


def webp_extended(width: int = 320, height: int = 320) -> bytes:
    """Make an extended WebP."""
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _riff(b"WEBPVP8X" + bytes(4) + bytes(4) + sizes)


def heif(brand: bytes) -> bytes:
    """Make the first box of an ISO media file."""
    return b"\0\0\0\x18ftyp" + brand + bytes(12)


def wav() -> bytes:
    """Make a silent WAVE file."""
    return _riff(b"WAVEfmt " + bytes(20))


def _riff(rest: bytes) -> bytes:
    """Put the RIFF header in front."""
    return b"RIFF" + struct.pack("<I", len(rest)) + rest


MP3 = b"ID3\x04\0\0\0\0\0\0"
MP3_FRAME = b"\xff\xfb\x90\x64" + bytes(20)
AAC = b"\xff\xf1\x50\x80" + bytes(20)
TIFF = b"II*\0" + bytes(20)
