"""What is always wrong in a request, refused before anything is sent (api docs 1520757).

Here stand the rules that hold for every model: types, shapes, inputs that exclude each other.  What one model
takes and another does not stands in :mod:`seedance_async.capabilities`.
"""

from __future__ import annotations

from operator import attrgetter
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, cast

from seedance_async.capabilities import check_capabilities
from seedance_async.catalog import ModelSpec, spec_for
from seedance_async.errors import InvalidRequest
from seedance_async.local import is_embedded, is_remote
from seedance_async.scenes import fault_of, has_media, scene_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seedance_async.request import VideoRequest
    from seedance_async.scenes import Scene

__all__ = ["SCALARS", "check_extra", "check_request", "scalars_of"]

SCALARS: Final[dict[str, type[str | int | bool]]] = {
    "callback_url": str,
    "return_last_frame": bool,
    "service_tier": str,
    "execution_expires_after": int,
    "generate_audio": bool,
    "draft": bool,
    "camera_fixed": bool,
    "watermark": bool,
    "seed": int,
    "resolution": str,
    "ratio": str,
    "duration": int,
    "frames": int,
    "priority": int,
    "safety_identifier": str,
    "output_format": str,
    "omni_reference_task_type": str,
}
"""Body fields with a plain value, by wire name, in the order in which they are sent."""

_values: Final = attrgetter(*SCALARS)

_FRAMES: Final = ("image", "first_frame", "last_frame")
_LISTS: Final = {"reference_images": "image", "reference_videos": "video", "reference_audios": "audio"}
_HEAD: Final = 40  # enough of a string to tell what it is; the rest of a data URI may be megabytes


def check_request(request: VideoRequest) -> None:
    """Refuse what is always wrong.

    Args:
        request: the request, its collections already copied.

    Raises:
        InvalidRequest: naming field, value and limit.
    """
    _check_text("model", request.model)
    if request.prompt is not None:
        _check_text("prompt", request.prompt)
    given = scalars_of(request)
    for name, value in given.items():
        _check_kind(name, value, SCALARS[name])
    spec = spec_for(request.model)
    if has_media(request):
        _check_media(request, spec)
    scene = scene_of(request)
    _check_sources(request, scene, spec)
    if spec is not None and scene is not None:
        check_capabilities(request, spec, scene, given)
    if request.extra_body:
        taken = {"model", "content", *given}
        if request.tools is not None:
            taken.add("tools")
        check_extra("extra_body", request.extra_body, taken)


def scalars_of(request: VideoRequest) -> dict[str, Any]:
    """Give the body fields with a plain value that are set, in the order in which they are sent."""
    return {name: value for name, value in zip(SCALARS, _values(request), strict=True) if value is not None}


def check_extra(name: str, extra: Mapping[str, Any], taken: set[str]) -> None:
    """Refuse extra body fields that would override a field that is set.

    Args:
        name: where the extra fields come from, for the message.
        extra: the extra fields.
        taken: names of the fields that are set.

    Raises:
        InvalidRequest: one of them is set already.
    """
    for key in extra:
        if key in taken:
            limit = f"must not override {key}, which is set: leave one of the two out"
            raise InvalidRequest(field=f"{name}.{key}", value=extra[key], limit=limit)


def _check_text(name: str, value: object) -> None:
    """Refuse anything but text with something in it."""
    if not isinstance(value, str) or not value or value.isspace():
        raise InvalidRequest(field=name, value=value, limit="must be a string that is not blank")
    if not value.isascii():
        _check_unicode(name, value)


def _check_unicode(name: str, value: str) -> None:
    """Refuse half characters, which no UTF-8 body can carry."""
    try:
        value.encode()
    except UnicodeEncodeError:
        limit = "must be valid Unicode; it holds a lone surrogate, as from an emoji cut in two"
        raise InvalidRequest(field=name, value=value, limit=limit) from None


def _check_kind(name: str, value: object, kind: type[str | int | bool]) -> None:
    """Refuse a value of another type; True is not 1, and "5" is not 5."""
    if kind is str:
        _check_text(name, value)
    elif not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        wanted = "True or False" if kind is bool else "a whole number (int)"
        raise InvalidRequest(field=name, value=value, limit=f"must be {wanted}, not {type(value).__name__}")


def _check_media(request: VideoRequest, spec: ModelSpec | None) -> None:
    """Check the shape of every input besides the prompt."""
    if request.draft_task is not None:
        _check_text("draft_task", request.draft_task)
    for name in _FRAMES:
        value = getattr(request, name)
        if value is not None:
            _check_medium(name, value, "image", spec)
    for name, kind in _LISTS.items():
        values: object = getattr(request, name)
        if not isinstance(values, tuple):
            raise InvalidRequest(field=name, value=values, limit="must be a list, also for a single item")
        for index, value in enumerate(cast("tuple[object, ...]", values)):
            _check_medium(f"{name}[{index}]", value, kind, spec)


def _is_media(value: object) -> bool:
    """Tell an input from everything else."""
    return bool(value) and isinstance(value, str | bytes | PathLike)


def _check_medium(name: str, value: object, kind: str, spec: ModelSpec | None) -> None:
    """Check the shape of one input; bytes and files are looked into when they are resolved."""
    if not _is_media(value):
        limit = f"must be a URL, asset://, data URI, path or bytes, not empty, not {type(value).__name__}"
        raise InvalidRequest(field=name, value=value, limit=limit)
    head = value[:_HEAD].lower() if isinstance(value, str) else ""
    if head.startswith("file:"):
        raise InvalidRequest(field=name, value=value, limit="give a local file by its path, without file:")
    if kind == "video":
        _check_video(name, value, spec)
    elif head.startswith("data:") and not head.startswith(f"data:{kind}/"):
        raise InvalidRequest(field=name, value=value, limit=f"must be a data:{kind}/...;base64 URI")


def _check_video(name: str, value: object, spec: ModelSpec | None) -> None:
    """Refuse videos that would have to travel in the body."""
    remote = isinstance(value, str) and is_remote(value)
    if not remote or (spec is not None and is_embedded(str(value))):
        limit = "the server takes videos only by https URL or asset://; upload the file somewhere first"
        raise InvalidRequest(field=name, value=value, limit=limit)


def _check_sources(request: VideoRequest, scene: Scene | None, spec: ModelSpec | None) -> None:
    """Refuse inputs that exclude each other; raw content for an unknown model is left to the server."""
    if request.content is not None:
        _check_raw(request, request.content)
        if spec is None:
            return
    elif request.image is not None and request.first_frame is not None:
        raise InvalidRequest(field="first_frame", value=request.first_frame, limit="cannot go with image")
    fault = fault_of(scene) if scene is not None else None
    if fault is not None:
        name, limit = fault if request.content is None else ("content", f"{fault[0]} {fault[1]}")
        raise InvalidRequest(field=name, value=getattr(request, name), limit=limit)


def _check_raw(request: VideoRequest, content: tuple[dict[str, Any], ...]) -> None:
    """Check raw content: it stands alone, and media are objects (the server rejects a bare string)."""
    if request.prompt is not None or has_media(request):
        limit = "excludes prompt, media and draft_task: put them into it"
        raise InvalidRequest(field="content", value=content, limit=limit)
    if not content:
        raise InvalidRequest(field="content", value=content, limit="must hold at least one item")
    for index, item in enumerate(content):
        for key in ("image_url", "video_url", "audio_url"):
            if isinstance(item.get(key), str):
                limit = 'must be an object: {"url": ...}'
                raise InvalidRequest(field=f"content[{index}].{key}", value=item[key], limit=limit)
