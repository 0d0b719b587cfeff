"""What one model takes of a request and another does not (api docs 1520757, 2298881, 2607688).

Only certainties are refused.  A value that asks for nothing (``False``, ``0``, ``"default"``) passes even
where the model has no such feature, because no source says that the server minds.  A ratio or resolution that
no document knows is taken for a slip; where the server is newer than this version, ``extra_body`` carries it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from seedance_async.catalog import AUTO_DURATION, DRAFT_RESOLUTION, RATIOS
from seedance_async.errors import InvalidRequest
from seedance_async.scenes import TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from seedance_async.catalog import ModelSpec
    from seedance_async.request import VideoRequest
    from seedance_async.scenes import Scene

__all__ = ["check_capabilities"]

_MAX_SEED: Final = 2**32 - 1
_MAX_EXPIRES: Final = 259_200
_MAX_PRIORITY: Final = 9
_MAX_IDENTIFIER: Final = 64
_LEAST_FRAMES: Final = 29
_MOST_FRAMES: Final = 289
_FRAME_STEP: Final = 4
_RESOLUTIONS: Final = ("480p", "720p", "1080p", "4k")
_NEWER: Final = "; a value newer than this version goes in extra_body"
_FOLLOWS_VIDEO: Final = ("edit", "extend")


def check_capabilities(request: VideoRequest, spec: ModelSpec, scene: Scene, given: Iterable[str]) -> None:
    """Refuse what the model never takes.

    Args:
        request: the request, its types already checked.
        spec: what the model accepts.
        scene: the inputs by role.
        given: names of the plain body fields that are set.

    Raises:
        InvalidRequest: naming field, value and limit.
    """
    _check_inputs(request, spec, scene)
    for name in given:
        rule = _RULES.get(name)
        limit = rule(request, spec, scene) if rule is not None else ""
        if not limit and scene.draft and spec.draft_inherits and name in _INHERITED:
            limit = "is taken from the draft: leave it out"
        if limit:
            _refuse(request, name, limit)
    if request.tools and not spec.web_search:
        _refuse(request, "tools", "are not supported")


def _refuse(request: VideoRequest, name: str, limit: str) -> None:
    """Raise with the model in the message."""
    value = getattr(request, name)
    raise InvalidRequest(field=name, value=value, limit=f"{limit} (model {request.model})")


def _check_inputs(request: VideoRequest, spec: ModelSpec, scene: Scene) -> None:
    """Refuse inputs that the model does not take, or not that many."""
    fault = _fault_of(spec, scene)
    if fault is not None:
        name, limit = fault
        if request.content is None:
            _refuse(request, name, limit)
        else:
            _refuse(request, "content", f"{name} {limit}")


@lru_cache(maxsize=256)
def _fault_of(spec: ModelSpec, scene: Scene) -> tuple[str, str] | None:
    """Name the first input that the model does not take, or not that often, and the rule in words."""
    alone = bool(scene.audios) and not scene.images and not scene.videos
    faults = (
        (bool(scene.draft) and not spec.draft, "draft_task", "is not supported"),
        (scene == TEXT and not spec.text_to_video, "prompt", "needs an image beside it"),
        (bool(scene.plain) and not spec.first_frame, "image", "is not supported"),
        (bool(scene.last) and not spec.last_frame, "last_frame", "is not supported"),
        (bool(scene.first) and not spec.first_frame, "first_frame", "is not supported"),
        (scene.images > spec.max_images, "reference_images", f"may be at most {spec.max_images}"),
        (scene.videos > spec.max_videos, "reference_videos", f"may be at most {spec.max_videos}"),
        (scene.audios > spec.max_audios, "reference_audios", f"may be at most {spec.max_audios}"),
        (alone and not spec.audio_alone, "reference_audios", "need a reference image or video beside them"),
    )
    return next(((name, limit) for broken, name, limit in faults if broken), None)


def _service_tier(request: VideoRequest, spec: ModelSpec, _: Scene) -> str:
    if request.service_tier != "flex":
        return ""
    if not spec.flex:
        return "flex is not supported"
    return "flex is not possible for a draft" if request.draft else ""


def _expires(request: VideoRequest, spec: ModelSpec, _: Scene) -> str:
    seconds = request.execution_expires_after or 0
    inside = spec.min_expires <= seconds <= _MAX_EXPIRES
    return "" if inside else f"must be from {spec.min_expires} to {_MAX_EXPIRES} seconds"


def _generate_audio(request: VideoRequest, spec: ModelSpec, _: Scene) -> str:
    return (
        "is not supported: the model makes silent videos" if request.generate_audio and not spec.audio else ""
    )


def _draft(request: VideoRequest, spec: ModelSpec, scene: Scene) -> str:
    if request.draft and not spec.draft:
        return "is not supported"
    return "is not possible together with draft_task" if request.draft and scene.draft else ""


def _return_last_frame(request: VideoRequest, spec: ModelSpec, _: Scene) -> str:
    refused = request.return_last_frame and request.draft and not spec.draft_last_frame
    return "is not possible for a draft" if refused else ""


def _camera_fixed(request: VideoRequest, spec: ModelSpec, scene: Scene) -> str:
    if request.camera_fixed and not spec.camera_fixed:
        return "is not supported"
    return "is not possible with reference images" if request.camera_fixed and scene.images else ""


def _seed(request: VideoRequest, _spec: ModelSpec, _: Scene) -> str:
    seed = request.seed or 0
    return "" if -1 <= seed <= _MAX_SEED else f"must be -1 or from 0 to {_MAX_SEED}"


def _resolution(request: VideoRequest, spec: ModelSpec, scene: Scene) -> str:
    word = (request.resolution or "").lower()
    allowed = spec.resolutions
    if request.draft:
        allowed = (DRAFT_RESOLUTION,)
    elif scene.draft and spec.draft_resolutions:
        allowed = spec.draft_resolutions
    elif scene.images and spec.reference_resolutions:
        allowed = spec.reference_resolutions
    if word in allowed:
        return ""
    return f"must be {' or '.join(allowed)} here{'' if word in _RESOLUTIONS else _NEWER}"


def _ratio(request: VideoRequest, spec: ModelSpec, scene: Scene) -> str:
    if request.ratio == "adaptive":
        textual = scene == TEXT
        return "adaptive needs an image to adapt to" if textual and not spec.adaptive_text else ""
    if request.ratio not in RATIOS:
        return f"must be {', '.join(RATIOS)} or adaptive{_NEWER}"
    if scene.frames and spec.frame_ratio_fixed:
        return "must be adaptive with a first frame, or left out"
    follows = spec.omni and request.omni_reference_task_type in _FOLLOWS_VIDEO
    return f"must be adaptive to {request.omni_reference_task_type} a video, or left out" if follows else ""


def _duration(request: VideoRequest, spec: ModelSpec, _: Scene) -> str:
    seconds = request.duration or 0
    if spec.omni and request.omni_reference_task_type == "edit" and seconds != AUTO_DURATION:
        return "must be -1 to edit a video, or left out"
    if seconds == AUTO_DURATION and spec.auto_duration:
        return ""
    if spec.min_duration <= seconds <= spec.max_duration:
        return ""
    auto = ", or -1 for the model's choice" if spec.auto_duration else ""
    return f"must be from {spec.min_duration} to {spec.max_duration} seconds{auto}"


def _frames(request: VideoRequest, spec: ModelSpec, _: Scene) -> str:
    if not spec.frames:
        return "is not supported: give duration"
    count = request.frames or 0
    inside = _LEAST_FRAMES <= count <= _MOST_FRAMES and (count - _LEAST_FRAMES) % _FRAME_STEP == 0
    return "" if inside else f"must be 25 + 4n, from {_LEAST_FRAMES} to {_MOST_FRAMES}"


def _priority(request: VideoRequest, spec: ModelSpec, _: Scene) -> str:
    level = request.priority or 0
    if not 0 <= level <= _MAX_PRIORITY:
        return f"must be from 0 to {_MAX_PRIORITY}"
    if level and not spec.priority:
        return "is not supported"
    return "is not possible with service_tier flex" if level and request.service_tier == "flex" else ""


def _safety_identifier(request: VideoRequest, _spec: ModelSpec, _: Scene) -> str:
    long = len(request.safety_identifier or "") > _MAX_IDENTIFIER
    return f"must have at most {_MAX_IDENTIFIER} characters" if long else ""


def _omni(request: VideoRequest, spec: ModelSpec, scene: Scene) -> str:
    task = request.omni_reference_task_type
    if task == "auto":
        return ""
    if not spec.omni:
        return "is not supported"
    return f"{task} needs a reference video" if task in _FOLLOWS_VIDEO and not scene.videos else ""


_RULES: Final[dict[str, Callable[[VideoRequest, ModelSpec, Scene], str]]] = {
    "service_tier": _service_tier,
    "execution_expires_after": _expires,
    "generate_audio": _generate_audio,
    "draft": _draft,
    "return_last_frame": _return_last_frame,
    "camera_fixed": _camera_fixed,
    "seed": _seed,
    "resolution": _resolution,
    "ratio": _ratio,
    "duration": _duration,
    "frames": _frames,
    "priority": _priority,
    "safety_identifier": _safety_identifier,
    "omni_reference_task_type": _omni,
}
"""Body field -> its rule, which gives the limit in words when the value breaks it, else an empty string."""

_INHERITED: Final = frozenset({"duration", "ratio", "seed", "generate_audio", "omni_reference_task_type"})
"""What finishing a 2.5 draft does not take again (api docs 2607688)."""
