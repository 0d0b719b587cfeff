"""The browser of these tests."""

from __future__ import annotations

from tests.browsers import browser

__all__ = ["browser"]
