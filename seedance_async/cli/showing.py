"""Showing a batch: one line for each outcome as it comes, and what a person should know at its end."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from attrs import define, field

from seedance_async.cli.exits import code_in_batch
from seedance_async.cli.records import outcome_record, outcome_row, wants_json, write_json, write_text
from seedance_async.cli.reporting import advice_of, tell
from seedance_async.errors import Billed, BudgetExceeded, InvalidRequest, SeedanceError, TaskEnded
from seedance_async.progress.words import why

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from seedance_async.board import Board
    from seedance_async.outcomes import Outcome
    from seedance_async.progress import Progress

__all__ = ["Shown", "show"]


@define
class Shown:
    """What was shown of a batch.

    Attributes:
        codes: exit code of each outcome.
        going_on: tasks that a stop left at the server.
        left: prompts that a stop left before they were ordered.
        cancelled: tasks that were cancelled while the batch ran.
        open: prompts that the same command takes up again.
        failed: prompts that are ordered again only when that is asked for.
        lost: keys of orders of which nobody knows whether they have a task.
        short: unit of the budget that was used up, or None.
        advice: what to do about what went wrong, each once, in the order of coming.
    """

    codes: list[int] = field(factory=list[int])
    going_on: int = 0
    left: int = 0
    cancelled: int = 0
    open: int = 0
    failed: int = 0
    lost: list[str] = field(factory=list[str])
    short: str | None = None
    advice: dict[str, None] = field(factory=dict[str, None])
    _reasons: set[str] = field(factory=set[str])

    def take(self, outcome: Outcome) -> None:
        """Count an outcome."""
        from seedance_async.batch import BatchStopped

        self.codes.append(code_in_batch(outcome))
        self._take_open(outcome)
        self.short = self.short or _short_of(outcome.error)
        self.cancelled += outcome.kind.value == "cancelled" and not outcome.earlier
        if isinstance(outcome.error, BatchStopped):
            self.going_on += outcome.task is not None
            self.left += is_left(outcome)
        elif outcome.error is not None and (advice := advice_of(outcome.error)):
            self.advice.setdefault(advice)

    def _take_open(self, outcome: Outcome) -> None:
        """Count what another run would do about a prompt."""
        if outcome.kind.value == "succeeded":
            return
        for_good = _is_over(outcome)
        self.failed += for_good
        self.open += not for_good
        if outcome.kind.value == "uncertain" and outcome.task is None:
            self.lost.append(outcome.key)

    def row(self, outcome: Outcome) -> str | None:
        """Say an outcome in a line; None for one that says nothing new."""
        from seedance_async.batch import BatchStopped

        if isinstance(outcome.error, BatchStopped):
            # After Ctrl-C a person wants to read how to go on, not what was left for then.
            return None
        if outcome.kind.value == "skipped" and outcome.error is not None:
            # One reason skips all that is left: a thousand lines of it would hide how the others ended.
            reason = why(outcome.error)
            if reason in self._reasons:
                return None
            self._reasons.add(reason)
        return outcome_row(outcome)


def is_left(outcome: Outcome) -> bool:
    """Whether a stop came before the prompt was ordered."""
    from seedance_async.batch import BatchStopped

    stopped = isinstance(outcome.error, BatchStopped)
    return stopped and outcome.task is None and outcome.kind.value == "skipped"


def _short_of(error: BaseException | None) -> str | None:
    """Give the unit of the budget that an error says is used up."""
    from seedance_async.batch import SubmitsHalted

    cause = error.__cause__ if isinstance(error, SubmitsHalted) else error
    return cause.unit if isinstance(cause, BudgetExceeded) else None


def _is_over(outcome: Outcome) -> bool:
    """Whether the next run leaves it as it is: its task ended without a video, or the server said no."""
    from seedance_async.batch.policy import Policy

    error = outcome.error
    if outcome.kind.value != "refused":
        return isinstance(error, TaskEnded) and error.billed is Billed.NO
    if not isinstance(error, SeedanceError) or isinstance(error, InvalidRequest):
        return False
    return not Policy.blameless(error)


async def show(
    outcomes: AsyncGenerator[Outcome], progress: Progress, options: dict[str, Any], board: Board | None = None
) -> Shown:
    """Write one line for each outcome as it comes, then a sum and what to do about what went wrong."""
    shown, as_json, quiet = Shown(), wants_json(options["as_json"]), options["quiet"]
    try:
        # Closed here, while the session is open, also when the reader of the output has gone.
        async with aclosing(outcomes):
            async for outcome in outcomes:
                shown.take(outcome)
                # The sum would count them as skipped, and few of those that a stop leaves were read.
                if not quiet and not is_left(outcome):
                    progress.note(outcome)
                if board is not None:
                    board.note(outcome)
                with progress.paused():
                    if as_json:
                        write_json(outcome_record(outcome))
                    elif row := shown.row(outcome):
                        write_text(row)
    finally:
        progress.close()
    if not quiet:
        progress.sum_up()
        for advice in shown.advice:
            tell(f"  {advice}")
    return shown
