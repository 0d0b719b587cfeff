"""How long tasks took, from the submit to their end, as a histogram with its percentiles."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from seedance_async.media.gallery.words import seconds_text
from seedance_async.report.axis import scale
from seedance_async.report.svg import WIDTH, Figure, bar, label, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.report.facts import Facts

__all__ = ["latency", "percentile"]

_LEFT, _EDGE, _TOP, _HEIGHT = 96.0, 24.0, 48.0, 170.0
_WIDTHS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600)
_MOST_BARS: Final = 36
_MARKS: Final = ((50, "half within"), (90, "90 % within"), (99, "99 % within"))


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Give the least value that so many percent of the values do not pass."""
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]


def latency(facts: Facts) -> Figure | None:
    """Draw how long succeeded tasks took; None when there is none."""
    times = sorted(seconds for job in facts.jobs if (seconds := job.seconds) is not None)
    if not times:
        return None
    # A server counts whole seconds: narrower bars would only leave gaps.
    least = 1.0 if all(seconds.is_integer() for seconds in times) else 0.0
    width = next((w for w in _WIDTHS if w >= least and times[-1] / w < _MOST_BARS), times[-1] / _MOST_BARS)
    first = int(times[0] // width)
    counts = [0] * (int(times[-1] // width) - first + 1)
    for seconds in times:
        counts[int(seconds // width) - first] += 1
    marks = [(percentile(times, percent), f"{text} {seconds_text(percentile(times, percent))}")
             for percent, text in _MARKS]  # fmt: skip
    body = _bars(counts, first, width) + _marks(marks, first, width, len(counts))
    words = "; ".join(text for _, text in marks)
    return Figure(title="Time from submit to end", words=words, height=_TOP + _HEIGHT + 28, body=body)


def _bars(counts: Sequence[int], first: int, width: float) -> str:
    """Draw bars, their scale and the times below."""
    values = [value for value in scale(max(counts)) if value == int(value)]
    bottom, room = _TOP + _HEIGHT, (WIDTH - _LEFT - _EDGE) / len(counts)
    parts: list[str] = []
    for value in values:
        y = bottom - value / values[-1] * _HEIGHT
        parts.append(
            line(_LEFT, y, WIDTH - _EDGE, y, "grid") + label(_LEFT - 10, y + 4, f"{value:.0f}", "soft", "end")
        )
    every = -(-len(counts) // 9)
    for index, count in enumerate(counts):
        x, height = _LEFT + index * room, count / values[-1] * _HEIGHT
        low = (first + index) * width
        if count:
            tip = f"{count} took {_told(low, width)} to {_told(low + width, width)}"
            parts.append(bar(x + 1, bottom - height, room - 2, height, css="work", tip=tip))
        if index % every == 0:
            parts.append(label(x, bottom + 17, _told(low, width), "soft", "middle"))
    return "".join(parts)


def _told(seconds: float, width: float) -> str:
    """Write an edge of a bar, as exactly as bars of that width need it."""
    return f"{seconds:.1f} s" if width < 1 else seconds_text(seconds)


def _marks(marks: Sequence[tuple[float, str]], first: int, width: float, count: int) -> str:
    """Draw the percentiles, each label above the one before."""
    parts: list[str] = []
    for index, (seconds, text) in enumerate(marks):
        x = _LEFT + (seconds / width - first) / count * (WIDTH - _LEFT - _EDGE)
        top = _TOP - 4 - 15 * (len(marks) - 1 - index)
        anchor, shift = ("end", -6) if x > WIDTH / 2 else ("start", 6)
        parts.append(line(x, top - 9, x, _TOP + _HEIGHT, "mark") + label(x + shift, top, text, "", anchor))
    return "".join(parts)
