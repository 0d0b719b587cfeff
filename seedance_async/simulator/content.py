"""The `content` array of a create body: items, roles, and the scene that they make (api docs 1520757)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from seedance_async.simulator.jsons import as_list, as_object, as_text
from seedance_async.simulator.picture import check_image
from seedance_async.simulator.refusals import invalid, missing, not_valid

if TYPE_CHECKING:
    from seedance_async.simulator.capabilities import Model

_IMAGE_ROLES = ("first_frame", "last_frame", "reference_image")
_SCHEMES = ("http://", "https://", "asset://")


@define
class Content:
    """The items of a body, sorted."""

    texts: list[str] = field(factory=list[str])
    images: list[tuple[str, str | None]] = field(factory=list[tuple[str, str | None]])
    videos: list[str] = field(factory=list[str])
    audios: list[str] = field(factory=list[str])
    draft_task: str | None = None

    @property
    def prompt(self) -> str:
        """All text items, a line each."""
        return "\n".join(self.texts)

    @property
    def hosts(self) -> set[str]:
        """Where the media lie; whatever stands there, readable as a URL or not."""
        urls = (*(url for url, _ in self.images), *self.videos, *self.audios)
        return {url.partition("://")[2].partition("/")[0].partition(":")[0].lower() for url in urls}

    def image_of(self, role: str) -> str | None:
        """The image with a role; a single image without one is the first frame."""
        return next((url for url, given in self.images if (given or "first_frame") == role), None)


def read_content(value: object, assets: frozenset[str] | None) -> Content:
    """Sort the items of `content`.

    Raises:
        Refusal: 400 for an item of the wrong shape.
    """
    items = as_list(value)
    if not items:
        raise missing("content")
    content = Content()
    for index, item in enumerate(items):
        fields = as_object(item)
        if fields is None:
            raise not_valid(f"content[{index}]", "expected an object")
        _read_item(content, index, fields, assets)
    return content


def _read_item(
    content: Content, index: int, fields: dict[str, object], assets: frozenset[str] | None
) -> None:
    """Put one item where it belongs."""
    kind = fields.get("type")
    if kind == "text":
        content.texts.append(_read_text(index, fields))
    elif kind == "draft_task":
        content.draft_task = _read_draft(index, fields)
    elif kind == "image_url":
        url = _read_url(index, "image_url", fields, assets)
        content.images.append((url, _read_role(index, fields)))
    elif kind in ("video_url", "audio_url"):
        _read_reference(content, index, str(kind), fields, assets)
    else:
        raise not_valid(
            f"content[{index}].type", "supported values are text, image_url, audio_url, video_url"
        )


def _read_text(index: int, fields: dict[str, object]) -> str:
    text = as_text(fields.get("text"))
    if text is None:
        raise missing(f"content[{index}].text")
    if not text.strip():
        raise not_valid("content", "text content must contain a prompt description")
    return text


def _read_draft(index: int, fields: dict[str, object]) -> str:
    holder = as_object(fields.get("draft_task"))
    name = as_text(holder.get("id")) if holder else None
    if not name:
        raise missing(f"content[{index}].draft_task.id")
    return name


def _read_role(index: int, fields: dict[str, object]) -> str | None:
    role = fields.get("role")
    if role is not None and role not in _IMAGE_ROLES:
        raise not_valid(f"content[{index}].role", "invalid role specified for image content")
    return as_text(role)


def _read_reference(
    content: Content, index: int, key: str, fields: dict[str, object], assets: frozenset[str] | None
) -> None:
    """A reference video or audio."""
    medium = key.removesuffix("_url")
    if fields.get("role") != f"reference_{medium}":
        raise not_valid(f"content[{index}].role", f"role must be reference_{medium} for {medium} contents")
    url = _read_url(index, key, fields, assets)
    (content.videos if medium == "video" else content.audios).append(url)


def _read_url(index: int, key: str, fields: dict[str, object], assets: frozenset[str] | None) -> str:
    """The URL of a media item; a bare string in place of the object is refused (live)."""
    name = f"content[{index}].{key}"
    holder = as_object(fields.get(key))
    if holder is None:
        raise not_valid(name, "expected an object with url")
    url = as_text(holder.get("url"))
    if not url:
        code = "InvalidImageURL.EmptyURL" if key == "image_url" else "MissingParameter"
        raise invalid(f"{name}.url", f"The `{name}.url` in the request is empty.", code=code)
    _check_url(f"{name}.url", key, url, assets)
    return url


def _check_url(name: str, key: str, url: str, assets: frozenset[str] | None) -> None:
    """Scheme, inline data, and known assets."""
    if url.startswith("data:"):
        if key == "video_url":
            raise not_valid(name, "base64 is not supported for videos")
        if key == "image_url":
            check_image(name, url)
        elif not url.startswith("data:audio/"):
            raise not_valid(name, "expected data:audio/<format>;base64,")
    elif not url.startswith(_SCHEMES):
        code = "InvalidImageURL.InvalidFormat" if key == "image_url" else "InvalidParameter"
        raise invalid(name, f"The `{name}` in the request is not a valid URL.", code=code)
    elif url.startswith("asset://") and assets is not None and url.removeprefix("asset://") not in assets:
        raise not_valid(name, f"The specified asset {url.removeprefix('asset://')} is not found")


def mode_of(content: Content, model: Model) -> str:
    """The scene that the items make, checked against the model.

    Raises:
        Refusal: 400 for a mixture, missing roles, wrong counts, or a scene the model does not have.
    """
    if content.draft_task is not None:
        if content.texts or content.images or content.videos or content.audios:
            raise not_valid("content", "draft_task must be the only content")
        return "draft"
    roles = [role for _, role in content.images]
    _check_roles(roles)
    referenced = "reference_image" in roles or content.videos or content.audios
    if referenced and any(role != "reference_image" for role in roles):
        raise not_valid("content", "first/last frame content cannot be mixed with reference media content")
    mode = "r2v" if referenced else ("t2v", "i2v", "flf2v")[len(roles)]
    _check_supported(mode, model)
    if mode == "r2v":
        _check_references(content, model)
    return mode


def _check_roles(roles: list[str | None]) -> None:
    """Every image needs a role where there are several; one first frame, one last frame."""
    if len(roles) > 1 and None in roles:
        raise not_valid("content", "role must be specified for image contents")
    first = sum(role in (None, "first_frame") for role in roles)
    last = roles.count("last_frame")
    for name, count in (("first", first), ("last", last)):
        if count > 1:
            raise not_valid(
                "content", f"expected at most one {name} frame image content but got {count} instead"
            )
    if last and not first and "reference_image" not in roles:
        raise not_valid("content", "last frame image content requires a first frame image content")


def _check_supported(mode: str, model: Model) -> None:
    """Whether the model has the scene."""
    has = {
        "t2v": model.text_only,
        "i2v": model.first_frame,
        "flf2v": model.last_frame,
        "r2v": model.images > 0,
    }
    if not has[mode]:
        raise invalid("content", f"the specified task_type {mode} does not support model {model.label}.")


def _check_references(content: Content, model: Model) -> None:
    """Counts of reference media, and audio that stands alone."""
    counts = (
        ("reference_image", len(content.images), model.images),
        ("reference_video", len(content.videos), model.videos),
        ("reference_audio", len(content.audios), model.audios),
    )
    for name, count, limit in counts:
        if count > limit:
            raise not_valid("content", f"expected at most {limit} {name} contents but got {count} instead")
    if content.audios and not (content.images or content.videos or model.audio_alone):
        raise not_valid("content", "reference_audio cannot be the only reference input")
