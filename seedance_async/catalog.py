"""What each model accepts: facts, kept as data.

Sources: api docs 1520757 (fields, capabilities), 2298881 and 2607688 (tutorials).  Sizes and tokens come
along from :mod:`seedance_async.sizes`.
Where the documents contradict each other the wider reading stands, because a wrong refusal here would forbid
something that works, while the server's own refusal costs nothing.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve, frozen

from seedance_async.sizes import FPS, RATIOS, pixels, tokens

__all__ = [
    "AUTO_DURATION",
    "DRAFT_RESOLUTION",
    "FPS",
    "RATIOS",
    "SPECS",
    "ModelSpec",
    "Quota",
    "pixels",
    "spec_for",
    "tokens",
]

AUTO_DURATION: Final = -1
"""The ``duration`` that lets the model choose."""

DRAFT_RESOLUTION: Final = "480p"
"""The only resolution of drafts (api docs 2607688)."""


@frozen(kw_only=True)
class Quota:
    """What an account may do with one model family (api docs 1520757); past ``running``, tasks queue.

    Attributes:
        creates_per_minute: accepted submits per minute.
        running: tasks that run at once.
    """

    creates_per_minute: int
    running: int


@frozen(kw_only=True, cache_hash=True)
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
        reference_resolutions: accepted resolutions with reference images; empty when all are.
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
        draft_inherits: finishing a draft takes nothing again that shaped it (duration, ratio, seed...).
        web_search: takes the ``web_search`` tool.
        priority: takes ``priority``.
        omni: takes ``omni_reference_task_type``.
        heic: takes HEIC and HEIF images.
        text_commands: reads commands such as ``--rs 720p`` out of the prompt.
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
    reference_resolutions: tuple[str, ...] = ()
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
    text_commands: bool = False
    min_expires: int = 1
    enterprise: Quota = Quota(creates_per_minute=600, running=10)
    individual: Quota = Quota(creates_per_minute=600, running=10)
    quota_4k: Quota | None = None


_V20: Final = ModelSpec(
    family="2.0",
    pixel_family="2.0",
    max_images=9,
    max_videos=3,
    max_audios=3,
    max_input_seconds=15,
    audio=True,
    resolutions=("480p", "720p", "1080p", "4k"),
    min_duration=4,
    max_duration=15,
    auto_duration=True,
    web_search=True,
    individual=Quota(creates_per_minute=180, running=3),
    quota_4k=Quota(creates_per_minute=15, running=1),
)
_V20_SMALL: Final = evolve(_V20, family="2.0-fast", resolutions=("480p", "720p"), quota_4k=None)
_V25: Final = evolve(
    _V20,
    family="2.5",
    pixel_family="2.5",
    max_images=30,
    max_videos=10,
    max_audios=10,
    max_input_seconds=30,
    audio_alone=True,
    resolutions=("480p", "720p", "1080p"),
    max_duration=30,
    default_duration=AUTO_DURATION,
    frame_ratio_fixed=True,
    # The newest page offers drafts, an earlier tutorial denies them: the wider reading stands.
    draft=True,
    draft_resolutions=("1080p",),
    draft_inherits=True,
    omni=True,
    quota_4k=None,
)
_V15: Final = ModelSpec(
    family="1.5-pro",
    pixel_family="2.0",
    audio=True,
    min_duration=4,
    max_duration=12,
    auto_duration=True,
    camera_fixed=True,
    flex=True,
    draft=True,
    draft_last_frame=False,
    priority=False,
    text_commands=True,
    min_expires=3600,
)
_V10: Final = ModelSpec(
    family="1.0-pro",
    pixel_family="1.0",
    default_resolution="1080p",
    min_duration=2,
    max_duration=12,
    adaptive_text=False,
    frames=True,
    camera_fixed=True,
    flex=True,
    heic=False,
    text_commands=True,
    min_expires=3600,
)
_LITE_QUOTA: Final = Quota(creates_per_minute=300, running=5)
_LITE: Final = evolve(
    _V10, family="1.0-lite-t2v", default_resolution="720p", enterprise=_LITE_QUOTA, individual=_LITE_QUOTA
)

SPECS: Final[dict[str, ModelSpec]] = {
    "seedance-2-5-260628": _V25,
    "seedance-2-0-260128": _V20,
    "seedance-2-0-fast-260128": _V20_SMALL,
    "seedance-2-0-mini-260615": evolve(_V20_SMALL, family="2.0-mini"),
    "seedance-1-5-pro-251215": _V15,
    "seedance-1-0-pro-250528": _V10,
    "seedance-1-0-pro-fast-251015": evolve(_V10, family="1.0-pro-fast", last_frame=False),
    "seedance-1-0-lite-t2v-250428": evolve(_LITE, first_frame=False, last_frame=False),
    "seedance-1-0-lite-i2v-250428": evolve(
        _LITE,
        family="1.0-lite-i2v",
        text_to_video=False,
        max_images=4,
        reference_resolutions=("480p", "720p"),
    ),
}
"""Plain dated id -> what the model accepts (api docs 1520757)."""


def _names(plain: str) -> list[str]:
    """List the ids of one model: dated, undated (subscriptions, gateways), version with a dash or a dot."""
    undated = plain.rsplit("-", 1)[0]
    name, major, rest = undated.split("-", 2)
    dotted = f"{name}-{major}.{rest}"
    return [prefix + name for prefix in ("", "doubao-", "dreamina-") for name in (plain, undated, dotted)]


_BY_NAME: Final = {name: spec for plain, spec in SPECS.items() for name in _names(plain)}


def spec_for(model: str) -> ModelSpec | None:
    """Look up what a model accepts.

    Args:
        model: a model id in any spelling: ``doubao-``, ``dreamina-`` or plain, dated or not.

    Returns:
        The model's spec; None for endpoint ids (``ep-...``) and models that this version does not know.
    """
    return _BY_NAME.get(model)
