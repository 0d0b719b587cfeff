"""A create body after validation: everything that decides what the task will be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define

from seedance_async.simulator.pixels import FRAMES_PER_SECOND, least_seconds, size_of, tokens_of

if TYPE_CHECKING:
    from seedance_async.simulator.capabilities import Model

_DRAFT_WITH_SOUND = 0.6
_DRAFT_SILENT = 0.7


@define(kw_only=True)
class Order:
    """What was ordered.

    Args:
        model: Column of the capability table.
        model_id: The id that records show.
        mode: The scene that the server found: `t2v`, `i2v`, `flf2v`, `r2v` or `draft`.
        prompt: The text item without legacy commands.
        frames: Number of frames where they were asked instead of a duration.
        seconds: Output seconds, with the model's own choice already made.
        seconds_in: Seconds of reference video.
        doom: Code and message of the failure that is bound to come.
        picture: The first frame as a data URI, kept for the renderer only.
    """

    model: Model
    model_id: str
    mode: str = "t2v"
    prompt: str = ""
    resolution: str = "720p"
    ratio: str = "16:9"
    seconds: int = 5
    frames: int | None = None
    seconds_in: int = 0
    seed: int = 0
    sound: bool = False
    watermark: bool = False
    camera_fixed: bool = False
    last_frame: bool = False
    flex: bool = False
    expires_after: int = 172_800
    expires_given: bool = False
    draft: bool = False
    draft_task_id: str | None = None
    priority: int = 0
    output_format: str = "mp4"
    web_search: bool = False
    safety_identifier: str | None = None
    callback_url: str | None = None
    doom: tuple[str, str] | None = None
    picture: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return size_of(self.resolution, self.ratio, self.model.pixels)

    def tokens(self, *, extra_frame: bool = True, least_video: bool = True) -> int:
        """`usage.completion_tokens` of the finished task (api docs 1544106).

        Args:
            extra_frame: Count one frame more than there is.
            least_video: A task with reference video costs no less than `least_seconds` of it.
        """
        width, height = self.size
        frames = self.frames or self.seconds * FRAMES_PER_SECOND
        frames_in = float(self.seconds_in * FRAMES_PER_SECOND)
        if least_video and self.seconds_in:
            least = least_seconds(self.resolution, self.seconds)
            frames_in = max(frames_in, least * FRAMES_PER_SECOND - frames)
        full = tokens_of(width, height, frames_in, frames, extra_frame=extra_frame)
        if self.draft and self.model.name == "1.5 pro":
            return int(full * (_DRAFT_WITH_SOUND if self.sound else _DRAFT_SILENT))
        return full
