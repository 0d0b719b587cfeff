"""The moving picture: a background, the caption drawn once, and discs and a bar that move over it.

Pictures are three planes (luma at full size, two colour planes at half size), the form in which the
encoder takes them: converting every frame from RGB would cost more than encoding it.
"""

from __future__ import annotations

import colorsys
import hashlib
import io
import logging
import math
from typing import TYPE_CHECKING, Final

from attrs import field, frozen
from PIL import Image, ImageDraw, ImageOps

from seedance_async.simulator.video import caption as captions
from seedance_async.simulator.video.fonts import BUILT_IN, choose_typeface

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from seedance_async.simulator.video.clip import Clip
    from seedance_async.simulator.video.fonts import Typeface

log = logging.getLogger(__name__)

Planes = tuple[Image.Image, Image.Image, Image.Image]
Colour = tuple[int, int, int]

# Video levels of ITU-R BT.601: luma 16 to 235, colour 16 to 240; Pillow's YCbCr uses the whole byte.
LUMA_LEVELS: Final = [round(16 + level * 219 / 255) for level in range(256)]
COLOUR_LEVELS: Final = [round(128 + (level - 128) * 224 / 255) for level in range(256)]
WHITE: Final = (235, 128, 128)
DISCS: Final = 3
GOLDEN: Final = 0.618  # of the colour circle from one seed to the next: neighbours look unlike
PANEL_SHADE: Final = (12, 14, 22)


@frozen(kw_only=True)
class Disc:
    """One round thing on its path; speeds are in turns a second, phases in turns."""

    colour: Colour  # as levels of the three planes
    diameter: int
    speeds: tuple[float, float]
    phases: tuple[float, float]
    mask: Image.Image = field(eq=False)
    small_mask: Image.Image = field(eq=False)  # for the colour planes


