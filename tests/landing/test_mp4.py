"""The box check: whole MP4s pass, everything cut, padded or foreign does not."""

from __future__ import annotations

import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async.errors import DownloadFailed
from seedance_async.media.mp4 import StreamedBoxes, check_mp4
from tests.landing.host import box, movie

if TYPE_CHECKING:
    from pathlib import Path

FFMPEG = shutil.which("ffmpeg")
FTYP, MOOV, MDAT = box(b"ftyp", b"isom\0\0\2\0"), box(b"moov", b"\0" * 20), box(b"mdat", b"\1" * 50)
LARGE = struct.pack(">I4sQ", 1, b"mdat", 16 + 50) + b"\1" * 50
OPEN = struct.pack(">I4s", 0, b"mdat") + b"\1" * 50


def streamed(data: bytes, step: int) -> bool:
    """Run the check of streams, in pieces of this size."""
    boxes = StreamedBoxes()
    try:
        for start in range(0, len(data), step):
            boxes.feed(data[start : start + step])
        boxes.conclude()
    except DownloadFailed:
        return False
    return True


def on_disk(data: bytes, path: Path) -> bool:
    """Run the check of files."""
    path.write_bytes(data)
    try:
        check_mp4(path)
    except DownloadFailed:
        return False
    return True


@pytest.mark.parametrize(
    "data",
    [
        FTYP + MOOV + MDAT,
        FTYP + MDAT + MOOV,
        FTYP + box(b"free") + MDAT + box(b"uuid", bytes(16)) + MOOV,
        FTYP + MOOV + LARGE,
        FTYP + MOOV + OPEN,
        FTYP + MOOV + MDAT + box(b"free"),
        box(b"ftyp", b"qt  \0\0\2\0qt  ") + box(b"wide") + MDAT + MOOV,
    ],
)
def test_whole_files_pass(data: bytes, tmp_path: Path) -> None:
    """Every legal order and spelling of sizes passes, from a file and from a stream in any pieces."""
    assert on_disk(data, tmp_path / "cat.mp4")
    assert all(streamed(data, step) for step in (1, 3, 8, 9, 16, 1000))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"ftyp",
        b"<html>502 Bad Gateway</html>",
        b'{"error": {"code": "video_not_ready"}}',
        FTYP,
        FTYP + MOOV,
        FTYP + MDAT,
        MOOV + MDAT,
        MDAT + FTYP + MOOV,
        FTYP + MOOV + MDAT[:-1],
        FTYP + MOOV + MDAT + b"\0",
        FTYP + MOOV + MDAT + struct.pack(">I4s", 7, b"free"),
        FTYP + MOOV + struct.pack(">I4sQ", 1, b"mdat", 15) + bytes(50),
        FTYP + MOOV + struct.pack(">I4sQ", 1, b"mdat", 2**63) + bytes(50),
        FTYP + MOOV + struct.pack(">I4s", 1, b"mdat"),
        bytes(1000),
    ],
)
def test_broken_files_do_not(data: bytes, tmp_path: Path) -> None:
    """Cut, padded, foreign and lying files are refused, from a file and from a stream in any pieces."""
    assert not on_disk(data, tmp_path / "cat.mp4")
    assert not any(streamed(data, step) for step in (1, 3, 8, 9, 16, 1000))


@given(cut=st.integers(0, len(movie(500)) - 1))
def test_no_cut_goes_unseen(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An MP4 that was cut anywhere is refused."""
    path = tmp_path_factory.mktemp("cut") / "cat.mp4"
    assert not on_disk(movie(500)[:cut], path)


BOXES = st.one_of(
    st.sampled_from([FTYP, MOOV, MDAT, LARGE, OPEN, box(b"free"), b"\0", b"\0\0\0\1"]), st.binary(max_size=40)
)


@given(pieces=st.lists(BOXES, max_size=8), step=st.integers(1, 70))
def test_file_and_stream_agree_on_anything(
    pieces: list[bytes], step: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """On any bytes both checks end, raise nothing but DownloadFailed, and say the same."""
    data = b"".join(pieces)
    assert streamed(data, step) == on_disk(data, tmp_path_factory.mktemp("any") / "cat.mp4")


@pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed")
def test_a_real_clip_passes(tmp_path: Path) -> None:
    """A clip of a real encoder is whole; without its last byte it is not."""
    path = tmp_path / "real.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=size=64x64:rate=24:duration=1"]
    subprocess.run([str(FFMPEG), "-v", "error", *source, "-y", str(path)], check=True, timeout=50)
    data = path.read_bytes()
    assert on_disk(data, tmp_path / "whole.mp4")
    assert not on_disk(data[:-1], tmp_path / "cut.mp4")
