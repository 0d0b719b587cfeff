"""The race for the next version of a claim: what this owner knows of each, and whether it was first."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from seedance_async._wire import clock
from seedance_async.errors import ClaimHeld, JournalError
from seedance_async.ledger.claims import moves
from seedance_async.ledger.claims.carrying import carried_through
from seedance_async.ledger.claims.claim import Claim
from seedance_async.ledger.rows import PlannedRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from seedance_async.ledger.claims.claim import Owner
    from seedance_async.ledger.claims.shelf import Shelf
    from seedance_async.ledger.intents import Intent
    from seedance_async.ledger.rows import JournalRow

__all__ = ["Race"]

logger = logging.getLogger("seedance_async")

_REMEMBERED: Final = 20_000
_RACES: Final = 20


class Race:
    """Makes versions of claims for one owner, while others make theirs."""

    def __init__(self, owner: Owner, shelf: Shelf) -> None:
        self.owner = owner
        self.shelf = shelf
        self._seen: OrderedDict[str, Claim] = OrderedDict()
        self._mine: dict[str, int] = {}

    def knows(self, key: str) -> bool:
        """Whether a version of the key's claim is remembered."""
        return key in self._seen

    async def move(
        self, key: str, change: Callable[[JournalRow], JournalRow], *, intent: Intent | None = None
    ) -> None:
        """Make the next version of a claim; when somebody else was faster, judge again by what is there."""
        for _ in range(_RACES):
            known = self.knows(key)
            try:
                claim = await self.newest(key, new=intent is not None)
                row = change(self.own(claim) if intent is None else self._free(claim))
            except JournalError:
                if not known:
                    raise
                del self._seen[key]  # judged by what we remembered: look before refusing
                continue
            if row is claim.row or await self.make(claim.following(row, owner=self.owner, intent=intent)):
                return
        raise JournalError(f"The claim of job {key!r} changes too fast to be written.")

    async def newest(self, key: str, *, new: bool = False) -> Claim:
        """Give the newest version that we know of; version 0 stands for a key that has none."""
        claim = self._seen.get(key) or (await self.shelf.read([key])).get(key)
        if claim is not None:
            return claim
        if not new:
            raise JournalError(f"The claims have no job {key!r}.")
        row = moves.planned(PlannedRow(key=key), now=clock.wall())
        return Claim(row=row, version=0, owner=self.owner)

    def own(self, claim: Claim) -> JournalRow:
        """See that what we have to say is about the POST that the claim is about."""
        if self._mine.get(claim.key, claim.row.attempts) != claim.row.attempts:
            raise JournalError(
                f"Job {claim.key!r} was taken over by {claim.owner}, which has submitted it again meanwhile."
            )
        return claim.row

    def _free(self, claim: Claim) -> JournalRow:
        """See that nobody else has a POST out for the job."""
        if claim.is_open and claim.owner.id != self.owner.id:
            raise ClaimHeld(key=claim.key, owner=str(claim.owner))
        return claim.row

    async def make(self, claim: Claim) -> bool:
        """Make a version, durable when it returns; False when somebody else made this one."""
        self._seen.pop(claim.key, None)
        if not await carried_through(self.shelf.make(claim)):
            there = (await self.shelf.read([claim.key])).get(claim.key)
            # A store that was asked twice, because its first answer got lost, refuses what is ours.
            if there is None or (there.version, there.mark) != (claim.version, claim.mark):
                return False
        self.remember(claim)
        return True

    def remember(self, claim: Claim) -> None:
        """Keep what is newest; the longest untouched is forgotten."""
        self._seen[claim.key] = claim
        self._seen.move_to_end(claim.key)
        if claim.is_open:
            self._mine[claim.key] = claim.row.attempts
        else:
            self._mine.pop(claim.key, None)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    async def take_over(self, claim: Claim) -> Claim:
        """Become the owner of a claim whose owner is dead."""
        if not await self.shelf.dead([claim.owner]):
            raise ClaimHeld(key=claim.key, owner=str(claim.owner))
        lost = JournalError(f"{claim.owner} died before it could note what became of the POST.")
        taken = claim.following(moves.uncertain(claim.row, lost), owner=self.owner)
        if not await self.make(taken):
            there = (await self.shelf.read([claim.key])).get(claim.key, claim)
            raise ClaimHeld(key=claim.key, owner=str(there.owner))
        logger.info("Job %r is taken over from %s.", claim.key, claim.owner)
        return taken

    def is_loose(self, key: str, attempt: int) -> bool:
        """Whether a task was noted as that of an open claim of ours, which does not have it yet."""
        claim = self._seen.get(key)
        return claim is not None and claim.is_open and claim.row.attempts == attempt
