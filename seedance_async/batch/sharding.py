"""Several machines and no engine: each takes its share of the jobs and of the account's limits.

Whoever reads the same input with the same number of shards gets the same split, so nothing has to be
agreed upon between the machines but the number of each.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from seedance_async.batch.jobs import Item, Line, read_job
from seedance_async.batch.keys import Keys
from seedance_async.batch.moulds import Moulds
from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seedance_async.batch.jobs import Job
    from seedance_async.settings import AccountLimits

__all__ = ["Shard", "refuse_split", "shard"]

_MOST: Final = 1000
_WRITTEN: Final = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
_NAMED: Final = re.compile(r"(.*)-([0-9]+)-of-([0-9]+)")


@frozen
class Shard:
    """One of several equal parts of a batch.

    Attributes:
        number: which one, from 1.
        count: how many there are, 1 to 1000.

    Raises:
        InvalidRequest: there is no such part.
    """

    number: int
    count: int

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.count <= _MOST or not 1 <= self.number <= self.count:
            limit = f"must be from 1/1 to {_MOST}/{_MOST}, the first not above the second"
            raise InvalidRequest(field="shard", value=f"{self.number}/{self.count}", limit=limit)

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``3/8``.

        Raises:
            InvalidRequest: it is not written like that, or there is no such part.
        """
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            raise InvalidRequest(field="shard", value=text, limit="must be written as 3/8")
        return cls(int(found[1]), int(found[2]))

    def holds(self, key: str) -> bool:
        """Whether the job of this key belongs to the part: told by the key alone, on every machine alike."""
        digest = blake2b(
            key.encode("utf-8", "surrogatepass"), digest_size=8, person=b"seedance-shard"
        ).digest()
        return int.from_bytes(digest) % self.count == self.number - 1

    def limits(self, whole: AccountLimits) -> AccountLimits:
        """Give the part's fair share of an account's limits.

        The shares of creates add up to no more than the account's in any minute, also where all parts send
        at the same moment. Looks are divided evenly: two parts may look in the same second, and the one
        that is told to slow down looks again, which costs nothing.

        Raises:
            InvalidRequest: there are more parts than tasks may be alive.
        """
        if whole.max_alive < self.count:
            limit = f"must not be above max_alive={whole.max_alive:g}: each part needs a task of its own"
            raise InvalidRequest(field="shard", value=f"{self.number}/{self.count}", limit=limit)
        return evolve(
            whole,
            creates_per_minute=self._creates(whole.creates_per_minute),
            max_alive=self._alive(whole.max_alive),
            gets_per_second=whole.gets_per_second / self.count,
            lists_per_second=whole.lists_per_second / self.count,
            deletes_per_second=whole.deletes_per_second / self.count,
        )

    def _creates(self, whole: float) -> float:
        """Give the pace of creates: a pace of R a minute lets R + 1 into some minutes."""
        share = whole / self.count
        return max(share / 2, (whole + 1) / self.count - 1)

    def _alive(self, whole: float) -> float:
        """Give the tasks alive, whole ones; the first parts take what is left over."""
        if whole == float("inf"):
            return whole
        each, over = divmod(int(whole), self.count)
        return each + (self.number <= over)

    def journal(self, path: str | Path) -> Path:
        """Give the part's own journal beside ``path``: ``run.db`` becomes ``run-3-of-8.db``.

        Raises:
            InvalidRequest: the batch was begun undivided, or in another number of parts: its journals do not
                know of each other, and a job that has another part now would be ordered twice.
        """
        whole = Path(path)
        refuse_split(whole, self)
        return whole.with_name(f"{whole.stem}-{self.number}-of-{self.count}{whole.suffix}")


def refuse_split(path: Path, part: Shard | None = None) -> None:
    """Refuse a split of a batch that was begun with another one.

    Args:
        path: the journal that the undivided batch would have.
        part: what is about to be done; None: the whole.

    Raises:
        InvalidRequest: a journal of another split lies beside it.
    """
    for other in sorted(path.parent.glob(f"*{path.suffix}")):
        split = _NAMED.fullmatch(other.stem)
        count = int(split[3]) if split is not None and split[1] == path.stem else None
        whole = other.name == path.name
        if (part is None and count is not None) or (
            part is not None and (whole or count not in {None, part.count})
        ):
            value = None if part is None else f"{part.number}/{part.count}"
            limit = f"must be as the batch was begun, or prompts are ordered twice: {other} exists"
            raise InvalidRequest(field="shard", value=value, limit=limit)


def shard(jobs: Iterable[Job], number: int, count: int) -> Iterator[Job]:
    """Give the jobs of one part, lazily, in their order.

    Every part reads the whole input: keys that are derived from requests are numbered over all of it, so
    equal requests keep their keys and each key is in one part only. A chain stays together. What cannot be
    read, or has a key that was given before, is refused by the first part.

    Args:
        jobs: what ``run_many`` takes; the same on every machine.
        number: which part, from 1.
        count: how many parts.

    Raises:
        InvalidRequest: there is no such part.
    """
    part = Shard(number, count)
    return _held(jobs, part)


def _held(jobs: Iterable[Job], part: Shard) -> Iterator[Job]:
    """Read all jobs, give those of one part."""
    keys = Keys()
    moulds = Moulds()
    roots: dict[str, str] = {}
    try:
        for index, job in enumerate(jobs):
            item = read_job(job, index, keys, moulds)
            if item.problem is not None:
                if part.number == 1:
                    # Never the job itself: alone in its part, a key given twice would pass for a new one.
                    yield Line(where=item.key, problem=str(item.problem))
                continue
            wanted = item.request or item.link
            if wanted is not None and part.holds(_root(item, roots)):
                yield item.key, wanted
    finally:
        keys.close()


def _root(item: Item, roots: dict[str, str]) -> str:
    """Give the key of the first job of a chain: all of a chain go where that one goes."""
    if item.link is None:
        return item.key
    root = roots.get(item.link.after, item.link.after)
    roots[item.key] = root
    return root
