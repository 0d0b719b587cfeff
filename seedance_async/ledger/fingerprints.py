"""A mark that the server gives back: the only way to recognise a task whose answer got lost.

The server takes no idempotency key and echoes no prompt, but a task record echoes ``execution_expires_after``
(api docs 1520757: 3600 to 259200 seconds, default 172800). A value of our own, a little above the default,
changes nothing for the caller: a task that is not done after 48 hours expires a few hours later than it would
have.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async.errors import RequestRefused

if TYPE_CHECKING:
    from seedance_async.errors import SeedanceError

__all__ = ["BAND", "DEFAULT_EXPIRY", "FIELD", "Fingerprints", "refuses_field"]

FIELD: Final = "execution_expires_after"
"""The body field that carries the fingerprint; the only one that the library ever adds by itself."""

DEFAULT_EXPIRY: Final = 172_800
"""What the server takes when the field is left out: 48 hours, in seconds (api docs 1520757)."""

BAND: Final = range(DEFAULT_EXPIRY + 1, DEFAULT_EXPIRY + 43_201)
"""Where fingerprints are drawn from: the default plus 1 second to plus 12 hours, 43,200 values."""

_BAD_REQUEST: Final = 400
_REMEMBERED: Final = len(BAND) // 2
# Not the shared generator: workers that all call random.seed(42) would draw the same fingerprints.
_draws = random.SystemRandom()


@define
class Fingerprints:
    """Draws values of the band; one comes again at the earliest after 21,600 others.

    At 600 submits a minute that is after 36 minutes, when the earlier task is known or too old to be
    mistaken.

    Attributes:
        refused: True once the server said that it does not take the field; then nothing is added any more.
    """

    refused: bool = False
    _recent: OrderedDict[int, None] = field(factory=OrderedDict, init=False)

    def draw(self) -> int:
        """Give a value that no recent submit has."""
        value = _draws.choice(BAND)
        while value in self._recent:  # at most half of the band is taken: two draws on average
            value = _draws.choice(BAND)
        self._recent[value] = None
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        return value


def refuses_field(error: SeedanceError) -> bool:
    """True when the server says that it does not take the field."""
    return isinstance(error, RequestRefused) and error.status == _BAD_REQUEST and FIELD in error.message
