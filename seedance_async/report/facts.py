"""What a report is drawn from: one small fact per job of the journal."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from attrs import frozen

from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from seedance_async.media.gallery.pricing import Pricer
from seedance_async.media.gallery.telling import took

if TYPE_CHECKING:
    import os
    from decimal import Decimal

    from seedance_async.ledger.rows import JournalRow
    from seedance_async.prices import PriceTable

__all__ = ["Fact", "Facts", "read_facts"]

_PAID = frozenset({JobState.SUCCEEDED, JobState.SAVED})


@frozen(kw_only=True)
class Fact:
    """What a picture needs of one job. Times are Unix seconds; None: has not happened.

    Attributes:
        key: names the job.
        state: where it is.
        planned: when it was planned.
        sent: when its last POST went out.
        ended: when the end of its task was seen.
        saved: when its video was on disk.
        took: seconds from its submit to its end, by the server's clock where that is known.
        tokens: tokens billed, 0 while unknown.
        cost: what they cost by the price list, or None.
        currency: currency of the cost.
        why: code or class of the error, or "".
    """

    key: str
    state: JobState
    planned: float
    sent: float | None = None
    ended: float | None = None
    saved: float | None = None
    took: float | None = None
    tokens: int = 0
    cost: Decimal | None = None
    currency: str = ""
    why: str = ""

    @property
    def status(self) -> str:
        """The state in the words of the gallery."""
        return "succeeded" if self.state in _PAID else self.state.value

    @property
    def seconds(self) -> float | None:
        """How long a task that succeeded took, or None."""
        return self.took if self.state in _PAID else None

    @property
    def last(self) -> float:
        """When something happened last."""
        return max(at for at in (self.planned, self.sent, self.ended, self.saved) if at is not None)


@frozen(kw_only=True)
class Facts:
    """All jobs of a journal, in the order in which they were sent.

    Attributes:
        jobs: the jobs.
        currency: the currency that most costs are in, "" when no cost is known.
    """

    jobs: tuple[Fact, ...] = ()
    currency: str = ""

    @cached_property
    def begin(self) -> float:
        """When the first job was planned."""
        return min((job.planned for job in self.jobs), default=0.0)

    @cached_property
    def end(self) -> float:
        """When something happened last."""
        return max((job.last for job in self.jobs), default=0.0)


async def read_facts(journal: str | os.PathLike[str], *, prices: PriceTable | None = None) -> Facts:
    """Read a journal, also beside its running owner.

    Args:
        journal: the journal file.
        prices: the price list; None takes the one of the place where a model's id is used.

    Raises:
        JournalError: it cannot be read, or is no journal.
    """
    pricer = Pricer(prices)
    async with Journal.open(journal, read_only=True) as opened:
        jobs = [_fact(row, pricer) async for row in opened.rows()]
    jobs.sort(key=lambda job: job.sent if job.sent is not None else job.last)
    counts = Counter(job.currency for job in jobs if job.currency)
    return Facts(jobs=tuple(jobs), currency=counts.most_common(1)[0][0] if counts else "")


def _fact(row: JournalRow, pricer: Pricer) -> Fact:
    """Keep what a picture needs of a row."""
    cost, currency = pricer.price(row.request, row.record, row.tokens)
    return Fact(
        key=row.key,
        state=row.state,
        planned=row.planned_at,
        sent=row.sent_at,
        ended=row.ended_at,
        saved=row.saved_at,
        took=took(row),
        tokens=row.tokens or 0,
        cost=cost,
        currency=currency,
        why=row.error_code or row.error_type or "",
    )
