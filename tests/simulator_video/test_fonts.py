"""Fonts are found, asked for their characters, and replaced by code points where none has them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from seedance_async.simulator.video import FontUnreadable, fonts, render_clip, render_still
from tests.simulator_video.helpers import latin_font, small_clip

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("char", "known"),
    [
        ("a", True),
        ("~", True),
        (" ", True),
        ("猫", False),
        ("é", False),
        ("\U0001f600", False),
        ("\ud800", False),
    ],
)
def test_a_face_knows_what_it_lacks(char: str, known: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    """The built-in face has ASCII and no Chinese; a lone surrogate is in no font and does no harm."""
    assert fonts.Face(None).has(char) is known


def test_faces_are_taken_for_the_characters_they_have(tmp_path: Path) -> None:
    """A face that adds a character is taken, and the built-in one always stands last."""
    path = latin_font(tmp_path)
    typeface = fonts.choose_typeface("a猫", folders=(tmp_path,))
    assert [face.path for face in typeface.faces] == [path, None]
    assert typeface.face_for("a") == fonts.Face(path)
    assert typeface.face_for("猫") is None


def test_a_face_that_adds_nothing_is_left_out(tmp_path: Path) -> None:
    """Of two faces with the same characters only the first is used, and none for an empty text."""
    content = latin_font(tmp_path).read_bytes()
    (tmp_path / "latin.ttf").rename(tmp_path / "zz.ttf")
    (tmp_path / "DejaVuSans.ttf").write_bytes(content)
    assert [face.path for face in fonts.choose_typeface("abc", folders=(tmp_path,)).faces] == [
        tmp_path / "DejaVuSans.ttf",
        None,
    ]
    assert fonts.choose_typeface("", folders=(tmp_path,)) == fonts.BUILT_IN


def test_broken_files_among_the_fonts_do_no_harm(tmp_path: Path) -> None:
    """A damaged font, a file of another kind and a missing folder are passed over."""
    latin_font(tmp_path)
    (tmp_path / "arial.ttf").write_bytes(b"not a font")
    (tmp_path / "readme.txt").write_text("hello")
    typeface = fonts.choose_typeface("a", folders=(tmp_path, tmp_path / "none"))
    assert [face.path for face in typeface.faces] == [tmp_path / "latin.ttf", None]


def test_promising_fonts_are_asked_first(tmp_path: Path) -> None:
    """Plain Latin faces come before Chinese ones, those before the rest, and the number is bounded."""
    names = [
        "zebra.ttf",
        "wqy-microhei.ttc",
        "NotoSansCJK-Regular.ttc",
        "DejaVuSans.ttf",
        "DejaVuSans-Bold.ttf",
    ]
    for name in (*names, *(f"more-{number:03}.otf" for number in range(100))):
        (tmp_path / name).touch()
    found = [face.path.name for face in fonts.installed_fonts((tmp_path,)) if face.path]
    assert found[:3] == ["DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "wqy-microhei.ttc"]
    assert len(found) == fonts.MAX_FONTS_ASKED


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep fonts elsewhere")
def test_only_folders_that_are_there_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the usual folders the user's own comes first, and a missing one is left out."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / ".fonts").mkdir()
    inside = [folder for folder in fonts.font_folders() if folder.is_relative_to(tmp_path)]
    assert (inside, fonts.font_folders()[:1]) == ([tmp_path / ".fonts"], (tmp_path / ".fonts",))
    (tmp_path / "data" / "fonts").mkdir(parents=True)
    assert fonts.font_folders()[:2] == (tmp_path / ".fonts", tmp_path / "data" / "fonts")


def test_a_given_font_is_used_alone(tmp_path: Path) -> None:
    """`font=` decides alone, by name or path, even where it lacks a character."""
    path = latin_font(tmp_path)
    for font in (path, str(path)):
        typeface = fonts.choose_typeface("猫", font)
        assert typeface.faces == (fonts.Face(path),)
    clip = small_clip(prompt="猫 cat")
    assert render_still(clip, path) == render_still(clip, str(path))


@pytest.mark.parametrize("name", ["nowhere.ttf", "broken.ttf", "."])
def test_an_unreadable_font_is_told_by_name(tmp_path: Path, name: str) -> None:
    """A missing file, a file that is no font and a folder are refused with the name and what would do."""
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    with pytest.raises(FontUnreadable, match=r"cannot be read: .*TrueType or OpenType") as raised:
        render_clip(small_clip(), tmp_path / name)
    assert repr(str(tmp_path / name)) in str(raised.value)
