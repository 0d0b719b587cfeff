"""Is this record the task of that lost submit? Pure comparison of what was sent with what a record shows."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Any, Final

from seedance_async.ledger.fingerprints import BAND, DEFAULT_EXPIRY, FIELD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seedance_async.ledger.intents import Intent
    from seedance_async.models import VideoTask

__all__ = ["Agreement", "compare", "facts_of", "tells_apart"]

_ECHOED: Final = (
    "seed", "duration", "frames", "ratio", "resolution", "service_tier", "safety_identifier",
    "generate_audio", "draft", "output_format", FIELD,
)  # fmt: skip
"""Body fields that a record may show again (api docs 1521309)."""

# What the server replaces by a value of its own choice says nothing about the request.
_OPEN_CHOICES: Final = {"seed": (-1,), "duration": (-1,), "ratio": ("adaptive",)}
_DISTINGUISHING: Final = (FIELD, "safety_identifier", "seed")
_VENDOR = re.compile(r"^(doubao|dreamina|bytedance)-")
_DATED = re.compile(r"^seedance-.*-\d{6}$")


class Agreement(enum.Enum):
    """What comparing a record with a lost submit says.

    AGREES: it carries our fingerprint, and nothing contradicts. LIKELY: it shows another field that few tasks
    share, and nothing contradicts. CONTRADICTS: a shown field differs. BARE: nothing distinguishing is shown
    yet. SILENT: it can never tell, because the task ended without showing anything distinguishing, or because
    it carries our mark and contradicts us.
    """

    AGREES = "agrees"
    LIKELY = "likely"
    CONTRADICTS = "contradicts"
    BARE = "bare"
    SILENT = "silent"


def facts_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the fields of a body that a record may show again, without those the server chooses itself."""
    facts = {
        name: value
        for name, value in body.items()
        if name in _ECHOED and value not in _OPEN_CHOICES.get(name, ())
    }
    return {"model": body.get("model", ""), **facts}


def tells_apart(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the facts that few other tasks share: the caller's own expiry, the end-user id, a chosen seed."""
    found = {name: facts[name] for name in _DISTINGUISHING if facts.get(name) is not None}
    if found.get(FIELD) == DEFAULT_EXPIRY:
        del found[FIELD]
    return found


def compare(intent: Intent, task: VideoTask) -> Agreement:
    """Hold a record against a lost submit.

    A value outside the band is nobody's fingerprint: where we sent one, a channel of the gateway may have
    dropped it, and then the server's default stands in the record of our own task.
    """
    shown = task.execution_expires_after
    # `None in range` would compare with every single number of it.
    if intent.fingerprint is not None and (shown or 0) in BAND:
        if shown != intent.fingerprint:
            return Agreement.CONTRADICTS
        return Agreement.SILENT if _contradicts(intent.facts, task) else Agreement.AGREES
    said = _compare_facts(intent.facts, task)
    # A gateway may rename the model. The fingerprint comes with the end of the task, and decides.
    undecided = intent.fingerprint is not None and shown is None and not task.is_terminal
    return Agreement.BARE if undecided and said is Agreement.CONTRADICTS else said


def _compare_facts(facts: Mapping[str, Any], task: VideoTask) -> Agreement:
    """Compare what is left when there is no fingerprint to see."""
    contradicted = _contradicts(facts, task)
    if any(getattr(task, name) == value for name, value in tells_apart(facts).items()):
        # A server that rounds or renames a field must not make its own task look like a stranger's.
        return Agreement.SILENT if contradicted else Agreement.LIKELY
    if contradicted:
        return Agreement.CONTRADICTS
    return Agreement.SILENT if task.is_terminal else Agreement.BARE


def _contradicts(facts: Mapping[str, Any], task: VideoTask) -> bool:
    """True when one field that the record shows differs from what was sent."""
    if _models_differ(str(facts.get("model") or ""), task.model):
        return True
    for name in _ECHOED:
        sent, shown = facts.get(name), getattr(task, name)
        if name == FIELD and shown == DEFAULT_EXPIRY:
            continue  # the caller's own expiry may be dropped on the way like a fingerprint
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
