"""The last lines of a batch: what is left, and the commands that do it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from seedance_async.cli.reporting import tell
from seedance_async.cli.typed import typed, without

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from seedance_async.cli.showing import Shown

__all__ = ["say_how_to_go_on", "say_what_is_left"]

_RETRY: Final = "--retry-failed"


def say_what_is_left(shown: Shown, total: int | None, *, simulated: bool) -> None:
    """Tell apart what goes on at the server and what was not ordered."""
    if simulated:
        tell("It was only simulated: nothing goes on. A server that stays for the next command:")
        tell("  seedance simulate")
    else:
        # Rows that were not read yet have no outcome.
        unread = 0 if total is None else total - len(shown.codes)
        more = " and what was not read yet" if total is None else ""
        going_on, left = shown.going_on, shown.left + unread
        tell(f"Still at the server, billed on success: {going_on:,}. Not ordered: {left:,}{more}.")


def say_how_to_go_on(
    shown: Shown, journal: Path | None, options: Mapping[str, Any], *, stopped: bool
) -> None:
    """Give the commands that do what is left."""
    words = typed()
    once = [word for word in words if word != _RETRY]
    if journal is None:
        if stopped:
            tell("There is no journal, so the same command would order anew.")
            tell("Tasks that go on: seedance list")
        return
    if not stopped:
        tell(f"What is on record: seedance journal show {shlex.quote(str(journal))}")
    if shown.lost and not stopped:
        key = shlex.quote(shown.lost[0]) if len(shown.lost) == 1 else "KEY"
        settle = f"seedance reconcile {key} --journal {shlex.quote(str(journal))}"
        tell(f"Who finds its task in the console: {settle} --task ID; who finds that there is none: --absent")
    if stopped or shown.open:
        # What this run ordered again and lost again is not ordered a third time by going on.
        line = _cancelled_too(shown, words) if stopped else once
        tell(f"Resume with: {shlex.join(_uncapped(shown, line, options))}")
    if shown.failed and not stopped:
        tell(f"Order again what failed: {shlex.join([*once, _RETRY])}")


def _cancelled_too(shown: Shown, words: list[str]) -> list[str]:
    """Let the command also order again what the stop cancelled: a plain run leaves what has ended."""
    if not shown.cancelled or _RETRY in words:
        return words
    tell(f"What was cancelled, as what failed, is ordered again only with {_RETRY}.")
    return [*words, _RETRY]


def _uncapped(shown: Shown, words: list[str], options: Mapping[str, Any]) -> list[str]:
    """Take the limit away that ended the batch: it would end the same command again."""
    if shown.short is None:
        return words
    cap = _cap(shown.short, options)
    tell(f"{cap} is used up: raise it. The line below is without it.")
    return without(words, cap)


def _cap(unit: str, options: Mapping[str, Any]) -> str:
    """Name the option whose sum is used up; of tasks of earlier runs only some unit is known."""
    by_tokens = options["max_tokens"] is not None and unit == "tokens"
    return "--max-tokens" if by_tokens or options["max_cost"] is None else "--max-cost"
