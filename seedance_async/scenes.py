"""Which inputs a request has, counted by role, and which of them exclude each other (api docs 1520757)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

if TYPE_CHECKING:
    from seedance_async.request import VideoRequest

__all__ = ["TEXT", "Scene", "fault_of", "has_media", "scene_of"]


@frozen
class Scene:
    """How many inputs of each role a request has.

    Attributes:
        text: prompts.
        plain: images without a role.
        first: images with the role ``first_frame``.
        last: images with the role ``last_frame``.
        images: reference images.
        videos: reference videos.
        audios: reference audios.
        draft: drafts to finish.
    """

    text: int = 0
    plain: int = 0
    first: int = 0
    last: int = 0
    images: int = 0
    videos: int = 0
    audios: int = 0
    draft: int = 0

    @property
    def frames(self) -> int:
        """First and last frames together."""
        return self.plain + self.first + self.last


_EMPTY: Final = Scene()
TEXT: Final = Scene(text=1)
"""A prompt and nothing else, as most requests are."""
_PARTS: Final = {
    ("text", ""): "text",
    ("draft_task", ""): "draft",
    ("image_url", ""): "plain",
    ("image_url", "first_frame"): "first",
    ("image_url", "last_frame"): "last",
    ("image_url", "reference_image"): "images",
    ("video_url", "reference_video"): "videos",
    ("audio_url", "reference_audio"): "audios",
}


def has_media(request: VideoRequest) -> bool:
    """Tell whether a request has anything besides its prompt in the keyword fields."""
    return (
        request.image is not None
        or request.first_frame is not None
        or request.last_frame is not None
        or request.draft_task is not None
        or request.reference_images != ()
        or request.reference_videos != ()
        or request.reference_audios != ()
    )


def scene_of(request: VideoRequest) -> Scene | None:
    """Count the inputs of a request by role.

    Args:
        request: the request; raw ``content`` is counted like the keyword fields.

    Returns:
        The counts; None when raw content holds a part that this version does not know.
    """
    if request.content is not None:
        return _raw_scene(request.content)
    if not has_media(request):
        return TEXT if request.prompt is not None else _EMPTY
    # One image goes without a role; beside a last frame the server wants the role.
    image, paired = int(request.image is not None), request.last_frame is not None
    return Scene(
        text=int(request.prompt is not None),
        plain=0 if paired else image,
        first=int(request.first_frame is not None) + (image if paired else 0),
        last=int(paired),
        images=len(request.reference_images),
        videos=len(request.reference_videos),
        audios=len(request.reference_audios),
        draft=int(request.draft_task is not None),
    )


def _raw_scene(content: tuple[dict[str, Any], ...]) -> Scene | None:
    """Count the parts of raw content."""
    counts = dict.fromkeys(_PARTS.values(), 0)
    for item in content:
        part = _PARTS.get((str(item.get("type")), str(item.get("role") or "")))
        if part is None:
            return None
        counts[part] += 1
    return Scene(**counts)


@lru_cache(maxsize=256)
def fault_of(scene: Scene) -> tuple[str, str] | None:
    """Find what is wrong with a combination of inputs, whatever the model.

    Three scenes exclude each other (one first frame; first and last frame; reference media), and a draft goes
    alone.

    Args:
        scene: the counts.

    Returns:
        The name of the field at fault and the rule in words, or None.
    """
    references = ("images", "videos", "audios")
    mixed = next((f"reference_{kind}" for kind in references if getattr(scene, kind)), "")
    faults = (
        (
            bool(scene.draft) and scene != Scene(draft=1),
            "draft_task",
            "goes alone, without prompt and media: the draft holds them",
        ),
        (bool(mixed and scene.frames), mixed, "cannot be mixed with a first or last frame"),
        (bool(scene.plain) and scene.frames > 1, "image", "needs a role where there is more than one image"),
        (scene.first > 1, "first_frame", "can be given once only"),
        (scene.last > 1, "last_frame", "can be given once only"),
        (scene.last > scene.first, "last_frame", "needs a first frame: give image or first_frame too"),
        (scene == _EMPTY, "prompt", "must be given, unless there is media, draft_task or content"),
    )
    return next(((name, limit) for broken, name, limit in faults if broken), None)
