"""obstore itself: loaded where an object store is used, and its errors in one line."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from seedance_async.errors import MissingExtra

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["first_line", "load_obstore"]


def load_obstore(what: str) -> ModuleType:
    """Import obstore, or say which extra brings it.

    Args:
        what: what it is needed for, as the error begins.

    Raises:
        MissingExtra: obstore is not installed.
    """
    try:
        for room in ("exceptions", "store"):
            import_module(f"obstore.{room}")
        return import_module("obstore")
    except ImportError:
        raise MissingExtra(what, extra="storage") from None


def first_line(error: Exception) -> str:
    """Give the telling line of obstore's errors, which go on with pages of internals."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