@frozen(kw_only=True)
class Scene:
    """All that is needed to draw any frame of a clip."""

    clip: Clip
    still: Planes
    discs: tuple[Disc, ...]
    stage: int  # height above the panel, in which the discs move
    bar: int  # height of the progress bar, even

    def frame(self, index: int) -> Planes:
        """Frame `index`, counted from 0."""
        luma, blue, red = (plane.copy() for plane in self.still)
        for disc in self.discs:
            _put(disc, (luma, blue, red), self._place(disc, index / self.clip.fps))
        done = self.clip.width * (index + 1) // self.clip.frames
        top = self.clip.height - self.bar
        luma.paste(WHITE[0], (0, top, done, self.clip.height))
        for plane, level in ((blue, WHITE[1]), (red, WHITE[2])):
            plane.paste(level, (0, top // 2, done // 2, self.clip.height // 2))
        return luma, blue, red

    def _place(self, disc: Disc, seconds: float) -> tuple[int, int]:
        """The disc's corner; even, because one colour sample covers two pixels."""
        x, y = (
            0.5 + 0.5 * math.sin(math.tau * (speed * seconds + phase))
            for speed, phase in zip(disc.speeds, disc.phases, strict=True)
        )
        room = self.clip.width - disc.diameter, max(0, self.stage - disc.diameter)
        return int(x * room[0]) // 2 * 2, int(y * room[1]) // 2 * 2


def _put(disc: Disc, planes: Planes, place: tuple[int, int]) -> None:
    x, y = place
    luma, *colours = planes
    luma.paste(disc.colour[0], (x, y), disc.mask)
    for plane, level in zip(colours, disc.colour[1:], strict=True):
        plane.paste(level, (x // 2, y // 2), disc.small_mask)


def traits(seed: int) -> tuple[float, ...]:
    """32 numbers from 0 to 1 that follow from the seed alone."""
    return tuple(byte / 255 for byte in hashlib.sha256(str(seed).encode()).digest())


def rgb(hue: float, saturation: float, value: float) -> Colour:
    """A colour from hue, saturation and value, each 0 to 1 (the hue wraps)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def compose(clip: Clip, font: str | Path | None = None, *, system_fonts: bool = True) -> Scene:
    """Draw what does not move and decide how the rest moves.

    Args:
        clip: what to draw.
        font: a font file to use alone.
        system_fonts: False leaves the machine's fonts out, so that the picture is the same everywhere.

    Raises:
        FontUnreadable: `font` is not a font file.
    """
    numbers = traits(clip.seed)
    background, note = _background(clip)
    text = captions.readable(clip.prompt)
    typeface = choose_typeface(text, font) if system_fonts or font else BUILT_IN
    bar = max(4, min(clip.width, clip.height) // 60 // 2 * 2)
    stage = _caption(background, clip, (text, note), typeface, bar)
    return Scene(
        clip=clip, still=to_planes(background), discs=_discs(clip, numbers, stage), stage=stage, bar=bar
    )


def _background(clip: Clip) -> tuple[Image.Image, str]:
    """The picture behind everything, and a note for the footer when the still could not be used."""
    size = (clip.width, clip.height)
    hue = clip.seed % 1000 * GOLDEN
    if not clip.still:
        return _gradient(size, hue), ""
    try:
        with Image.open(io.BytesIO(clip.still)) as still:
            upright = ImageOps.exif_transpose(still).convert("RGB")
        return ImageOps.fit(upright, size), "  first frame shown"
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        # The service would have refused such a picture; a clip that says so is more use than none.
        log.warning("the first frame (%d bytes) is not an image that Pillow can read", len(clip.still))
        return _gradient(size, hue), "  first frame unreadable"


def _gradient(size: tuple[int, int], hue: float) -> Image.Image:
    column = Image.new("RGB", (1, size[1]))
    for y in range(size[1]):
        share = y / size[1]
        column.putpixel((0, y), rgb(hue + share * 0.12, 0.65, 0.75 - share * 0.45))
    return column.resize(size, Image.Resampling.NEAREST)


def _caption(picture: Image.Image, clip: Clip, texts: tuple[str, str], typeface: Typeface, bar: int) -> int:
    """Write prompt and footer on a dark panel along the bottom; the panel's top is the stage's height."""
    prompt, note = texts
    unit = min(clip.width, clip.height)
    margin = unit // 20
    width = clip.width - 2 * margin
    smallest = max(10, unit // 36)
    block = captions.fit(typeface, prompt, (width, clip.height // 2), (smallest, max(smallest, unit // 12)))
    footer = captions.fit(BUILT_IN, _footer(clip) + note, (width, clip.height // 8), (8, max(9, unit // 30)))
    top = (clip.height - bar - footer.height - block.height - margin * 3 // 2) // 2 * 2
    panel = (0, top, clip.width, clip.height)
    shade = Image.new("RGB", (clip.width, clip.height - top), PANEL_SHADE)
    picture.paste(Image.blend(picture.crop(panel), shade, 0.78), panel)
    canvas = ImageDraw.Draw(picture)
    captions.draw(block, canvas, margin, top + margin // 2)
    captions.draw(footer, canvas, margin, clip.height - bar - footer.height - margin // 2)
    return top


def _footer(clip: Clip) -> str:
    sound = "with sound" if clip.audio else "silent"
    return f"{clip.width}x{clip.height}  {clip.seconds:g} s  {clip.fps} fps  seed {clip.seed}  {sound}"


def _discs(clip: Clip, numbers: Sequence[float], stage: int) -> tuple[Disc, ...]:
    return tuple(_disc(clip, numbers[place * 6 : place * 6 + 6], stage) for place in range(DISCS))


def _disc(clip: Clip, numbers: Sequence[float], stage: int) -> Disc:
    hue, size, *path = numbers
    diameter = max(4, int(min(clip.width, stage) * (0.18 + 0.2 * size)) // 2 * 2)
    luma, blue, red = (plane.tobytes()[0] for plane in to_planes(_patch(rgb(hue, 0.5, 0.95))))
    mask = Image.new("L", (diameter * 4, diameter * 4))
    ImageDraw.Draw(mask).ellipse((0, 0, diameter * 4 - 1, diameter * 4 - 1), fill=255)
    return Disc(
        colour=(luma, blue, red),
        diameter=diameter,
        speeds=(0.12 + 0.25 * path[0], 0.12 + 0.25 * path[1]),
        phases=(path[2], path[3]),
        mask=mask.resize((diameter, diameter), Image.Resampling.BOX),
        small_mask=mask.resize((diameter // 2, diameter // 2), Image.Resampling.BOX),
    )


def _patch(colour: Colour) -> Image.Image:
    """The smallest picture that has colour planes."""
    return Image.new("RGB", (2, 2), colour)


def to_planes(picture: Image.Image) -> Planes:
    """RGB to luma and halved colour planes at video levels."""
    luma, blue, red = picture.convert("YCbCr").split()
    half = (picture.width // 2, picture.height // 2)
    return (
        luma.point(LUMA_LEVELS),
        blue.resize(half, Image.Resampling.BOX).point(COLOUR_LEVELS),
        red.resize(half, Image.Resampling.BOX).point(COLOUR_LEVELS),
    )


def to_picture(planes: Planes) -> Image.Image:
    """The way back: planes at video levels to RGB."""
    luma, blue, red = planes
    bright = luma.point([_within((level - 16) * 255 / 219) for level in range(256)])
    chroma = [_within(128 + (level - 128) * 255 / 224) for level in range(256)]
    full = [plane.point(chroma).resize(luma.size, Image.Resampling.BILINEAR) for plane in (blue, red)]
    return Image.merge("YCbCr", (bright, *full)).convert("RGB")


def _within(level: float) -> int:
    return max(0, min(255, round(level)))
