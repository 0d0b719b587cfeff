"""What progress says, in words: one line per event, one per outcome, one that sums up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import fields

from seedance_async._wire.plain import in_one_line
from seedance_async.errors import TaskEnded
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
from seedance_async.models import TaskStatus
from seedance_async.outcomes import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seedance_async.outcomes import Outcome
    from seedance_async.progress.tally import Tally

__all__ = [
    "COLOURS",
    "duration",
    "head_of",
    "line_of",
    "money_of",
    "outcome_line",
    "plain",
    "summary",
    "why",
]

_MINUTE: Final = 60
_HOUR: Final = 3600

COLOURS: Final = {
    "succeeded": "green",
    "failed": "red",
    "refused": "red",
    "uncertain": "bold yellow",
    "looked for": "bold yellow",
    "expired": "red",
    "cancelled": "yellow",
    "skipped": "yellow",
    "running": "cyan",
    "fetching": "blue",
    "landing": "blue",
}
"""State -> its colour, by the names of terminals."""
_ORDER: Final = tuple(kind.value for kind in OutcomeKind)
_LINES: Final[dict[type[Event], str]] = {
    SubmitAccepted: "{key}: accepted as {task_id}",
    SubmitAdopted: "{key}: found again as {task_id}; nothing was ordered twice",
    SubmitLost: "{key}: the answer got lost ({error}); looking for the task",
    SubmitAbsent: "{key}: proven not to have been accepted; it may be sent again",
    TaskChanged: "{name}: {after}",
    DownloadFinished: "{name}: landed ({size})",
    RetryScheduled: "{whose}{route} goes again in {wait:.1f} s: {error}",
    PaceLowered: "slowing down to {per_minute:.0f} submits a minute, the server says {code}",
    BreakerOpened: "the server asks to stop ({code}): {message}",
    LookFailed: "a look failed ({route}), the watch goes on: {error}",
    ListUnusable: "the server's list cannot be used, looking one by one: {why}",
    UnknownStatus: "the server says {word!r}, which is new; taken as not finished",
}
"""What is told of an event, with its fields by name; ``name`` is the caller's key of its task, and ``whose``
says it, or the key of the submit, where there is one."""


def duration(seconds: float) -> str:
    """Write seconds as a person would: ``0:09``, ``12:40``, ``3:05:00``."""
    whole = round(max(0.0, seconds))
    minutes, rest = divmod(whole % _HOUR, _MINUTE)
    hours = whole // _HOUR
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def line_of(event: Event, tally: Tally) -> str | None:
    """Say an event in one line; None for what is of no interest to somebody who waits."""
    pattern = _LINES.get(type(event))
    if pattern is None:
        return None
    told = {one.name: _told(getattr(event, one.name)) for one in fields(type(event))}
    task_id = str(told.get("task_id", ""))
    told["name"] = name = in_one_line(tally.names.get(task_id, task_id))
    told["whose"] = f"{whose}: " if (whose := told.get("key") or name) else ""
    if isinstance(event, DownloadFinished):
        # Asked for late: pages and journals come with it, and nobody needs those for a first line.
        from seedance_async.media.gallery.words import bytes_text

        told["size"] = bytes_text(event.size)
    return pattern.format(**told)


def _told(value: object) -> object:
    """Make a field of an event safe to show; numbers stay what they are."""
    if isinstance(value, TaskStatus):
        return value.value
    return value if isinstance(value, int | float) else in_one_line(value)


def why(error: BaseException) -> str:
    """Say why a prompt has no video, to somebody who sees its key and its status beside it."""
    task = error.task if isinstance(error, TaskEnded) else None
    told = task.error.text if task is not None and task.error is not None else ""
    return in_one_line(told or getattr(error, "message", "") or error)


def outcome_line(outcome: Outcome) -> str | None:
    """Say an outcome in one line; events told of a success, and what was left is many and no news."""
    if outcome.error is None or outcome.kind is OutcomeKind.SKIPPED:
        return None
    when = " earlier" if outcome.earlier else ""
    return f"{in_one_line(outcome.key)}: {outcome.kind.value}{when}: {why(outcome.error)}"


def summary(tally: Tally) -> str:
    """Sum a run up in one line."""
    ended = ", ".join(f"{count} {kind}" for kind in _ORDER if (count := tally.ended.get(kind)))
    flying = len(tally.alive)
    now = "" if tally.accepted else "; nothing ordered now"
    ended += f" ({tally.earlier:,} of them earlier{now})" if tally.earlier else ""
    parts = [ended or "nothing ended"]
    if flying:
        parts.append(f"{flying} still at the server")
    if tally.tokens:
        price = "" if tally.cost is None else f", about {tally.currency} {tally.cost:,.2f}"
        parts.append(f"{tally.tokens:,} tokens{price}")
    return f"{'; '.join(parts)}; {duration(tally.elapsed())} in all."


def head_of(tally: Tally, now: float) -> str:
    """Say how many are done, the time, and the time left: ``3/10  0:45, about 1:10 left``."""
    done = f"{tally.done}/{tally.total}" if tally.total else f"{tally.done} done"
    left = tally.seconds_left(now)
    rest = "" if left is None or left < 1.0 else f", about {duration(left)} left"
    return f"{done}  {duration(tally.elapsed(now))}{rest}"


def money_of(tally: Tally) -> str:
    """Say what was spent, and of how much; "" where nothing is known of either."""
    budget = tally.budget
    tokens = "" if budget is None or budget.tokens is None else f" of {budget.tokens:,}"
    cost = "" if budget is None or budget.cost is None else f" of {budget.cost:,.2f}"
    parts = [f"{tally.tokens:,}{tokens} tokens"] if tally.tokens or tokens else []
    if tally.cost is not None or cost:
        parts.append(f"{tally.currency} {tally.cost or 0:,.2f}{cost}")
    return ", ".join(parts)


def plain(tally: Tally, recent: Iterable[str], now: float) -> str:
    """Give a whole view as text, for a reader that shows nothing else."""
    counts = " · ".join(f"{count} {word}" for word, count in tally.states().items() if count)
    return "\n".join(line for line in (*recent, head_of(tally, now), counts, money_of(tally)) if line)
