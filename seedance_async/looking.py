"""What a session does with tasks that exist: look, list, cancel, erase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedance_async import cancelling
from seedance_async.lifecycle import Lifecycle
from seedance_async.models import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.cancelling import Cancellation
    from seedance_async.models import TaskPage, VideoTask

__all__ = ["Looking"]


class Looking(Lifecycle):
    """The calls that cost nothing."""

    async def get(self, task_id: str) -> VideoTask:
        """Look at one task once; a failed task is an answer, not an error.

        Raises:
            TaskNotFound: the server does not know it (erased, older than 7 days, another account's).
        """
        task = await self._core.calls.task(task_id)
        if task.is_terminal:
            self._core.account.slots.ended(task.id)
        return task

    async def list(
        self,
        *,
        status: TaskStatus | str | None = None,
        task_ids: Sequence[str] = (),
        model: str | None = None,
        service_tier: str | None = None,
        page_num: int = 1,
        page_size: int = 20,
    ) -> TaskPage:
        """List one page of the tasks of the last 7 days (api docs 1521675).

        Args:
            status: only tasks with this status.
            task_ids: only these tasks.
            model: only tasks of this model or endpoint.
            service_tier: ``default`` or ``flex``; flex tasks are listed only when asked for.
            page_num: 1 to 500.
            page_size: 1 to 500.

        Raises:
            InvalidRequest: a filter or a number is not valid; nothing was sent.
        """
        return await self._core.calls.page(
            page_num=page_num,
            page_size=page_size,
            status=status.value if isinstance(status, TaskStatus) else status,
            task_ids=task_ids,
            model=model,
            service_tier=service_tier,
        )

    async def cancel(self, task_id: str) -> Cancellation:
        """Cancel a task if it is still queued; says what happened and what still bills.

        Never erases a result: one DELETE is sent, right after a look that says queued, and never repeated.
        """
        cancellation = await cancelling.cancel(self._core.calls, task_id)
        if cancellation.task.is_terminal:
            self._core.account.slots.ended(task_id)
        return cancellation

    async def delete(self, task_id: str) -> None:
        """Erase the record of a task that ended, and with it the way to its video.

        Raises:
            InvalidRequest: the task has not ended.
        """
        await cancelling.delete(self._core.calls, task_id)
