"""The types of the names that every page may use, see tests/docs/blocks.py."""

from __future__ import annotations

from typing import Any

from seedance_async import SeedanceSession, VideoRequest
from seedance_async.simulator import Simulator

__all__ = ["Any", "SeedanceSession", "Simulator", "VideoRequest"]
