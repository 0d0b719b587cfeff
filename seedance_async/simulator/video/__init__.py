"""Real MP4s for the simulated server: drawn for a prompt, or one ready-made clip.

Drawing needs PyAV and Pillow (`pip install "seedance-async[simulator]"`); they are imported when the first
clip is drawn, so importing this package is cheap and works without them. Drawing is blocking work for a
thread: a 5 s clip of 1280x720 takes a few tenths of a second.
"""

from __future__ import annotations

from importlib import import_module, resources
from typing import TYPE_CHECKING

from seedance_async.simulator.video.clip import Clip, FontUnreadable, RendererMissing

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Clip", "FontUnreadable", "RendererMissing", "packaged_clip", "render_clip", "render_still"]


def render_clip(clip: Clip, font: str | Path | None = None) -> bytes:
    """Draw and encode `clip`; equal clips give equal bytes on one machine.

    Args:
        clip: what to draw.
        font: a font file to use alone, instead of the system's fonts.

    Returns:
        An MP4 with its index in front: H.264 in yuv420p of exactly the asked size, and mono AAC with sound.

    Raises:
        RendererMissing: PyAV or Pillow is not installed.
        FontUnreadable: `font` is not a font file.
    """
    _require_renderer()
    from seedance_async.simulator.video import render, scene

    return render.encode(clip, scene.compose(clip, font))


def render_still(clip: Clip, font: str | Path | None = None) -> bytes:
    """Draw the last frame of `clip` as a PNG of the same pixel size.

    Args:
        clip: what to draw.
        font: a font file to use alone, instead of the system's fonts.

    Raises:
        RendererMissing: PyAV or Pillow is not installed.
        FontUnreadable: `font` is not a font file.
    """
    _require_renderer()
    from seedance_async.simulator.video import scene, still

    return still.last_frame(scene.compose(clip, font))


def packaged_clip() -> bytes:
    """The ready-made MP4 (480x270, 24 fps, 5 s, with sound) that needs no extra package.

    `python -m seedance_async.simulator.video` makes it again.
    """
    return resources.files(__name__).joinpath("clip.mp4").read_bytes()


def _require_renderer() -> None:
    """Say which package is missing and how to get it, rather than where the import failed."""
    for package in ("av", "PIL"):
        try:
            import_module(package)
        except ImportError as error:
            raise RendererMissing(package) from error
