"""Waiting for tasks: for one, for each as it ends, or for every change.  One watcher serves them all."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Protocol

from seedance_async._wire.protocol import check_task_id
from seedance_async.errors import (
    Billed,
    InvalidRequest,
    ResultMissing,
    TaskCancelled,
    TaskExpired,
    TaskFailed,
)
from seedance_async.events import logger
from seedance_async.models import TaskStatus, VideoTask
from seedance_async.watching.listeners import NO_LIMITS, Listener, News, WaitLimits
from seedance_async.watching.within import nobody_asked

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

    from seedance_async.errors import TaskEnded
    from seedance_async.watcher import Watcher

__all__ = ["as_completed", "wait_for", "watch"]

_ENDINGS: dict[TaskStatus, type[TaskEnded]] = {
    TaskStatus.FAILED: TaskFailed,
    TaskStatus.EXPIRED: TaskExpired,
    TaskStatus.CANCELLED: TaskCancelled,
}


class Watching(Protocol):
    """What has a watcher: a session."""

    @property
    def watcher(self) -> Watcher:
        """The one watcher of the session."""
        ...


async def wait_for(
    session: Watching,
    task_or_id: VideoTask | str,
    *,
    timeout: float | None = None,
    queued_timeout: float | None = None,
    running_timeout: float | None = None,
    on_update: Callable[[VideoTask], Awaitable[object] | object] | None = None,
    raise_on_failure: bool = True,
) -> VideoTask:
    """Wait until a task ends at the server.

    A bad look (no connection, 429, 5xx, an unreadable answer) never ends the wait.  A limit that passes leads
    to one more look, which may take up to 5 s; a task that has ended by then counts as ended.  No limit ever
    cancels the task.

    Args:
        session: an open session.
        task_or_id: a task, or the id of a task, also of another process.
        timeout: seconds from now on, or None to wait as long as it takes.
        queued_timeout: seconds from now on within which the task must have been seen running, or None.
        running_timeout: seconds after the first look that saw it running, or None.
        on_update: called with the task at the first look and at every change of its status, the end included;
            may be async, and then delays this wait alone; one that never returns keeps it for ever, whatever
            its limits.  What it raises is logged once and ends nothing.
        raise_on_failure: raise when the task ended without a video; otherwise return it whatever its status.

    Raises:
        InvalidRequest: an argument is not valid.
        TaskFailed: the server gave up on the task.
        TaskExpired: it waited longer than its own ``execution_expires_after``.
        TaskCancelled: it was cancelled.
        ResultMissing: it succeeded, and two looks showed no video URL.
        WaitTimeout: a limit passed; the task goes on at the server and can be waited for again.
        TaskNotFound: the server did not know it for ``PollPolicy.not_found_grace`` seconds.
        AuthenticationFailed: 401 or 403.
        SessionClosed: the session was closed.
    """
    limits = _limits(timeout, queued_timeout, running_timeout)
    task_id, known = _name(task_or_id)
    if known is not None and _is_over(known):
        task = known
        await _Teller(on_update).tell(task)
    elif on_update is None:
        # Kept, because a session that is closed meanwhile has no watcher to give.
        watcher = session.watcher
        waiter = watcher.wait(task_id, limits=limits, known=known)
        try:
            task = await waiter.future
        except BaseException:
            watcher.detach(waiter)  # after an end the watcher has let it go itself
            raise
    else:
        task = await _wait_telling(session.watcher, task_id, known, limits, _Teller(on_update))
    if raise_on_failure:
        _raise_if_failed(task)
    return task


async def as_completed(
    session: Watching, tasks: Iterable[VideoTask | str], *, timeout: float | None = None
) -> AsyncGenerator[VideoTask]:
    """Give each task when it has ended, whatever its status, in the order in which they end.

    Args:
        session: an open session.
        tasks: tasks or ids; each is given once.
        timeout: seconds from now on, or None to wait as long as it takes.

    Raises:
        InvalidRequest: an argument is not valid.
        WaitTimeout: after all others were given: a task did not end in time.
        TaskNotFound: after all others were given: the server does not know a task.
        AuthenticationFailed: 401 or 403.
        SessionClosed: the session was closed.
    """
    async for task in _news(session, tasks, timeout, ends_only=True):
        yield task


async def watch(
    session: Watching, tasks: Iterable[VideoTask | str], *, timeout: float | None = None
) -> AsyncGenerator[VideoTask]:
    """Give each task at its first look and at every change of its status, until all have ended.

    Args:
        session: an open session.
        tasks: tasks or ids.
        timeout: seconds from now on, or None to watch as long as it takes.

    Raises:
        InvalidRequest: an argument is not valid.
        WaitTimeout: after all others have ended: a task did not end in time.
        TaskNotFound: after all others have ended: the server does not know a task.
        AuthenticationFailed: 401 or 403.
        SessionClosed: the session was closed.
    """
    async for task in _news(session, tasks, timeout, ends_only=False):
        yield task


async def _news(
    session: Watching, tasks: Iterable[VideoTask | str], seconds: float | None, *, ends_only: bool
) -> AsyncGenerator[VideoTask]:
    """Give what the taps of many tasks bring, and at last the first error among it."""
    limits = _limits(seconds, None, None)
    named = dict(_name(task) for task in tasks)
    queue: asyncio.Queue[News] = asyncio.Queue()
    watcher, taps = session.watcher, list[Listener]()
    first_error: BaseException | None = None
    try:
        for task_id, known in named.items():
            if known is not None and _is_over(known):
                queue.put_nowait(known)
            else:
                taps.append(watcher.tap(task_id, queue, limits=limits, known=known, ends_only=ends_only))
        left = len(named)
        while left:
            news = await queue.get()
            if isinstance(news, BaseException):
                first_error = first_error or news
                left -= 1
                continue
            left -= news.is_terminal
            yield news
    finally:
        for tap in taps:
            watcher.detach(tap)
    if first_error is not None:
        raise first_error


async def _wait_telling(
    watcher: Watcher, task_id: str, known: VideoTask | None, limits: WaitLimits, teller: _Teller
) -> VideoTask:
    """Wait for one task and tell of its changes meanwhile."""
    queue: asyncio.Queue[News] = asyncio.Queue()
    tap = watcher.tap(task_id, queue, limits=limits, known=known)
    try:
        while True:
            news = await queue.get()
            if isinstance(news, BaseException):
                raise news
            await teller.tell(news)
            if news.is_terminal:
                return news
    finally:
        watcher.detach(tap)


class _Teller:
    """Calls ``on_update``, sync or async, and survives it."""

    def __init__(self, on_update: Callable[[VideoTask], Awaitable[object] | object] | None) -> None:
        self._on_update = on_update
        self._complained = False

    async def tell(self, task: VideoTask) -> None:
        """Call it with one task."""
        if self._on_update is None:
            return
        try:
            result = self._on_update(task)
            if inspect.isawaitable(result):
                await result
        except asyncio.CancelledError:
            # It may have awaited something of its own that was cancelled; nobody cancelled this wait.
            if not nobody_asked():
                raise
            self._complain(task)
        except Exception:  # noqa: BLE001 - a display that breaks must not lose a paid task
            self._complain(task)

    def _complain(self, task: VideoTask) -> None:
        """Log what it raised, the first time."""
        if not self._complained:
            logger.exception("on_update raised for task %s; the wait goes on", task.id)
        self._complained = True


def _limits(total: float | None, queued: float | None, running: float | None) -> WaitLimits:
    """Check the limits of a wait; the common wait without any shares one value."""
    if total is None and queued is None and running is None:
        return NO_LIMITS
    return WaitLimits(total=total, queued=queued, running=running)


def _name(task_or_id: VideoTask | str) -> tuple[str, VideoTask | None]:
    """Give the id, and what is known already."""
    if isinstance(task_or_id, VideoTask):
        if not _is_over(task_or_id):
            _check_given(task_or_id.id)
        return task_or_id.id, task_or_id
    if isinstance(task_or_id, str):
        return check_task_id(task_or_id), None
    raise InvalidRequest(field="task_or_id", value=task_or_id, limit="must be a VideoTask or a task's id")


def _check_given(task_id: str) -> None:
    """Refuse the id of a task that can never be asked for: looks at it would fail for ever.

    A server gave it, so unlike a slip of the caller it stands for an order that may bill.
    """
    try:
        check_task_id(task_id)
    except InvalidRequest:
        limit = "was given by the server and cannot be asked for; see in its console what became of the task"
        error = InvalidRequest(field="task_id", value=task_id, limit=limit)
        error.billed = Billed.MAYBE
        raise error from None


def _is_over(task: VideoTask) -> bool:
    """Whether nothing is left to wait for; a success without a URL is asked for once more."""
    return task.is_terminal and (task.status is not TaskStatus.SUCCEEDED or bool(task.video_url))


def _raise_if_failed(task: VideoTask) -> None:
    """Raise the error of a task that ended without a video."""
    ending = _ENDINGS.get(task.status)
    if ending is not None:
        raise ending(task)
    if not task.video_url:
        raise ResultMissing(task)
