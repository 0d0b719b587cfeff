"""Claims in an object store: S3, GCS, Azure, a folder, memory (extra ``storage``).

All that is asked of the store is that of many writers who create the same object exactly one succeeds
(``If-None-Match: *`` in HTTP, RFC 9110 section 13.1.2); no object but a sign of life is ever overwritten::

    claims/<job>/000001       version 1 of a job's claim; the newest version counts
    open/<job>.000002         says that version 2 is open; what it says is checked in the claim
    requests/<job>            what the job asks for
    tasks/<task>              whose task it is
    owners/<owner>            overwritten as a sign of life; its age by the store's own clock is what counts

A folder must be one that all machines see and whose files appear whole, and not a synchronised copy.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import asdict

from seedance_async.errors import InvalidRequest, JournalError
from seedance_async.ledger.claims.claim import Claim, Owner, read_claim, read_note, write_claim
from seedance_async.media.obstores import first_line, load_obstore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator, Mapping
    from datetime import datetime

__all__ = ["SCHEMES", "ObjectShelf"]

SCHEMES: Final = ("s3", "gs", "az", "file", "memory")

_AT_ONCE: Final = 32
_REMEMBERED: Final = 100_000
# Stores tell the time of an object in whole seconds.
_CLOCK_GRAIN: Final = 2.0

_T = TypeVar("_T")


def _name(text: str) -> str:
    """Turn any key into a name that every store takes, a folder that ignores case too."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:40]


