"""All figures together: as a part of a page, as a page, and as one picture."""

from __future__ import annotations

import base64
from decimal import Decimal
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from attrs import frozen

from seedance_async.media.gallery.page import part, policy
from seedance_async.media.gallery.words import money_text, seconds_text
from seedance_async.report.endings import endings
from seedance_async.report.latency import latency
from seedance_async.report.spending import spending
from seedance_async.report.svg import WIDTH, element, label, number, told
from seedance_async.report.timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.report.facts import Facts
    from seedance_async.report.svg import Figure

__all__ = ["Report", "draw"]

_HERE: Final = Path(__file__).parent
_SPACE: Final = 54.0


@cache
def _file(name: str) -> str:
    """Read a part that lies beside this module."""
    return (_HERE / name).read_text(encoding="utf-8")


@frozen(kw_only=True)
class Report:
    """The figures of a journal.

    Attributes:
        title: what it is about.
        summary: the figures that matter most, in one line.
        figures: the drawings.
    """

    title: str
    summary: str
    figures: tuple[Figure, ...]

    @property
    def style(self) -> str:
        """The style that the figures need within a page that has the gallery's colours."""
        return _file("charts.css") + _file("report.css")

    @property
    def section(self) -> str:
        """The figures as a part of a page that has :attr:`style`; they need no script."""
        shown = "".join(
            f'<figure><h2>{escape(figure.title)}</h2><div class="wide">{figure.svg()}</div>'
            f"<figcaption>{escape(figure.words)}</figcaption></figure>"
            for figure in self.figures
        )
        return f'<section class="report" id="report" aria-label="Report">{shown}</section>'

    @property
    def page(self) -> str:
        """The figures as one HTML document; it needs no script and asks nobody for anything."""
        css = part("page.css") + self.style
        return Template(_file("report.html")).substitute(
            policy=escape(policy(css)),
            title=escape(self.title),
            subtitle=escape(self.summary),
            style=css,
            figures=self.section,
        )

    @property
    def svg(self) -> str:
        """The figures below each other as one SVG document, light or dark as its reader's system."""
        top = 64.0
        parts = [label(24, 34, self.title, "head"), label(24, 54, self.summary, "soft")]
        for figure in self.figures:
            parts.append(label(24, top + 28, figure.title, "strong"))
            parts.append(element("g", figure.body, transform=f"translate(0 {number(top + 44)})"))
            top += figure.height + _SPACE
        css = _file("palette.css") + _file("charts.css")
        css += ".chart .head { font-size: 18px; font-weight: 700; }"
        ground = element("rect", width="100%", height="100%", class_="ground")
        size = f'width="{WIDTH}" height="{number(top)}" viewBox="0 0 {WIDTH} {number(top)}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {size} role="img">'
            f"<title>{told(self.title)}</title><desc>{told(self.summary)}</desc>"
            f"<style>{css}</style>{ground}{''.join(parts)}</svg>\n"
        )

    def _repr_html_(self) -> str:
        """Show the picture in a notebook; as an image, so that its style stays its own."""
        data = base64.b64encode(self.svg.encode("utf-8", "replace")).decode()
        told_as = escape(self.summary)
        return f'<img src="data:image/svg+xml;base64,{data}" alt="{told_as}" style="max-width:100%">'


def draw(facts: Facts, *, title: str) -> Report:
    """Draw everything that the facts give.

    Args:
        facts: what is known of every job.
        title: what it is about.
    """
    drawn: Sequence[Figure | None] = (timeline(facts), spending(facts), latency(facts), endings(facts))
    figures = tuple(figure for figure in drawn if figure is not None) if facts.jobs else ()
    return Report(title=title, summary=_summary(facts), figures=figures)


def _summary(facts: Facts) -> str:
    """Say the most important figures in one line."""
    if not facts.jobs:
        return "No prompts yet."
    landed = sum(job.status == "succeeded" for job in facts.jobs)
    tokens = sum(job.tokens for job in facts.jobs)
    words = [f"{len(facts.jobs):,} prompts", f"{landed:,} videos"]
    words += [f"{tokens:,} tokens"] if tokens else []
    costs = [job.cost for job in facts.jobs if job.cost is not None and job.currency == facts.currency]
    if costs:
        words.append(f"{money_text(sum(costs, Decimal(0)), facts.currency)} by the price list")
    return " · ".join([*words, f"{seconds_text(facts.end - facts.begin)} from first to last"])
