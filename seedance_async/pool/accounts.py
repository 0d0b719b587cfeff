"""One account of a pool, and how it stands while a batch runs."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from attrs import Attribute

    from seedance_async.batch.jobs import Item
    from seedance_async.errors import SeedanceError
    from seedance_async.ledger.journal import Journal
    from seedance_async.request import VideoRequest
    from seedance_async.session import SeedanceSession
    from seedance_async.settings import Budget

__all__ = ["Account", "Lane"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _check_name(_owner: object, attribute: Attribute[str], value: str) -> None:
    """The name names a file."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        limit = (
            "must be 1 to 64 letters, digits, dots, dashes or underlines, and begin with one of the first two"
        )
        raise InvalidRequest(field=attribute.name, value=value, limit=limit)


def _anything(_request: VideoRequest) -> bool:
    """Take every request."""
    return True


@frozen(kw_only=True, eq=False)
class Account:
    """One account of a pool.

    Attributes:
        name: names the account and its journal, for ever: what was begun under a name is gone on with so.
        session: a session of its own, with this account's key and limits; the pool opens and closes it.
        budget: the most that may be spent on it, or None.
        accepts: tells which requests it takes: the model is not open there, or it is for one tier only.

    Raises:
        InvalidRequest: the name cannot name a file.
    """

    name: str = field(validator=_check_name)
    session: SeedanceSession
    budget: Budget | None = None
    accepts: Callable[[VideoRequest], bool] = _anything


@define(kw_only=True, eq=False)
class Lane:
    """How an account stands in one run of a pool.

    Attributes:
        account: the account.
        journal: its journal, or None.
        own: jobs that are its own, because it has begun them in an earlier run.
        aside: why it gets no new jobs, or None.
    """

    account: Account
    journal: Journal | None
    own: deque[Item] = field(factory=deque["Item"])
    aside: SeedanceError | None = None
