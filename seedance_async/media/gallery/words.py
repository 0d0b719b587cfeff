"""Numbers and moments as a reader likes them."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["bytes_text", "moment_text", "money_text", "seconds_text", "without_signatures"]

_SYMBOLS: Final = {"CNY": "¥", "USD": "$"}
_SMALL: Final = 10
_MINUTE: Final = 60
_HOUR: Final = 3600
_KILO: Final = 1000
_SIGNED: Final = re.compile(r"(https?://[^\s?#\"'<>]+)[?#][^\s\"'<>]*", re.IGNORECASE)


def seconds_text(seconds: float) -> str:
    """Write a length of time: ``4.2 s``, ``58 s``, ``1 min 56 s``, ``2 h 5 min``."""
    if seconds < _SMALL:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s".removesuffix(" 0 s")
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min".removesuffix(" 0 min")


def money_text(amount: Decimal, currency: str) -> str:
    """Write an amount of money: ``¥1.74``, ``$0.0044``; small ones keep two digits that say something."""
    digits = 2 if amount == 0 or amount.adjusted() >= -1 else 1 - amount.adjusted()
    number = f"{amount:,.{digits}f}"
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency}".rstrip()


def bytes_text(count: int) -> str:
    """Write a number of bytes: ``312 kB``, ``4.1 MB``."""
    if count < _KILO * _KILO:
        return f"{count / _KILO:.0f} kB"
    return f"{count / _KILO / _KILO:.1f} MB"


def moment_text(at: float) -> str:
    """Write a moment in UTC: ``2026-11-22 15:04:05``; "" for one that no calendar has."""
    try:
        return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""


def without_signatures(text: str) -> str:
    """Cut the query off every URL in a message: it may be the key to a video."""
    return _SIGNED.sub(r"\1", text)
