"""What requests may cost, shown before anything is sent: the bodies, tokens and prices of a dry run."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, Final, cast

import click

from seedance_async.cli.commands import setting
from seedance_async.cli.records import wants_json, write_json, write_text
from seedance_async.cli.tables import Column, table
from seedance_async.cli.wrapping import fitted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal

    from seedance_async.prices import PriceTable
    from seedance_async.request import VideoRequest

__all__ = ["UNCONFIRMED", "Sum", "currency_option", "dry_run", "estimate_record", "money", "price_table"]

UNCONFIRMED: Final = "?"
"""Behind a price that no official page confirms."""
_COLUMNS: Final = (
    Column("key"),
    Column("tokens", right=True),
    Column("price", right=True),
    Column("size", rank=1),
    Column("seconds", right=True, rank=2),
    Column("model", rank=3),
    Column("guessed", rank=4),
)


def currency_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that chooses the price list."""
    return setting(
        "--currency",
        type=click.Choice(["CNY", "USD"], case_sensitive=False),
        help="Price list: CNY (Volcengine Ark) or USD (BytePlus). Default: by the address.",
    )(function)


def price_table(options: Mapping[str, Any]) -> PriceTable:
    """Choose the price list: as asked for, else by the address."""
    from seedance_async import prices

    asked = options.get("currency") or ("USD" if "byteplus" in (options.get("base_url") or "") else "CNY")
    return prices.USD if asked.upper() == "USD" else prices.CNY


def money(amount: Decimal | None, currency: str) -> str | None:
    """Write an amount of money; None where the price is not known."""
    return None if amount is None else f"{currency} {amount:,.2f}"


def estimate_record(key: str | None, request: VideoRequest, prices: PriceTable) -> dict[str, Any]:
    """Estimate what one request bills at most, as an object."""
    from seedance_async.prices import cost, estimate, rate_for

    most = estimate(request)
    amount, rate = cost(most.tokens, request, prices), rate_for(request, prices)
    return {
        "key": key,
        "model": request.model,
        "tokens": most.tokens,
        "price": None if amount is None else f"{amount:.4f}",
        "currency": prices.currency,
        "confirmed": None if rate is None or amount is None else rate.confirmed,
        "width": most.width,
        "height": most.height,
        "seconds": most.seconds,
        "guessed": list(most.assumed),
    }


class Sum:
    """The sum of estimates, and how many of them have no price, or one that nobody has confirmed."""

    def __init__(self, prices: PriceTable) -> None:
        self.prices = prices
        self.prompts = 0
        self.tokens = 0
        self.amount: Decimal | None = None
        self.unpriced = 0
        self.unconfirmed = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one estimate."""
        from decimal import Decimal

        self.prompts += 1
        self.tokens += record["tokens"]
        if record["price"] is None:
            self.unpriced += 1
        else:
            self.amount = (self.amount or Decimal(0)) + Decimal(record["price"])
            self.unconfirmed += not record["confirmed"]

    def record(self) -> dict[str, Any]:
        """Give the sum as an object; ``price`` leaves out what has no price."""
        return {
            "total": True,
            "prompts": self.prompts,
            "tokens": self.tokens,
            "price": None if self.amount is None else f"{self.amount:.4f}",
            "currency": self.prices.currency,
            "unpriced": self.unpriced,
            "unconfirmed": self.unconfirmed,
            "prices_of": self.prices.as_of.isoformat(),
        }

    def text(self) -> str:
        """Give the sum as a sentence."""
        price = money(self.amount, self.prices.currency) or "no price known"
        missing = f", {self.unpriced} without a known price" if self.unpriced else ""
        guessed = (
            f", {self.unconfirmed} by a price that no official page confirms (?)" if self.unconfirmed else ""
        )
        prompts = "1 prompt" if self.prompts == 1 else f"{self.prompts:,} prompts"
        head = f"{prompts}: at most {self.tokens:,} tokens, {price}{missing}{guessed}"
        return f"{head} (list prices of {self.prices.as_of.isoformat()}; only videos that succeed are billed)"


def show_estimates(requests: Iterable[tuple[str | None, VideoRequest]], options: Mapping[str, Any]) -> None:
    """Write one estimate for each request, and the sum."""
    total, as_json = Sum(price_table(options)), wants_json(options["as_json"])
    rows: list[tuple[object, ...]] = []
    for key, request in requests:
        record = estimate_record(key, request, total.prices)
        total.add(record)
        if as_json:
            write_json(record)
        else:
            rows.append(_row(record, request))
    if as_json:
        write_json(total.record())
        return
    for line in [*table(_COLUMNS, rows), fitted(total.text(), sys.stdout)]:
        write_text(line)


def _row(record: Mapping[str, Any], request: VideoRequest) -> tuple[object, ...]:
    """Give the cells of one estimate."""
    from decimal import Decimal

    price = None if record["price"] is None else Decimal(record["price"])
    mark = UNCONFIRMED if record["confirmed"] is False else ""
    return (
        record["key"] or request.prompt,
        record["tokens"],
        price and f"{money(price, record['currency'])}{mark}",
        f"{record['width']}x{record['height']}",
        f"{record['seconds']:g}",
        record["model"],
        ", ".join(record["guessed"]),
    )


async def dry_run(requests: Iterable[tuple[str | None, VideoRequest]], options: Mapping[str, Any]) -> None:
    """Write the body that would be sent for each request, with base64 folded, and what it may cost."""
    from seedance_async.media.inputs import resolve

    total, as_json = Sum(price_table(options)), wants_json(options["as_json"])
    for key, request in requests:
        ready = await asyncio.to_thread(resolve, request)
        record = estimate_record(key, ready, total.prices)
        total.add(record)
        body = folded(ready.to_body())
        if as_json:
            write_json({"dry_run": True, **record, "body": body})
        else:
            write_text(json.dumps(body, ensure_ascii=False, indent=2))
    if as_json:
        write_json(total.record())
    else:
        write_text(fitted(f"Dry run, nothing was sent. {total.text()}", sys.stdout))


def folded(value: object) -> object:
    """Fold embedded media: nobody reads megabytes of base64."""
    if isinstance(value, dict):
        return {name: folded(item) for name, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [folded(item) for item in cast("list[object]", value)]
    if isinstance(value, str) and value[:5].lower() == "data:":
        return f"{value[:40]}... ({len(value)} characters)"
    return value
