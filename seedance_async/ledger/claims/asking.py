"""What can be asked of shared claims; nothing here changes anything."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from attrs import evolve

from seedance_async.ledger.claims.claim import read_request
from seedance_async.ledger.rows import JobState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Sequence

    from seedance_async.ledger.claims.claim import Owner
    from seedance_async.ledger.claims.shelf import Shelf
    from seedance_async.ledger.intents import Intent
    from seedance_async.ledger.rows import JournalRow

__all__ = ["Asking"]

_PAGE: Final = 200


class Asking:
    """Questions to a store of claims.

    Attributes:
        owner: who asks.
        shelf: the store.
    """

    def __init__(self, shelf: Shelf, owner: Owner) -> None:
        self.owner = owner
        self.shelf = shelf

    async def row(self, key: str) -> JournalRow | None:
        """Give one job with its whole request, or None."""
        return (await self.lookup([key], requests=True)).get(key)

    async def lookup(self, keys: Sequence[str], *, requests: bool = False) -> dict[str, JournalRow]:
        """Give the rows of some keys at once, with ``position`` 0; unknown keys are left out."""
        claims = await self.shelf.read(keys)
        texts = await self.shelf.requests(claims.keys() if requests else ())
        return {
            key: evolve(claim.row, request=read_request(texts[key], key) if key in texts else None)
            for key, claim in claims.items()
        }

    async def states(self, keys: Sequence[str]) -> dict[str, JobState]:
        """Give the states of some keys at once; unknown keys are left out."""
        return {key: claim.row.state for key, claim in (await self.shelf.read(keys)).items()}

    async def counts(self) -> dict[JobState, int]:
        """Give how many jobs are in each state, zeros included; reads every claim."""
        found = Counter([row.state async for row in self.rows(requests=False)])
        return {state: found[state] for state in JobState}

    async def rows(
        self, *, states: Collection[JobState] | None = None, requests: bool = True
    ) -> AsyncGenerator[JournalRow, None]:
        """Yield all rows, in no order, page by page; what changes meanwhile is seen before or after."""
        page: list[str] = []
        async for key in self.shelf.keys():
            page.append(key)
            if len(page) >= _PAGE:
                for row in (await self.lookup(page, requests=requests)).values():
                    if states is None or row.state in states:
                        yield row
                page = []
        for row in (await self.lookup(page, requests=requests)).values():
            if states is None or row.state in states:
                yield row

    async def abandoned(self) -> list[str]:
        """Give the keys of open claims whose owner is dead: :meth:`find` takes them over."""
        others = [claim for claim in await self.shelf.open_claims() if claim.owner.id != self.owner.id]
        dead = await self.shelf.dead(list({claim.owner.id: claim.owner for claim in others}.values()))
        return sorted(claim.key for claim in others if claim.owner.id in dead)

    async def has_twin(self, intent: Intent) -> bool:
        """Whether an open submit of another key looks the same in a list, on whatever machine it is."""
        others = [claim.intent for claim in await self.shelf.open_claims() if claim.key != intent.key]
        return any(other is not None and other.facts == intent.facts for other in others)
