"""Gateways say the same things in other words: every spelling is folded into Ark's own here, and only here.

Spellings seen in public gateway documentation: ``submitted`` (kkiai), ``SUCCESS`` in a
``{"code": ..., "data": {...}}`` wrapper (new-api, crazyrouter), string errors, ``fail_reason``, results in
``video_result`` or in a list (tests/samples).
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from seedance_async._wire.shapes import as_list, as_object
from seedance_async.models import TaskError, TaskStatus, Usage, VideoTask

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SUCCESS_CODES", "UNKNOWN", "fold", "fold_all", "is_wrapper", "status_of", "to_task"]

_WORDS = {
    TaskStatus.QUEUED: ("queued", "submitted", "not_start", "pending", "created", "in_queue"),
    TaskStatus.RUNNING: ("running", "processing", "in_progress", "generating"),
    TaskStatus.SUCCEEDED: ("succeeded", "success", "completed", "complete", "done"),
    TaskStatus.FAILED: ("failed", "failure", "error"),
    TaskStatus.CANCELLED: ("cancelled", "canceled"),
    TaskStatus.EXPIRED: ("expired", "timeout"),
}
# Python 3.11 takes ten times as long to find a member of an enum as a name.
UNKNOWN: Final = TaskStatus.UNKNOWN
_STATUS_OF = {word: status for status, words in _WORDS.items() for word in words}

SUCCESS_CODES = (0, "0", 200, "200", "success", None)
"""What ``code`` says in the wrapper of a good answer."""


def status_of(word: object) -> TaskStatus:
    """Fold a status word; one that nobody has documented is UNKNOWN, which means "not yet"."""
    return _STATUS_OF.get(word.lower(), UNKNOWN) if isinstance(word, str) else UNKNOWN


def is_wrapper(payload: Mapping[str, Any]) -> bool:
    """True for ``{"code": ..., "message": ..., "data": ...}`` around the real answer."""
    return "data" in payload and "id" not in payload and ("code" in payload or "message" in payload)


def fold(payload: dict[str, Any]) -> dict[str, Any]:
    """Give the record under Ark's field names; a record that is Ark's own comes back as it is."""
    if "id" in payload:
        return payload
    if is_wrapper(payload) and (inner := as_object(payload["data"])) is not None:
        return _fold_wrapped(inner)
    return {**payload, "id": payload["task_id"]} if "task_id" in payload else payload


def fold_all(items: list[Any]) -> list[dict[str, Any]]:
    """Give the records of a list under Ark's field names; an id that is no string becomes one."""
    if _are_records(items):
        return items
    folded = [fold(record) for item in items if (record := as_object(item)) is not None]
    return [{**record, "id": str(record.get("id") or "")} for record in folded]


def _are_records(items: list[Any]) -> TypeGuard[list[dict[str, Any]]]:
    """Whether nothing need be folded: nearly always, so it is asked without a step for each of up to 500."""
    try:
        return {*map(type, items)} <= {dict} and {*map(type, map(itemgetter("id"), items))} <= {str}
    except KeyError:
        return False


def _fold_wrapped(outer: dict[str, Any]) -> dict[str, Any]:
    """Merge a gateway's own record with the native one that it may carry inside."""
    native = as_object(outer.get("data")) or {}
    record = {**outer, **native}
    record.pop("data", None)
    # The gateway's id is the one that it will answer to; the native one belongs to its own upstream account.
    record["id"] = outer.get("task_id") or outer.get("id") or record.get("id")
    words = [source["status"] for source in (native, outer) if source.get("status")]
    # Some gateways leave their own status behind when the upstream task ended: an end wins over "not yet".
    record["status"] = next(
        (word for word in words if status_of(word).is_terminal), words[-1] if words else None
    )
    return record


def to_task(record: dict[str, Any]) -> VideoTask:
    """Read a folded record; a field of the wrong type is left out and stays visible in ``raw``."""
    media = as_object(record.get("content")) or _media(record)
    # By exact type, as JSON gives it: True is no number. An empty string says nothing. Our own names go on as
    # arguments, not the record's: Python finds an argument much faster by the very string that it knows.
    facts: dict[str, Any] = {
        name: value for name, kind in _PLAIN.items() if type(value := record.get(name)) is kind
    }
    if "" in facts.values():
        facts = {name: value for name, value in facts.items() if value != ""}
    return VideoTask(
        id=str(record.get("id") or ""),
        status=status_of(record.get("status") or "queued"),
        model=_string(record.get("model")) or "",
        error=_error(record),
        video_url=_string(media.get("video_url") or record.get("video_url") or record.get("result_url")),
        last_frame_url=_string(media.get("last_frame_url") or record.get("last_frame_url")),
        file_url=_string(media.get("file_url")),
        tools=_tuple(record.get("tools")),
        usage=_usage(record.get("usage")),
        raw=record,
        **facts,
    )


def _media(record: Mapping[str, Any]) -> dict[str, Any]:
    """Find the URLs where a gateway keeps them: ``video_result``, or ``content`` as a list of items."""
    found = as_object(record.get("video_result")) or {}
    for item in map(as_object, as_list(record.get("content")) or ()):
        place = as_object(item.get("video_url")) if item is not None else None
        if place is not None:
            found = {**found, "video_url": place.get("url")}
    return found


def _number(value: object) -> int | None:
    """Take whole numbers only; True is not one."""
    return value if type(value) is int else None


def _string(value: object) -> str | None:
    """Take strings that say something."""
    return value if isinstance(value, str) and value else None


def _error(record: Mapping[str, Any]) -> TaskError | None:
    """Read ``error`` (object or string), else ``fail_reason``."""
    if (error := as_object(record.get("error"))) is not None:
        return TaskError(code=str(error.get("code") or ""), message=str(error.get("message") or ""))
    text = _string(record.get("error")) or _string(record.get("fail_reason"))
    return TaskError(message=text) if text else None


def _usage(said: object) -> Usage | None:
    """Read the tokens; a record without them says None, not zero."""
    if (usage := as_object(said)) is None:
        return None
    tools = as_object(usage.get("tool_usage")) or {}
    completion = _number(usage.get("completion_tokens")) or _number(usage.get("total_tokens")) or 0
    return Usage(
        completion_tokens=completion,
        total_tokens=_number(usage.get("total_tokens")) or completion,
        web_search=_number(tools.get("web_search")) or 0,
    )


def _tuple(value: object) -> tuple[Any, ...] | None:
    """Copy a list, so that nobody changes the record through it."""
    items = as_list(value)
    return None if items is None else tuple(items)


_NUMBERS = (
    "created_at", "updated_at", "seed", "duration", "frames", "framespersecond",
    "execution_expires_after", "priority",
)  # fmt: skip
_STRINGS = (
    "resolution", "ratio", "draft_task_id", "service_tier", "output_format",
    "safety_identifier", "revised_prompt", "fileformat", "subdivisionlevel",
)  # fmt: skip
_PLAIN: dict[str, type] = {
    **dict.fromkeys(_NUMBERS, int),
    **dict.fromkeys(_STRINGS, str),
    **dict.fromkeys(("generate_audio", "draft"), bool),
}
