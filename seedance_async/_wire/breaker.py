"""The breaker: after "stop" nothing is submitted, until one submit after a cool-down proves that all is well.

Spend limits, arrears and used-up plans (api docs 1299023) do not pass by waiting a little, and every further
POST would only be refused again. Reading, waiting and downloading are not touched.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Final

from seedance_async._wire.clock import monotonic

if TYPE_CHECKING:
    from seedance_async.errors import QuotaExhausted

__all__ = ["COOL_DOWN", "Breaker"]

COOL_DOWN: Final = 60.0
"""Seconds between "stop" and the one submit that is let through to see."""


class Breaker:
    """Closed, everything passes; open, :meth:`check` raises what the server said.

    The probe needs no watching: letting it through starts another cool-down, so a probe that is cancelled or
    lost delays the next one and blocks nothing for ever.

    Attributes:
        cool_down: seconds.
    """

    def __init__(self, cool_down: float = COOL_DOWN) -> None:
        self.cool_down = cool_down
        self._error: QuotaExhausted | None = None
        self._until = -math.inf
        self._probing = False

    @property
    def is_open(self) -> bool:
        """True from "stop" until a probe was accepted."""
        return self._error is not None

    def check(self) -> None:
        """Raise while nothing may be submitted.

        Raises:
            QuotaExhausted: what the server said, each time as an error of its own.
        """
        if self._error is not None and monotonic() < self._until:
            raise self.refusal()

    def enter(self) -> None:
        """Do :meth:`check`, and after the cool-down make this submit the probe.

        Raises:
            QuotaExhausted: as for :meth:`check`.
        """
        self.check()
        if self._error is not None:
            self._until = monotonic() + self.cool_down
            self._probing = True

    def open(self, error: QuotaExhausted) -> bool:
        """Stop. Returns True when that is news: not for answers to submits that were already on their way."""
        if self._error is not None and not self._probing:
            return False
        self._error = error
        self._until = monotonic() + self.cool_down
        self._probing = False
        return True

    def accepted(self) -> None:
        """A submit was accepted: if a probe is out, everything may go on."""
        if self._probing:
            self._error = None
            self._probing = False

    def relent(self) -> None:
        """The server said "later", no longer "stop": after a probe that learns this, the next one may go."""
        if self._probing:
            self._until = monotonic()
            self._probing = False

    def refusal(self) -> QuotaExhausted:
        """Make the error for a submit that is not sent at all; the breaker must be open."""
        if self._error is None:
            raise RuntimeError("The breaker is closed.")
        # A raised error collects a traceback: two callers must not share one.
        error = copy.copy(self._error)
        seconds = max(0.0, self._until - monotonic())
        why = f"Not sent: the account was told to stop, and is tried again in {seconds:.0f} s."
        error.advice = f"{why} {error.advice}"
        return error
