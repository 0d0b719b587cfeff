"""Ray itself: loaded where it is used, and named where it is missing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from seedance_async.errors import MissingExtra

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["load_ray"]


def load_ray() -> ModuleType:
    """Import Ray with its data sets, or say which extra brings it.

    Raises:
        MissingExtra: Ray is not installed.
    """
    try:
        for room in ("ray.data", "ray.util.scheduling_strategies"):
            import_module(room)
        return import_module("ray")
    except ImportError:
        raise MissingExtra("A pipeline on Ray", extra="ray") from None
