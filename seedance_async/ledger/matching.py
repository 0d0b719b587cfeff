"""Is this record the task of that lost submit? Pure comparison of what was sent with what a record shows."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Any, Final

from seedance_async.ledger.fingerprints import FIELD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seedance_async.ledger.intents import Intent
    from seedance_async.models import VideoTask

__all__ = ["Agreement", "compare", "facts_of", "in_window", "tells_apart"]

_ECHOED: Final = (
    "seed", "duration", "frames", "ratio", "resolution", "service_tier", "safety_identifier",
    "generate_audio", "draft", "output_format", FIELD,
)  # fmt: skip
"""Body fields that a record may show again (api docs 1521309)."""

# What the server replaces by a value of its own choice says nothing about the request.
_OPEN_CHOICES: Final = {"seed": (-1,), "duration": (-1,), "ratio": ("adaptive",)}
_DISTINGUISHING: Final = (FIELD, "safety_identifier", "seed")
_DEFAULT_EXPIRY: Final = 172_800
_VENDOR = re.compile(r"^(doubao|dreamina|bytedance)-")
_DATED = re.compile(r"^seedance-.*-\d{6}$")
# The server's clock and ours are compared through a header that knows whole seconds, over a network.
_SLACK_SECONDS: Final = 15.0


class Agreement(enum.Enum):
    """What comparing a record with a lost submit says."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    BARE = "bare"
    SILENT = "silent"


def facts_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the fields of a body that a record may show again, without those the server chooses itself."""
    facts = {
        name: body[name] for name in _ECHOED if name in body and body[name] not in _OPEN_CHOICES.get(name, ())
    }
    return {"model": body.get("model", ""), **facts}


def tells_apart(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the facts that few other tasks share: the fingerprint, the end-user id, a chosen seed."""
    found = {name: facts[name] for name in _DISTINGUISHING if facts.get(name) is not None}
    if found.get(FIELD) == _DEFAULT_EXPIRY:
        del found[FIELD]
    return found


def in_window(intent: Intent, task: VideoTask, *, offset: float) -> bool:
    """True when the task may have been created by this POST: not before it was sent.

    There is no end: a request that hung in a gateway may be accepted long after its client went away.
    """
    if task.created_at is None:
        return True
    return task.created_at >= intent.sent_at + offset - _SLACK_SECONDS


def compare(intent: Intent, task: VideoTask) -> Agreement:
    """Hold a record against a lost submit.

    AGREES: a distinguishing field is shown and equal, and nothing contradicts. CONTRADICTS: a shown field
    differs.
    BARE: nothing distinguishing is shown yet. SILENT: the task ended, and still shows nothing distinguishing.
    """
    if _contradicts(intent.facts, task):
        return Agreement.CONTRADICTS
    marks = tells_apart(intent.facts)
    if intent.fingerprint is not None:
        marks = {FIELD: intent.fingerprint}
    if any(getattr(task, name) == value for name, value in marks.items()):
        return Agreement.AGREES
    return Agreement.SILENT if task.is_terminal else Agreement.BARE


def _contradicts(facts: Mapping[str, Any], task: VideoTask) -> bool:
    """True when one field that the record shows differs from what was sent."""
    if _models_differ(str(facts.get("model") or ""), task.model):
        return True
    for name in _ECHOED:
        sent, shown = facts.get(name), getattr(task, name)
        if sent is not None and shown is not None and _folded(sent) != _folded(shown):
            return True
    return False


def _folded(value: object) -> object:
    """Resolutions are accepted in any case (api docs 1520757)."""
    return value.lower() if isinstance(value, str) else value


def _models_differ(sent: str, shown: str) -> bool:
    """Compare dated model names only: endpoint ids and a gateway's own names come back as something else."""
    left, right = (_VENDOR.sub("", name.lower()) for name in (sent, shown))
    return bool(_DATED.match(left) and _DATED.match(right)) and left != right
