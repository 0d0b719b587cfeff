"""What goes to standard output: JSON objects of a stable schema, one a line, or text on a terminal.

The keys of an object never change their meaning; new ones may be added.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from seedance_async._wire.plain import in_one_line, spelt_out
from seedance_async.cli.reporting import advice_of
from seedance_async.cli.secrets import masked
from seedance_async.cli.wrapping import fitted
from seedance_async.errors import WaitTimeout
from seedance_async.progress.words import why

if TYPE_CHECKING:
    from seedance_async.models import VideoTask
    from seedance_async.outcomes import Outcome

__all__ = [
    "error_record",
    "near",
    "outcome_record",
    "outcome_row",
    "task_record",
    "wants_json",
    "write_json",
    "write_text",
]

_NARROW: Final = 100
_TASK_FIELDS: Final = (
    "model",
    "resolution",
    "ratio",
    "duration",
    "frames",
    "seed",
    "generate_audio",
    "service_tier",
    "created_at",
    "updated_at",
)


_LOST: Final = ("key", "sent_at", "until", "fingerprint")


def wants_json(asked: bool | None) -> bool:  # noqa: FBT001 - the value of a flag
    """Decide between JSON lines and text: as asked for, else text on a terminal only."""
    return not sys.stdout.isatty() if asked is None else asked


def write_json(record: dict[str, Any]) -> None:
    """Write one object as one line, at once: a reader at the other end of a pipe waits for it.

    Some signs that JSON may leave as they are would command a terminal (U+009B); they are escaped, too.
    """
    text = json.dumps(record, ensure_ascii=False, default=str)
    sys.stdout.write(spelt_out(masked(text)) + "\n")
    sys.stdout.flush()


def write_text(text: str) -> None:
    """Write one line for a person, at once; colours only where a terminal shows them."""
    click.echo(masked(text))


def error_record(error: BaseException) -> dict[str, Any]:
    """Say an error as an object: type, message, whether it may bill, and what to do next."""
    record: dict[str, Any] = {
        "type": type(error).__name__,
        "code": getattr(error, "code", "") or None,
        "message": getattr(error, "message", "") or str(error),
        "billed": getattr(getattr(error, "billed", None), "value", None),
        "advice": advice_of(error) or None,
    }
    record |= {name: getattr(error, name) for name in _LOST if hasattr(error, name)}
    if candidates := getattr(error, "candidates", ()):
        record["candidates"] = [task.id for task in candidates]
    return record


def task_record(task: VideoTask, *, urls: bool = False) -> dict[str, Any]:
    """Say a task as an object; its signed URLs only where they are asked for."""
    record: dict[str, Any] = {"id": task.id, "status": task.status.value, "tokens": task.tokens}
    record |= {name: getattr(task, name) for name in _TASK_FIELDS}
    record["error"] = None if task.error is None else {"code": task.error.code, "message": task.error.message}
    if urls:
        record |= {"video_url": task.video_url, "last_frame_url": task.last_frame_url}
    return record


def outcome_record(outcome: Outcome) -> dict[str, Any]:
    """Say what became of one prompt as an object."""
    task = outcome.task
    return {
        "key": outcome.key,
        "id": None if task is None else task.id,
        "status": _status(outcome),
        "tokens": None if task is None else task.tokens,
        "file": None if outcome.path is None else str(outcome.path),
        "model": None if outcome.request is None else outcome.request.model,
        "seed": None if task is None else task.seed,
        "earlier": outcome.earlier,
        "error": None if outcome.error is None else error_record(outcome.error),
    }


def _status(outcome: Outcome) -> str:
    """Say how a prompt ended; an order that is not waited for, or not long enough, has no end."""
    if outcome.kind.value == "skipped" and outcome.task is not None and not outcome.task.is_terminal:
        return outcome.task.status.value
    if isinstance(outcome.error, WaitTimeout):
        return "unknown" if outcome.task is None else outcome.task.status.value
    if outcome.error is None and outcome.task is not None and not outcome.task.is_terminal:
        return outcome.task.status.value
    return outcome.kind.value


def near(path: Path | str | None) -> Path | str | None:
    """Give a path as seen from here, where it lies below: short lines do not break."""
    here = Path.cwd()
    return path.relative_to(here) if isinstance(path, Path) and path.is_relative_to(here) else path


def outcome_row(outcome: Outcome) -> str:
    """Say what became of one prompt as a line for a terminal; a narrow one gets no id."""
    task = outcome.task
    name = "" if task is None else in_one_line(task.id)
    wide = shutil.get_terminal_size().columns >= _NARROW
    cells = [f"{name:<26}"] if wide else []
    cells.append(f"{_status(outcome):<9}")
    if outcome.path is not None and outcome.error is None:
        tokens = "" if task is None or task.tokens is None else f"{task.tokens:,}"
        return "  ".join([*cells, f"{tokens:>9}", in_one_line(near(outcome.path))])
    cells.append(in_one_line(outcome.key))
    if outcome.error is None:
        return "  ".join(cells if wide else [*cells, name])
    reason = f"earlier: {why(outcome.error)}" if outcome.earlier else why(outcome.error)
    return fitted("  ".join([*cells, reason]), sys.stdout)
