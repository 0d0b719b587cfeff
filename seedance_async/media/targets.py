"""Where a video goes: a file, a folder, or a template in a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from seedance_async.media.names import file_name

if TYPE_CHECKING:
    from seedance_async.models import VideoTask

__all__ = ["target_of"]


def target_of(
    save_to: str | os.PathLike[str], task: VideoTask, *, key: str = "", index: int = 0, folder: bool = False
) -> Path:
    """Turn ``save_to`` into the path of one file.

    Args:
        save_to: a folder (it exists, or ends with a slash), a path whose last part holds ``{task_id}``,
            ``{key}`` or ``{index}``, or the path of one file.
        task: the task whose video it is.
        key: what ``{key}`` stands for; the task's id when empty.
        index: what ``{index}`` stands for.
        folder: take ``save_to`` for a folder whatever it looks like, unless it is a template.

    Raises:
        InvalidRequest: the template is not one.
    """
    text = os.fspath(save_to)
    path = Path(text)
    suffix = f".{task.output_format or 'mp4'}"
    names = {"task_id": task.id, "key": key or task.id, "index": index, "suffix": path.suffix or suffix}
    if "{" in path.name:
        return path.parent / file_name(path.name, **names)  # type: ignore[arg-type]
    if folder or text.endswith(("/", os.sep)) or path.is_dir():
        template = "{key}" if key else "{task_id}"
        return path / file_name(template, task_id=task.id, key=key or task.id, index=index, suffix=suffix)
    return path
