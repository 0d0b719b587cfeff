"""The videos of a folder, each with what its sidecar says. Blocking: call it in a thread."""

from __future__ import annotations

from os.path import relpath
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from seedance_async.media.gallery.items import Item
from seedance_async.media.gallery.telling import as_object, prompt_of, settings_of
from seedance_async.media.sidecar import read_sidecar, sidecar_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from seedance_async.media.gallery.pricing import Pricer

__all__ = ["address", "poster_of", "read_folder", "read_video"]

_VIDEOS: Final = {".mp4", ".mov"}
_FRAMES: Final = (".last.png", ".last.jpg")
_BITS: Final = 64


def address(path: Path, folder: Path) -> str:
    """Give the URL of a file relative to a folder; the dot in front keeps a colon from making a scheme."""
    return "./" + quote(relpath(path, folder).replace("\\", "/"))


def poster_of(path: Path, folder: Path) -> str | None:
    """Give the URL of a video's last frame where that was saved, too."""
    for suffix in _FRAMES:
        frame = path.with_name(path.stem + suffix)
        if frame.is_file():
            return address(frame, folder)
    return None


def read_folder(folder: Path, pricer: Pricer) -> dict[Path, Item]:
    """Read every video below a folder, in the order of names; hidden folders are passed over."""
    return {path: read_video(path, folder, pricer) for path in _videos(folder)}


def _videos(folder: Path) -> Iterator[Path]:
    """Find the videos."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in inside)
        if path.suffix.lower() in _VIDEOS and not hidden and path.is_file():
            yield path


def read_video(path: Path, folder: Path, pricer: Pricer) -> Item:
    """Read one video and its sidecar; without one only the file itself is known."""
    facts = read_sidecar(sidecar_path(path))
    request, task = as_object(facts.get("request")), as_object(facts.get("task"))
    tokens = _whole(facts.get("tokens"))
    cost, currency = pricer.price(request, task, tokens)
    status = path.stat()
    began, ended = _whole(task.get("created_at")), _whole(task.get("updated_at"))
    return Item(
        key=path.relative_to(folder).with_suffix("").as_posix(),
        status="succeeded",
        prompt=prompt_of(request),
        model=_text(task.get("model")) or _text(request.get("model")),
        video=address(path, folder),
        poster=poster_of(path, folder),
        task_id=_text(task.get("id")),
        seed=_whole(task.get("seed")),
        tokens=tokens,
        cost=cost,
        currency=currency,
        seconds=None if began is None or ended is None else float(ended - began),
        at=float(ended) if ended is not None else status.st_mtime,
        size=status.st_size,
        facts=tuple(settings_of(request, task)),
    )


def _whole(value: object) -> int | None:
    """Give a whole number that a column of 64 bits could hold, or None."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if value.bit_length() < _BITS else None


def _text(value: object) -> str:
    """Give a text, or ""."""
    return value if isinstance(value, str) else ""
