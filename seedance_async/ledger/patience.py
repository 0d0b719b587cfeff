"""Tells who stopped waiting for an answer from who has done with the request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from seedance_async.errors import AnswerLost, ServerFailed

if TYPE_CHECKING:
    from seedance_async.errors import SeedanceError

__all__ = ["gave_up"]

# RFC 9110 sections 15.5.9 and 15.6.5; 499 is nginx's, 524 Cloudflare's, 598 and 599 those of other proxies.
_GAVE_UP: Final = frozenset({408, 499, 504, 524, 598, 599})
# Gateways also quote their HTTP client to that effect, under any status.
_GAVE_UP_WORDS: Final = re.compile(r"time-?out|timed out|deadline exceeded", re.IGNORECASE)


def gave_up(error: SeedanceError) -> bool:
    """True when somebody on the way stopped waiting, so that the request may still be worked on."""
    if isinstance(error, ServerFailed):
        return error.status in _GAVE_UP or bool(_GAVE_UP_WORDS.search(error.server_message))
    return isinstance(error, AnswerLost) and isinstance(error.__cause__, TimeoutError)
