"""The prompt as a block of text: cleaned, wrapped, sized to fit, drawn."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import TYPE_CHECKING, Final

from attrs import frozen

from seedance_async.simulator.video.fonts import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from PIL import ImageDraw

    from seedance_async.simulator.video.fonts import Typeface

INK: Final = (245, 245, 245)
LINE_HEIGHT: Final = 1.3
BASELINE: Final = 0.98  # of the size, from a line's top
SHRINK: Final = 0.88
ELLIPSIS: Final = "..."
# A longer prompt cannot be read in any picture, and wrapping it would only cost time.
MAX_SHOWN: Final = 2000
_WIDE: Final = (
    "\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001f000-\U0003ffff"
)
_CLOSING: Final = "\u3001\u3002\u300b\u300d\u300f\u3011\uff01\uff09\uff0c\uff1a\uff1b\uff1f\u201d\u2019"
# A word, a blank, or one wide character with the closing marks that must not begin a line.
_ATOM: Final = re.compile(rf"\s+|[{_WIDE}][{_CLOSING}]*|[^\s{_WIDE}]+")


@frozen(kw_only=True)
class Caption:
    """Lines that fit their width, at `size` pixels."""

    lines: tuple[str, ...]
    size: int
    typeface: Typeface

    @property
    def height(self) -> int:
        """Pixels that the block takes from top to bottom."""
        return round(len(self.lines) * self.size * LINE_HEIGHT)


def readable(text: str) -> str:
    """`text` without what has no picture of its own: controls, joiners, variation selectors."""
    spaced = "".join(" " if char in "\t\v\f" else char for char in unicodedata.normalize("NFC", text))
    lines = spaced.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in lines[:MAX_SHOWN] if char == "\n" or _has_picture(char)).strip()


def _has_picture(char: str) -> bool:
    return unicodedata.category(char) not in {"Cc", "Cf"} and not "\ufe00" <= char <= "\ufe0f"


def box_label_size(size: int) -> int:
    """The height of the code inside the box of a character that no font has."""
    return max(9, size * 2 // 5)


def advance(typeface: Typeface, char: str, size: int) -> float:
    """Pixels from the start of `char` to the start of the next character."""
    face = typeface.face_for(char)
    if face is not None:
        return face.at(size).getlength(char)
    label = BUILT_IN.faces[0].at(box_label_size(size))
    return label.getlength(code_point(char)) + size * 0.4


def code_point(char: str) -> str:
    """The name of a character in ASCII, such as `U+732B`."""
    return f"U+{ord(char):04X}"


def text_width(typeface: Typeface, text: str, size: int) -> float:
    """Pixels that `text` takes on one line."""
    return sum(advance(typeface, char, size) for char in text)


def wrap(typeface: Typeface, text: str, size: int, width: int) -> Iterator[str]:
    """Break `text` into lines of at most `width` pixels; a word too long for a line is broken inside."""
    widths = {char: advance(typeface, char, size) for char in set(text)}
    for paragraph in text.split("\n"):
        line, used = "", 0.0
        for atom, length in _pieces(widths, paragraph, width):
            if used + length > width and line.strip():
                yield line.rstrip()
                line, used = "", 0.0
            if line or not atom.isspace():
                line, used = line + atom, used + length
        yield line.rstrip()


def _pieces(widths: Mapping[str, float], paragraph: str, width: int) -> Iterator[tuple[str, float]]:
    """What must stay on one line, with its length in pixels."""
    for atom in _ATOM.findall(paragraph):
        length = sum(widths[char] for char in atom)
        if length <= width:
            yield atom, length
        else:
            yield from ((char, widths[char]) for char in atom)


def fit(typeface: Typeface, text: str, box: tuple[int, int], sizes: tuple[int, int]) -> Caption:
    """The largest setting of `text` that fits, cut with dots when even the smallest does not.

    Args:
        typeface: where the characters come from.
        text: already `readable`.
        box: width and height in pixels.
        sizes: the smallest and the largest size in pixels.
    """
    width, height = box
    smallest, size = sizes
    while True:
        lines = tuple(wrap(typeface, text, size, width))
        caption = Caption(lines=lines, size=size, typeface=typeface)
        if caption.height <= height:
            return caption
        if size <= smallest:
            return _cut(caption, box)
        size = max(smallest, int(size * SHRINK))


def _cut(caption: Caption, box: tuple[int, int]) -> Caption:
    """As many lines as fit, the last one ending in dots that fit too."""
    width, height = box
    room = max(1, int(height / (caption.size * LINE_HEIGHT)))
    kept = list(caption.lines[:room])
    while kept[-1] and text_width(caption.typeface, kept[-1] + ELLIPSIS, caption.size) > width:
        kept[-1] = kept[-1][:-1]
    kept[-1] = kept[-1].rstrip() + ELLIPSIS
    return Caption(lines=tuple(kept), size=caption.size, typeface=caption.typeface)


def draw(caption: Caption, canvas: ImageDraw.ImageDraw, left: int, top: int) -> None:
    """Write the lines with the top left corner of the block at (`left`, `top`)."""
    for number, line in enumerate(caption.lines):
        baseline = top + round(number * caption.size * LINE_HEIGHT + caption.size * BASELINE)
        _draw_line(caption, canvas, line, (float(left), baseline))


def _draw_line(caption: Caption, canvas: ImageDraw.ImageDraw, line: str, start: tuple[float, int]) -> None:
    x, baseline = start
    for face, chars in itertools.groupby(line, caption.typeface.face_for):
        run = "".join(chars)
        if face is None:
            _draw_boxes(canvas, run, (x, baseline), caption)
        else:
            canvas.text((x, baseline), run, INK, face.at(caption.size), "ls")
        x += text_width(caption.typeface, run, caption.size)


def _draw_boxes(
    canvas: ImageDraw.ImageDraw, chars: Iterable[str], start: tuple[float, int], caption: Caption
) -> None:
    """A frame with the code point for each character that no font has."""
    x, baseline = start
    size = caption.size
    label = BUILT_IN.faces[0].at(box_label_size(size))
    for char in chars:
        width = advance(caption.typeface, char, size)
        frame = (x + 1, baseline - size * 0.82, x + width - 2, baseline + size * 0.16)
        canvas.rectangle(frame, outline=INK, width=max(1, size // 24))
        canvas.text((x + width / 2, baseline - size * 0.33), code_point(char), INK, label, "mm")
        x += width
