"""Time as positions: long pauses, as between a batch and its continuation the next day, are cut out."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from attrs import frozen

from seedance_async.media.gallery.words import seconds_text
from seedance_async.report.svg import element, label, line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Axis", "axis_of", "scale"]

_STEPS: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 4, 12, 24)),
)
_MOST_TICKS: Final = 9
_PAUSE: Final = 60.0
_SHARE: Final = 0.25
_CUT_WIDTH: Final = 26.0
_MINUTE: Final = 60
_HOUR: Final = 3600
_SHARES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)
_LINES: Final = 5


@frozen(kw_only=True)
class _Piece:
    """A stretch of time without a long pause."""

    start: float
    end: float
    left: float
    right: float


@frozen(kw_only=True)
class Axis:
    """Maps moments to positions.

    Attributes:
        pieces: stretches of time from left to right.
        begin: the moment that counts as 0.
    """

    pieces: tuple[_Piece, ...]
    begin: float

    def x(self, at: float) -> float:
        """Give the position of a moment; what lies in a pause stands at its left edge."""
        index = max(0, bisect_right(self.pieces, at, key=lambda piece: piece.start) - 1)
        piece = self.pieces[index]
        share = (at - piece.start) / (piece.end - piece.start)
        return piece.left + min(1.0, max(0.0, share)) * (piece.right - piece.left)

    def drawn(self, top: float, bottom: float) -> str:
        """Draw ticks, grid lines and pauses; the labels stand below the bottom."""
        parts = [
            line(x, top, x, bottom, "grid") + label(x, bottom + 17, text, "soft", "middle")
            for x, text in self._ticks()
        ]
        for before, after in zip(self.pieces, self.pieces[1:], strict=False):
            middle = (before.right + after.left) / 2
            parts.append(_cut(middle, top, bottom))
            pause = f"{seconds_text(after.start - before.end)} pause"
            parts.append(label(middle, top - 6, pause, "soft", "middle"))
        return "".join(parts)

    def _ticks(self) -> Iterator[tuple[float, str]]:
        """Choose round moments, as time since the beginning."""
        shown = sum(piece.end - piece.start for piece in self.pieces)
        step = next((step for step in _STEPS if shown / step <= _MOST_TICKS), shown / _MOST_TICKS)
        for piece in self.pieces:
            count = -((self.begin - piece.start) // step)
            while (at := self.begin + count * step) <= piece.end:
                yield self.x(at), _elapsed(at - self.begin, step)
                count += 1


def _cut(x: float, top: float, bottom: float) -> str:
    """Mark a pause."""
    return "".join(
        element("path", d=f"M{x + shift - 3:.0f} {bottom + 5:.0f}l6 -10", class_="cut") for shift in (-3, 3)
    ) + line(x, top, x, bottom, "pause")


def _elapsed(seconds: float, step: float) -> str:
    """Write time since the beginning as short as the step allows."""
    if step < 1:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE or seconds % _MINUTE:
        whole = round(seconds)
        return f"{whole} s" if whole < _MINUTE else f"{whole // _MINUTE}:{whole % _MINUTE:02d}"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds // _HOUR:.0f}:{seconds % _HOUR / _MINUTE:02.0f} h"


def axis_of(spans: Iterable[tuple[float, float]], *, left: float, right: float) -> Axis:
    """Make the axis of some stretches of time.

    Args:
        spans: begin and end of each thing that shall be seen.
        left: position of the first moment.
        right: position of the last one.
    """
    merged = _merged(sorted(spans)) or [(0.0, 1.0)]
    busy = sum(end - start for start, end in merged)
    joined: list[tuple[float, float]] = []
    for start, end in merged:
        if joined and start - joined[-1][1] <= max(_PAUSE, _SHARE * busy):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return Axis(pieces=tuple(_placed(joined, left, right)), begin=joined[0][0])


def _merged(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join stretches that touch."""
    merged: list[tuple[float, float]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _placed(spans: Sequence[tuple[float, float]], left: float, right: float) -> Iterator[_Piece]:
    """Give each stretch a width by its length."""
    lengths = [max(end - start, 0.001) for start, end in spans]
    room = right - left - _CUT_WIDTH * (len(spans) - 1)
    for (start, _), length in zip(spans, lengths, strict=True):
        width = room * length / sum(lengths)
        yield _Piece(start=start, end=start + length, left=left, right=left + width)
        left += width + _CUT_WIDTH


def scale(most: float) -> list[float]:
    """Choose three to six round values from 0 up to what is at most needed."""
    if most <= 0:
        return [0.0, 1.0]
    size = 10.0 ** len(str(int(most)))
    while size / 10 >= most:
        size /= 10
    step = next(size * share for share in _SHARES if most / (size * share) <= _LINES)
    count = int(-(-most // step))
    return [step * number for number in range(count + 1)]
