"""Outcomes on their way to the caller: few at a time, so that a slow caller slows the batch down."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from seedance_async.outcomes import Outcome

__all__ = ["Outbox"]


@define
class Outbox:
    """A queue with an end; closing never waits, whoever has left.

    Attributes:
        room: outcomes that may wait in it.
    """

    room: int
    _waiting: deque[Outcome] = field(factory=deque)
    _news: asyncio.Event = field(factory=asyncio.Event)
    _space: asyncio.Event = field(factory=asyncio.Event)
    _closed: bool = False

    def __attrs_post_init__(self) -> None:
        self._space.set()

    async def put(self, outcome: Outcome) -> None:
        """Hand an outcome over, once there is room for it."""
        while len(self._waiting) >= self.room:
            self._space.clear()
            await self._space.wait()
        self._waiting.append(outcome)
        self._news.set()

    def close(self) -> None:
        """Nothing more comes."""
        self._closed = True
        self._news.set()

    async def take(self) -> Outcome | None:
        """Give the next outcome, or None at the end."""
        while not self._waiting:
            if self._closed:
                return None
            self._news.clear()
            await self._news.wait()
        outcome = self._waiting.popleft()
        self._space.set()
        return outcome
