"""How long tasks are alive and how many fail: from a journal of yours, or a documented default."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from seedance_async.batch.recall import request_of
from seedance_async.errors import InvalidRequest
from seedance_async.estimates import estimate
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from seedance_async.media.gallery.telling import took
from seedance_async.planning.load import Shape, shape_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from random import Random

    from seedance_async.ledger.rows import JournalRow

__all__ = ["DEFAULT_SECONDS", "FLEX_HOURS", "RunTimes", "runs_of_journal"]

DEFAULT_SECONDS: Final = (12.0, 60.0)
"""Seconds that a task runs for each second of video, without a journal: finished tasks in public logs took
1 to 5 minutes for 5 s at 720p, 1.5 to 5 for 4 s at 480p, 5.5 to 25 for 30 s at 720p."""

FLEX_HOURS: Final = (0.0, 8.0)
"""Hours that a flex task waits and runs, without a journal. An assumption: the documents promise nothing but
an offline queue (api docs 1520757)."""

_BYTES_PER_TOKEN: Final = 32.0
_LEAST_KNOWN: Final = 20
_LEAST_SPREAD: Final = 0.1
_ENDED: Final = frozenset({JobState.SUCCEEDED, JobState.SAVED, JobState.FAILED, JobState.REFUSED})


@frozen(kw_only=True)
class RunTimes:
    """How long a task is alive at the server and how it ends.

    Attributes:
        source: where that comes from, in a few words.
        known: measured seconds by shape (family, resolution, seconds, tier); drawn from as they are.
        flex_hours: hours from and to which a flex task takes where none was measured.
        failed: share of accepted tasks that fail, 0 to 1.
        refused: share of prompts that the server refuses, 0 to 1.
        billed: tokens billed for each token estimated, failures included.
        bytes_per_token: bytes of a video for each token that it bills; 32 is an assumption (720p at
            5.6 Mbit/s).
        spread: how far the mean of measured times may be off, as factors of the quickest and the slowest
            plan; (1, 1) plans no range.
        queued: whether the times hold the wait in the server's queue, so that its running places need not be
            played.
    """

    source: str = "the documented default"
    known: Mapping[tuple[str, str, float, str], Sequence[float]] = field(
        factory=dict[tuple[str, str, float, str], tuple[float, ...]], repr=False
    )
    flex_hours: tuple[float, float] = FLEX_HOURS
    failed: float = 0.0
    refused: float = 0.0
    billed: float = 1.0
    bytes_per_token: float = _BYTES_PER_TOKEN
    spread: tuple[float, float] = (
        2 * DEFAULT_SECONDS[0] / sum(DEFAULT_SECONDS),
        2 * DEFAULT_SECONDS[1] / sum(DEFAULT_SECONDS),
    )
    queued: bool = False

    def __attrs_post_init__(self) -> None:
        for name in ("failed", "refused"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidRequest(field=name, value=getattr(self, name), limit="must be from 0 to 1")
        low, high = self.flex_hours
        if not 0 <= low <= high or math.isinf(high):
            raise InvalidRequest(field="flex_hours", value=self.flex_hours, limit="must be 0 <= low <= high")

    @classmethod
    def fixed(cls, seconds: float, *, jitter: float = 0.0) -> RunTimes:
        """Every task takes ``seconds``, or by a share of ``jitter`` less or more."""
        steps = [seconds * (1 + jitter * (step / 50 - 1)) for step in range(101)]
        return cls(source=f"{seconds:g} s each", known={_ANY: steps}, spread=(1.0, 1.0))

    def draw(self, shape: Shape, random: Random) -> float:
        """Draw the seconds that one task is alive."""
        known = self._known(shape)
        if known:
            return random.choice(known)
        return random.uniform(*self._bounds(shape))

    def edge(self, shape: Shape, random: Random, *, slow: bool) -> float:
        """Give the seconds that one task is alive in the quickest or the slowest plan.

        Measured times are drawn, and moved by ``spread``; without any every task takes the least or the most.
        """
        known = self._known(shape)
        return random.choice(known) * self.spread[slow] if known else self._bounds(shape)[slow]

    def mean(self, shape: Shape) -> float:
        """Mean seconds that a task is alive."""
        known = self._known(shape)
        return statistics.fmean(known) if known else sum(self._bounds(shape)) / 2

    def longest(self, shape: Shape) -> float:
        """Seconds within which 99 of 100 tasks end."""
        known = self._known(shape)
        if not known:
            low, high = self._bounds(shape)
            return low + 0.99 * (high - low)
        return sorted(known)[min(len(known) - 1, int(len(known) * 0.99))]

    def _known(self, shape: Shape) -> Sequence[float]:
        """Give what was measured: of the same shape, else of the whole tier, else nothing."""
        same = self.known.get((shape.family, shape.resolution, shape.seconds, shape.tier))
        return same or self.known.get(("", "", 0.0, shape.tier)) or self.known.get(_ANY) or ()

    def _bounds(self, shape: Shape) -> tuple[float, float]:
        """Give the least and most seconds of the default."""
        if shape.tier == "flex":
            return self.flex_hours[0] * 3600.0, self.flex_hours[1] * 3600.0
        return DEFAULT_SECONDS[0] * shape.seconds, DEFAULT_SECONDS[1] * shape.seconds


_ANY: Final = ("", "", 0.0, "")


async def runs_of_journal(path: str | os.PathLike[str]) -> RunTimes:
    """Learn from a journal; it may be in use.

    The time of a task is that from its create to its last change in the server's own record, the server's
    queue included. Shapes with fewer than 20 tasks take the times of all tasks of their tier.

    Raises:
        JournalError: it cannot be read.
        InvalidRequest: fewer than 20 of its tasks have ended.
    """
    books = _Books()
    async with Journal.open(path, read_only=True) as journal:
        async for row in journal.rows(states=_ENDED):
            books.note(row)
    return books.runs(str(path))


class _Books:
    """What a journal teaches, added up row by row."""

    def __init__(self) -> None:
        self.times: dict[tuple[str, str, float, str], list[float]] = {}
        self.failed = self.refused = self.ended = 0
        self.estimated = self.billed = self.sized = self.size = 0

    def note(self, row: JournalRow) -> None:
        """Take one row in."""
        if row.state is JobState.REFUSED:
            self.refused += 1
            return
        self.ended += 1
        self.failed += row.state is JobState.FAILED
        self.estimated += row.tokens_estimated or 0
        self.billed += row.tokens or 0
        if row.size and row.tokens:
            self.size, self.sized = self.size + row.size, self.sized + row.tokens
        self._note_time(row)

    def _note_time(self, row: JournalRow) -> None:
        """Take the time of one task in."""
        request, seconds = request_of(row), took(row)
        if request is None or seconds is None:
            return
        shape = shape_of(request, seconds=estimate(request).seconds)
        for key in (
            (shape.family, shape.resolution, shape.seconds, shape.tier),
            ("", "", 0.0, shape.tier),
        ):
            self.times.setdefault(key, []).append(seconds)

    def runs(self, source: str) -> RunTimes:
        """Give the distribution."""
        known = {key: tuple(times) for key, times in self.times.items() if len(times) >= _LEAST_KNOWN}
        if not known:
            limit = f"must hold at least {_LEAST_KNOWN} tasks that have ended"
            raise InvalidRequest(field="journal", value=source, limit=limit)
        everything = self.ended + self.refused
        return RunTimes(
            source=f"{self.ended:,} tasks of {source}",
            known=known,
            failed=self.failed / self.ended,
            refused=self.refused / everything,
            billed=self.billed / self.estimated if self.estimated else 1.0,
            bytes_per_token=self.size / self.sized if self.sized else _BYTES_PER_TOKEN,
            spread=_spread(max(known.values(), key=len)),
            queued=True,
        )


def _spread(times: Sequence[float]) -> tuple[float, float]:
    """Say how far the mean may be off: two standard errors, and at least 10 % for another day's load."""
    mean = statistics.fmean(times)
    error = statistics.stdev(times) / math.sqrt(len(times)) if mean else 0.0
    off = max(_LEAST_SPREAD, 2 * error / mean if mean else 0.0)
    return max(0.1, 1 - off), 1 + off
