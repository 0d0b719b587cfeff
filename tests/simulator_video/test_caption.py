"""The prompt is cleaned, wrapped, fitted and drawn, whatever it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from seedance_async.simulator.video import caption, scene
from seedance_async.simulator.video.fonts import BUILT_IN
from tests.simulator_video.helpers import small_clip

WIDTH = 300


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  a cat  ", "a cat"),
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("tab\there", "tab here"),
        ("be\x07ll\x00", "bell"),
        ("e\u0301", "é"),
        ("\u2764\ufe0f", "\u2764"),
        ("a\u200bb\u202ec", "abc"),
        ("", ""),
    ],
)
def test_what_has_no_picture_is_left_out(text: str, shown: str) -> None:
    """Controls, joiners and selectors go, accents are composed, line ends become one kind."""
    assert caption.readable(text) == shown


def wrapped(text: str, width: int = WIDTH) -> list[str]:
    """Lines at 20 pixels in the built-in face."""
    return list(caption.wrap(BUILT_IN, text, 20, width))


def test_words_stay_whole() -> None:
    """Latin text breaks at blanks, and no line begins or ends with one."""
    text = "the quick brown fox jumps over the lazy dog and runs away"
    lines = wrapped(text)
    assert len(lines) > 1
    assert " ".join(lines) == text


def test_chinese_breaks_anywhere_but_before_closing_marks() -> None:
    """Chinese has no blanks; a comma or full stop never begins a line."""
    text = "一只橘猫，在冲浪。" * 8
    for width in range(150, 400, 7):
        lines = wrapped(text, width)
        assert "".join(lines) == text
        assert not any(line.startswith(("，", "。")) for line in lines)


def test_line_ends_of_the_prompt_are_kept() -> None:
    """A new line in the prompt is a new line in the picture, an empty one too."""
    assert wrapped("one\n\ntwo") == ["one", "", "two"]


@given(st.text(max_size=200))
def test_any_prompt_fits_its_box(text: str) -> None:
    """No line is wider than the box (unless one character is), no block higher, whatever the text."""
    block = caption.fit(BUILT_IN, caption.readable(text), (WIDTH, 120), (10, 40))
    assert block.height <= 120
    assert all(caption.text_width(BUILT_IN, line, block.size) <= WIDTH for line in block.lines)


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cf"]), max_size=80))
def test_wrapping_loses_nothing_but_blanks(text: str) -> None:
    """Every visible character of the prompt is in some line, in order."""
    kept = "".join("".join(wrapped(text)).split())
    assert kept == "".join(text.split())


def test_a_short_prompt_is_large_and_a_long_one_small() -> None:
    """The size follows the length, within its bounds."""
    short = caption.fit(BUILT_IN, "cat", (WIDTH, 120), (10, 40))
    long = caption.fit(BUILT_IN, "a cat on a wave " * 10, (WIDTH, 120), (10, 40))
    assert short.size == 40
    assert 10 <= long.size < 40


def test_what_is_too_long_ends_in_dots() -> None:
    """A prompt that fits at no size is cut visibly."""
    block = caption.fit(BUILT_IN, "a cat on a wave " * 100, (WIDTH, 60), (10, 40))
    assert block.size == 10
    assert block.lines[-1].endswith(caption.ELLIPSIS)


def drawn(text: str) -> Image.Image:
    """`text` in the built-in face at 40 pixels."""
    picture = Image.new("RGB", (400, 60))
    block = caption.Caption(lines=(text,), size=40, typeface=BUILT_IN)
    caption.draw(block, ImageDraw.Draw(picture), 0, 0)
    return picture


def test_a_missing_character_shows_its_code_point() -> None:
    """A character that no font has becomes a frame with its own code, not one sign for all."""
    assert caption.code_point("猫") == "U+732B"
    cat, dog = drawn("猫"), drawn("狗")
    assert cat.tobytes() != dog.tobytes()
    left, top, right, bottom = cat.getbbox() or (0, 0, 0, 0)
    frame = [cat.getpixel((x, top)) for x in range(left, right)]
    assert set(frame) == {caption.INK}
    assert right <= caption.advance(BUILT_IN, "猫", 40)
    assert bottom <= round(40 * caption.LINE_HEIGHT)


def test_text_after_a_missing_character_stands_beside_it() -> None:
    """The frame takes its own room: what follows does not overlap it."""
    room = round(caption.advance(BUILT_IN, "猫", 40))
    both, alone = drawn("猫a"), drawn("猫")
    assert both.crop((0, 0, room, 60)).tobytes() == alone.crop((0, 0, room, 60)).tobytes()
    assert both.crop((room, 0, 400, 60)).getbbox() is not None


def test_discs_stay_above_the_caption() -> None:
    """Nothing moves over the prompt: panel pixels of the first and the middle frame agree above the bar."""
    composed = scene.compose(small_clip(), system_fonts=False)
    panel = (0, composed.stage, 320, 180 - composed.bar)
    first, middle = (composed.frame(index)[0].crop(panel).tobytes() for index in (0, 12))
    assert first == middle
