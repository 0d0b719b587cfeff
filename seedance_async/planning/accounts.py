"""Accounts as planning plays them: what the client believes of each, and what its server allows."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from attrs import evolve, field, frozen

from seedance_async.errors import InvalidRequest
from seedance_async.settings import AccountLimits
from seedance_async.simulator import Quotas

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["PlannedAccount", "accounts_of", "shared_out"]

_MOST: Final = 100
_WORD: Final = re.compile(r"(?:(\d{1,3})x)?(enterprise|individual|unlimited)")
_FLEX_ALIVE: Final = 2000


@frozen(kw_only=True)
class PlannedAccount:
    """One kind of account and how many of it there are.

    Attributes:
        name: what the plan calls it.
        count: how many accounts are like this one.
        limits: what the client believes of it.
        quotas: what its server holds it to.
        flex_alive: tasks of the flex tier that the client keeps alive at once: they wait in an offline queue
            and take no running place, so a batch in both tiers is run as two, with limits of their own.
    """

    name: str = "enterprise"
    count: int = field(default=1)
    limits: AccountLimits = field(factory=AccountLimits.enterprise)
    quotas: Quotas = field(factory=Quotas.enterprise)
    flex_alive: float = _FLEX_ALIVE

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.count <= _MOST:
            raise InvalidRequest(field="count", value=self.count, limit=f"must be from 1 to {_MOST}")

    @classmethod
    def named(cls, name: str, *, count: int = 1) -> PlannedAccount:
        """Give ``enterprise``, ``individual`` (published limits, api docs 1520757) or ``unlimited``."""
        if name == "unlimited":
            return cls(name=name, count=count, limits=AccountLimits.unlimited(), quotas=Quotas.off())
        if name == "individual":
            return cls(name=name, count=count, limits=AccountLimits.individual(), quotas=Quotas.individual())
        return cls(name=name, count=count)

    def with_alive(self, alive: float) -> PlannedAccount:
        """Give the same with another ``max_alive``."""
        return evolve(self, limits=evolve(self.limits, max_alive=alive))

    def with_running(self, running: int | None) -> PlannedAccount:
        """Give the same where the server runs so many tasks at once; None: all."""
        published = self.quotas.published and running is not None
        return evolve(self, quotas=evolve(self.quotas, max_running=running, published=published))

    def lane(self, tier: str, *, shared: bool) -> PlannedAccount:
        """Give what the tasks of one tier may do; where both are used, they share the looks in halves."""
        part = 0.5 if shared else 1.0
        limits = evolve(
            self.limits,
            gets_per_second=self.limits.gets_per_second * part,
            lists_per_second=self.limits.lists_per_second * part,
            max_alive=self.flex_alive if tier == "flex" else self.limits.max_alive,
        )
        return evolve(self, limits=limits)


def accounts_of(words: str) -> Sequence[PlannedAccount]:
    """Read ``enterprise``, ``2xenterprise,individual`` and the like.

    Raises:
        InvalidRequest: it is not written like that.
    """
    found = [_WORD.fullmatch(word.strip()) for word in words.split(",")]
    if any(match is None for match in found):
        limit = "must be enterprise, individual or unlimited, with a count as in 2xenterprise, and commas"
        raise InvalidRequest(field="accounts", value=words, limit=limit)
    return [PlannedAccount.named(match[2], count=int(match[1] or 1)) for match in found if match is not None]


def shared_out(
    prompts: int, accounts: Sequence[PlannedAccount], speeds: Sequence[float]
) -> Iterator[tuple[PlannedAccount, int]]:
    """Give each account its prompts by its speed: whole ones, which together are all of them.

    Accounts that are alike part where some of them get one more.
    """
    # Fractions, because a sum of rounded shares may miss a prompt or invent one.
    exact = [Fraction(speed) for speed in speeds]
    whole = sum(speed * account.count for speed, account in zip(exact, accounts, strict=True))
    wanted = [prompts * speed / whole for speed in exact]
    left = prompts - sum(int(share) * account.count for share, account in zip(wanted, accounts, strict=True))
    # One more for those who were cut most.
    more = [0] * len(wanted)
    for index in sorted(range(len(wanted)), key=lambda index: int(wanted[index]) - wanted[index]):
        more[index] = min(left, accounts[index].count)
        left -= more[index]
    for share, account, ahead in zip(wanted, accounts, more, strict=True):
        for count, each in ((ahead, int(share) + 1), (account.count - ahead, int(share))):
            if count and each:
                yield evolve(account, count=count), each


def alive_of(account: PlannedAccount) -> int:
    """Give the tasks that may be alive at once, as a number to size samples by."""
    alive = account.limits.max_alive
    return 1000 if math.isinf(alive) else int(alive)
