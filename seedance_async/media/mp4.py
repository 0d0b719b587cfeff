"""Is an MP4 whole? Its outermost boxes tell, without decoding anything (ISO/IEC 14496-12, section 4.2).

A file that was cut short has a box that ends behind the end of the file; an error page has no ``ftyp``.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async.errors import DownloadFailed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Boxes", "StreamedBoxes", "check_mp4"]

HEADER: Final = 16
"""Most bytes that a box header takes: size, type, and a 64-bit size where the short one says 1."""

_SHORT: Final = 8
_WORD: Final = 4
_LONG: Final = (1).to_bytes(_WORD)
_NEEDED: Final = ("ftyp", "moov", "mdat")
_MOST_BOXES: Final = 100_000


@define(kw_only=True)
class Boxes:
    """The outermost boxes met so far.

    Attributes:
        at: where the next box begins; infinite once a box runs to the end of the file.
        seen: types of the boxes met.
        count: how many there were.
    """

    at: float = 0
    seen: set[str] = field(factory=set[str])
    count: int = 0

    def meet(self, header: bytes) -> None:
        """Take the header that begins at ``at``, and move on behind its box.

        Raises:
            DownloadFailed: these bytes are no box header.
        """
        if len(header) < _SHORT:
            raise DownloadFailed(f"The MP4 is cut short: a box header at byte {self.at} is incomplete.")
        size, kind = struct.unpack(">I4s", header[:_SHORT])
        name = kind.decode("latin-1")
        length = _length(size, header)
        self.count += 1
        first_is_wrong = not self.seen and name != "ftyp"
        least = HEADER if size == 1 else _SHORT
        if first_is_wrong or length < least or not name.isprintable() or self.count > _MOST_BOXES:
            raise DownloadFailed(f"This is not an MP4: no box of a known form at byte {self.at}.")
        self.seen.add(name)
        self.at += length

    def conclude(self, size: int) -> None:
        """Judge the whole, now that the file's size in bytes is known.

        Raises:
            DownloadFailed: a box ends behind the end of the file, or one of ftyp, moov and mdat is missing.
        """
        if self.at not in {size, float("inf")}:
            raise DownloadFailed(f"The MP4 is cut short: {size} bytes, and its boxes need {self.at}.")
        missing = [name for name in _NEEDED if name not in self.seen]
        if missing:
            raise DownloadFailed(f"The MP4 of {size} bytes has no {' and no '.join(missing)} box.")


def _length(size: int, header: bytes) -> float:
    """Give a box's length: 0 means "to the end of the file", 1 means "in the next eight bytes"."""
    if size == 0:
        return float("inf")
    if size != 1:
        return size
    if len(header) < HEADER:
        return -1
    return int(struct.unpack(">Q", header[_SHORT:HEADER])[0])


def check_mp4(path: str | os.PathLike[str] | Path) -> None:
    """Check that ``ftyp``, ``moov`` and ``mdat`` are there and that every outermost box lies within the file.

    Blocking, and quick: it reads 16 bytes per box.

    Raises:
        DownloadFailed: the file is no whole MP4; fetching it again may help.
        OSError: the file cannot be read.
    """
    boxes = Boxes()
    with open(path, "rb") as file:  # noqa: PTH123 - takes any path-like
        size = os.fstat(file.fileno()).st_size
        while boxes.at < size:
            file.seek(int(boxes.at))
            boxes.meet(file.read(HEADER))
    boxes.conclude(size)


@define(kw_only=True)
class StreamedBoxes:
    """The same check on bytes that pass by once."""

    size: int = 0
    _boxes: Boxes = field(factory=Boxes, init=False)
    _header: bytearray = field(factory=bytearray, init=False)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream.

        Raises:
            DownloadFailed: these bytes are no MP4.
        """
        start, self.size = self.size, self.size + len(data)
        while self._boxes.at < self.size and (piece := self._piece(data, start)):
            self._header += piece
            if not self._lacking():
                self._meet()

    def _piece(self, data: bytes, start: int) -> bytes:
        """Cut out what the current header lacks; empty when this chunk holds no more of it."""
        begin = int(self._boxes.at) + len(self._header) - start
        return data[begin : begin + self._lacking()]

    def _lacking(self) -> int:
        """Count the bytes that the current header still lacks."""
        long = bytes(self._header[:_WORD]) == _LONG
        return (HEADER if long else _SHORT) - len(self._header)

    def _meet(self) -> None:
        """Hand over a collected header."""
        header = bytes(self._header)
        self._header.clear()
        self._boxes.meet(header)

    def conclude(self) -> None:
        """Judge the whole at the end of the stream.

        Raises:
            DownloadFailed: the stream was no whole MP4.
        """
        if self._header:
            self._meet()
        self._boxes.conclude(self.size)
