"""The book of shared claims: what a submit and a batch tell, held against what all machines have told."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from seedance_async._wire import clock
from seedance_async.errors import InvalidRequest, JournalError
from seedance_async.ledger._moves import as_json
from seedance_async.ledger.claims import moves
from seedance_async.ledger.claims.asking import Asking
from seedance_async.ledger.claims.claim import Claim, Owner
from seedance_async.ledger.claims.lease import Lease
from seedance_async.ledger.claims.places import shelf_of
from seedance_async.ledger.claims.race import Race

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from types import TracebackType

    from seedance_async.errors import SeedanceError
    from seedance_async.ledger.claims.shelf import Shelf
    from seedance_async.ledger.intents import Intent
    from seedance_async.ledger.rows import PlannedRow
    from seedance_async.models import VideoTask

__all__ = ["Claims"]

_SHORTEST_LEASE: Final = 0.1
# A POST is looked for by the moment of its claim: one that went out much later would be taken for absent.
_SLOWEST: Final = 10.0


class Claims(Asking):
    """Claims of many machines in one store; an ``IntentStore`` with the verbs of :class:`Journal`.

    Use it as ``async with Claims.open("s3://bucket/claims") as claims``, in the process that submits: it
    belongs to one event loop and one session, and gives signs of life while it is open.

    Attributes:
        owner: who this is in the eyes of the others.
        shelf: the store.
    """

    def __init__(self, shelf: Shelf, *, lease: float, account: str | None) -> None:
        if not isinstance(lease, int | float) or not _SHORTEST_LEASE <= lease < float("inf"):
            limit = f"must be a number of seconds from {_SHORTEST_LEASE:g} up"
            raise InvalidRequest(field="lease", value=lease, limit=limit)
        super().__init__(shelf, Owner.here(lease=float(lease)))
        self._account = account
        self._lease = Lease(self.owner, shelf)
        self._stack = AsyncExitStack()
        self._race = Race(self.owner, shelf)

    def __repr__(self) -> str:
        return f"<Claims of {self.owner}>"

    @classmethod
    def open(cls, place: Any, *, lease: float = 30.0, account: str | None = None, **options: Any) -> Claims:
        """Name the store; ``async with`` opens it.

        Args:
            place: ``s3://``, ``gs://``, ``az://``, ``file:///`` or ``memory://`` with bucket and folder
                (extra ``storage``), ``postgresql://`` (extra ``postgres``), or a store object of obstore.
            lease: seconds, 0.1 and up, without a sign of life after which an owner counts as dead. Shorter
                than a machine's longest pause, it lets others take over what is still being sent.
            account: something that names the account and is no secret (its base URL, say); only a hash is
                kept, and a store that was begun with another one is refused.
            options: for obstore, passed as they are (``region=``, ``endpoint=``, ``client_options=``...).

        Raises:
            MissingExtra: the extra for this kind of store is not installed.
            InvalidRequest: the address or an option is not valid.

        Entering raises:
            JournalError: the store cannot be reached, belongs to another account, or would let two machines
                claim one job.
        """
        return cls(shelf_of(place, **options), lease=lease, account=account)

    async def __aenter__(self) -> Self:
        now = clock.monotonic()
        try:
            self._stack.push_async_callback(self.shelf.close)
            await self.shelf.open(self.owner)
            if self._account is not None:
                await self._check_account(self._account)
            self._lease.begin(now)
            self._stack.push_async_callback(self._lease.end)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give no more signs of life: what is open may be taken over at once."""
        await self._stack.aclose()

    # What a submit tells (the IntentStore).

    async def sending(self, intent: Intent) -> None:
        """Claim the job: a POST goes out next. A key that was not planned gets a row without a request.

        Raises:
            JournalError: the key has a task or an open POST, the claim could not be made, or making it
                took so long that the POST must not go out any more: do not send.
            ClaimHeld: another machine has an open POST for it.
        """
        self._lease.check()
        await self._race.move(intent.key, partial(moves.sending, intent=intent), intent=intent)
        if clock.wall() - intent.sent_at > _SLOWEST:
            await self.absent(intent.key)
            error = JournalError(f"Claiming job {intent.key!r} took too long: nothing was sent.")
            error.transient = True
            raise error

    async def accepted(self, key: str, task_id: str) -> None:
        """Note the task of a key; the same id again changes nothing.

        Raises:
            JournalError: the key has another task, no POST is open, or the task is another key's.
        """
        claim = await self._race.newest(key)
        moves.accepted(
            self._race.own(claim), task_id, now=clock.wall()
        )  # before the task is noted as the key's
        owner = await self.shelf.assign(task_id, key, claim.row.attempts)
        if owner != key:
            raise JournalError(f"Task {task_id} belongs to job {owner!r} and cannot be that of {key!r} too.")
        await self._race.move(key, partial(moves.accepted, task_id=task_id, now=clock.wall()))

    async def refused(self, key: str, error: SeedanceError) -> None:
        """Note that nothing exists and nothing is billed.

        Raises:
            JournalError: the key has a task, or is uncertain.
        """
        await self._race.move(key, partial(moves.refused, error=error))

    async def absent(self, key: str) -> None:
        """Note that the POST was proven not to have been accepted: the job is planned again.

        A key that is not there stays so: its claim was not made when the caller left.

        Raises:
            JournalError: the key has a task.
        """
        if self._race.knows(key) or await self.shelf.read([key]):
            await self._race.move(key, moves.absent)

    async def uncertain(self, key: str, error: SeedanceError) -> None:
        """Note that it stays unknown whether a task exists.

        Raises:
            JournalError: no POST of the key is open.
        """
        await self._race.move(key, partial(moves.uncertain, error=error))

    async def find(self, key: str) -> Intent | None:
        """Give the last POST of a key whose outcome is open, or None; that of a dead owner is taken over.

        Raises:
            ClaimHeld: its owner is alive, or another machine took it over first.
        """
        claim = (await self.shelf.read([key])).get(key)
        if claim is None or not claim.is_open:
            return None
        if claim.owner.id != self.owner.id:
            claim = await self._race.take_over(claim)
        self._race.remember(claim)
        return claim.intent

    async def owners(self, task_ids: Collection[str]) -> Mapping[str, str]:
        """Give the keys of some tasks, those of earlier attempts too; unknown tasks are left out.

        A task that was noted as a key's and is not yet in its claim is what a search for this key looks for.
        """
        found = await self.shelf.assigned(task_ids)
        return {
            task_id: key for task_id, (key, attempt) in found.items() if not self._race.is_loose(key, attempt)
        }

    # What a batch tells.

    async def plan(self, rows: Sequence[PlannedRow]) -> None:
        """Add jobs; keys that are there stay as they are, their requests too.

        Raises:
            JournalError: a request is not JSON; none of the rows is added then.
        """
        texts = [as_json(dict(row.request), row.key) for row in rows]
        known = await self.shelf.read([row.key for row in rows])
        now = clock.wall()
        for row, text in zip(rows, texts, strict=True):
            if row.key not in known:
                await self.shelf.put_request(row.key, text)
                await self._race.make(Claim(row=moves.planned(row, now=now), version=1, owner=self.owner))

    async def ended(self, key: str, task: VideoTask) -> None:
        """Note the end of a key's task; the same end again changes nothing.

        Raises:
            JournalError: the task has not ended, is not the key's, or had ended otherwise.
        """
        await self._race.move(key, partial(moves.ended, task=task, now=clock.wall()))

    async def saved(self, key: str, *, file: str, size: int, sha256: str) -> None:
        """Note where the video is; a second time it is where it is now.

        Raises:
            JournalError: the task has not succeeded.
        """
        await self._race.move(
            key, partial(moves.saved, file=file, size=size, sha256=sha256, now=clock.wall())
        )

    async def reset(self, key: str) -> None:
        """Plan a refused, failed, expired or cancelled job again.

        Raises:
            JournalError: the job has, or may have, a task that bills.
        """
        await self._race.move(key, moves.reset)

    async def _check_account(self, account: str) -> None:
        """Hold the store to the account it was begun with; only a salted hash of the hint is kept."""
        salt = secrets.token_hex(16)
        kept = await self.shelf.account(f"{salt}:{_hash(salt, account)}")
        salt, _, digest = kept.partition(":")
        if digest != _hash(salt, account):
            raise JournalError(
                "The claims belong to another account.",
                advice="Use the account they were begun with, or another folder or database.",
            )


def _hash(salt: str, account: str) -> str:
    """Give a hash of something that names an account."""
    return hashlib.sha256(f"{salt}:{account}".encode()).hexdigest()
