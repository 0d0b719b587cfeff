"""The asyncio client for Seedance video tasks: one prompt, one paid task, and nothing paid for is lost.

Names are looked up when they are first used (PEP 562), because aiohttp alone takes a third of a second to
import and ``seedance --help`` must not wait for it.  To add a public name: its line in ``_HOMES``, its line
in ``__all__`` and its import under ``TYPE_CHECKING``; ``tests/test_house.py`` compares the three.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

__all__ = ["__version__"]

__version__ = "0.1.0"

_HOMES: Final[dict[str, str]] = {}
"""Public name -> the module that defines it."""


def __getattr__(name: str) -> object:
    """Import the home of a public name at its first use and keep what it was."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names without importing their homes."""
    return sorted({*globals(), *_HOMES})
