"""What may be told of a job: its prompt, its settings, its inputs by name, and how long its task took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote, urlsplit

from seedance_async.media.gallery.words import bytes_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seedance_async.ledger.rows import JournalRow

__all__ = ["as_object", "items_of", "prompt_of", "settings_of", "took"]

_SETTINGS: Final = {
    "resolution": "Resolution",
    "ratio": "Ratio",
    "duration": "Length",
    "frames": "Frames",
    "framespersecond": "Frames per second",
    "generate_audio": "Sound",
    "service_tier": "Service tier",
    "draft": "Draft",
    "draft_task_id": "Made from the draft",
    "camera_fixed": "Camera fixed",
    "watermark": "Watermark",
    "priority": "Priority",
    "output_format": "Format",
    "omni_reference_task_type": "Kind of reference task",
    "revised_prompt": "Prompt as rewritten",
}
"""Fields that are shown. Others stay away: a callback's address answers to anybody who knows it."""

_INPUTS: Final = {
    "first_frame": "First frame",
    "last_frame": "Last frame",
    "reference_image": "Reference image",
    "reference_video": "Reference video",
    "reference_audio": "Reference sound",
    "": "Image",
}
_SHOWN: Final = 80
_BASE64_GROUP: Final = 4  # signs of base64 that stand for three bytes


def as_object(value: object) -> Mapping[str, Any]:
    """Give a JSON object; an empty one for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def items_of(request: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Give the content items of a create body; what is no item is left out."""
    content: object = (request or {}).get("content")
    if not isinstance(content, list | tuple):
        return []
    listed = cast("list[object]", content)
    return [cast("Mapping[str, Any]", item) for item in listed if isinstance(item, Mapping)]


def prompt_of(request: Mapping[str, Any] | None) -> str:
    """Give the text that was asked for."""
    texts = (item.get("text") for item in items_of(request))
    return "\n".join(text for text in texts if isinstance(text, str))


def settings_of(
    request: Mapping[str, Any] | None, record: Mapping[str, Any] | None
) -> Iterator[tuple[str, str]]:
    """Give settings and inputs as label and text; what the server did goes before what was asked for."""
    for name, label in _SETTINGS.items():
        value = (record or {}).get(name)
        value = (request or {}).get(name) if value is None else value
        text = _setting(name, value)
        if text:
            yield label, text
    for item in items_of(request):
        yield from _input(item)


def _setting(name: str, value: object) -> str:
    """Write one setting; "" for what need not be said."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "duration":
        return "chosen by the model" if value == -1 else f"{value} s" if isinstance(value, int) else ""
    return str(value) if isinstance(value, str | int | float) else ""


def _input(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name one input."""
    kind = str(item.get("type", ""))
    inner = as_object(item.get(kind))
    if kind == "draft_task":
        yield "Made from the draft", str(inner.get("id", ""))
    elif kind.endswith("_url"):
        label = _INPUTS.get(str(item.get("role") or ""), "Input")
        yield label, _medium(inner.get("url"))


def _medium(value: object) -> str:
    """Name an input by the end of its address, or by its size; never with what opens it."""
    if isinstance(value, bytes | bytearray):
        return bytes_text(len(value))
    text = value if isinstance(value, str) else ""
    if text[:5].lower() == "data:":
        return _embedded(text)
    if text.lower().startswith(("http://", "https://")):
        return _last_part(text)
    return text[:_SHOWN]


def _embedded(text: str) -> str:
    """Name a data URI by type and size; a sidecar has it folded already."""
    head, _, body = text.partition(",")
    kind = head[5:].partition(";")[0]
    size = body if body.startswith("(") else bytes_text(len(body) * 3 // _BASE64_GROUP)
    return f"{kind} {size}"[:_SHOWN]


def _last_part(url: str) -> str:
    """Give the file name of a URL and the host it lies on."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an address that cannot be read)"
    name = unquote(parts.path.rstrip("/").rpartition("/")[2])
    host = parts.netloc.rpartition("@")[2]
    return f"{name[:_SHOWN]} ({host})" if name else host


def took(row: JournalRow) -> float | None:
    """Give the seconds that a task took, or None before its end is known.

    The server's record tells, its queue included: our own times end only when somebody looks, and after a
    pause that is much later.
    """
    if row.ended_at is None:
        return None
    begun, ended = ((row.record or {}).get(name) for name in ("created_at", "updated_at"))
    if isinstance(begun, int) and isinstance(ended, int) and ended > begun:
        return float(ended - begun)
    sent = row.accepted_at if row.sent_at is None else row.sent_at
    return None if sent is None else max(0.0, row.ended_at - sent)
