"""Where a video goes: a file, a folder, a template in a folder, or an object store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from seedance_async.errors import InvalidRequest
from seedance_async.media.names import fields_of, file_name, suffix_for

if TYPE_CHECKING:
    from seedance_async.models import VideoTask

__all__ = ["Aim", "aim_of", "target_of"]


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
    suffix = suffix_for(task.output_format)
    if "{" in path.name:
        suffix = path.suffix or suffix
        return path.parent / file_name(
            path.name, task_id=task.id, key=key or task.id, index=index, suffix=suffix
        )
    if folder or text.endswith(("/", os.sep)) or path.is_dir():
        template = "{key}" if key else "{task_id}"
        return path / file_name(template, task_id=task.id, key=key or task.id, index=index, suffix=suffix)
    return path


@frozen(kw_only=True)
class Aim:
    """Where the videos of a batch go, each under a name of its own.

    Attributes:
        folder: an absolute folder, or the address of a folder in an object store.
        template: how files are named: ``{key}``, ``{task_id}`` and ``{index}`` stand for their values.
        suffix: ending of the files, or "" for that of the format which the server made.
        remote: whether the folder is in an object store.
    """

    folder: str
    template: str = "{key}"
    suffix: str = ""
    remote: bool = False

    @property
    def is_fixed(self) -> bool:
        """True when the name is known before there is a task."""
        return "task_id" not in fields_of(self.template)

    @property
    def needs_index(self) -> bool:
        """True when nothing but the place in an input tells one name from another."""
        return fields_of(self.template) == {"index"}

    def name(self, *, key: str, index: int, task_id: str = "", output_format: str | None = None) -> str:
        """Give the name of one job's video.

        Raises:
            InvalidRequest: the template is not one.
        """
        suffix = self.suffix or suffix_for(output_format)
        return file_name(self.template, task_id=task_id, key=key, index=index, suffix=suffix)


def aim_of(save_to: str | os.PathLike[str]) -> Aim:
    """Read ``save_to`` of a batch: a folder, or a folder and a template.

    Args:
        save_to: a folder or an address (``s3://bucket/folder``), the last part of which may be a template:
            ``out/{index:05d}-{key}.mp4``.

    Raises:
        InvalidRequest: the template is not one, or gives all videos one name.
    """
    text = os.fspath(save_to)
    remote = "://" in text
    head, _, last = text.replace(os.sep, "/").rpartition("/")
    if "{" not in last:
        return Aim(folder=text if remote else str(Path(text).absolute()), remote=remote)
    folder = head if remote else str(Path(head or ("/" if text.startswith("/") else ".")).absolute())
    aim = Aim(folder=folder, template=last, suffix=Path(last).suffix, remote=remote)
    aim.name(key="key", index=0, task_id="task")  # a template that is none is refused before anything is paid
    if not fields_of(last):
        limit = (
            "must hold {key}, {task_id} or {index}: one name is no place for many videos; nothing was sent"
        )
        raise InvalidRequest(field="save_to", value=text, limit=limit)
    return aim
