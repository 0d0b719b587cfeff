"""What a clip may be asked to be."""

from __future__ import annotations

from typing import Any

import pytest

from seedance_async.simulator.video import Clip
from tests.simulator_video.helpers import small_clip

# api docs 1520757: width and height of every resolution, ratio and model family.
PIXEL_TABLE = (
    *((854, 480), (752, 560), (640, 640), (992, 432), (864, 496), (864, 480), (736, 544), (960, 416)),
    *((1280, 720), (1112, 834), (960, 960), (1470, 630), (1248, 704), (1120, 832), (1504, 640)),
    *((1920, 1080), (1664, 1248), (1440, 1440), (2206, 946), (1920, 1088), (2176, 928)),
    *((3840, 2160), (3326, 2494), (2880, 2880), (4398, 1886)),
)


@pytest.mark.parametrize("size", PIXEL_TABLE)
def test_every_size_of_the_service_can_be_drawn(size: tuple[int, int]) -> None:
    """Each size of the pixel table is accepted, lying and standing."""
    for width, height in (size, size[::-1]):
        clip = small_clip(width=width, height=height)
        assert (clip.width, clip.height) == (width, height)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"width": 853}, "width must be an even number from 64 to 4800 pixels, got 853"),
        ({"height": 62}, "height must be an even number from 64 to 4800 pixels, got 62"),
        ({"height": 5000}, "height must be an even number from 64 to 4800 pixels, got 5000"),
        ({"seconds": 0}, "seconds must be above 0 and at most 60 seconds, got 0"),
        ({"seconds": 61}, "seconds must be above 0 and at most 60 seconds, got 61"),
        ({"fps": 0}, "fps must be from 1 to 60 frames a second, got 0"),
        ({"fps": 61}, "fps must be from 1 to 60 frames a second, got 61"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, Any], told: str) -> None:
    """A number out of range is refused at once, with field, limit and value in the message."""
    with pytest.raises(ValueError, match=told):
        small_clip(**changes)


def test_a_clip_is_a_cache_key() -> None:
    """Equal clips are equal keys, and a different still makes a different clip."""
    kept = {small_clip(still=b"one"): 1}
    assert kept[small_clip(still=b"one")] == 1
    assert small_clip(still=b"two") not in kept


def test_the_still_is_folded_in_the_repr() -> None:
    """A log line with a clip does not carry the bytes of its picture."""
    assert "still=<3 bytes>" in repr(small_clip(still=b"\x89PN"))


@pytest.mark.parametrize(
    ("seconds", "fps", "frames"), [(5, 24, 120), (4, 24, 96), (0.01, 24, 1), (1.5, 25, 38)]
)
def test_frames_are_seconds_times_fps(seconds: float, fps: int, frames: int) -> None:
    """The frame count is rounded and never zero."""
    assert Clip(prompt="", width=64, height=64, seconds=seconds, fps=fps).frames == frames
