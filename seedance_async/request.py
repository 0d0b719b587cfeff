"""One prompt as a value: everything a create call can say (api docs 1520757), checked when it is made."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import evolve, field, frozen

from seedance_async.canonical import digest_of, fold, hashable, json_copy
from seedance_async.errors import InvalidRequest
from seedance_async.local import Media, content_of, is_embedded, is_remote
from seedance_async.rules import check_extra, check_request, scalars_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["DEFAULT_MODEL", "VideoRequest"]

DEFAULT_MODEL: Final = "doubao-seedance-1-5-pro-251215"
"""The model of a request that names none, where the environment variable SEEDANCE_MODEL does not either."""


def _model(value: str | None) -> str:
    """Fill in the model of the environment, or the default."""
    return (os.environ.get("SEEDANCE_MODEL") or DEFAULT_MODEL) if value is None else value


def _tuple(value: Iterable[Media] | None) -> tuple[Media, ...]:
    """Copy a list of inputs; anything else is left as it is for the rules to refuse by name."""
    if value is None:
        return ()
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(value)
    return cast("tuple[Media, ...]", value)


def _items(name: str, value: object) -> tuple[dict[str, Any], ...] | None:
    """Copy a list of JSON objects."""
    if value is None:
        return None
    copied = json_copy(value, name)
    if not isinstance(copied, list) or not all(
        isinstance(item, dict) for item in cast("list[object]", copied)
    ):
        raise InvalidRequest(field=name, value=value, limit="must be a list of objects (dicts)")
    return tuple(cast("list[dict[str, Any]]", copied))


def _content(value: Iterable[Mapping[str, Any]] | None) -> tuple[dict[str, Any], ...] | None:
    """Copy raw content."""
    return _items("content", value)


def _tools(value: Iterable[Mapping[str, Any]] | None) -> tuple[dict[str, Any], ...] | None:
    """Copy the tools."""
    return _items("tools", value)


def _extra(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Copy the extra body fields."""
    if value is None or isinstance(value, Mapping):
        return None if value is None else cast("dict[str, Any]", json_copy(value, "extra_body"))
    raise InvalidRequest(field="extra_body", value=value, limit="must be a mapping (dict)")


