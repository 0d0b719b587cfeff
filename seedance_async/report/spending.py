"""Tokens and money over time, added up."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from attrs import frozen

from seedance_async.media.gallery.words import money_text
from seedance_async.report.axis import axis_of, scale
from seedance_async.report.svg import WIDTH, Figure, element, label, line, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from seedance_async.report.axis import Axis
    from seedance_async.report.facts import Facts

__all__ = ["spending"]

_LEFT, _EDGE = 96.0, 24.0
_PANEL, _GAP, _TOP = 150.0, 52.0, 34.0
_THOUSAND: Final = 1000.0


@frozen(kw_only=True)
class _Panel:
    """One curve that only rises."""

    title: str
    css: str
    points: Sequence[tuple[float, float]]
    write: Callable[[float], str]


def spending(facts: Facts) -> Figure | None:
    """Draw what ended tasks billed, added up; None when nothing was billed."""
    spans = [(job.sent, job.last) for job in facts.jobs if job.sent is not None]
    panels = _panels(facts)
    if not panels:
        return None
    axis = axis_of(spans, left=_LEFT, right=WIDTH - _EDGE)
    body = "".join(_drawn(panel, axis, _TOP + i * (_PANEL + _GAP)) for i, panel in enumerate(panels))
    words = ", ".join(f"{panel.write(panel.points[-1][1])} in all" for panel in panels)
    height = _TOP + len(panels) * (_PANEL + _GAP) - _GAP + 28
    return Figure(title="Spent over time", words=words, height=height, body=body)


def _panels(facts: Facts) -> list[_Panel]:
    """Add tokens and money up in the order in which tasks ended."""
    paid = sorted(
        (job for job in facts.jobs if job.tokens and job.ended is not None), key=lambda job: job.ended or 0
    )
    times = [job.ended or 0.0 for job in paid]
    costs = [
        (job.ended or 0.0, job.cost)
        for job in paid
        if job.cost is not None and job.currency == facts.currency
    ]
    panels: list[_Panel] = []
    if paid:
        sums = accumulate(float(job.tokens) for job in paid)
        points = list(zip(times, sums, strict=True))
        panels.append(_Panel(title="Tokens", css="tokens", points=points, write=_count))
    if costs:
        amounts = accumulate(float(amount) for _, amount in costs)
        points = list(zip((at for at, _ in costs), amounts, strict=True))
        panels.append(
            _Panel(
                title="Cost by the price list",
                css="cost",
                points=points,
                write=lambda amount: money_text(Decimal(str(round(amount, 6))), facts.currency),
            )
        )
    return panels


def _count(value: float) -> str:
    """Write a number of tokens."""
    return f"{value:,.0f} tokens"


def _short(value: float, write: Callable[[float], str]) -> str:
    """Write a value at an axis: without its unit, thousands and millions as one letter."""
    if write is not _count:
        return write(value)
    for size, sign in ((_THOUSAND**2, "M"), (_THOUSAND, "k")):
        if value >= size:
            return f"{value / size:g} {sign}"
    return f"{value:g}"


def _drawn(panel: _Panel, axis: Axis, top: float) -> str:
    """Draw one curve with its scale."""
    bottom = top + _PANEL
    values = scale(panel.points[-1][1])
    parts = [label(_LEFT, top - 12, panel.title, "strong"), axis.drawn(top, bottom)]

    def y(value: float) -> float:
        return bottom - value / values[-1] * _PANEL

    for value in values:
        parts.append(line(_LEFT, y(value), WIDTH - _EDGE, y(value), "grid"))
        parts.append(label(_LEFT - 10, y(value) + 4, _short(value, panel.write), "soft", "end"))
    steps = f"M{number(axis.x(axis.begin))} {number(bottom)}"
    steps += "".join(f"H{number(axis.x(at))}V{number(y(value))}" for at, value in panel.points)
    right = WIDTH - _EDGE
    parts.append(element("path", d=f"{steps}H{number(right)}V{number(bottom)}Z", class_=f"area {panel.css}"))
    parts.append(element("path", d=f"{steps}H{number(right)}", class_=f"curve {panel.css}"))
    return "".join(parts)
