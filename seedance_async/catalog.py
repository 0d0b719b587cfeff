"""What each model accepts, how large its pictures are and how many tokens a video takes: facts, kept as data.

Sources: api docs 1520757 (fields and capabilities), 1544106 (prices and pixels), 2298881 and 2607688 (tutorials).
Where the documents contradict each other the wider reading stands, because a wrong refusal here would forbid
something that works, while the server's own refusal costs nothing.
"""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from seedance_async.errors import InvalidRequest

__all__ = ["AUTO_DURATION", "FPS", "RATIOS", "SPECS", "ModelSpec", "Quota", "pixels", "spec_for", "tokens"]

FPS: Final = 24
"""Frames per second of every video (api docs 1520757)."""

AUTO_DURATION: Final = -1
"""The ``duration`` that lets the model choose."""

RATIOS: Final = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")
"""The fixed ratios, in the order of the pixel table; ``adaptive`` is one more word."""


@frozen(kw_only=True)
class Quota:
    """What an account may do with one model family (api docs 1520757); past ``running``, tasks queue.

    Attributes:
        creates_per_minute: accepted submits per minute.
        running: tasks that run at once.
    """

    creates_per_minute: int
    running: int


@frozen(kw_only=True)
class ModelSpec:
    """What one model accepts.

    Attributes:
        family: short name of the model, for example ``1.5-pro``.
        pixel_family: row group of the pixel table: ``2.5``, ``2.0`` or ``1.0``.
        text_to_video: a prompt alone is enough.
        first_frame: takes an image as first frame.
        last_frame: takes a first and a last frame together.
        max_images: most reference images.
        max_videos: most reference videos.
        max_audios: most reference audios.
        max_input_seconds: longest sum of the reference videos, in seconds.
        audio_alone: reference audio needs no image or video beside it.
        audio: can make a sound track.
        resolutions: accepted resolutions.
        reference_resolutions: accepted resolutions with reference images.
        default_resolution: resolution of a request that names none.
        min_duration: shortest video in seconds.
        max_duration: longest video in seconds.
        auto_duration: takes ``duration=-1``.
        default_duration: duration of a request that names none; may be -1.
        adaptive_text: takes ``ratio="adaptive"`` without an image, and has it as default.
        frame_ratio_fixed: with a first frame the ratio must stay ``adaptive``.
        frames: takes ``frames``.
        camera_fixed: takes ``camera_fixed``.
        flex: takes ``service_tier="flex"``.
        draft: makes drafts.
        draft_resolutions: resolutions that finish a draft; empty when all of ``resolutions`` do.
        draft_last_frame: a draft may return its last frame.
        draft_inherits: finishing a draft takes nothing again that shaped the draft (duration, ratio, seed...).
        web_search: takes the ``web_search`` tool.
        priority: takes ``priority``.
        omni: takes ``omni_reference_task_type``.
        heic: takes HEIC and HEIF images.
        min_expires: least ``execution_expires_after`` in seconds that is enforced.
        enterprise: quota of an enterprise account.
        individual: quota of an individual account.
        quota_4k: quota at 4k, or None.
    """

    family: str
    pixel_family: str
    text_to_video: bool = True
    first_frame: bool = True
    last_frame: bool = True
    max_images: int = 0
    max_videos: int = 0
    max_audios: int = 0
    max_input_seconds: int = 0
    audio_alone: bool = False
    audio: bool = False
    resolutions: tuple[str, ...] = ("480p", "720p", "1080p")
    reference_resolutions: tuple[str, ...] = field()
    default_resolution: str = "720p"
    min_duration: int
    max_duration: int
    auto_duration: bool = False
    default_duration: int = 5
    adaptive_text: bool = True
    frame_ratio_fixed: bool = False
    frames: bool = False
    camera_fixed: bool = False
    flex: bool = False
    draft: bool = False
    draft_resolutions: tuple[str, ...] = ()
    draft_last_frame: bool = True
    draft_inherits: bool = False
    web_search: bool = False
    priority: bool = True
    omni: bool = False
    heic: bool = True
    min_expires: int = 1
    enterprise: Quota = Quota(creates_per_minute=600, running=10)
    individual: Quota = Quota(creates_per_minute=600, running=10)
    quota_4k: Quota | None = None

    @reference_resolutions.default
    def _all_resolutions(self) -> tuple[str, ...]:
        return self.resolutions

    @property
    def longest(self) -> int:
        """Seconds of the longest video that a request without ``duration`` can become."""
        return self.max_duration if self.default_duration == AUTO_DURATION else self.default_duration


def _two(family: str, **changes: object) -> ModelSpec:
    """Describe a model of the 2.0 generation; the 2.5 differs by more of everything."""
    facts: dict[str, object] = {
        "pixel_family": "2.0",
        "max_images": 9,
        "max_videos": 3,
        "max_audios": 3,
        "max_input_seconds": 15,
        "audio": True,
        "resolutions": ("480p", "720p"),
        "min_duration": 4,
        "max_duration": 15,
        "auto_duration": True,
        "web_search": True,
        "individual": Quota(creates_per_minute=180, running=3),
    }
    return ModelSpec(family=family, **{**facts, **changes})  # type: ignore[arg-type]
