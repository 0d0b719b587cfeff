"""One item as HTML. Everything that comes from outside is escaped here, and only here."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from seedance_async.media.gallery.words import bytes_text, moment_text, money_text, seconds_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seedance_async.media.gallery.items import Item, Problem

__all__ = ["MOVING", "card"]

MOVING: Final = frozenset({"waiting", "submitting", "queued", "running", "landing", "looked for"})
"""States that a live board still expects to change."""


def card(item: Item, order: int) -> str:
    """Write an item as one ``<article>``.

    Args:
        item: what to show.
        order: its place in the order in which prompts were given, from 0.
    """
    classes = "card" if item.video is not None else "card bare"
    return (
        f'<article class="{classes}" tabindex="0" {_data(item, order)}>'
        f'<div class="stage">{_stage(item)}</div>'
        '<div class="told">'
        f'<p class="prompt" dir="auto">{escape(item.prompt) or "<i>no prompt is known</i>"}</p>'
        f"{_format(item)}"
        f"{_list('facts', _main_facts(item))}"
        f"{_more(item)}"
        '<p class="acts"><button type="button" class="pick" aria-pressed="false">Compare</button></p>'
        "</div></article>"
    )


def _data(item: Item, order: int) -> str:
    """Write what sorting and filtering look at."""
    values = {
        "key": item.key,
        "order": order,
        "status": item.status,
        "model": item.model,
        "tokens": item.tokens,
        "cost": item.cost,
        "seconds": item.seconds,
        "at": item.at,
    }
    return " ".join(f'data-{name}="{escape(str(v))}"' for name, v in values.items() if v is not None)


def _stage(item: Item) -> str:
    """Write the video, or why there is none."""
    status = f'<span class="status" data-status="{escape(item.status)}">{escape(item.status)}</span>'
    if item.video is not None:
        poster = f' data-poster="{escape(item.poster)}"' if item.poster else ""
        label = escape(f"Video of {item.key}")
        return (
            f'<video src="{escape(item.video)}"{poster} aria-label="{label}"'
            f' preload="none" controls muted loop playsinline></video>{status}'
        )
    if item.problem is not None:
        return status + _problem(item.problem)
    if item.place:
        return f'{status}<p class="why"><span class="message">It lies in {escape(item.place)}</span></p>'
    wait = ' class="wait"' if item.status in MOVING else ""
    return f"{status}<p{wait}></p>"


def _format(item: Item) -> str:
    """Write size, ratio and length in one line."""
    told = dict(item.facts)
    words = [told[name] for name in ("Resolution", "Ratio", "Length") if name in told]
    return f'<p class="format">{escape(" · ".join(words))}</p>' if words else ""


def _problem(problem: Problem) -> str:
    """Write code, message and advice."""
    parts = (("code", problem.code), ("message", problem.message), ("advice", problem.advice))
    spans = "".join(f'<span class="{name}">{escape(text)}</span>' for name, text in parts if text)
    return f'<p class="why">{spans}</p>'


def _main_facts(item: Item) -> Iterable[tuple[str, str]]:
    """Give the figures that every card shows."""
    if item.tokens is not None:
        yield "Tokens", f"{item.tokens:,}"
    if item.cost is not None:
        yield "Cost", money_text(item.cost, item.currency)
    if item.seconds is not None:
        yield "Took", seconds_text(item.seconds)
    if item.seed is not None:
        yield "Seed", str(item.seed)


def _more(item: Item) -> str:
    """Write everything else, folded away."""
    rest = [("Key", item.key), ("Model", item.model), *item.facts, ("Task", item.task_id)]
    if item.size is not None:
        rest.append(("Size", bytes_text(item.size)))
    if item.problem is not None:
        rest.append(("Request id", item.problem.request_id))
    rows = _list("rest", [(label, text) for label, text in rest if text], when=item.at)
    return f'<details class="more"><summary>{escape(item.key)}</summary>{rows}</details>'


def _list(name: str, facts: Iterable[tuple[str, str]], when: float | None = None) -> str:
    """Write labels and texts."""
    rows = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>" for label, text in facts)
    moment = moment_text(when) if when is not None else ""
    if moment:
        stamp = f'<time datetime="{moment.replace(" ", "T")}Z">{moment} UTC</time>'
        rows += f"<div><dt>Ended</dt><dd>{stamp}</dd></div>"
    return f'<dl class="{name}">{rows}</dl>'
