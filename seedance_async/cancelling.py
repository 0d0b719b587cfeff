"""Cancel means: look, and only if the task is still queued send one DELETE, then look again.

The server has one verb for "cancel a queued task" and "erase the record of one that ended", and does not
say which it did (api docs 1521720). A DELETE that arrives after the task ended erases a paid result.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from attrs import frozen

from seedance_async._wire import clock
from seedance_async.errors import Billed, InvalidRequest, SeedanceError, TaskNotFound, TaskRunning
from seedance_async.models import TaskStatus, VideoTask

if TYPE_CHECKING:
    from seedance_async.calls import Calls

__all__ = ["CancelResult", "Cancellation", "cancel", "delete"]

_DECISIONS: Final = 3
# A look older than this is not acted on: between queued and succeeded lie at least tens of seconds of work.
_FRESH_SECONDS: Final = 1.0


class CancelResult(enum.StrEnum):
    """What became of a task that was to be cancelled."""

    CANCELLED = "cancelled"
    RUNNING = "running"
    ENDED = "ended"


@frozen(kw_only=True)
class Cancellation:
    """The answer to ``session.cancel(task_id)``.

    Attributes:
        result: CANCELLED; RUNNING: it cannot be stopped any more; ENDED: it was over before.
        task: the last record of the task.
        billed: NO when cancelled, MAYBE while it runs (a success bills), YES when it had succeeded.
    """

    result: CancelResult
    task: VideoTask
    billed: Billed

    def __str__(self) -> str:
        words = {
            CancelResult.CANCELLED: "was cancelled and bills nothing",
            CancelResult.RUNNING: "runs already; it cannot be stopped and bills when it succeeds",
            CancelResult.ENDED: f"had ended before ({self.task.status.value})",
        }
        return f"Task {self.task.id} {words[self.result]}."


async def cancel(calls: Calls, task_id: str) -> Cancellation:
    """Cancel a queued task; every DELETE is a decision of its own, made on a fresh look.

    Raises:
        TaskNotFound: the server does not know the task.
        SeedanceError: the look failed, or the DELETE failed and the task is still queued.
    """
    failure: SeedanceError | None = None
    for _ in range(_DECISIONS):
        task = await calls.task(task_id)
        if task.status is not TaskStatus.QUEUED:
            return _what_is(task)
        try:
            await _delete_if_still_queued(calls, task_id)
        except TaskRunning:
            continue
        except SeedanceError as error:
            # Sent or not, done or not: only a new look tells, and only a new look may decide again.
            failure = error
            continue
        return await _look_again(calls, task)
    task = await calls.task(task_id)
    if task.status is TaskStatus.QUEUED and failure is not None:
        raise failure
    return _what_is(task)


async def _delete_if_still_queued(calls: Calls, task_id: str) -> None:
    """Send one DELETE right after a look that says queued; the wait for the pace comes before the look."""
    await calls.account.deletes.wait()
    looked = clock.monotonic()
    task = calls.read(await calls.get(task_id))
    if task.status is TaskStatus.QUEUED and clock.monotonic() - looked <= _FRESH_SECONDS:
        await calls.delete(task_id)
    elif task.status is TaskStatus.QUEUED:
        raise SeedanceError(f"The look at task {task_id} took too long to act on it.")
    else:
        raise TaskRunning(f"Task {task_id} is {task.status.value}.", status=409)


async def _look_again(calls: Calls, before: VideoTask) -> Cancellation:
    """See what the DELETE did; a record that is gone was queued a moment before, so it was cancelled."""
    try:
        return _what_is(await calls.task(before.id))
    except TaskNotFound:
        return _what_is(before.evolve(status=TaskStatus.CANCELLED))


def _what_is(task: VideoTask) -> Cancellation:
    """Say what a record means for somebody who wanted to cancel."""
    if task.status is TaskStatus.CANCELLED:
        return Cancellation(result=CancelResult.CANCELLED, task=task, billed=Billed.NO)
    if task.is_terminal:
        billed = Billed.YES if task.status is TaskStatus.SUCCEEDED else Billed.NO
        return Cancellation(result=CancelResult.ENDED, task=task, billed=billed)
    return Cancellation(result=CancelResult.RUNNING, task=task, billed=Billed.MAYBE)


async def delete(calls: Calls, task_id: str) -> None:
    """Erase the record of a task that ended; its video URL is lost with it.

    Raises:
        InvalidRequest: the task has not ended; ``cancel`` is for those.
        TaskNotFound: the server does not know the task.
    """
    task = await calls.task(task_id)
    if not task.is_terminal:
        limit = f"must be a task that ended, and it is {task.status.value}; cancel() is for queued ones"
        raise InvalidRequest(field="task_id", value=task_id, limit=limit)
    await calls.account.deletes.wait()
    await calls.delete(task_id)
