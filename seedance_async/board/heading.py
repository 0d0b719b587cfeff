"""The head of a board: how far the batch is, what it has spent, and how long it may take."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Final

from seedance_async.media.gallery.words import money_text, seconds_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seedance_async.progress.tally import Tally

__all__ = ["heading"]

_WIDE: Final = 1000
_BAD: Final = frozenset({"failed", "refused", "expired", "uncertain"})
_DONE: Final = frozenset({"succeeded", *_BAD, "cancelled", "skipped"})


def heading(tally: Tally, now: float, *, stopping: str = "", over: bool = False) -> str:
    """Write the head as HTML.

    Args:
        tally: the books of the run.
        now: seconds on the loop's clock.
        stopping: what is said of a batch that was asked to stop.
        over: whether the batch has ended.
    """
    figures = [*_figures(tally, now)]
    left = tally.seconds_left(now)
    # What will not be ordered any more needs no time.
    if left and not stopping and not over:
        figures.append(("Left", f"about {seconds_text(left)}"))
    rows = "".join(f"<div><dt>{label}</dt><dd>{escape(text)}</dd></div>" for label, text in figures)
    word = f'<p class="stopping">{escape(stopping)}</p>' if stopping else ""
    return f'{_bar(tally)}<dl class="figures">{rows}</dl>{word}'


def _figures(tally: Tally, now: float) -> Iterator[tuple[str, str]]:
    """Give what is told in numbers."""
    yield "Ended", f"{tally.done:,}" + (f" of {tally.total:,}" if tally.total is not None else "")
    moving = [f"{count:,} {word}" for word, count in tally.states().items() if count and word not in _DONE]
    yield "Now", " · ".join(moving) or "nothing in flight"
    if bad := sum(count for word, count in tally.ended.items() if word in _BAD):
        yield "Without a video", f"{bad:,}"
    budget = tally.budget
    most = None if budget is None or budget.tokens is None else f"{budget.tokens:,}"
    yield "Tokens", _of(f"{tally.tokens:,}", most)
    if tally.cost is not None:
        cap = None if budget is None or budget.cost is None else Decimal(str(budget.cost))
        most = None if cap is None else money_text(cap, tally.currency)
        yield "Cost", _of(money_text(tally.cost, tally.currency), most)
    yield "Time", seconds_text(tally.elapsed(now if tally.busy else None))


def _of(spent: str, most: str | None) -> str:
    """Write what was spent, and of how much."""
    return spent if most is None else f"{spent} of {most}"


def _bar(tally: Tally) -> str:
    """Draw how many prompts are where."""
    states = dict(tally.states())
    good, bad = states.pop("succeeded", 0), sum(states.pop(word, 0) for word in _BAD)
    waiting = states.pop("waiting", 0)
    rest = sum(states.pop(word, 0) for word in ("cancelled", "skipped"))
    parts = (("good", good), ("lost", bad), ("rest", rest), ("busy", sum(states.values())), ("wait", waiting))
    total = max(1, sum(count for _, count in parts))
    x, drawn = 0.0, ""
    for css, count in parts:
        width = _WIDE * count / total
        drawn += f'<rect x="{x:.1f}" y="0" width="{width:.1f}" height="10" class="{css}"/>'
        x += width
    label = f"{good} of {total} videos are there"
    return (
        f'<svg class="meter" viewBox="0 0 {_WIDE} 10" preserveAspectRatio="none" role="img"'
        f' aria-label="{label}">{drawn}</svg>'
    )
