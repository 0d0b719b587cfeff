"""Signs of life: whoever gives none for the length of its lease counts as dead, and stops claiming itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async._wire import clock
from seedance_async.errors import JournalError, SeedanceError

if TYPE_CHECKING:
    from seedance_async.ledger.claims.claim import Owner
    from seedance_async.ledger.claims.shelf import Shelf

__all__ = ["Lease"]

logger = logging.getLogger("seedance_async")

_BEATS: Final = 4.0  # signs of life within one lease: two may be lost without harm


@define(eq=False)
class Lease:
    """Keeps one owner alive in the eyes of the others, until it is ended."""

    owner: Owner
    shelf: Shelf
    _until: float = field(default=-math.inf, init=False)
    _beating: asyncio.Task[None] | None = field(default=None, init=False)

    def begin(self, since: float) -> None:
        """Go on from the first sign of life, which was given at ``since`` (loop time) or later."""
        self._until = since + self.owner.lease
        self._beating = asyncio.create_task(self._beat(), name=f"claims of {self.owner}")

    async def end(self) -> None:
        """Give no more signs of life."""
        beating, self._beating = self._beating, None
        self._until = -math.inf
        if beating is not None:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating

    def check(self) -> None:
        """Refuse to claim what others may take for a dead owner's at once.

        Raises:
            JournalError: no sign of life reached the store for the length of the lease, or it has ended.
        """
        if clock.monotonic() < self._until:
            return
        error = JournalError(
            f"No sign of life reached the store of the claims for {self.owner.lease:g} s: nothing was sent."
        )
        error.transient = True
        raise error

    async def _beat(self) -> None:
        """Give signs of life; one that fails is followed by the next."""
        while True:
            await clock.sleep(self.owner.lease / _BEATS)
            now = clock.monotonic()
            try:
                await self.shelf.beat()
            except SeedanceError as error:
                logger.warning("The claims could not be kept alive: %s", error)
            else:
                self._until = now + self.owner.lease
