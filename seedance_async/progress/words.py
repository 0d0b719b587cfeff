"""What progress says, in words: one line per event, one per outcome, one that sums up."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from seedance_async.events import (
    BreakerOpened,
    DownloadFinished,
    Event,
    ListUnusable,
    LookFailed,
    PaceLowered,
    RetryScheduled,
    SubmitAbsent,
    SubmitAccepted,
    SubmitAdopted,
    SubmitLost,
    TaskChanged,
    UnknownStatus,
)
from seedance_async.outcomes import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from seedance_async.outcomes import Outcome
    from seedance_async.progress.tally import Tally

__all__ = ["clean", "duration", "line_of", "outcome_line", "size_of", "summary"]

_MINUTE: Final = 60
_HOUR: Final = 3600
_KILO: Final = 1000


def clean(text: object) -> str:
    """Make a text of others safe for a terminal: no control characters, one line."""
    words = " ".join(str(text).split())
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c)[0] == "C" else c for c in words)


def duration(seconds: float) -> str:
    """Write seconds as a person would: ``0:09``, ``12:40``, ``3:05:00``."""
    whole = round(max(0.0, seconds))
    minutes, rest = divmod(whole % _HOUR, _MINUTE)
    hours = whole // _HOUR
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def size_of(count: int) -> str:
    """Write a number of bytes: ``312 kB``, ``4.1 MB``."""
    if count < _KILO * _KILO:
        return f"{count / _KILO:.0f} kB"
    return f"{count / _KILO / _KILO:.1f} MB"


def _accepted(event: SubmitAccepted, _: Tally) -> str:
    return f"{clean(event.key)}: accepted as {clean(event.task_id)}"


def _adopted(event: SubmitAdopted, _: Tally) -> str:
    return f"{clean(event.key)}: found again as {clean(event.task_id)}; nothing was ordered twice"


def _lost(event: SubmitLost, _: Tally) -> str:
    return f"{clean(event.key)}: the answer got lost ({clean(event.error)}); looking for the task"


def _absent(event: SubmitAbsent, _: Tally) -> str:
    return f"{clean(event.key)}: proven not to have been accepted; it may be sent again"


def _changed(event: TaskChanged, tally: Tally) -> str:
    name = tally.names.get(event.task_id, event.task_id)
    return f"{clean(name)}: {event.after.value}"


def _landed(event: DownloadFinished, tally: Tally) -> str:
    name = tally.names.get(event.task_id, event.task_id)
    return f"{clean(name)}: landed ({size_of(event.size)})"


def _repeated(event: RetryScheduled, _: Tally) -> str:
    return f"{event.route} goes again in {event.wait:.1f} s: {clean(event.error)}"


def _slower(event: PaceLowered, _: Tally) -> str:
    return f"the server asks to slow down ({clean(event.code)}): {event.per_minute:.0f} submits a minute now"


def _stopped(event: BreakerOpened, _: Tally) -> str:
    return f"the server asks to stop ({clean(event.code)}): {clean(event.message)}"


def _unseen(event: LookFailed, _: Tally) -> str:
    return f"a look failed ({event.route}), the watch goes on: {clean(event.error)}"


def _unlisted(event: ListUnusable, _: Tally) -> str:
    return f"the server's list cannot be used, looking one by one: {clean(event.why)}"


def _unknown(event: UnknownStatus, _: Tally) -> str:
    return f"the server says {clean(event.word)!r}, which is new; taken as not finished"


_LINES: Final[dict[type[Event], Callable[..., str]]] = {
    SubmitAccepted: _accepted,
    SubmitAdopted: _adopted,
    SubmitLost: _lost,
    SubmitAbsent: _absent,
    TaskChanged: _changed,
    DownloadFinished: _landed,
    RetryScheduled: _repeated,
    PaceLowered: _slower,
    BreakerOpened: _stopped,
    LookFailed: _unseen,
    ListUnusable: _unlisted,
    UnknownStatus: _unknown,
}


def line_of(event: Event, tally: Tally) -> str | None:
    """Say an event in one line; None for what is of no interest to somebody who waits."""
    write = _LINES.get(type(event))
    return None if write is None else write(event, tally)


def outcome_line(outcome: Outcome) -> str | None:
    """Say an outcome in one line; events told of a success, and what was left is many and no news."""
    if outcome.error is None or outcome.kind is OutcomeKind.SKIPPED:
        return None
    why = getattr(outcome.error, "message", "") or outcome.error
    return f"{clean(outcome.key)}: {outcome.kind.value}: {clean(why)}"


def summary(tally: Tally) -> str:
    """Sum a run up in one line."""
    ended = ", ".join(f"{count} {kind}" for kind, count in tally.ended.items() if count)
    flying = len(tally.alive)
    parts = [ended or "nothing ended"]
    if flying:
        parts.append(f"{flying} still at the server")
    if tally.tokens:
        price = "" if tally.cost is None else f", about {tally.currency} {tally.cost:,.2f}"
        parts.append(f"{tally.tokens:,} tokens{price}")
    return f"{'; '.join(parts)}; {duration(tally.elapsed())} in all."
