"""The top-level fields of a create body, each checked against the model (api docs 1520757).

Known fields are strict, unknown names are ignored, null is the same as absent (the official SDK sends nulls).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import frozen

from seedance_async.simulator.jsons import as_list, as_object, as_text, is_integer
from seedance_async.simulator.pixels import RATIOS
from seedance_async.simulator.refusals import Refusal, must_be_empty, not_valid, not_valid_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from seedance_async.simulator.behaviour import Behaviour
    from seedance_async.simulator.capabilities import Model

_MAX_SEED = 2**32 - 1
_EXPIRES = (3600, 259_200)
_FRAMES = (29, 289)
_OMNI = ("auto", "reference", "edit", "extend")
_MAX_IDENTIFIER = 64
_MAX_PRIORITY = 9


@frozen
class Checked:
    """A body being checked: its non-null fields, the model, and the scene."""

    body: dict[str, object]
    model: Model
    mode: str
    behaviour: Behaviour

    def flag(self, name: str) -> bool:
        """A boolean field; absent is false.

        Raises:
            Refusal: 400 for anything but true and false.
        """
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            raise not_valid(name, "expected a boolean")
        return value

    def integer(self, name: str) -> int | None:
        """An integer field, or None.

        Raises:
            Refusal: 400 for anything but an integer.
        """
        value = self.body.get(name)
        if value is None or is_integer(value):
            return value
        raise not_valid(name, "expected an integer")

    def text(self, name: str) -> str | None:
        """A string field, or None.

        Raises:
            Refusal: 400 for anything but a string.
        """
        value = self.body.get(name)
        if value is not None and not isinstance(value, str):
            raise not_valid(name, "expected a string")
        return as_text(value)

    def refuse(self, name: str) -> Refusal:
        """The refusal of a field that the model does not know."""
        return must_be_empty(name, self.model.label, self.mode)

    def refuse_value(self, name: str) -> Refusal:
        """The refusal of a value that the model does not take."""
        return not_valid_for(name, self.model.label, self.mode)


def check_fields(checked: Checked) -> None:
    """Check every known field.

    Raises:
        Refusal: 400 about the first field that is wrong.
    """
    _check_known(checked)
    for check in _CHECKS:
        check(checked)


def _check_known(checked: Checked) -> None:
    """Fields that the model does not know at all must be empty."""
    model = checked.model
    known = {
        "frames": model.frames,
        "camera_fixed": model.camera_fixed and checked.mode != "r2v",
        "draft": model.draft and (model.name != "2.5" or checked.behaviour.drafts_of_25),
        "generate_audio": model.sound,
        "priority": model.priority != "no",
        "tools": model.web_search and (checked.mode == "t2v" or checked.behaviour.web_search_with_media),
        "output_format": model.output_format or checked.behaviour.ignores_output_format,
        "omni_reference_task_type": model.omni,
    }
    for name, is_known in known.items():
        value = checked.body.get(name)
        refused = value is not None and (value is not False or checked.behaviour.refuses_explicit_false)
        if not is_known and refused:
            raise checked.refuse(name)


def _check_flags(checked: Checked) -> None:
    for name in ("return_last_frame", "watermark", "camera_fixed", "draft"):
        checked.flag(name)
    if checked.body.get("generate_audio") is not None:
        checked.flag("generate_audio")


def _check_resolution(checked: Checked) -> None:
    resolution = checked.text("resolution")
    allowed = checked.model.resolutions
    if checked.model.is_lite and checked.mode == "r2v":
        allowed = ("480p", "720p")
    if resolution is not None and resolution.lower() not in allowed:
        raise checked.refuse_value("resolution")


def _check_ratio(checked: Checked) -> None:
    ratio = checked.text("ratio")
    if ratio is None:
        return
    if ratio not in (*RATIOS, "adaptive") or (ratio == "adaptive" and not _takes_adaptive(checked)):
        raise checked.refuse_value("ratio")


def _takes_adaptive(checked: Checked) -> bool:
    """Whether the output may follow its input; the 1.0 family has to be told without a picture."""
    if checked.model.is_lite and checked.mode == "r2v":
        return checked.behaviour.adaptive_lite_references
    return checked.model.default_ratio is not None or checked.mode != "t2v"


def _check_duration(checked: Checked) -> None:
    duration = checked.integer("duration")
    shortest, longest = checked.model.seconds
    if duration is None or (duration == -1 and checked.model.picks_duration):
        return
    # frames beat the duration where both are given, whatever the duration says
    if not shortest <= duration <= longest and checked.body.get("frames") is None:
        raise checked.refuse_value("duration")


def _check_frames(checked: Checked) -> None:
    frames = checked.integer("frames")
    if frames is not None and (not _FRAMES[0] <= frames <= _FRAMES[1] or (frames - 25) % 4):
        raise checked.refuse_value("frames")


def _check_seed(checked: Checked) -> None:
    seed = checked.integer("seed")
    if seed is not None and not -1 <= seed <= _MAX_SEED:
        raise not_valid("seed", f"expected an integer within -1 and {_MAX_SEED}")


def _check_service(checked: Checked) -> None:
    tier = checked.text("service_tier")
    if tier not in (None, "default", "flex"):
        raise not_valid("service_tier", "expected default or flex")
    if tier == "flex" and not checked.model.flex:
        raise checked.refuse("service_tier")
    priority = checked.integer("priority")
    if priority is not None and not 0 <= priority <= _MAX_PRIORITY:
        raise not_valid("priority", f"expected an integer within 0 and {_MAX_PRIORITY}")
    if priority and tier == "flex":
        raise not_valid("priority", "priority is not supported for service_tier flex")


def _check_expiry(checked: Checked) -> None:
    expires = checked.integer("execution_expires_after")
    if expires is None:
        return
    if checked.behaviour.refuses_expires_after:
        raise checked.refuse("execution_expires_after")
    # the lower bound holds for 1.x only (live)
    shortest = _EXPIRES[0] if checked.model.expiry_checked else 1
    if not shortest <= expires <= _EXPIRES[1]:
        raise not_valid("execution_expires_after", f"expected an integer within {shortest} and {_EXPIRES[1]}")


def _check_draft(checked: Checked) -> None:
    if not checked.flag("draft"):
        return
    if (checked.text("resolution") or "480p").lower() != "480p":
        raise checked.refuse_value("resolution")
    if checked.model.name == "1.5 pro":
        if checked.flag("return_last_frame"):
            raise not_valid("return_last_frame", "return_last_frame is not supported for draft")
        if checked.body.get("service_tier") == "flex":
            raise not_valid("service_tier", "flex is not supported for draft")


def _check_words(checked: Checked) -> None:
    identifier = checked.text("safety_identifier")
    if identifier is not None and len(identifier) > _MAX_IDENTIFIER:
        raise not_valid("safety_identifier", f"expected at most {_MAX_IDENTIFIER} characters")
    if checked.text("output_format") not in (None, "mp4", "mov"):
        raise not_valid("output_format", "expected mp4 or mov")
    if checked.text("omni_reference_task_type") not in (None, *_OMNI):
        raise not_valid("omni_reference_task_type", f"expected one of {', '.join(_OMNI)}")
    url = checked.text("callback_url")
    if url is not None and not _is_web_url(url):
        raise not_valid("callback_url", "expected an http or https URL")


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _check_tools(checked: Checked) -> None:
    tools = checked.body.get("tools")
    if tools is None:
        return
    for tool in as_list(tools) or ["not a list"]:
        fields = as_object(tool)
        if fields is None or fields.get("type") != "web_search":
            raise not_valid("tools", "expected web_search tools only")


_CHECKS: tuple[Callable[[Checked], None], ...] = (
    _check_flags,
    _check_resolution,
    _check_ratio,
    _check_duration,
    _check_frames,
    _check_seed,
    _check_service,
    _check_expiry,
    _check_draft,
    _check_words,
    _check_tools,
)
