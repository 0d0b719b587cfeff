"""Local files and bytes become data URIs, or an error that names the field and the limit."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async.errors import InvalidRequest
from seedance_async.media.inputs import resolve
from seedance_async.request import VideoRequest
from tests.values import pictures

if TYPE_CHECKING:
    from collections.abc import Callable

V25 = "doubao-seedance-2-5-260628"
PRO = "doubao-seedance-1-0-pro-250528"
MB = 1024 * 1024


def uri(family: str, kind: str, data: bytes) -> str:
    """Write a data URI by hand."""
    return f"data:{family}/{kind};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (pictures.png(), "png"),
        (pictures.jpeg(), "jpeg"),
        (pictures.gif(), "gif"),
        (pictures.bmp(), "bmp"),
        (pictures.webp(), "webp"),
        (pictures.TIFF, "tiff"),
        (pictures.heif(b"heic"), "heic"),
        (pictures.heif(b"mif1"), "heif"),
    ],
)
def test_an_image_becomes_a_data_uri_of_its_true_type(data: bytes, kind: str, tmp_path: Path) -> None:
    """Bytes, a path and a path as text give the URI of what the bytes are, whatever the file is called."""
    file = tmp_path / "wrongly-named.JPG"
    file.write_bytes(data)
    for image in (data, file, str(file)):
        resolved = resolve(VideoRequest(prompt="a", image=image))
        assert resolved.to_body()["content"][1]["image_url"] == {"url": uri("image", kind, data)}


def test_every_field_is_resolved() -> None:
    """Frames, reference images and reference sounds are all turned, in order, and the rest stays as it is."""
    framed = resolve(VideoRequest(first_frame=pictures.png(), last_frame=pictures.jpeg(), seed=0))
    assert [framed.first_frame, framed.last_frame] == [
        uri("image", "png", pictures.png()),
        uri("image", "jpeg", pictures.jpeg()),
    ]
    assert framed.seed == 0
    referring = resolve(
        VideoRequest(
            model=V25,
            reference_images=[pictures.gif(), "asset://a", pictures.png()],
            reference_videos=["https://example.com/a.mp4"],
            reference_audios=[pictures.MP3, pictures.wav(), "asset://b"],
        )
    )
    assert referring.reference_images == (
        uri("image", "gif", pictures.gif()),
        "asset://a",
        uri("image", "png", pictures.png()),
    )
    assert referring.reference_audios == (
        uri("audio", "mp3", pictures.MP3),
        uri("audio", "wav", pictures.wav()),
        "asset://b",
    )
    assert len(referring.to_body()["content"]) == 7


def test_what_is_remote_comes_back_untouched() -> None:
    """A request without local inputs is not copied."""
    for request in (
        VideoRequest(prompt="a"),
        VideoRequest(prompt="a", image="https://example.com/a.png"),
        VideoRequest(prompt="a", image=uri("image", "png", pictures.png())),
        VideoRequest(content=[{"type": "text", "text": "a"}]),
    ):
        assert resolve(request) is request


def test_resolving_keeps_the_digest(tmp_path: Path) -> None:
    """The key of a request is the same before and after its files were turned into data URIs."""
    file = tmp_path / "a.png"
    file.write_bytes(pictures.png())
    request = VideoRequest(prompt="a", image=file)
    assert resolve(request).digest() == request.digest()


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((299, 400), "300 to 6000"),
        ((400, 299), "300 to 6000"),
        ((6001, 4000), "300 to 6000"),
        ((4000, 6001), "300 to 6000"),
        ((1000, 399), "0.4 to 2.5"),
        ((399, 1000), "0.4 to 2.5"),
        ((0, 0), "300 to 6000"),
    ],
)
@pytest.mark.parametrize("make", [pictures.png, pictures.jpeg, pictures.webp])
def test_shapes_outside_the_limits_are_refused(
    make: Callable[[int, int], bytes], size: tuple[int, int], words: str
) -> None:
    """A picture too small, too large or too slim is refused with its size, before it is uploaded."""
    with pytest.raises(InvalidRequest, match=words) as caught:
        resolve(VideoRequest(prompt="a", image=make(*size)))
    assert caught.value.field == "image"
    assert f"{size[0]}x{size[1]}" in caught.value.limit


@pytest.mark.parametrize("size", [(300, 300), (6000, 6000), (1000, 400), (400, 1000)])
def test_shapes_on_the_limits_pass(size: tuple[int, int]) -> None:
    """The documents disagree about the ends of the ranges, so the ends pass."""
    assert resolve(VideoRequest(prompt="a", image=pictures.png(*size))).image


def test_an_unknown_model_may_take_any_shape() -> None:
    """For a model that this version does not know the shape of a picture is the server's business."""
    assert resolve(VideoRequest(prompt="a", model="ep-1", image=pictures.png(64, 64))).image


