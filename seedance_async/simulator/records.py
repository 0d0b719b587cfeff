"""What get and list show of a task (api docs 1521309): little while it is alive, all when it has ended."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING

from attrs import define, field

from seedance_async.simulator.pixels import FRAMES_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.simulator.behaviour import Behaviour
    from seedance_async.simulator.tasks import SimTask, Status

_ENDED = ("succeeded", "failed")
_NO_RESULT = ("expired", "cancelled")
_accepted = attrgetter("accepted")
_number = attrgetter("number")


@define
class Shelf:
    """The records of each service tier in order of creation, so that windows of time are slices."""

    _by_tier: dict[bool, list[SimTask]] = field(factory=lambda: {False: [], True: []})

    def add(self, task: SimTask) -> None:
        """Put a new record at the end."""
        self._by_tier[task.order.flex].append(task)

    def remove(self, task: SimTask) -> None:
        """Take a record away."""
        row = self._by_tier[task.order.flex]
        at = bisect_left(row, task.number, key=_number)
        if at < len(row) and row[at] is task:
            del row[at]

    def between(self, since: float, until: float, *, flex: bool) -> Sequence[SimTask]:
        """Records accepted after `since` and not after `until`, oldest first."""
        row = self._by_tier[flex]
        first = bisect_right(row, since, key=_accepted)
        last = bisect_right(row, until, key=_accepted)
        return row[first:last]


def record_of(
    task: SimTask,
    behaviour: Behaviour,
    *,
    updated_at: int,
    urls: dict[str, str],
    status: Status | None = None,
) -> dict[str, object]:
    """The JSON object of a task.

    Args:
        task: The task.
        behaviour: Switches that decide what is shown.
        updated_at: Unix seconds of its last change.
        urls: `video_url` and `last_frame_url`, for a succeeded task.
        status: An earlier status to show instead of the real one.
    """
    shown = status or task.status
    record: dict[str, object] = {"id": task.id, "model": task.order.model_id, "status": shown}
    if shown == "succeeded":
        record["content"] = urls
        record["usage"] = _usage(task)
    elif shown == "failed" and task.failure is not None:
        code, message = task.failure
        record["error"] = {"code": code, "message": f"{message} Request id: {task.request_id}"}
    record["created_at"] = task.created_at
    record["updated_at"] = updated_at
    if shown == "succeeded":
        record |= _result(task)
    bare = behaviour.bare_endings if shown in _NO_RESULT else behaviour.bare_records == "until_end"
    if shown in _ENDED or not bare:
        record |= _echo(task, behaviour)
    return record


def _usage(task: SimTask) -> dict[str, object]:
    usage: dict[str, object] = {"completion_tokens": task.tokens, "total_tokens": task.tokens}
    if task.order.web_search:
        usage["tool_usage"] = {"web_search": 1}
    return usage


def _result(task: SimTask) -> dict[str, object]:
    """What is known once the video exists."""
    order = task.order
    length: dict[str, object] = {"frames": order.frames} if order.frames else {"duration": order.seconds}
    return {
        "seed": order.seed,
        "resolution": order.resolution,
        "ratio": order.ratio,
        **length,
        "framespersecond": FRAMES_PER_SECOND,
    }


def _echo(task: SimTask, behaviour: Behaviour) -> dict[str, object]:
    """The request's own fields that the model sends back; never the prompt."""
    order, model = task.order, task.order.model
    echo: dict[str, object] = {"service_tier": "flex" if order.flex else "default"}
    if behaviour.echo_expires_after:
        echo["execution_expires_after"] = order.expires_after
    if model.sound:
        echo |= {"generate_audio": order.sound, "draft": order.draft}
    if model.priority == "yes":
        echo["priority"] = order.priority
    if model.output_format:
        echo["output_format"] = order.output_format
    if order.web_search:
        echo["tools"] = [{"type": "web_search"}]
    if order.safety_identifier is not None:
        echo["safety_identifier"] = order.safety_identifier
    if order.draft_task_id is not None:
        echo["draft_task_id"] = order.draft_task_id
    return echo
