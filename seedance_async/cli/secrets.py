"""The last guard of the key: whatever is written, the key is not in it."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["keep_secret", "masked"]

_NAMES: Final = ("SEEDANCE_API_KEY", "ARK_API_KEY")
_SHORTEST: Final = 6
_secrets: set[str] = set()


def keep_secret(value: str | None) -> None:
    """Remember a value that came from elsewhere than the environment and must never be shown."""
    if value:
        _secrets.add(value.strip())


def masked(text: str) -> str:
    """Take the key out of a text, should a server or a library ever have put it in."""
    found = {os.environ.get(name, "").strip() for name in _NAMES} | _secrets
    # A very short key would take letters out of words, and opens nothing.
    for secret in sorted((value for value in found if len(value) >= _SHORTEST), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
