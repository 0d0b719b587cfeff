"""How a task and an outcome show themselves in a notebook: facts as a small table, the video inline.

A notebook keeps what it shows, and notebooks are passed on: so nothing here holds a signed URL, which opens
the video to anybody. A small video is put into the page; a larger one that lies below the notebook is linked.
"""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seedance_async.models import VideoTask
    from seedance_async.outcomes import Outcome

__all__ = ["INLINE_MOST", "outcome_html", "task_html", "video_html"]

INLINE_MOST: Final = 4 << 20
"""Bytes up to which a video is put into the page itself; base64 makes a third more of it."""

_TYPES: Final = {".mp4": "video/mp4", ".mov": "video/quicktime"}
_SETTINGS: Final = ("resolution", "ratio", "duration", "seed")
# Spelled out at each element: a notebook's page has styles of its own, and these must not change others.
_BOX: Final = "max-width:46em;border:1px solid rgba(128,128,128,.35);border-radius:10px;padding:10px 14px"
_FILM: Final = "display:block;max-width:100%;max-height:26em;border-radius:6px;margin-bottom:8px"
_SOFT: Final = "opacity:.7"
_COLOURS: Final = {"succeeded": "#2e9e68", "failed": "#d64550", "refused": "#d64550", "expired": "#d64550"}


def task_html(task: VideoTask) -> str:
    """Show a task.

    Args:
        task: the record of the task.
    """
    error = task.error.text if task.error is not None else ""
    hint = ""
    if task.video_url:
        hint = f'its video: <code>await session.download("{escape(task.id)}", "video.mp4")</code>'
    return _box(task.id, task.status.value, _facts(task), why=error, more=hint)


def outcome_html(outcome: Outcome) -> str:
    """Show an outcome, with its video where that is on disk. Reads a small video, which blocks.

    Args:
        outcome: what became of a prompt.
    """
    prompt = (outcome.request.prompt or "") if outcome.request is not None else ""
    facts = _facts(outcome.task) if outcome.task is not None else ()
    film = video_html(outcome.path) if outcome.path is not None else ""
    why = str(outcome.error) if outcome.error is not None else ""
    return _box(outcome.key, outcome.kind.value, facts, prompt=prompt, film=film, why=why)


def video_html(path: Path | str, *, inline_most: int = INLINE_MOST) -> str:
    """Show a video file.

    Args:
        path: the file, or the address of an object, which is only named.
        inline_most: bytes up to which the video is put into the page itself.
    """
    if "://" in str(path):
        return _named(path)
    file = Path(path)
    try:
        source = _source(file, inline_most)
    except OSError:
        return f'<p style="{_SOFT}">{escape(str(path))} is not there any more</p>'
    if source is None:
        return _named(path)
    return f'<video src="{escape(source)}" style="{_FILM}" controls loop muted playsinline></video>'


def _source(file: Path, inline_most: int) -> str | None:
    """Give what a page can play: the video itself, or its place below the notebook; None: neither."""
    if file.stat().st_size <= inline_most:
        kind = _TYPES.get(file.suffix.lower(), "video/mp4")
        return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
    try:
        return quote(file.resolve().relative_to(Path.cwd()).as_posix())
    except ValueError:
        return None


def _named(path: Path | str) -> str:
    """Name a video that cannot be shown."""
    return f"<p><code>{escape(str(path))}</code></p>"


def _facts(task: VideoTask) -> Iterable[tuple[str, str]]:
    """Give what a reader wants to know of a task."""
    yield "model", task.model
    for name in _SETTINGS:
        value = getattr(task, name)
        if value is not None:
            yield name, f"{value} s" if name == "duration" else str(value)
    if task.tokens is not None:
        yield "tokens", f"{task.tokens:,}"
    if task.created_at is not None and task.updated_at is not None and task.is_terminal:
        yield "took", f"{max(0, task.updated_at - task.created_at)} s"


def _box(
    name: str,
    status: str,
    facts: Iterable[tuple[str, str]],
    *,
    prompt: str = "",
    film: str = "",
    why: str = "",
    more: str = "",
) -> str:
    """Put it all together; what comes from outside is escaped here."""
    told = " &middot; ".join(
        f'<span style="{_SOFT}">{label}</span> {escape(text)}' for label, text in facts if text
    )
    colour = _COLOURS.get(status, "inherit")
    lines = [
        f'<b>{escape(name)}</b> <b style="color:{colour}">{escape(status)}</b>',
        escape(prompt),
        f'<span style="color:{_COLOURS["failed"]}">{escape(why)}</span>' if why else "",
        told,
        more,
    ]
    rows = "".join(f'<div style="margin:2px 0">{line}</div>' for line in lines if line)
    return f'<div style="{_BOX}">{film}{rows}</div>'
