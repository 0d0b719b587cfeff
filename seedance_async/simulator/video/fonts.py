"""Find fonts that have the characters of a prompt.

Prompts are often Chinese while the usual default fonts stop at Latin, Greek and Cyrillic, so every font is
asked whether it really has a character: FreeType draws the font's "not defined" glyph for one it lacks.
Characters are set one by one, without shaping: Arabic or Devanagari is shown in its unjoined forms.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

from attrs import frozen
from PIL import Image, ImageDraw, ImageFont

from seedance_async.simulator.video.clip import FontUnreadable

FONT_SUFFIXES: Final = frozenset({".ttf", ".otf", ".ttc", ".otc"})
# A machine with a TeX system has thousands of fonts; the ranking puts the promising ones first.
MAX_FONTS_ASKED: Final = 80
# Parts of file names, the most useful first: plain faces for Latin, then those with Chinese.
PREFERRED: Final = (
    "notosans-regular",
    "dejavusans.",
    "liberationsans-regular",
    "arial.",
    "notosanscjk-regular",
    "notosanscjk",
    "notosanssc",
    "sourcehansans",
    "wqy-microhei",
    "wqy-zenhei",
    "pingfang",
    "hiragino sans gb",
    "stheiti",
    "msyh",
    "simhei",
    "simsun",
    "arial unicode",
    "arialuni",
    "droidsansfallback",
    "unifont",
    "notosans",
)
PROBE_SIZE: Final = 24
NEVER_DEFINED: Final = "\U0010ffff"  # a noncharacter: no font may map it (Unicode 16, section 23.7)


@frozen
class Face:
    """One font file, or Pillow's built-in Latin face when `path` is None."""

    path: Path | None

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font at `size` pixels; OSError when the file is no font."""
        return _opened(self.path, size)

    def has(self, char: str) -> bool:
        """Whether the font draws `char` itself rather than its "not defined" sign."""
        return _has(self.path, char)


@frozen
class Typeface:
    """Faces in the order in which a character is looked for."""

    faces: tuple[Face, ...]

    def face_for(self, char: str) -> Face | None:
        """The first face that has `char`; None when none has."""
        return next((face for face in self.faces if face.has(char)), None)


BUILT_IN: Final = Typeface((Face(None),))


@lru_cache(maxsize=256)
def _opened(path: Path | None, size: int) -> ImageFont.FreeTypeFont:
    """Basic layout everywhere: it is always there, so pictures do not depend on optional libraries."""
    if path is None:
        font = ImageFont.load_default(size)
        if isinstance(font, ImageFont.FreeTypeFont):
            return font
        message = "this Pillow was built without FreeType"
        raise OSError(message)
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def _drawn(path: Path | None, char: str) -> bytes:
    """The pixels of one character, placed so that its bearing counts too."""
    canvas = Image.new("L", (2 * PROBE_SIZE, 2 * PROBE_SIZE))
    font = _opened(path, PROBE_SIZE)
    ImageDraw.Draw(canvas).text((PROBE_SIZE // 2, PROBE_SIZE * 3 // 2), char, 255, font, "ls")
    return canvas.tobytes()


@lru_cache(maxsize=256)
def _not_defined(path: Path | None) -> bytes:
    return _drawn(path, NEVER_DEFINED)


@lru_cache(maxsize=20_000)
def _has(path: Path | None, char: str) -> bool:
    if char.isspace():
        return True
    if unicodedata.category(char) == "Cs":
        return False
    try:
        return _drawn(path, char) != _not_defined(path)
    except OSError:  # a broken or bitmap-only file among the system's fonts
        return False


def font_folders() -> tuple[Path, ...]:
    """Where Linux, macOS and Windows keep fonts; folders that do not exist are left out."""
    home = Path.home()
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    folders = [home / ".fonts", data / "fonts", Path("/usr/local/share/fonts"), Path("/usr/share/fonts")]
    if sys.platform == "darwin":
        folders = [home / "Library/Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts")]
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local")
        folders = [
            local / "Microsoft/Windows/Fonts",
            Path(os.environ.get("WINDIR") or "C:/Windows") / "Fonts",
        ]
    return tuple(folder for folder in folders if folder.is_dir())


def _rank(path: Path) -> tuple[int, str]:
    name = path.name.lower()
    wanted = next((place for place, part in enumerate(PREFERRED) if part in name), len(PREFERRED))
    return wanted, str(path)


@lru_cache(maxsize=8)
def installed_fonts(folders: tuple[Path, ...]) -> tuple[Face, ...]:
    """The font files below `folders`, the most promising first.

    Args:
        folders: where to look; one that cannot be read counts as empty.
    """
    found = {
        Path(parent, name)
        for folder in folders
        for parent, _folders, names in os.walk(folder)
        for name in names
        if Path(name).suffix.lower() in FONT_SUFFIXES
    }
    return tuple(Face(path) for path in sorted(found, key=_rank)[:MAX_FONTS_ASKED])


def _given(font: str | Path) -> Typeface:
    face = Face(Path(font))
    try:
        face.at(PROBE_SIZE)
    except OSError as error:
        message = (
            f"font {str(font)!r} cannot be read: {error}; "
            "give the path of a TrueType or OpenType file (.ttf, .otf, .ttc)"
        )
        raise FontUnreadable(message) from error
    return Typeface((face,))


def choose_typeface(
    text: str, font: str | Path | None = None, folders: tuple[Path, ...] | None = None
) -> Typeface:
    """The fewest installed faces that have the characters of `text`.

    Args:
        text: what will be written.
        font: a font file to use alone, whatever it lacks.
        folders: where to look for fonts; the usual folders of the system unless given.

    Returns:
        The faces, Pillow's built-in one last; characters that no face has are for the caller to show.

    Raises:
        FontUnreadable: `font` is not a font file.
    """
    if font is not None:
        return _given(font)
    missing = {char for char in text if not char.isspace()}
    chosen: list[Face] = []
    for face in installed_fonts(font_folders() if folders is None else folders):
        if not missing:
            break
        covered = {char for char in missing if face.has(char)}
        if covered:
            chosen.append(face)
            missing -= covered
    return Typeface((*chosen, *BUILT_IN.faces))
