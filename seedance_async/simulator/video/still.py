"""The last picture of a clip as a PNG, as `return_last_frame` answers it (api docs 1520757)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from seedance_async.simulator.video.scene import to_picture

if TYPE_CHECKING:
    from seedance_async.simulator.video.scene import Scene


def last_frame(scene: Scene) -> bytes:
    """The PNG of the last frame, at the pixel size of the video."""
    picture = to_picture(scene.frame(scene.clip.frames - 1))
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=3)
    return file.getvalue()
