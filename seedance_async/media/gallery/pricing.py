"""What the tokens of one prompt cost by a price list, as far as its request says enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from seedance_async.errors import InvalidRequest
from seedance_async.media.gallery.telling import items_of
from seedance_async.prices import CNY, USD, PriceTable, cost
from seedance_async.request import VideoRequest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

__all__ = ["Pricer"]

_PRICED: Final = ("resolution", "generate_audio", "service_tier", "draft")
_ANYWHERE: Final = "asset://input"
"""Stands for every input: only how many there are of each kind changes a price."""


@frozen
class Pricer:
    """Puts tokens into money.

    Attributes:
        table: the price list; None takes the one of the place where a model's id is used.
    """

    table: PriceTable | None = None

    def table_for(self, model: str) -> PriceTable:
        """Give the price list of a model: ``doubao-`` ids are sold in yuan, others in dollars."""
        if self.table is not None:
            return self.table
        return CNY if model.startswith("doubao-") else USD

    def price(
        self, request: Mapping[str, Any] | None, record: Mapping[str, Any] | None, tokens: int | None
    ) -> tuple[Decimal | None, str]:
        """Give amount and currency; (None, "") where the list or the request does not say enough."""
        model = str((request or {}).get("model") or (record or {}).get("model") or "")
        asked = _slim(request, record, model)
        if tokens is None or asked is None:
            return None, ""
        table = self.table_for(model)
        amount = cost(tokens, asked, table)
        return amount, table.currency if amount is not None else ""


def _slim(
    request: Mapping[str, Any] | None, record: Mapping[str, Any] | None, model: str
) -> VideoRequest | None:
    """Keep of a request what decides its price; None for what cannot be read."""
    facts = {**(record or {}), **(request or {})}
    fields = {name: facts[name] for name in _PRICED if facts.get(name) is not None}
    if not model or request is None:
        return None
    content = [_placeholder(item) for item in items_of(request)]
    try:
        return VideoRequest(model=model, content=content, **fields)
    except (InvalidRequest, TypeError):
        return None


def _placeholder(item: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the kind and role of an item without what it holds."""
    kind = str(item.get("type", "text"))
    if not kind.endswith("_url"):
        return {name: value for name, value in item.items() if isinstance(value, str | dict)}
    role = item.get("role")
    return {"type": kind, kind: {"url": _ANYWHERE}, **({"role": role} if role else {})}
