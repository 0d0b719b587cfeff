"""The ramp of a start: how much a second is worth while the pace grows from a tenth to the whole.

Servers refuse a start that is too steep (429 ``RequestBurstTooFast``, api docs 1299023) without saying how
steep it may be, so we choose: the first second goes at 10 % of the pace, then the share grows linearly and is
whole after 10 s. Within these 10 s a pace of R a second sends ``5.05 * R`` requests instead of ``10 * R``.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["RAMP_SECONDS", "age_at", "worth"]

RAMP_SECONDS: Final = 10.0
"""Seconds until the pace is whole."""

_FLAT_SECONDS: Final = 1.0
_FLAT_SHARE: Final = _FLAT_SECONDS / RAMP_SECONDS
_FLAT_WORTH: Final = _FLAT_SHARE * _FLAT_SECONDS
_RAMP_WORTH: Final = _FLAT_WORTH + (RAMP_SECONDS**2 - _FLAT_SECONDS**2) / (2 * RAMP_SECONDS)


def worth(age: float) -> float:
    """Give the seconds at full pace that the first ``age`` seconds of a start are worth."""
    if age <= _FLAT_SECONDS:
        return _FLAT_SHARE * age
    if age <= RAMP_SECONDS:
        return _FLAT_WORTH + (age**2 - _FLAT_SECONDS**2) / (2 * RAMP_SECONDS)
    return _RAMP_WORTH + age - RAMP_SECONDS


def age_at(seconds: float) -> float:
    """Give the age at which a start is worth so many seconds at full pace: the inverse of :func:`worth`."""
    if seconds <= _FLAT_WORTH:
        return seconds / _FLAT_SHARE
    if seconds <= _RAMP_WORTH:
        return math.sqrt(_FLAT_SECONDS**2 + 2 * RAMP_SECONDS * (seconds - _FLAT_WORTH))
    return seconds - _RAMP_WORTH + RAMP_SECONDS
