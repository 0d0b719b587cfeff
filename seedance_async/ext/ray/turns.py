"""Turns of one route for a whole cluster: evenly spaced, handed out ahead of time, fewer when told so."""

from __future__ import annotations

import math
from typing import Final

from attrs import define, field

__all__ = ["Turns"]

_MARGIN: Final = 1.03
"""The gap is 3 % wider than the limit asks: over a network a turn comes a little early or late."""
_CUT: Final = 0.5
_CUT_EVERY: Final = 1.0
_STEP: Final = 0.01
_SLOWEST: Final = 0.1


@define(kw_only=True)
class Turns:
    """Hands out moments, never two closer than one gap, so that no window holds more than its limit and one.

    Attributes:
        per_second: turns a second that the account may take; may be infinite.
    """

    per_second: float
    _share: float = field(default=1.0, init=False)
    _next: float = field(default=-math.inf, init=False)
    _cut_at: float = field(default=-math.inf, init=False)

    @property
    def gap(self) -> float:
        """Seconds between two turns now; 0.0 where there is no limit."""
        return _MARGIN / (self.per_second * self._share)

    def take(self, now: float) -> float:
        """Take the next turn.

        Returns:
            Seconds from now until it.
        """
        turn = max(self._next, now)
        self._next = turn + self.gap
        self._share = min(1.0, self._share + _STEP)
        return turn - now

    def hold(self, until: float) -> None:
        """Let no turn that is still to be taken come before a moment."""
        self._next = max(self._next, until)

    def slow_down(self, now: float, hold: float) -> None:
        """Halve the pace, unless that was done within the last second, and hold it.

        Args:
            now: the moment.
            hold: seconds without a turn.
        """
        self.hold(now + hold)
        if now - self._cut_at >= _CUT_EVERY and not math.isinf(self.per_second):
            self._cut_at = now
            self._share = max(self._share * _CUT, min(1.0, _SLOWEST / self.per_second))
