"""What the server says about a task: frozen values, unknown fields kept in ``raw``."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TaskError", "TaskPage", "TaskStatus", "Usage", "VideoTask"]


class TaskStatus(enum.StrEnum):
    """Where a task is (api docs 1521309); ``UNKNOWN``, a word not seen before, means "not yet"."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_terminal(self) -> bool:
        """True when the server will not change the task any more."""
        return self not in _NOT_YET


_NOT_YET = (TaskStatus.QUEUED, TaskStatus.RUNNING, TaskStatus.UNKNOWN)


@frozen(kw_only=True)
class TaskError:
    """Why a task failed: the server's code (api docs 1299023) and words."""

    code: str = ""
    message: str = ""

    @property
    def text(self) -> str:
        """Code and message in one line."""
        return ": ".join(part for part in (self.code, self.message) if part)


@frozen(kw_only=True)
class Usage:
    """What a succeeded task bills: tokens, and how often a tool was called."""

    completion_tokens: int = 0
    total_tokens: int = 0
    web_search: int = 0


@frozen(kw_only=True)
class VideoTask:
    """One record of a task, as the server last told it (api docs 1521309).

    Attributes:
        id: the task's id; opaque.
        status: where it is; see :class:`TaskStatus`.
        model: name and version of the model, "" when the answer does not say.
        created_at: Unix seconds of the server's clock, or None.
        updated_at: Unix seconds of the server's clock, or None.
        error: why it failed, or None.
        video_url: signed URL of the video, valid for 24 hours after the task succeeded, or None.
        last_frame_url: signed URL of the last frame, when ``return_last_frame`` was asked for.
        file_url: signed URL of a file that is no video; only the official SDK knows of it.
        usage: tokens billed, when it succeeded.
        seed: the seed that was used.
        resolution: ``480p``, ``720p``, ``1080p`` or ``4k``.
        ratio: the real ratio, also where ``adaptive`` was asked for.
        duration: length of the video in seconds, or None when ``frames`` is given.
        frames: number of frames, only where the request asked for frames.
        framespersecond: frames per second (24).
        generate_audio: whether the video has sound.
        draft: whether it is a draft.
        draft_task_id: the draft that this task finished.
        service_tier: ``default`` or ``flex``.
        execution_expires_after: seconds after ``created_at`` at which an unfinished task expires.
        priority: 0 to 9.
        output_format: ``mp4`` or ``mov``.
        safety_identifier: the caller's end-user id, echoed.
        tools: the tools of the request, echoed.
        revised_prompt: the prompt as the server rewrote it.
        fileformat: format of the file at ``file_url``; only the official SDK knows of it.
        subdivisionlevel: detail of the file at ``file_url``; only the official SDK knows of it.
        raw: the untouched JSON object, unknown fields included.
    """

    id: str
    status: TaskStatus = TaskStatus.QUEUED
    model: str = ""
    created_at: int | None = None
    updated_at: int | None = None
    error: TaskError | None = None
    video_url: str | None = field(default=None, repr=False)
    last_frame_url: str | None = field(default=None, repr=False)
    file_url: str | None = field(default=None, repr=False)
    usage: Usage | None = None
    seed: int | None = None
    resolution: str | None = None
    ratio: str | None = None
    duration: int | None = None
    frames: int | None = None
    framespersecond: int | None = None
    generate_audio: bool | None = None
    draft: bool | None = None
    draft_task_id: str | None = None
    service_tier: str | None = None
    execution_expires_after: int | None = None
    priority: int | None = None
    output_format: str | None = None
    safety_identifier: str | None = None
    tools: tuple[Any, ...] | None = None
    revised_prompt: str | None = None
    fileformat: str | None = None
    subdivisionlevel: str | None = None
    # A signed URL is a key to the video: it stays out of reprs, and raw holds it too.
    raw: Mapping[str, Any] = field(factory=dict[str, Any], repr=False, eq=False)

    @property
    def is_terminal(self) -> bool:
        """True when the server will not change the task any more."""
        return self.status.is_terminal

    @property
    def tokens(self) -> int | None:
        """Tokens billed, or None while unknown."""
        return self.usage.completion_tokens if self.usage else None

    def evolve(self, **changes: Any) -> VideoTask:
        """Give a copy with other values."""
        return evolve(self, **changes)

    def __str__(self) -> str:
        return f"{self.id} {self.status}"

    def _repr_html_(self) -> str:
        """Show itself in a notebook."""
        from seedance_async.display import task_html

        return task_html(self)


@frozen(kw_only=True)
class TaskPage:
    """One page of a list answer.

    Attributes:
        items: the tasks of this page.
        total: how many tasks match the filter over all pages, or None when the server does not say.
        page_num: number of this page, from 1.
        page_size: how many tasks were asked for.
    """

    items: tuple[VideoTask, ...] = ()
    total: int | None = None
    page_num: int = 1
    page_size: int = 20

    @property
    def has_more(self) -> bool:
        """True when a further page may hold tasks."""
        if self.total is None:
            return len(self.items) >= self.page_size
        return bool(self.items) and self.page_num * self.page_size < self.total
