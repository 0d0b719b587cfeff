"""What goes in and what comes out: local inputs, downloads, the page of results."""

from __future__ import annotations
