"""What must be told elsewhere and nobody waits for: one after the other, in a task that is owned here.

The errands belong to an account, which several sessions may use, and which lives as long as its event loop. A
session that closes leaves them to the account: the task ends by itself when nothing waits, or with the loop,
where :func:`asyncio.run` cancels it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from seedance_async.errors import SeedanceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Errands"]

logger = logging.getLogger("seedance_async")

_PATIENCE: Final = 10.0


class Errands:
    """Runs errands in their order; one that fails is reported and does not keep the next from running."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], Awaitable[Any]]] = deque()
        self._runner: asyncio.Task[None] | None = None

    def run(self, errand: Callable[[], Awaitable[Any]]) -> None:
        """Run this after those that wait; returns at once."""
        self._waiting.append(errand)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run(), name="seedance errands")

    async def done(self) -> None:
        """Wait until all that was given so far is done; who waits may leave."""
        if self._runner is not None and not self._runner.done():
            await asyncio.wait({self._runner})

    async def finish(self) -> None:
        """Wait for the errands for 10 s at most; those of other sessions may be among them, so they go on."""
        if self._runner is not None and not self._runner.done():
            await asyncio.wait({self._runner}, timeout=_PATIENCE)

    async def _run(self) -> None:
        """Run what waits."""
        try:
            while self._waiting:
                await self._run_one(self._waiting.popleft())
        finally:
            if self._waiting:
                logger.warning("The shared limits were not told of %d things more.", len(self._waiting))

    @staticmethod
    async def _run_one(errand: Callable[[], Awaitable[Any]]) -> None:
        """Run one, for 10 s at most."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await errand()
        except (SeedanceError, TimeoutError) as error:
            logger.warning("The shared limits could not be told: %s", error)
