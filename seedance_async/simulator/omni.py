"""The rules of Seedance 2.5 that depend on what kind of task a request is (api docs 2607688).

A wrong explicit task type is refused at once; where the server has to guess, the task fails later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seedance_async.simulator.refusals import Refusal

if TYPE_CHECKING:
    from seedance_async.simulator.content import Content
    from seedance_async.simulator.fields import Checked

_EDIT = re.compile(r"\b(edit|replace|remove)\b|编辑|替换|删除", re.IGNORECASE)
_EXTEND = re.compile(r"\b(extend|continue)\b|延长|续写", re.IGNORECASE)
_FRAME_RATIO = (
    "For first-frame or first-last-frame generation, the output ratio follows the first-frame image."
)
CONSTRAINT = "InvalidParameter.TaskTypeConstraint"
MISMATCH = "InvalidParameter.TaskTypeMismatch"


def check_omni(checked: Checked, content: Content) -> tuple[str, str] | None:
    """Apply the rules.

    Returns:
        Code and message with which the accepted task will fail, or None.

    Raises:
        Refusal: 400 where the server refuses at once.
    """
    if not checked.model.omni:
        return None
    if checked.mode in ("i2v", "flf2v"):
        return _frame_rule(checked)
    asked = checked.text("omni_reference_task_type") or "auto"
    found = _problem(checked, content, asked)
    if found is not None and asked != "auto":
        raise Refusal(status=400, code=found[0], message=found[1])
    return found


def _frame_rule(checked: Checked) -> tuple[str, str] | None:
    """Frame tasks take the ratio of their image."""
    if checked.text("ratio") in (None, "adaptive"):
        return None
    if checked.behaviour.ratio_rule == "create":
        raise Refusal(status=400, code=CONSTRAINT, message=_FRAME_RATIO, param="ratio")
    return CONSTRAINT, _FRAME_RATIO


def _problem(checked: Checked, content: Content, asked: str) -> tuple[str, str] | None:
    """What is wrong with an edit or an extension; anything else has no rules."""
    edits, extends = bool(_EDIT.search(content.prompt)), bool(_EXTEND.search(content.prompt))
    if asked == "edit" or (asked == "auto" and content.videos and edits):
        return _edit_problem(checked, content, edits=edits)
    if asked == "extend" or (asked == "auto" and content.videos and extends):
        return _extend_problem(checked, content, extends=extends)
    return None


def _edit_problem(checked: Checked, content: Content, *, edits: bool) -> tuple[str, str] | None:
    if not content.videos or not edits:
        return MISMATCH, "The task type edit needs a reference video and a prompt that asks for an edit."
    return _constraints(checked, "video editing", duration=True)


def _extend_problem(checked: Checked, content: Content, *, extends: bool) -> tuple[str, str] | None:
    if not content.videos or not extends:
        return MISMATCH, "The task type extend needs a reference video and a prompt that asks to extend it."
    return _constraints(checked, "video extension", duration=False)


def _constraints(checked: Checked, kind: str, *, duration: bool) -> tuple[str, str] | None:
    """The server's sentence about ratio and duration (live)."""
    issues: dict[str, str] = {}
    if checked.text("ratio") not in (None, "adaptive"):
        issues["ratio"] = "ratio must be adaptive"
    if duration and checked.integer("duration") not in (None, -1):
        issues["duration"] = "duration must be -1"
    if not issues:
        return None
    names, reasons = " and ".join(issues), "; ".join(issues.values())
    verdict = f"The task is determined as {kind}. Issues: {reasons}."
    return CONSTRAINT, f"The parameter(s) {names} specified in the request are not valid. {verdict}"
