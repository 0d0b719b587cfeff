"""Fetch again, with back-off, for as long as that helps: a paid video is worth more than one attempt.

Attempts and budget of :class:`RetryPolicy` count from the last time that the download got further than ever
before.  A long video over a bad line breaks often and still arrives; one that stands still gives up.  Where
each attempt begins at the first byte, all attempts count, and the seconds since one last brought something.
A dead URL is no attempt the first time: a fresh one is asked for at once.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import define, field

from seedance_async._wire import clock
from seedance_async._wire.retry import GiveUp, decide
from seedance_async.errors import Billed, DownloadFailed
from seedance_async.events import RetryScheduled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from seedance_async.events import Observer
    from seedance_async.settings import RetryPolicy

__all__ = ["FetchFailed", "Tries", "worth_another"]

T = TypeVar("T")

_NEXT_SIGNATURE: Final = 1.1
"""Seconds after which a URL that is signed anew differs from the one before."""


class FetchFailed(DownloadFailed):
    """One attempt failed and another may work.

    Attributes:
        stale: the URL may have died; ask for a fresh one first.
        retry_after: seconds that the server asked to wait, or None.
    """

    transient = True
    billed = Billed.NO  # a repeated GET costs nothing

    def __init__(
        self,
        message: str,
        *,
        task_id: str = "",
        status: int | None = None,
        stale: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self.stale = stale
        self.retry_after = retry_after
        super().__init__(message, task_id=task_id, status=status)


@contextmanager
def worth_another() -> Generator[None]:
    """Turn what a check says of a broken file into a failed attempt: the next copy may be whole."""
    try:
        yield
    except DownloadFailed as error:
        raise FetchFailed(error.message) from None


@define(kw_only=True)
class Tries:
    """Carries out attempts until one succeeds; one instance per file.

    Attributes:
        task_id: for errors and events.
        refresh: gives a fresh URL, or None when nobody can.
        retry: attempts, budget and waits.
        emit: told of every repeat.
        reached: gives the number of bytes that have arrived for good.
        afresh: whether each attempt begins at the first byte; ``reached`` gives what the last one brought.
    """

    task_id: str
    refresh: Callable[[], Awaitable[str]] | None
    retry: RetryPolicy
    emit: Observer
    reached: Callable[[], int]
    afresh: bool = False
    _failures: int = field(default=0, init=False)
    _since: float = field(default=0.0, init=False)
    _furthest: int = field(default=0, init=False)
    _renewed: bool = field(default=False, init=False)

    async def run(self, attempt: Callable[[str], Awaitable[T]], url: str) -> T:
        """Try until it works.

        Raises:
            DownloadFailed: it cannot work, or did not within the policy.
        """
        self._since, self._furthest = clock.monotonic(), self.reached()
        while True:
            try:
                return await attempt(url)
            except FetchFailed as error:
                if error.stale and self.refresh is not None and not self._renewed:
                    # As a row of a journal gives it, without its signature: host and video are not to blame.
                    self._renewed = True
                else:
                    await self._wait(error)
                url = await self._fresh(url, error) if error.stale else url
            except DownloadFailed as error:
                error.task_id = self.task_id
                raise

    async def _wait(self, error: FetchFailed) -> None:
        """Sleep before the next attempt, or give up."""
        if self.reached() > self._furthest:
            self._since = clock.monotonic()
            if not self.afresh:
                self._failures, self._furthest = 0, self.reached()
        self._failures += 1
        verdict = decide(
            self.retry,
            attempt=self._failures,
            elapsed=clock.monotonic() - self._since,
            error=error,
            draw=random.random(),  # noqa: S311 - jitter is no secret
        )
        if isinstance(verdict, GiveUp) or (error.stale and self.refresh is None):
            raise self._final(error) from error
        self.emit(
            RetryScheduled(
                route="video",
                attempt=self._failures,
                wait=verdict.after,
                error=error.message,
                task_id=self.task_id,
            )
        )
        await clock.sleep(verdict.after)

    async def _fresh(self, url: str, error: FetchFailed) -> str:
        """Ask for a fresh URL; the same one again would be refused again."""
        fresh = await self.refresh() if self.refresh is not None else ""
        if fresh == url and self.refresh is not None:
            # A signature holds the second of its making: within one second a fresh URL looks the same.
            await clock.sleep(_NEXT_SIGNATURE)
            fresh = await self.refresh()
        if not fresh or fresh == url:
            raise self._final(error) from error
        return fresh

    def _final(self, error: FetchFailed) -> DownloadFailed:
        """Word the end of trying."""
        advice = "Land again later: the task is paid for, and what has arrived is kept."
        if error.stale:
            advice = "Its URL has died (24 hours after success): read the task again, then land."
        return DownloadFailed(error.message, task_id=self.task_id, status=error.status, advice=advice)
