"""Draws the diagrams of the pages: ``python docs/images/draw.py`` writes the SVG files beside it.

Each file has both themes in itself and follows ``prefers-color-scheme``; it stands on a card of its own, so
that it can be read wherever it is shown.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: Final = Path(__file__).parent
LINE: Final = 17
MARGIN: Final = 18
GAP: Final = 8
LEFT: Final = 196
RIGHT: Final = 742
NOTES: Final = {
    "cli": "the command",
    "ext": "pytest, telemetry, Ray",
    "demo": "its prompts",
    "in_process": "no sockets",
    "planning": "when it is done",
    "pool": "several accounts",
    "simulator": "state, faults, quotas, ledger, real MP4s",
    "board": "a live page",
}
"""What a room is, where its level holds few enough to say it."""
STYLE: Final = """
.card{fill:#fbfaf7;stroke:#d8d5cc}.box{fill:#fff;stroke:#8a867a}.paid{fill:#fdeccf;stroke:#b7791f}
.good{fill:#ddf0e2;stroke:#3c7d52}.bad{fill:#fbe1df;stroke:#b4453c}
.zone{fill:none;stroke:#c3bfb3;stroke-dasharray:5 4}
text{font:13px system-ui,sans-serif;fill:#23211c}.small{font-size:12px;fill:#5d594e}.head{font-weight:600}
.line{stroke:#6d695d;stroke-width:1.4;fill:none;marker-end:url(#tip)}.tip{fill:#6d695d}
@media (prefers-color-scheme:dark){.card{fill:#1b1d20;stroke:#3a3d42}.box{fill:#26292d;stroke:#8b9097}
.paid{fill:#4a3714;stroke:#d9a441}.good{fill:#1d3b28;stroke:#63b07d}.bad{fill:#4a211e;stroke:#e07a70}
.zone{stroke:#565b62}text{fill:#eceae4}.small{fill:#b5b1a6}.line{stroke:#a9aeb5}.tip{fill:#a9aeb5}}
"""


@define
class Drawing:
    """A picture that grows shape by shape; all numbers are pixels."""

    title: str
    width: int
    height: int
    shapes: list[str] = field(factory=list[str])

    def box(self, at: tuple[int, int], size: tuple[int, int], text: str, kind: str = "box") -> None:
        """Draw a box; the first line of its text is the heading."""
        (left, top), (width, height) = at, size
        self.shapes.append(
            f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="{height}" rx="7"/>'
        )
        lines = text.split("\n")
        first = top + height / 2 - (len(lines) - 1) * LINE / 2 + 4.5
        for number, line in enumerate(lines):
            look = "head" if number == 0 else "small"
            self.text((left + width // 2, int(first + number * LINE)), line, look, anchor="middle")

    def text(self, at: tuple[int, int], text: str, kind: str = "small", anchor: str = "start") -> None:
        """Write one line."""
        self.shapes.append(
            f'<text class="{kind}" x="{at[0]}" y="{at[1]}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def zone(self, at: tuple[int, int], size: tuple[int, int], name: str) -> None:
        """Draw a dashed frame with a name."""
        self.shapes.append(
            f'<rect class="zone" x="{at[0]}" y="{at[1]}" width="{size[0]}" height="{size[1]}" rx="10"/>'
        )
        self.text((at[0] + 10, at[1] + 17), name)

    def line(self, *points: tuple[int, int]) -> None:
        """Draw an arrow along points."""
        path = " ".join(f"{x},{y}" for x, y in points)
        self.shapes.append(f'<polyline class="line" points="{path}"/>')

    def svg(self) -> str:
        """Give the file."""
        tip = (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
            ' orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
        )
        card = (
            f'<rect class="card" x=".5" y=".5" width="{self.width - 1}" height="{self.height - 1}" rx="10"/>'
        )
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}"'
            f' width="{self.width}" height="{self.height}" role="img">'
        )
        parts = [head, f"<title>{escape(self.title)}</title>", f"<style>{STYLE}</style>", tip, card]
        return "\n".join([*parts, *self.shapes, "</svg>", ""])


def levels() -> list[tuple[str, list[str]]]:
    """Read the levels of imports, the highest first: the contract's comment, and its modules."""
    text = (HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    contract = text.split("[[tool.importlinter.contracts]]")[1]
    found = re.findall(r'    # (.+)\n    """\n([^"]+)"""', contract)
    return [(name.partition(":")[0], re.findall(r"seedance_async\.([\w.]+)", body)) for name, body in found]


def rooms() -> Drawing:
    """The map of rooms, the outside on top, as the contract of imports has them."""
    drawing = Drawing("The rooms of the package: each imports from its own level or below", 760, 0)
    top = MARGIN
    for name, modules in levels():
        lines = textwrap.wrap(name, 19)
        for number, line in enumerate(lines):
            drawing.text((20, top + 20 + number * LINE), line, "head")
        top = max(level(drawing, top, modules), top + 12 + len(lines) * LINE) + MARGIN
    drawing.line((178, MARGIN + 8), (178, top - MARGIN))
    drawing.text(
        (20, top + 10),
        "A room imports from its own level or below. The simulator shares nothing with any of these rooms.",
    )
    drawing.height = top + 28
    return drawing


def level(drawing: Drawing, top: int, modules: list[str]) -> int:
    """Draw the boxes of one level in rows; where the last row ends."""
    left, high = LEFT, 0
    for text in boxes(modules):
        head, *lines = text.split("\n")
        width = max(8 * len(head), *(7 * len(line) for line in lines), 0) + 20
        height = 12 + LINE * (1 + len(lines))
        if left + width > RIGHT:
            left, top, high = LEFT, top + high + GAP, 0
        drawing.box((left, top), (width, height), text)
        left, high = left + width + GAP, max(high, height)
    return top + high


def boxes(modules: list[str]) -> list[str]:
    """Write what stands on a level: its rooms, then each package that has parts there, with these parts."""
    alone = [f"{room}\n{NOTES[room]}" if room in NOTES else room for room in modules if "." not in room]
    parts: dict[str, list[str]] = {}
    for module in modules:
        package, dot, part = module.partition(".")
        if dot:
            parts.setdefault(package, []).append(part)
    return alone + ["\n".join([name, *textwrap.wrap(", ".join(found), 74)]) for name, found in parts.items()]


def way() -> Drawing:
    """The way of one prompt."""
    drawing = Drawing("The way of one prompt, from the request to the video on disk", 760, 430)
    top = [
        ("request\nchecked", "box"),
        ("slot\none more alive?", "box"),
        ("pace\nnext turn", "box"),
        ("intent\non disk, synced", "good"),
        ("POST\ncosts money", "paid"),
    ]
    for number, (text, kind) in enumerate(top):
        drawing.box((20 + number * 146, 40), (126, 62), text, kind)
        if number:
            drawing.line((20 + number * 146 - 20, 71), (20 + number * 146, 71))
    bottom = [
        ("saved\non disk, synced", "good"),
        ("download\nchecked, renamed", "box"),
        ("settle\nslot, budget", "box"),
        ("watch\nLIST and GET", "box"),
        ("accepted\nid on disk, synced", "good"),
    ]
    for number, (text, kind) in enumerate(bottom):
        drawing.box((20 + number * 146, 320), (126, 62), text, kind)
        if number:
            drawing.line((20 + number * 146, 351), (20 + number * 146 - 20, 351))
    drawing.line((667, 102), (667, 320))
    drawing.text((680, 190), "an id")
    drawing.box((430, 150), (150, 48), "slow down\n429, queue full", "box")
    drawing.line((640, 102), (640, 174), (580, 174))
    drawing.line((430, 174), (405, 174), (405, 102))
    drawing.box((430, 230), (150, 56), "uncertain\nno answer, 5xx", "bad")
    drawing.line((652, 102), (652, 258), (580, 258))
    drawing.box((200, 230), (170, 56), "look for it\nlists, fingerprint", "box")
    drawing.line((430, 258), (370, 258))
    drawing.line((330, 286), (330, 304), (640, 304), (640, 320))
    drawing.text((345, 300), "found: adopt")
    drawing.line((300, 230), (300, 128), (345, 128), (345, 102))
    drawing.text((196, 206), "proven absent:", "small")
    drawing.text((196, 222), "a new intent", "small")
    drawing.text(
        (20, 412),
        "Green is durable before the next step begins. After a crash the next run goes on from there.",
    )
    return drawing


def lost_post() -> Drawing:
    """What happens to a submit whose answer got lost."""
    drawing = Drawing("What happens to a POST whose answer got lost", 760, 470)
    drawing.box((265, 20), (230, 52), "POST, and no answer\nreset, timeout, 5xx, unreadable", "paid")
    drawing.box((270, 110), (220, 52), "list recent tasks\nleave out those that are known")
    drawing.line((380, 72), (380, 110))
    drawing.box(
        (20, 210), (210, 66), "one carries the fingerprint\nor agrees where nothing\nelse could", "box"
    )
    drawing.box((265, 210), (230, 66), "some are too bare to tell\nqueued records show\nfive fields", "box")
    drawing.box((530, 210), (210, 66), "none could be it\nin several looks, after a\nsettling time", "box")
    for x in (125, 380, 635):
        drawing.line((380, 162), (380, 186), (x, 186), (x, 210))
    drawing.box((20, 380), (210, 56), "adopt\nit is the answer", "good")
    drawing.line((125, 276), (125, 380))
    drawing.line((265, 243), (248, 243), (248, 136), (270, 136))
    drawing.text((206, 126), "again")
    drawing.box((530, 310), (210, 44), "a witness beside it?")
    drawing.line((635, 276), (635, 310))
    drawing.box((530, 380), (210, 56), "absent, proven\nmay be sent again", "good")
    drawing.line((635, 354), (635, 380))
    drawing.text((643, 371), "yes")
    drawing.box((265, 380), (230, 56), "SubmitUncertain\nnever sent again blindly", "bad")
    drawing.line((530, 332), (440, 332), (440, 380))
    drawing.text((460, 326), "no")
    drawing.line((330, 276), (330, 380))
    drawing.text((338, 310), "time is up")
    return drawing


def watcher() -> Drawing:
    """One watcher for everything in flight."""
    drawing = Drawing("One watcher looks after every task in flight, within the account's quotas", 760, 380)
    for number, text in enumerate(["wait_for(a)", "wait_for(b)", "run_many: c, d ... z", "as_completed"]):
        drawing.box((20, 30 + number * 74), (160, 50), text)
        drawing.line((180, 55 + number * 74), (250, 170))
    drawing.zone((250, 30), (250, 292), "watcher")
    drawing.box((270, 64), (210, 60), "bands by status and age\n3, 6, 12, 24 seconds")
    drawing.box((270, 150), (210, 60), "one LIST for many ids\nonce a second at most")
    drawing.box((270, 236), (210, 60), "GET for odd ones\n20 a second at most")
    drawing.line((375, 124), (375, 150))
    drawing.line((375, 210), (375, 236))
    drawing.box((590, 130), (150, 90), "server\nits word alone\nends a wait", "paid")
    drawing.line((480, 180), (590, 165))
    drawing.line((480, 266), (590, 200))
    drawing.box((590, 30), (150, 50), "callback\nonly wakes", "box")
    drawing.line((590, 55), (480, 85))
    drawing.text(
        (20, 352),
        "A wait ends by a terminal status, 401 or 403, or the caller's deadline. A failed look ends nothing.",
    )
    return drawing


DRAWINGS: Final[dict[str, Callable[[], Drawing]]] = {
    "rooms": rooms,
    "way": way,
    "lost-post": lost_post,
    "watcher": watcher,
}


if __name__ == "__main__":
    for name, draw in DRAWINGS.items():
        (HERE / f"{name}.svg").write_text(draw().svg(), encoding="utf-8")
