"""``--shard 3/8``: this process does its part of a batch that several do side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from seedance_async.cli.commands import setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from seedance_async.batch import Job
    from seedance_async.batch.sharding import Shard
    from seedance_async.settings import AccountLimits

__all__ = ["Part", "part_of", "shard_option"]


def shard_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that makes it one of several."""
    return setting(
        "--shard",
        metavar="I/N",
        help="Do the I-th of N parts, with an N-th of the limits: 3/8. Fixed per batch.",
    )(function)


@frozen
class Part:
    """What one process does of a batch: a shard, or the whole."""

    shard: Shard | None

    def journal(self, path: Path | None) -> Path | None:
        """Give the part's own journal.

        Raises:
            InvalidRequest: the batch was begun with another split.
        """
        from seedance_async.batch.sharding import refuse_split

        if path is None:
            return None
        if self.shard is not None:
            return self.shard.journal(path)
        refuse_split(path)
        return path

    def limits(self) -> AccountLimits:
        """Give the part's share of the account's limits."""
        from seedance_async.settings import AccountLimits

        whole = AccountLimits()
        return whole if self.shard is None else self.shard.limits(whole)

    def jobs(self, jobs: Iterable[Job]) -> Iterable[Job]:
        """Give the part's jobs."""
        from seedance_async.batch.sharding import shard

        return jobs if self.shard is None else shard(jobs, self.shard.number, self.shard.count)

    def total(self, whole: int | None) -> int | None:
        """Give how many these are; of a shard nobody knows before the file has been read."""
        return whole if self.shard is None else None


def part_of(options: Mapping[str, Any]) -> Part:
    """Read the option.

    Raises:
        InvalidRequest: there is no such part, or its videos would be named like those of another.
    """
    from seedance_async.batch.sharding import Shard
    from seedance_async.errors import InvalidRequest

    if options.get("shard") is None:
        return Part(None)
    if "{index" in str(options["out"]):
        limit = "must name videos by {key}: each part counts its own, so {index} comes up in several"
        raise InvalidRequest(field="--out", value=options["out"], limit=limit)
    return Part(Shard.parse(options["shard"]))
