"""What somebody wants to be paid for once: an order, and which orders are under way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Container, Generator, Mapping

    from seedance_async.ledger.intents import IntentStore
    from seedance_async.models import VideoTask

__all__ = ["InFlight", "Order", "Watching"]

Watching = Callable[[], AbstractAsyncContextManager[None]]
"""Opens a block in which all tasks alive are looked at, so that somebody sees them end."""


@frozen(kw_only=True)
class Order:
    """One paid task that somebody wants.

    Attributes:
        key: names the order; one key never has two tasks.
        body: the JSON body, without a fingerprint of ours.
        intents: where the POST is made durable before it is sent.
        on_accepted: called at once when the server has the task, also when the caller has left meanwhile.
        known: ids that belong to other orders, beside those that the session knows.
    """

    key: str
    body: Mapping[str, Any] = field(repr=False)
    intents: IntentStore = field(repr=False)
    on_accepted: Callable[[VideoTask], None] = field(repr=False)
    known: Container[str] = field(default=(), repr=False)


@define
class InFlight:
    """Keeps a second call away from a key: what one adopts would be proof of absence for the other."""

    _busy: set[tuple[int, str]] = field(factory=set[tuple[int, str]], init=False)

    @contextmanager
    def alone(self, order: Order) -> Generator[None]:
        """Hold the order's key in its store.

        Raises:
            InvalidRequest: another call holds it.
        """
        name = (id(order.intents), order.key)
        if name in self._busy:
            raise InvalidRequest(field="key", value=order.key, limit="must not be in flight already")
        self._busy.add(name)
        try:
            yield
        finally:
            self._busy.discard(name)
