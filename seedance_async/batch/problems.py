"""Why a job was not carried out though nothing is wrong with it: errors of batches."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from seedance_async.errors import Billed, SeedanceError

if TYPE_CHECKING:
    from collections.abc import Generator

    from seedance_async.models import VideoTask

__all__ = ["BatchStopped", "ChainBroken", "SubmitsHalted", "ungrouped"]


@contextmanager
def ungrouped() -> Generator[None]:
    """Let the first mistake out of a TaskGroup: it ends the others, and is what the caller wants to see."""
    try:
        yield
    except BaseExceptionGroup as several:
        raise _first(several) from several


def _first(error: BaseException) -> BaseException:
    """Give the first error of nested groups."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    return _first(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])


class BatchStopped(SeedanceError):
    """The batch was asked to stop before this job was done.

    Attributes:
        task: the job's task, which goes on at the server, or None when none is known.
    """

    advice = "Run the same batch with the same journal again to go on."

    def __init__(self, task: VideoTask | None = None, *, lost: bool = False) -> None:
        self.task = task
        if lost:
            words = "The batch was stopped while the task of this job was looked for; it may exist."
            super().__init__(words, billed=Billed.MAYBE)
        elif task is None:
            super().__init__("The batch was stopped before this job was sent.")
        else:
            super().__init__(
                f"The batch was stopped; task {task.id} goes on at the server.", billed=Billed.MAYBE
            )


class SubmitsHalted(SeedanceError):
    """An earlier job ended so that no more are submitted; ``__cause__`` is its error."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"Not sent, because no more jobs are submitted: {cause}")
        self.__cause__ = cause


class ChainBroken(SeedanceError):
    """The job that this one needs did not give what it needs.

    Attributes:
        after: key of that job.
    """

    def __init__(self, after: str, why: str) -> None:
        self.after = after
        super().__init__(f"Not sent, because job {after!r}, which comes before it in its chain, {why}")
