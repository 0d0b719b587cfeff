"""Formats and sizes are told from the first bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async.media.sniff import audio_format, image_format, image_size
from tests.values import pictures

if TYPE_CHECKING:
    from collections.abc import Callable

SIZED: list[tuple[Callable[[int, int], bytes], str]] = [
    (pictures.png, "png"),
    (pictures.jpeg, "jpeg"),
    (pictures.gif, "gif"),
    (pictures.bmp, "bmp"),
    (pictures.old_bmp, "bmp"),
    (pictures.webp, "webp"),
    (pictures.webp_lossless, "webp"),
    (pictures.webp_extended, "webp"),
]


@pytest.mark.parametrize(("make", "kind"), SIZED)
def test_size_is_read_from_the_header(make: Callable[[int, int], bytes], kind: str) -> None:
    """Width and height come out in this order, for every flavour of header."""
    data = make(1234, 567)
    assert image_format(data) == kind
    assert image_size(data, kind) == (1234, 567)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (pictures.TIFF, "tiff"),
        (b"MM\0*" + bytes(8), "tiff"),
        (b"GIF87a" + bytes(8), "gif"),
        (pictures.heif(b"heic"), "heic"),
        (pictures.heif(b"heix"), "heic"),
        (pictures.heif(b"mif1"), "heif"),
        (pictures.heif(b"isom"), None),
        (pictures.heif(b"avif"), None),
        (pictures.wav(), None),
        (pictures.MP3, None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"%PDF-1.7", None),
        (b"", None),
    ],
)
def test_image_format(data: bytes, kind: str | None) -> None:
    """The formats of the documents are known by their bytes; an MP4, an AVIF and an SVG are none of them."""
    assert image_format(data) == kind


@pytest.mark.parametrize("data", [pictures.TIFF, pictures.heif(b"heic"), pictures.heif(b"mif1")])
def test_sizes_that_are_not_read(data: bytes) -> None:
    """TIFF, HEIC and HEIF are left to the server: no size rather than a wrong one."""
    kind = image_format(data)
    assert kind is not None
    assert image_size(data, kind) is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (pictures.wav(), "wav"),
        (pictures.MP3, "mp3"),
        (pictures.MP3_FRAME, "mp3"),
        (b"\xff\xf3\x40", "mp3"),
        (pictures.AAC, None),
        (pictures.jpeg(), None),
        (pictures.webp(), None),
        (b"OggS", None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_audio_format(data: bytes, kind: str | None) -> None:
    """WAV and MP3, with and without ID3, are known; AAC, which starts almost like MP3, is not."""
    assert audio_format(data) == kind


@pytest.mark.parametrize(("make", "kind"), SIZED)
def test_any_cut_is_told(make: Callable[[int, int], bytes], kind: str) -> None:
    """A header cut anywhere is a ValueError or the right size, never a crash and never a wrong size."""
    whole = make(640, 480)
    for end in range(len(whole)):
        try:
            assert image_size(whole[:end], kind) == (640, 480)
        except ValueError as error:
            assert kind in str(error)  # noqa: PT017 - one of two allowed ends


@given(
    st.binary(max_size=64), st.sampled_from([b"", b"\xff\xd8", b"RIFF0000WEBP", b"BM", b"\x89PNG\r\n\x1a\n"])
)
def test_any_bytes_are_survived(data: bytes, start: bytes) -> None:
    """Random bytes after any start are sized or refused: no IndexError, endless loop or negative side."""
    for kind in ("png", "jpeg", "gif", "bmp", "webp"):
        try:
            size = image_size(start + data, kind)
        except ValueError:
            continue
        assert size is not None
        assert min(size) >= 0


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_real_encoders_agree(form: str) -> None:
    """Files that Pillow writes are read as what they are, progressive and with profiles too."""
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.new("RGB", (431, 307), "teal").save(file, form, **({"progressive": True} if form == "JPEG" else {}))
    kind = image_format(file.getvalue())
    assert kind == form.lower()
    assert image_size(file.getvalue(), form.lower()) in {(431, 307), None}


def test_a_bmp_of_negative_width_is_no_picture() -> None:
    """Only the height of a BMP may be negative; a negative width would pass every limit on pixels."""
    data = (
        b"BM" + bytes(12) + (40).to_bytes(4, "little") + (-5).to_bytes(4, "little", signed=True) + b"\1\0\0\0"
    )
    with pytest.raises(ValueError, match="negative width"):
        image_size(data, "bmp")
