"""What a store must be able to do to hold claims: make a version of a document exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Mapping

    from seedance_async.ledger.claims.claim import Claim, Owner

__all__ = ["Shelf"]


class Shelf(Protocol):
    """A store of claims, open for one owner. Each method raises JournalError when the store fails."""

    async def open(self, owner: Owner) -> None:
        """Get ready, and give the owner's first sign of life.

        Raises:
            JournalError: the store cannot be reached, or would let two owners make the same version.
        """

    async def close(self) -> None:
        """Take the owner's sign of life away and close what is open."""

    async def account(self, hint: str) -> str:
        """Keep the hint unless there is one, and give what is kept."""
        ...

    async def read(self, keys: Collection[str]) -> Mapping[str, Claim]:
        """Give the newest versions of some claims; unknown keys are left out."""
        ...

    async def make(self, claim: Claim) -> bool:
        """Make this version, durable when it returns; False when this version was made before."""
        ...

    def keys(self) -> AsyncGenerator[str, None]:
        """Give the keys of all claims, in no order."""
        ...

    async def open_claims(self) -> list[Claim]:
        """Give all claims in state sending or uncertain."""
        ...

    async def assign(self, task_id: str, key: str, attempt: int) -> str:
        """Note whose task it is unless that is noted, and give the key that is noted."""
        ...

    async def assigned(self, task_ids: Collection[str]) -> Mapping[str, tuple[str, int]]:
        """Give key and attempt of those tasks that were assigned."""
        ...

    async def put_request(self, key: str, text: str) -> None:
        """Keep the request of a job, unless there is one."""

    async def requests(self, keys: Collection[str]) -> Mapping[str, str]:
        """Give the requests of some jobs as they were put; unknown keys are left out."""
        ...

    async def beat(self) -> None:
        """Give a sign of life."""

    async def dead(self, owners: Collection[Owner]) -> set[str]:
        """Give the ids of those owners that gave no sign of life for longer than their lease."""
        ...
