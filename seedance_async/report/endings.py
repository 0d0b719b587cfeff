"""How prompts ended, and what the errors were."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from seedance_async.media.gallery.advice import advice_for
from seedance_async.report.svg import WIDTH, Figure, bar, label

if TYPE_CHECKING:
    from seedance_async.report.facts import Facts

__all__ = ["endings"]

_LEFT, _EDGE, _ROW = 96.0, 24.0, 26.0
_MOST: Final = 12
_CLASSES: Final = {"succeeded": "good", "failed": "lost", "refused": "lost", "expired": "lost"}


def endings(facts: Facts) -> Figure:
    """Draw how many prompts ended how, and below each bad end its codes."""
    counts = Counter(job.status for job in facts.jobs)
    whys = Counter((job.status, job.why) for job in facts.jobs if job.why)
    rows: list[tuple[str, int, str, bool]] = []
    for status, count in counts.most_common():
        css = _CLASSES.get(status, "open")
        rows.append((status, count, css, False))
        told = [(why, number) for (state, why), number in whys.most_common() if state == status]
        rows += [(_told(status, why), number, css, True) for why, number in told[:_MOST]]
    most = max(counts.values(), default=1)
    body = "".join(_row(index, row, most) for index, row in enumerate(rows))
    words = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    return Figure(title="How it ended", words=words, height=_ROW * max(1, len(rows)) + 6, body=body)


def _told(status: str, why: str) -> str:
    """Say an error and what to do about it."""
    advice = advice_for(status=status, code=why, error_type=why)
    return f"{why}: {advice}" if advice else why


def _row(index: int, row: tuple[str, int, str, bool], most: int) -> str:
    """Draw one line: a count as a bar, or as a number before its words."""
    text, count, css, inner = row
    y = index * _ROW
    if inner:
        times = label(_LEFT + 14, y + 17, f"{count:,} ×", "soft", "end")
        return times + label(_LEFT + 24, y + 17, text, "soft")
    width = (WIDTH - _LEFT - _EDGE - 70) * count / most
    return (
        label(_LEFT - 10, y + 17, text, "", "end")
        + bar(_LEFT, y + 5, width, 15, css=css)
        + label(_LEFT + max(width, 1) + 9, y + 17, f"{count:,}", "strong")
    )
