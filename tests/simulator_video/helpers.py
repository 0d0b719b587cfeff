"""What the tests of the renderer share: clips to draw, ways to look inside an MP4."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
from attrs import frozen
from PIL import Image, ImageFont

from seedance_async.simulator.video import Clip

if TYPE_CHECKING:
    from pathlib import Path


def small_clip(**changes: Any) -> Clip:
    """A clip that is quick to draw."""
    fields: dict[str, Any] = {"prompt": "a cat surfing", "width": 320, "height": 180, "seconds": 1, "seed": 7}
    return Clip(**{**fields, **changes})


@frozen(kw_only=True)
class Found:
    """What an MP4 turned out to hold after decoding all of it."""

    size: tuple[int, int]
    video_codec: str
    pixels: str
    fps: float
    pictures: tuple[Image.Image, ...]
    seconds: float
    audio_codec: str | None
    samples: tuple[float, ...]


def decode(mp4: bytes) -> Found:
    """Decode every frame and every sample."""
    with av.open(io.BytesIO(mp4), "r") as container:
        video = container.streams.video[0]
        pictures = _pictures(container)
        container.seek(0)
        sound = next(iter(container.streams.audio), None)
        return Found(
            size=(video.width, video.height),
            video_codec=video.codec_context.name,
            pixels=str(video.codec_context.pix_fmt),
            fps=float(video.average_rate or 0),
            pictures=pictures,
            seconds=float((container.duration or 0) / 1_000_000),
            audio_codec=sound.codec_context.name if sound else None,
            samples=_samples(container) if sound else (),
        )


def _pictures(container: Any) -> tuple[Image.Image, ...]:
    return tuple(frame.to_image() for frame in container.decode(video=0))


def _samples(container: Any) -> tuple[float, ...]:
    return tuple(value for frame in container.decode(audio=0) for value in _floats(frame))


def _floats(frame: Any) -> memoryview[float]:
    """The samples of one frame; its buffer may be longer than they are."""
    return memoryview(frame.planes[0]).cast("B").cast("f")[: frame.samples]


def boxes(mp4: bytes) -> list[str]:
    """The names of the file's top-level boxes in order (ISO 14496-12: size, name)."""
    names: list[str] = []
    place = 0
    while place < len(mp4):
        names.append(mp4[place + 4 : place + 8].decode())
        place += int.from_bytes(mp4[place : place + 4])
    return names


def latin_font(folder: Path) -> Path:
    """A real font file without Chinese: Pillow's built-in face, written out."""
    face = ImageFont.load_default(20)
    assert isinstance(face, ImageFont.FreeTypeFont)
    assert isinstance(face.path, io.BytesIO)
    path = folder / "latin.ttf"
    path.write_bytes(face.path.getvalue())
    return path
