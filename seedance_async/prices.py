"""What tokens cost: dated price tables.

Prices change and gateways have their own: give a table of yours where the money matters.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from seedance_async.catalog import spec_for
from seedance_async.errors import InvalidRequest
from seedance_async.estimates import Estimate, billed_resolution, estimate
from seedance_async.scenes import Scene, scene_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seedance_async.request import VideoRequest

__all__ = ["CNY", "USD", "Estimate", "PriceTable", "Rate", "cost", "estimate", "rate_for"]


def _money(value: Decimal | float | str) -> Decimal:
    """Read an amount of money without the rounding of binary fractions."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise InvalidRequest(field="price", value=value, limit="must be a number, 0 or more")
    return amount


def _optional_money(value: Decimal | float | str | None) -> Decimal | None:
    """Read an amount that may be left out."""
    return None if value is None else _money(value)


@frozen(kw_only=True)
class Rate:
    """What a million tokens cost.

    Attributes:
        model: family of the catalog (``1.5-pro``), or the exact model or endpoint id.
        resolutions: resolutions that it holds for; empty for all.
        price: price of a million tokens.
        with_video: price where the input holds a video; None when unknown, ``price`` where it is the same.
        silent: price without a sound track; None when it is the same.
        flex: share of the price that ``service_tier="flex"`` pays.
        confirmed: whether an official page says so.
    """

    model: str
    resolutions: tuple[str, ...] = ()
    price: Decimal = field(converter=_money)
    with_video: Decimal | None = field(default=None, converter=_optional_money)
    silent: Decimal | None = field(default=None, converter=_optional_money)
    flex: Decimal = field(default=Decimal("0.5"), converter=_money)
    confirmed: bool = True


def _rates(value: Iterable[Rate]) -> tuple[Rate, ...]:
    """Copy the rates."""
    return tuple(value)


@frozen(kw_only=True)
class PriceTable:
    """Prices of one day.

    Attributes:
        as_of: the day on which they held.
        currency: ``CNY``, ``USD``...
        source: where they come from.
        rates: the rates; the first that matches counts.
    """

    as_of: dt.date
    currency: str
    source: str
    rates: tuple[Rate, ...] = field(converter=_rates)


def cost(count: int, request: VideoRequest, prices: PriceTable) -> Decimal | None:
    """Put a number of tokens into money.

    Args:
        count: tokens, estimated or billed.
        request: what was asked for.
        prices: the price table.

    Returns:
        The amount in the table's currency, not rounded; None when the table does not know the price.
    """
    rate = rate_for(request, prices)
    price = None if rate is None else _unit_price(rate, request, scene_of(request) or Scene())
    return None if price is None else count * price.scaleb(-6)


def rate_for(request: VideoRequest, prices: PriceTable) -> Rate | None:
    """Find the rate by which a request is put into money, to see whether it is confirmed.

    Args:
        request: what was asked for.
        prices: the price table.

    Returns:
        The first rate that matches model and billed resolution; None when the table has none.
    """
    spec = spec_for(request.model)
    resolution = (request.resolution or "").lower()
    if spec is not None:
        resolution = billed_resolution(request, spec, scene_of(request) or Scene())[0]
    names = {request.model} if spec is None else {request.model, spec.family}
    for rate in prices.rates:
        if rate.model in names and (not rate.resolutions or resolution in rate.resolutions):
            return rate
    return None


def _unit_price(rate: Rate, request: VideoRequest, scene: Scene) -> Decimal | None:
    """Choose among the prices of one rate."""
    price: Decimal | None = rate.price
    if scene.videos:
        price = rate.with_video
    elif request.generate_audio is False and rate.silent is not None:
        price = rate.silent
    if price is None:
        return None
    return price * rate.flex if request.service_tier == "flex" else price


_HD: Final = ("480p", "720p")
_AS_OF: Final = dt.date(2026, 11, 22)

CNY: Final = PriceTable(
    as_of=_AS_OF,
    currency="CNY",
    source="api docs 1544106, list prices of Volcengine Ark",
    rates=(
        Rate(model="2.5", resolutions=_HD, price=70, with_video=42),
        Rate(model="2.5", resolutions=("1080p",), price=77, with_video=46),
        Rate(model="2.0", resolutions=_HD, price=46, with_video=28),
        Rate(model="2.0", resolutions=("1080p",), price=51, with_video=31),
        Rate(model="2.0", resolutions=("4k",), price=26, with_video=16),
        Rate(model="2.0-fast", price=37, with_video=22),
        Rate(model="2.0-mini", price=23, with_video=14),
        Rate(model="1.5-pro", price=16, silent=8),
        Rate(model="1.0-pro", price=15),
        Rate(model="1.0-pro-fast", price="4.2"),
        Rate(model="1.0-lite-t2v", price=10, confirmed=False),
        Rate(model="1.0-lite-i2v", price=10, confirmed=False),
    ),
)
"""List prices of Volcengine Ark in yuan per million tokens; those of 1.0-lite are not confirmed."""

USD: Final = PriceTable(
    as_of=_AS_OF,
    currency="USD",
    source="api docs 1544106, list prices of BytePlus ModelArk; 2.0 from resellers",
    rates=(
        Rate(model="2.5", resolutions=_HD, price="10.70"),
        Rate(model="2.5", resolutions=("1080p",), price="11.70"),
        Rate(model="2.0", resolutions=_HD, price="7.0", with_video="4.3", confirmed=False),
        Rate(model="1.5-pro", price="2.4", silent="1.2"),
        Rate(model="1.0-pro", price="2.5"),
        Rate(model="1.0-pro-fast", price="1.0", confirmed=False),
        Rate(model="1.0-lite-t2v", price="1.8"),
        Rate(model="1.0-lite-i2v", price="1.8"),
    ),
)
"""Prices of BytePlus ModelArk in US dollars per million tokens; 2.0 and 1.0-pro-fast are not confirmed."""
