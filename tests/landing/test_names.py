"""File names: safe everywhere, inside their folder, and never two inputs in one file."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seedance_async.errors import InvalidRequest
from seedance_async.media.names import MAX_BYTES, file_name, suffix_for


def name(template: str = "{key}", *, key: str = "cat", index: int = 7, suffix: str = ".mp4") -> str:
    """Make a name with plain values for the rest."""
    return file_name(template, task_id="cgt-20261122-abcde", key=key, index=index, suffix=suffix)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{task_id}", "cgt-20261122-abcde.mp4"),
        ("{key}", "cat.mp4"),
        ("{index}", "7.mp4"),
        ("{index:05d}", "00007.mp4"),
        ("{index:03}-{key}", "007-cat.mp4"),
        ("shot {index} of {key}", "shot 7 of cat.mp4"),
        ("{key}.mp4", "cat.mp4"),
        ("{key}.MP4", "cat.mp4"),
        ("cat.MP4", "cat.mp4"),
        ("{{{key}}}", "{cat}.mp4"),
        ("fixed", "fixed.mp4"),
        ("日落-{index}", "日落-7.mp4"),
    ],
)
def test_templates(template: str, expected: str) -> None:
    """Templates give the names that their words say."""
    assert name(template) == expected


@pytest.mark.parametrize(
    "template",
    [
        "",
        ".mp4",
        "{key}/{index}",
        "..\\{key}",
        "../{key}",
        "{key",
        "{}",
        "{0}",
        "{other}",
        "{key.__class__}",
        "{key[0]}",
        "{key!r}",
        "{key:>9}",
        "{index:999999999d}",
        "{index:x}",
        "{key}\n",
        "{key}?",
        "a:b",
    ],
)
def test_templates_that_are_refused(template: str) -> None:
    """A template that reaches for folders, attributes or endless padding is refused by name."""
    with pytest.raises(InvalidRequest) as refused:
        name(template)
    assert refused.value.field == "template"


@pytest.mark.parametrize("suffix", ["", "mp4", ".", "./x", ".mp4/..", ".waytoolongsuffix"])
def test_suffixes_that_are_refused(suffix: str) -> None:
    """A suffix is a dot and a few letters."""
    with pytest.raises(InvalidRequest) as refused:
        name(suffix=suffix)
    assert refused.value.field == "suffix"


@pytest.mark.parametrize(
    "key",
    [
        "con",
        "NUL",
        "Com1",
        "lpt9",
        "aux.txt",
        "nul .x",
        "com\u00b9",
        "conin$",
        "-rf",
        ".hidden",
        "..",
        ".",
        "",
        " ",
        "a.",
        "a/b",
    ],
)
def test_dangerous_keys_become_harmless(key: str) -> None:
    """Device names, options, hidden files and folders never come out as such."""
    made = name(key=key)
    stem = made.removesuffix(".mp4")
    assert stem.split(".")[0].strip().lower() not in {
        "con",
        "nul",
        "com1",
        "lpt9",
        "aux",
        "com\u00b9",
        "conin$",
    }
    assert stem[0] not in "-. "
    assert stem[-1] not in ". "
    assert "/" not in made


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cat", "cat"),
        ("CAT", "Cat"),
        ("caf\u00e9", "cafe\u0301"),
        ("stra\u00dfe", "strasse"),
        ("a/b", "a_b"),
        ("a:b", "a?b"),
        ("a", "a "),
        ("a", "a."),
        ("\u0131", "i"),
        ("x" * 300, "x" * 301),
        ("\udcff", "\udcfe"),
        ("cat", "cat.mp4"),
        ("cat", "cat.MP4"),
        ("nul", "_nul"),
        ("com1.a", "_com1.a"),
    ],
)
def test_neighbours_never_share_a_file(one: str, other: str) -> None:
    """Keys that some file system would take for the same get different names on that file system too."""
    assert name(key=one).casefold() != name(key=other).casefold()


def test_an_ordinary_key_stays_as_it_is() -> None:
    """Lower-case letters of any script, digits, dashes and dots need no hash."""
    for key in ("shot-01", "a.b_c", "猫在冲浪", "кот", "v1.2"):
        assert name(key=key) == f"{key}.mp4"


@given(key=st.text(), template=st.sampled_from(["{key}", "{index:03d}-{key}", "{task_id}-{key}-{index}"]))
@example(key="Cat-0123456789ab", template="{key}")
def test_any_key_gives_a_safe_name(key: str, template: str) -> None:
    """Whatever the key, the name is one printable component that fits, and the same every time."""
    made = name(template, key=key)
    assert made == name(template, key=key)
    assert not any(unicodedata.category(sign).startswith("C") for sign in made)
    assert not set(made) & set('<>:"/\\|?*\0\n\r\t')
    assert len(made.encode()) <= MAX_BYTES
    assert made.endswith(".mp4")
    assert made not in {".mp4", "..mp4"}


@given(one=st.text(), other=st.text())
@example(one="Cat", other="cat")
def test_two_keys_never_meet(one: str, other: str) -> None:
    """Different keys give names that differ even where case does not count."""
    if one != other:
        assert name(key=one).casefold() != name(key=other).casefold()


@pytest.mark.parametrize(
    "format_", [None, "", "video/mp4", "mp4;codecs=avc1", "quicktime-movie", "../mov", "影片"]
)
def test_a_format_that_is_no_ending_lands_as_mp4(format_: str | None) -> None:
    """Whatever word a server has for the format, a paid video gets a name; a real ending is kept."""
    assert suffix_for(format_) == ".mp4"
    assert suffix_for("mov") == ".mov"