def test_heic_is_refused_for_the_oldest_models() -> None:
    """HEIC came with 1.5; 1.0 does not take it."""
    for data in (pictures.heif(b"heic"), pictures.heif(b"mif1")):
        with pytest.raises(InvalidRequest, match=r"1\.0-pro"):
            resolve(VideoRequest(prompt="a", model=PRO, image=data))


BAD_FILES: list[tuple[str, dict[str, Any], str]] = [
    ("text", {"image": b"hello"}, "image"),
    ("svg", {"last_frame": b"<svg/>", "image": pictures.png()}, "last_frame"),
    ("sound as image", {"image": pictures.MP3}, "image"),
    ("cut png", {"image": pictures.png()[:18]}, "image"),
    ("aac", {"reference_audios": [pictures.MP3, pictures.AAC], "model": V25}, "reference_audios[1]"),
    ("image as sound", {"reference_audios": [pictures.png()], "model": V25}, "reference_audios[0]"),
    ("video as image", {"reference_images": [pictures.heif(b"isom")], "model": V25}, "reference_images[0]"),
]


@pytest.mark.parametrize(("fields", "field"), [pytest.param(*row[1:], id=row[0]) for row in BAD_FILES])
def test_what_is_no_picture_or_sound_is_refused(fields: dict[str, Any], field: str) -> None:
    """Bytes of another kind are refused by field, and the message does not print them."""
    with pytest.raises(InvalidRequest) as caught:
        resolve(VideoRequest(prompt="a", **fields))
    assert caught.value.field == field
    assert len(str(caught.value)) < 300


def test_paths_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """No such file, a folder, a pipe (which would block for ever), a bad name: each names field and path."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "nothing.png", tmp_path, tmp_path / "pipe", "nul\0byte.png", "x" * 5000):
        with pytest.raises(InvalidRequest) as caught:
            resolve(VideoRequest(prompt="a", image=path))
        assert caught.value.field == "image"
        assert caught.value.value == str(path)


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be opened is an InvalidRequest that gives the reason of the system."""
    file = tmp_path / "a.png"
    file.write_bytes(pictures.png())

    def denied(_self: Path, _mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(InvalidRequest, match="Permission denied"):
        resolve(VideoRequest(prompt="a", image=file))


def test_image_size_limit(tmp_path: Path) -> None:
    """An image must be under 30 MB, as file, bytes and data URI; the file is refused without being read."""
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.write(pictures.png())
        file.truncate(30 * MB)
    text = "data:image/png;base64," + "A" * (40 * MB + 8)
    for image in (large, large.read_bytes(), text):
        with pytest.raises(InvalidRequest, match="30 MB") as caught:
            resolve(VideoRequest(prompt="a", image=image))
        assert len(str(caught.value)) < 300
    os.truncate(large, 30 * MB - 1)
    assert resolve(VideoRequest(prompt="a", image=large)).image


def test_audio_size_limit() -> None:
    """A sound may have 15 MB and not a byte more."""
    whole = pictures.MP3 + bytes(15 * MB - len(pictures.MP3))
    assert resolve(VideoRequest(model=V25, reference_audios=[whole])).reference_audios
    with pytest.raises(InvalidRequest, match="15 MB"):
        resolve(VideoRequest(model=V25, reference_audios=[whole + b"\0"]))
    with pytest.raises(InvalidRequest, match="15 MB"):
        resolve(VideoRequest(model=V25, reference_audios=["data:audio/mp3;base64," + "A" * (20 * MB + 8)]))


@pytest.mark.parametrize("raw", [False, True])
def test_body_size_limit(raw: bool) -> None:  # noqa: FBT001 - both ways to give the same
    """Inputs that each pass are refused when the body would pass 64 MB, in raw content too."""
    picture = "data:image/png;base64," + "A" * (33 * MB)
    request = VideoRequest(model=V25, reference_images=[picture, picture])
    if raw:
        request = VideoRequest(model=V25, content=request.to_body()["content"])
    with pytest.raises(InvalidRequest, match="64 MB") as caught:
        resolve(request)
    assert caught.value.field == "body"
    assert resolve(VideoRequest(model=V25, reference_images=[picture])).reference_images == (picture,)
