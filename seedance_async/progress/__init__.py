"""Progress: an observer that shows what a session does: a live view, or plain lines where none can be."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol, Self, TextIO

from seedance_async._wire import clock
from seedance_async.progress.tally import Tally
from seedance_async.progress.words import line_of, outcome_line, summary

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import TracebackType

    from seedance_async.events import Event
    from seedance_async.outcomes import Outcome
    from seedance_async.prices import PriceTable
    from seedance_async.settings import AccountLimits, Budget

__all__ = ["Progress"]

_LAST: Final = 5
_TICK_SECONDS: Final = 0.25
_FRAME_SECONDS: Final = 0.1


class View(Protocol):
    """A picture of a run that is drawn over."""

    def show(self, tally: Tally, recent: Sequence[str], now: float) -> None:
        """Draw the state of a run."""

    def begin(self) -> bool:
        """Take note that something begins after a rest; tells whether it is shown at another place."""
        ...

    def hide(self) -> bool:
        """Give the place back for a while; tells whether something was taken away."""
        ...

    def write(self, text: str) -> bool:
        """Write a line of the caller's own beside the picture; False where it belongs into the picture."""
        ...

    def end(self, tally: Tally, recent: Sequence[str], now: float) -> None:
        """Take the picture away, or leave it as it is at the end."""


class Progress:
    """Shows counts, rate and time left; pass it as ``SeedanceSession(observer=Progress())``.

    On a terminal with the extra ``cli`` installed it is one live view, in a notebook one output below the
    cell that is drawn over, elsewhere (pipes, logs) one line per fact. It belongs to one event loop. As a
    context manager it ends with a line that sums up.
    """

    def __init__(
        self,
        *,
        total: int | None = None,
        budget: Budget | None = None,
        prices: PriceTable | None = None,
        limits: AccountLimits | None = None,
        noted: bool = False,
        file: TextIO | None = None,
        live: bool | None = None,
    ) -> None:
        """Take what is known beforehand; nothing is shown yet.

        Args:
            total: how many prompts there will be, or None when nobody knows.
            budget: what may be spent, shown beside what was.
            prices: price list for what was billed; that of the budget when None.
            limits: the account's quotas, for the time left.
            noted: whether :meth:`note` will be told of every prompt; then a video that is on its way
                counts as landing, not as done.
            file: where to write; standard error, or the notebook, when None.
            live: False for one line per fact, True for a view, None to choose by what there is.
        """
        self.tally = Tally(
            total=total,
            budget=budget,
            prices=prices or _prices_of(budget),
            limits=limits,
            noted=noted,
        )
        self._file = file if file is not None else sys.stderr
        self._view = _view(file, live=live)
        self._recent: list[str] = []
        self._tick: asyncio.TimerHandle | None = None
        self._drawn = 0.0
        self._paused = 0

    # -- what it is told

    def __call__(self, event: Event) -> None:
        """Take in one event of a session."""
        now, busy, news = clock.monotonic(), self.tally.busy, self.tally.is_news(event)
        self.tally.take(event, now)
        self._tell(line_of(event, self.tally) if news else None, now, was_busy=busy)

    def note(self, outcome: Outcome) -> None:
        """Take in the outcome of one prompt; it tells what events cannot: refusals, tokens, skips."""
        now, busy = clock.monotonic(), self.tally.busy
        self.tally.note(outcome, now)
        self._tell(outcome_line(outcome), now, was_busy=busy)

    def say(self, text: str) -> None:
        """Show a line of the caller's own."""
        with self.paused():
            self._write(text)

    # -- showing

    @contextmanager
    def paused(self) -> Generator[None]:
        """Take the live view off the terminal, so that the caller may write there."""
        self._paused += 1
        shown = self._view is not None and self._view.hide()
        try:
            yield
        finally:
            self._paused -= 1
            if shown:
                self._draw(clock.monotonic())

    def _tell(self, line: str | None, now: float, *, was_busy: bool) -> None:
        """Show a fact: as a line of its own, or among the last ones of the live view."""
        if self._view is None:
            if line is not None:
                self._write(f"{self.tally.elapsed(now):7.1f} s  {line}")
            return
        if self.tally.busy and not was_busy and self._view.begin():
            self._recent = []
        if line is not None:
            self._recent = [*self._recent, line][-_LAST:]
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._ticked)
        if now - self._drawn >= _FRAME_SECONDS or was_busy != self.tally.busy:
            self._draw(now)

    def _ticked(self) -> None:
        """Draw again a moment later, for the clock in the view and for what came too fast to draw."""
        self._draw(clock.monotonic())
        self._tick = None
        if self.tally.busy:
            self._tick = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._ticked)

    def _draw(self, now: float) -> None:
        """Bring the live view up to date."""
        if self._view is not None and not self._paused:
            self._drawn = now
            self._view.show(self.tally, self._recent, now)

    def _write(self, text: str) -> None:
        """Write one line; a reader that has gone away ends nothing."""
        try:
            if self._view is None:
                self._file.write(f"{text}\n")
                self._file.flush()
            elif not self._view.write(text):
                self._recent = [*self._recent, text][-_LAST:]
                self._view.show(self.tally, self._recent, clock.monotonic())
        except (OSError, ValueError):
            self._view = None

    # -- the end

    def close(self) -> None:
        """Take the live view away and stop drawing; a second time does nothing."""
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        if self._view is not None and self.tally.begun:
            self._view.end(self.tally, self._recent, clock.monotonic())

    def sum_up(self) -> None:
        """Write the line that sums the run up, if anything happened."""
        if self.tally.begun:
            self._write(summary(self.tally))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self.sum_up()


def _prices_of(budget: Budget | None) -> PriceTable | None:
    """Give the price list of a budget."""
    from seedance_async.prices import PriceTable

    found = None if budget is None else budget.prices
    return found if isinstance(found, PriceTable) else None


def _view(file: TextIO | None, *, live: bool | None) -> View | None:
    """Give the view of a notebook or of a terminal, where there is one."""
    from seedance_async.progress.notebook import NotebookView, kernel_shell

    if live is False:
        return None
    if file is None and (shell := kernel_shell()) is not None:
        return NotebookView(shell)
    target = file if file is not None else sys.stderr
    if live is None and not target.isatty():
        return None
    try:
        from seedance_async.progress.live import LiveView

        return LiveView(target)
    except ImportError:
        return None