@frozen(kw_only=True, repr=False)
class VideoRequest:
    """One prompt and how its video shall be made.

    None means unset: the field is not sent and the server takes its own default.  What is always wrong for a
    known model is refused here, before anything is sent; unknown models and unknown words pass.

    An input (:data:`~seedance_async.local.Media`) is a URL, an ``asset://`` id, a data URI, a local path, or
    the bytes of a file.  :func:`seedance_async.media.inputs.resolve` turns paths and bytes into data URIs.
    The lists are copied into tuples; do not change the dicts in them.

    Attributes:
        prompt: what the video should show.
        model: model id or endpoint id (``ep-...``); default SEEDANCE_MODEL, else DEFAULT_MODEL.
        image: the one first frame, sent without a role; beside ``last_frame`` with the role ``first_frame``.
        first_frame: the first frame, always sent with its role.
        last_frame: the last frame; needs a first one.
        reference_images: images to refer to; excludes first and last frame.
        reference_videos: videos to refer to; ``https`` URL or ``asset://`` only.
        reference_audios: sounds to refer to.
        draft_task: id of a draft task to finish; goes alone.
        content: the raw ``content`` list instead of all the above.
        callback_url: where the server POSTs each change of status; ``https``.
        return_last_frame: also give the last frame as an image.
        service_tier: ``default`` or ``flex`` (offline queue, half the price; 1.x only).
        execution_expires_after: seconds after which an unfinished task expires, to 259200.
        generate_audio: whether the video gets a sound track.
        draft: make a cheap preview.
        camera_fixed: ask for a fixed camera (1.x only).
        watermark: put a mark into the lower right corner.
        seed: -1 for a random one, or 0 to 2**32-1.
        resolution: ``480p``, ``720p``, ``1080p`` or ``4k``, as far as the model goes.
        ratio: ``16:9``, ``4:3``, ``1:1``, ``3:4``, ``9:16``, ``21:9`` or ``adaptive``.
        duration: seconds; -1 lets the model choose (1.5 and later).
        frames: number of frames, 25 + 4n from 29 to 289, instead of duration (1.0 only).
        priority: 0 to 9, larger first.
        safety_identifier: an opaque id of the end user, up to 64 characters, echoed by the server.
        tools: ``[{"type": "web_search"}]`` (2.x only).
        output_format: ``mp4`` or ``mov`` (2.5 only).
        omni_reference_task_type: ``auto``, ``reference``, ``edit`` or ``extend`` (2.5 only).
        extra_body: body fields that this version does not know; may not override a field that is set.

    Raises:
        InvalidRequest: naming field, value and limit.
    """

    prompt: str | None = None
    model: str = field(default=None, converter=_model)
    image: Media | None = None
    first_frame: Media | None = None
    last_frame: Media | None = None
    reference_images: tuple[Media, ...] = field(default=(), converter=_tuple)
    reference_videos: tuple[Media, ...] = field(default=(), converter=_tuple)
    reference_audios: tuple[Media, ...] = field(default=(), converter=_tuple)
    draft_task: str | None = None
    content: tuple[dict[str, Any], ...] | None = field(default=None, converter=_content)
    callback_url: str | None = None
    return_last_frame: bool | None = None
    service_tier: str | None = None
    execution_expires_after: int | None = None
    generate_audio: bool | None = None
    draft: bool | None = None
    camera_fixed: bool | None = None
    watermark: bool | None = None
    seed: int | None = None
    resolution: str | None = None
    ratio: str | None = None
    duration: int | None = None
    frames: int | None = None
    priority: int | None = None
    safety_identifier: str | None = None
    tools: tuple[dict[str, Any], ...] | None = field(default=None, converter=_tools)
    output_format: str | None = None
    omni_reference_task_type: str | None = None
    extra_body: dict[str, Any] | None = field(default=None, converter=_extra)

    def __attrs_post_init__(self) -> None:
        check_request(self)

    def __repr__(self) -> str:
        shown = ((name, getattr(self, name)) for name in _NAMES)
        # The path of a callback URL is its only protection, so it stays out of logs.
        parts = (
            f"{name}={_origin(value) if name == 'callback_url' else fold(value)}"
            for name, value in shown
            if value is not None and value != ()
        )
        return f"VideoRequest({', '.join(parts)})"

    def __hash__(self) -> int:
        return hash(tuple(hashable(getattr(self, name)) for name in _NAMES))

    def evolve(self, **changes: Any) -> VideoRequest:
        """Give a copy with other values, checked anew.

        Raises:
            InvalidRequest: the changed request is always wrong.
        """
        return evolve(self, **changes)

    @property
    def has_local_media(self) -> bool:
        """True when inputs are paths, bytes or data URIs, which take time: resolve and hash in a thread."""
        if self.content is not None:
            return any(_is_embedded_part(part) for item in self.content for part in item.values())
        return any(_is_local(value) for _, value, _, _ in self._media())

    def sets(self, name: str) -> bool:
        """Tell whether the body will carry a field, be it by its own name or through ``extra_body``."""
        return name in {"model", "content"} or name in self._fields()

    def to_body(self, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Give the JSON body of the create call.

        Args:
            extra: fields to add, for example an ``execution_expires_after`` of the library's own.

        Returns:
            A fresh dict that the caller may change.

        Raises:
            InvalidRequest: an input is still a path or bytes, or ``extra`` would override a field.
        """
        body = self._body(_sendable)
        if extra:
            check_extra("extra", extra, set(body))
            body.update(extra)
        return body

    def digest(self) -> str:
        """Give a stable key of the request: 64 hex digits, the same in every process and version.

        Local inputs and data URIs count by their content, so resolving does not change the digest.  Paths are
        read, which blocks: call it in a thread where ``has_local_media``.

        Raises:
            InvalidRequest: a path cannot be read.
        """
        return digest_of(self._body(content_of))

    def _body(self, medium: Callable[[Media, str], object]) -> dict[str, Any]:
        """Build the body, each input put through ``medium``."""
        return {"model": self.model, "content": self._content_items(medium), **self._fields()}

    def _fields(self) -> dict[str, Any]:
        """Copy the fields beside model and content that are set."""
        given = scalars_of(self)
        if self.tools is not None:
            given["tools"] = json_copy(self.tools, "tools")
        if self.extra_body:
            given.update(json_copy(self.extra_body, "extra_body"))
        return given

    def _content_items(self, medium: Callable[[Media, str], object]) -> list[dict[str, Any]]:
        """Build the content list: prompt, then images, videos, audios."""
        if self.content is not None:
            return cast("list[dict[str, Any]]", json_copy(self.content, "content"))
        items: list[dict[str, Any]] = []
        if self.prompt is not None:
            items.append({"type": "text", "text": self.prompt})
        if self.draft_task is not None:
            items.append({"type": "draft_task", "draft_task": {"id": self.draft_task}})
        for name, value, kind, role in self._media():
            item: dict[str, Any] = {"type": kind, kind: {"url": medium(value, name)}}
            items.append({**item, "role": role} if role else item)
        return items

    def _media(self) -> Iterator[tuple[str, Media, str, str]]:
        """Give field name, value, wire type and role of every input, in the order of sending."""
        if self.image is not None:
            yield "image", self.image, "image_url", "" if self.last_frame is None else "first_frame"
        if self.first_frame is not None:
            yield "first_frame", self.first_frame, "image_url", "first_frame"
        if self.last_frame is not None:
            yield "last_frame", self.last_frame, "image_url", "last_frame"
        for kind in ("image", "video", "audio"):
            values: tuple[Media, ...] = getattr(self, f"reference_{kind}s")
            for index, value in enumerate(values):
                yield f"reference_{kind}s[{index}]", value, f"{kind}_url", f"reference_{kind}"


_NAMES: Final = tuple(VideoRequest.__annotations__)


def _is_local(value: object) -> bool:
    """Tell an input that lies here from one that the server fetches."""
    return not isinstance(value, str) or is_embedded(value) or not is_remote(value)


def _is_embedded_part(part: object) -> bool:
    """Tell whether a part of raw content carries a data URI."""
    url = cast("dict[str, object]", part).get("url") if isinstance(part, dict) else None
    return isinstance(url, str) and is_embedded(url)


def _origin(url: str) -> str:
    """Show where a callback goes without the part that keeps it secret."""
    scheme, _, rest = url.partition("://")
    return repr(f"{scheme}://{rest.split('/', 1)[0].rpartition('@')[2]}/...")


def _sendable(value: Media, name: str) -> str:
    """Refuse inputs that a server cannot understand."""
    if isinstance(value, str) and is_remote(value):
        return value
    limit = "is local: call seedance_async.media.inputs.resolve(request) first"
    raise InvalidRequest(field=name, value=value, limit=limit)
