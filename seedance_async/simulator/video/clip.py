"""What a rendered clip is asked to be, and the error for a machine that cannot render.

This module needs neither PyAV nor Pillow, so that a simulator without the extra can import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import field, frozen

if TYPE_CHECKING:
    from attrs import Attribute

MIN_SIDE: Final = 64
MAX_SIDE: Final = 4800  # the widest output in the pixel table is 4398 (api docs 1520757: 4k, 21:9)
MAX_SECONDS: Final = 60.0
MAX_FPS: Final = 60


class RendererMissing(ImportError):
    """PyAV or Pillow is not installed, so no clip can be drawn.

    Args:
        package: the import name of the package that is missing, `av` or `PIL`.
    """

    def __init__(self, package: str) -> None:
        """Name the missing package and the extra that brings it."""
        message = (
            f"drawing clips needs the package {package!r}, which could not be imported; "
            'install it with: pip install "seedance-async[simulator]"'
        )
        super().__init__(message, name=package)


class FontUnreadable(ValueError):
    """The font that was asked for is not a readable font file."""


def _side(_clip: Clip, attribute: Attribute[int], value: int) -> None:
    """H.264 in yuv420p stores colour for 2x2 pixels, hence even sides only."""
    if not MIN_SIDE <= value <= MAX_SIDE or value % 2:
        message = (
            f"{attribute.name} must be an even number from {MIN_SIDE} to {MAX_SIDE} pixels, got {value!r}"
        )
        raise ValueError(message)


def _seconds(_clip: Clip, attribute: Attribute[float], value: float) -> None:
    if not 0 < value <= MAX_SECONDS:
        message = f"{attribute.name} must be above 0 and at most {MAX_SECONDS:g} seconds, got {value!r}"
        raise ValueError(message)


def _fps(_clip: Clip, attribute: Attribute[int], value: int) -> None:
    if not 1 <= value <= MAX_FPS:
        message = f"{attribute.name} must be from 1 to {MAX_FPS} frames a second, got {value!r}"
        raise ValueError(message)


@frozen(kw_only=True)
class Clip:
    """One video to draw; equal clips give equal bytes on one machine.

    Args:
        prompt: text to show in the picture; may be empty.
        width: pixels, even, 64 to 4800.
        height: pixels, even, 64 to 4800.
        seconds: length, above 0 and at most 60; the clip has `round(seconds * fps)` frames, at least one.
        fps: frames a second, 1 to 60; the service always answers 24 (api docs 1520757).
        seed: decides colours, motion and pitch; any integer.
        audio: whether there is a sound track with a tone.
        still: an image file's bytes to show as the background, cropped to the picture's ratio.

    Raises:
        ValueError: a number is outside its range; the message names field, value and limit.
    """

    prompt: str
    width: int = field(validator=_side)
    height: int = field(validator=_side)
    seconds: float = field(validator=_seconds)
    fps: int = field(default=24, validator=_fps)
    seed: int = 0
    audio: bool = True
    still: bytes | None = field(default=None, repr=lambda still: f"<{len(still)} bytes>" if still else "None")

    @property
    def frames(self) -> int:
        """How many pictures the clip has."""
        return max(1, round(self.seconds * self.fps))
