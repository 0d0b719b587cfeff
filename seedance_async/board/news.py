"""A bell that any number of listeners hear, each as often as it has time for."""

from __future__ import annotations

import asyncio
import contextlib

from attrs import define, field

__all__ = ["News"]


@define(eq=False)
class News:
    """Says that something changed, and whether it is over."""

    over: bool = field(default=False, init=False)
    _bell: asyncio.Event = field(factory=asyncio.Event, init=False)

    def ring(self) -> None:
        """Something changed."""
        rung, self._bell = self._bell, asyncio.Event()
        rung.set()

    def end(self) -> None:
        """Nothing will change any more."""
        self.over = True
        self.ring()

    async def heard(self, seconds: float) -> None:
        """Wait until something changes, so many seconds at most."""
        if self.over:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()
