"""The whole page: one file that needs nothing else and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from decimal import Decimal
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from attrs import frozen

from seedance_async.media.gallery.cards import card
from seedance_async.media.gallery.words import money_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.media.gallery.items import Item

__all__ = ["Shell", "gallery_page", "options", "part", "policy", "sums", "wrap"]

_HERE: Final = Path(__file__).parent
_SUCCEEDED: Final = "succeeded"


@frozen(kw_only=True)
class Shell:
    """What stands around the cards.

    Attributes:
        title: the title.
        subtitle: one line below it, as text.
        above: HTML between the title and the cards, written by this library.
        below: HTML after the cards, written by this library.
        style: more of the page's own style, for what stands above and below.
        script: more of the page's own JavaScript.
        connects: whether the page may talk to the server that it came from.
        orders: the order of each card, or None to count them.
    """

    title: str
    subtitle: str = ""
    above: str = ""
    below: str = ""
    style: str = ""
    script: str = ""
    connects: bool = False
    orders: tuple[int, ...] | None = None


@cache
def part(name: str) -> str:
    """Read a part of the page that lies beside this module."""
    return (_HERE / name).read_text(encoding="utf-8")


def gallery_page(items: Sequence[Item], *, title: str = "Gallery", below: str = "", style: str = "") -> str:
    """Write the gallery as one HTML document.

    Args:
        items: what to show, in the order in which it was asked for.
        title: the title.
        below: HTML to put under the cards, such as the figures of a report.
        style: the style that it needs.
    """
    return wrap(items, Shell(title=title, subtitle=sums(items), below=below, style=style))


def wrap(items: Sequence[Item], shell: Shell) -> str:
    """Put cards into the page."""
    style, script = part("page.css") + shell.style, part("page.js") + shell.script
    return Template(part("page.html")).substitute(
        policy=escape(policy(style, script, connects=shell.connects)),
        style=style,
        script=script,
        title=escape(shell.title),
        subtitle=escape(shell.subtitle),
        above=shell.above,
        jump='<a class="jump" href="#report">Report</a>' if 'id="report"' in shell.below else "",
        below=shell.below,
        models=options(items),
        cards="\n".join(map(card, items, shell.orders or range(len(items)))),
    )


def policy(style: str, script: str = "", *, connects: bool = False) -> str:
    """Write the Content-Security-Policy: only this very style and script, files beside the page, no network.

    Even where a text got past the escaping, a browser would neither run it nor fetch anything for it.
    """
    beside = "'self' file: data: blob:"
    talks = "'self'" if connects else "'none'"
    runs = f"'sha256-{_digest(script)}'" if script else "'none'"
    return (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src {runs};"
        f" img-src {beside}; media-src {beside}; connect-src {talks};"
        " base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    """Hash a text as a policy wants it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def options(items: Sequence[Item]) -> str:
    """Write the choice of models."""
    models = sorted({item.model for item in items if item.model})
    return "".join(f'<option value="{escape(model)}">{escape(model)}</option>' for model in models)


def sums(items: Sequence[Item]) -> str:
    """Sum up in one line: how many ended how, tokens, cost."""
    counts = Counter(item.status for item in items)
    videos = counts.pop(_SUCCEEDED, 0)
    words = [f"{videos} video" + ("" if videos == 1 else "s")]
    words += [f"{count} {status}" for status, count in counts.most_common()]
    tokens = sum(item.tokens or 0 for item in items)
    if tokens:
        words.append(f"{tokens:,} tokens")
    costs: dict[str, Decimal] = {}
    for item in items:
        if item.cost is not None:
            costs[item.currency] = costs.get(item.currency, Decimal(0)) + item.cost
    words += [f"{money_text(amount, currency)} by the price list" for currency, amount in costs.items()]
    return " · ".join(words)
