"""Just enough SVG: elements as text, with everything from outside escaped."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from attrs import frozen

__all__ = ["WIDTH", "Figure", "bar", "element", "label", "line", "number", "told"]

WIDTH: Final = 960
"""Width of every figure in its own units."""

_NO_SIGN: Final = re.compile("[^\\t\\n\\r -\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


@frozen(kw_only=True)
class Figure:
    """One drawing.

    Attributes:
        title: what it shows.
        words: what can be read off, for readers who do not see it.
        height: height in units; the width is :data:`WIDTH`.
        body: the elements.
    """

    title: str
    words: str = ""
    height: float
    body: str

    def svg(self) -> str:
        """Give it as an element of an HTML page."""
        return (
            f'<svg class="chart" viewBox="0 0 {WIDTH} {number(self.height)}" role="img"'
            f' aria-label="{told(f"{self.title}. {self.words}")}">{self.body}</svg>'
        )


def told(text: str) -> str:
    """Escape a text from outside; what XML has no sign for (section 2.2) is replaced."""
    return escape(_NO_SIGN.sub("\N{REPLACEMENT CHARACTER}", text))


def number(value: float) -> str:
    """Write a coordinate without needless digits."""
    return f"{value:.1f}".removesuffix(".0")


def element(name: str, content: str = "", **attributes: float | str) -> str:
    """Write an element; ``content`` is markup, attributes are escaped and ``_`` stands for ``-``."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{told(value) if isinstance(value, str) else number(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{given}>{content}</{name}>" if content else f"<{name}{given}/>"


def label(x: float, y: float, text: str, css: str = "", anchor: str = "start") -> str:
    """Write a text."""
    return element("text", told(text), x=x, y=y, class_=f"t {css}".rstrip(), text_anchor=anchor)


def bar(x: float, y: float, width: float, height: float, *, css: str, tip: str = "") -> str:
    """Write a bar; one that lasted no time is still seen."""
    title = element("title", told(tip)) if tip else ""
    return element("rect", title, x=x, y=y, width=max(width, 0.8), height=height, class_=css)


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """Write a line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=css)