class ObjectShelf:
    """A folder in an object store.

    Args:
        place: an address as for :class:`seedance_async.media.storage.Store`, or a store object of obstore.
        options: passed to obstore as they are.

    Raises:
        MissingExtra: obstore is not installed.
        InvalidRequest: the address is not one, or its configuration is not complete.
    """

    def __init__(self, place: Any, **options: Any) -> None:
        self._obstore = load_obstore("Claims in an object store")
        self._store = place
        if isinstance(place, str):
            if place.startswith("file://"):
                options.setdefault("mkdir", True)
            try:
                self._store = self._obstore.store.from_url(place, **options)
            except self._obstore.exceptions.BaseError as error:
                raise InvalidRequest(field="place", value=place, limit=first_line(error)) from error
        self._owner: Owner | None = None
        self._assigned: dict[str, tuple[str, int]] = {}

    async def open(self, owner: Owner) -> None:
        """See that the store refuses to create an object twice, and give the first sign of life."""
        probe = f"probe/{owner.id}"
        if not await self._create(probe, b"1") or await self._create(probe, b"2"):
            raise JournalError(
                "This object store overwrites an object that should only be created, so it cannot keep two"
                " machines apart.",
                advice="Use a store with conditional writes (If-None-Match), a folder, or PostgreSQL.",
            )
        await self._delete(probe)
        self._owner = owner
        await self.beat()

    async def close(self) -> None:
        """Take the sign of life away."""
        owner, self._owner = self._owner, None
        if owner is not None:
            await self._delete(f"owners/{owner.id}")

    async def account(self, hint: str) -> str:
        """Keep the hint unless there is one, and give what is kept."""
        await self._create("account", hint.encode())
        return (await self._get("account") or b"").decode(errors="replace")

    async def read(self, keys: Collection[str]) -> Mapping[str, Claim]:
        """Give the newest versions of some claims."""
        found = await _each(keys, lambda key: self._newest(f"claims/{_name(key)}"))
        return {claim.key: claim for claim in found if claim is not None}

    async def make(self, claim: Claim) -> bool:
        """Make a version; one that is open is noted where open ones are looked for."""
        name = _name(claim.key)
        noted = f"open/{name}.{claim.version:06}"
        data = write_claim(claim).encode()
        if claim.is_open:
            await self._put(noted, claim.key.encode(errors="surrogatepass"))
        if not await self._create(f"claims/{name}/{claim.version:06}", data):
            return False
        # A note that outlives its version harms nobody: who finds it looks at the claim.
        await self._delete(f"open/{name}.{claim.version - 1:06}")
        return True

    async def keys(self) -> AsyncGenerator[str, None]:
        """Give the keys of all claims; reads the first version of each."""
        with self._talking():
            listing = self._obstore.list(self._store, "claims", chunk_size=1000)
            async for page in listing:
                firsts = [entry["path"] for entry in page if entry["path"].endswith("/000001")]
                for text in await _each(firsts, self._get):
                    if text is not None:
                        yield read_claim(text).key

    async def open_claims(self) -> list[Claim]:
        """Give all claims that are open, as the notes say and the claims confirm."""
        names = {entry["path"].rpartition("/")[2].partition(".")[0] for entry in await self._list("open")}
        found = await _each(names, lambda name: self._newest(f"claims/{name}"))
        return [claim for claim in found if claim is not None and claim.is_open]

    async def assign(self, task_id: str, key: str, attempt: int) -> str:
        """Note whose task it is unless that is noted, and give the key that is noted."""
        await self._create(f"tasks/{_name(task_id)}", json.dumps([task_id, key, attempt]).encode())
        return (await self.assigned([task_id]))[task_id][0]

    async def assigned(self, task_ids: Collection[str]) -> Mapping[str, tuple[str, int]]:
        """Give key and attempt of those tasks that were assigned; what was read once never changes."""
        unknown = [task_id for task_id in task_ids if task_id not in self._assigned]
        texts = await _each(unknown, lambda task_id: self._get(f"tasks/{_name(task_id)}"))
        for task_id, text in zip(unknown, texts, strict=True):
            if text is not None:
                self._assigned[task_id] = read_note(text, task_id)
        found = {task_id: self._assigned[task_id] for task_id in task_ids if task_id in self._assigned}
        while len(self._assigned) > _REMEMBERED:
            del self._assigned[next(iter(self._assigned))]
        return found

    async def put_request(self, key: str, text: str) -> None:
        """Keep the request of a job, unless there is one."""
        await self._create(f"requests/{_name(key)}", text.encode())

    async def requests(self, keys: Collection[str]) -> Mapping[str, str]:
        """Give the requests of some jobs."""

        async def get(key: str) -> tuple[str, bytes | None]:
            return key, await self._get(f"requests/{_name(key)}")

        return {key: text.decode() for key, text in await _each(keys, get) if text is not None}

    async def beat(self) -> None:
        """Overwrite the sign of life."""
        if self._owner is not None:
            await self._put(f"owners/{self._owner.id}", json.dumps(asdict(self._owner)).encode())

    async def dead(self, owners: Collection[Owner]) -> set[str]:
        """Hold the age of their signs of life against our own, which is at most one beat old."""
        if self._owner is None or not owners:
            return set()
        now = await self._time(f"owners/{self._owner.id}")

        async def silent(owner: Owner) -> str | None:
            last = await self._time(f"owners/{owner.id}")
            gone = last is None or (
                now is not None and (now - last).total_seconds() > owner.lease + _CLOCK_GRAIN
            )
            return owner.id if gone else None

        return {found for found in await _each(owners, silent) if found is not None}

    # How objects are read and written.

    async def _newest(self, folder: str) -> Claim | None:
        """Give the newest version in a folder."""
        versions = sorted(entry["path"].rpartition("/")[2] for entry in await self._list(folder))
        text = await self._get(f"{folder}/{versions[-1]}") if versions else None
        return None if text is None else read_claim(text)

    async def _list(self, folder: str) -> list[Any]:
        """Give the entries below a folder."""
        with self._talking():
            return [entry async for page in self._obstore.list(self._store, folder) for entry in page]

    async def _create(self, name: str, data: bytes) -> bool:
        """Create an object; False when it exists."""
        with self._talking():
            try:
                await self._obstore.put_async(self._store, name, data, mode="create")
            except self._obstore.exceptions.AlreadyExistsError:
                return False
        return True

    async def _put(self, name: str, data: bytes) -> None:
        """Write an object, whatever was there."""
        with self._talking():
            await self._obstore.put_async(self._store, name, data)

    async def _get(self, name: str) -> bytes | None:
        """Read an object, or None."""
        with self._talking(), contextlib.suppress(FileNotFoundError):
            answer = await self._obstore.get_async(self._store, name)
            return bytes(await answer.bytes_async())
        return None

    async def _delete(self, name: str) -> None:
        """Delete an object; one that is not there is deleted."""
        with self._talking(), contextlib.suppress(FileNotFoundError):
            await self._obstore.delete_async(self._store, name)

    async def _time(self, name: str) -> datetime | None:
        """Give when an object was written by the store's clock, or None."""
        with self._talking(), contextlib.suppress(FileNotFoundError):
            written: datetime = (await self._obstore.head_async(self._store, name))["last_modified"]
            return written
        return None

    @contextlib.contextmanager
    def _talking(self) -> Generator[None]:
        """Turn what the store says into our error; obstore has tried again by itself before it says no."""
        try:
            yield
        except self._obstore.exceptions.BaseError as error:
            raise JournalError(f"The store of the claims failed: {first_line(error)}") from error


async def _each(items: Collection[Any], act: Callable[[Any], Awaitable[_T]]) -> list[_T]:
    """Do something with each item, some at once; gives the answers in the order of the items."""
    line = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Any) -> _T:
        async with line:
            return await act(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from several
    return [task.result() for task in tasks]
