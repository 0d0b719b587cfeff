"""Files of prompts: what a line may be, and that a bad one is named before anything is paid for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async.cli.lines import BadLine, Line, check_lines, read_lines
from seedance_async.errors import InvalidRequest
from tests.cli.helpers import write_lines

if TYPE_CHECKING:
    from pathlib import Path


def only(path: Path, **defaults: Any) -> Line | BadLine:
    """Read the one line of a file."""
    (line,) = read_lines(str(path), defaults)
    return line


def test_an_object_a_string_blanks_and_comments(tmp_path: Path) -> None:
    """Objects and strings are prompts, blank lines and comments are none, and numbers count every line."""
    file = write_lines(tmp_path / "p.jsonl", "# mine", "", {"key": "a", "prompt": "one", "seed": 0}, '"two"')
    lines = [line for line in read_lines(str(file), {}) if isinstance(line, Line)]
    assert [(line.number, line.key, line.request.prompt) for line in lines] == [
        (3, "a", "one"),
        (4, None, "two"),
    ]
    assert lines[0].request.seed == 0


def test_a_byte_order_mark_is_no_part_of_the_first_prompt(tmp_path: Path) -> None:
    """Files saved on Windows begin with a mark that JSON does not know."""
    (tmp_path / "p.jsonl").write_bytes(b'\xef\xbb\xbf{"prompt": "x"}\r\n')
    line = only(tmp_path / "p.jsonl")
    assert isinstance(line, Line)
    assert line.request.prompt == "x"


def test_the_line_beats_the_option(tmp_path: Path) -> None:
    """Options fill in what a line leaves out, and a null in the line counts as left unset."""
    file = write_lines(tmp_path / "p.jsonl", {"prompt": "x", "duration": 4, "seed": None})
    line = only(file, duration=8, ratio="1:1", seed=7)
    assert isinstance(line, Line)
    assert (line.request.duration, line.request.ratio, line.request.seed) == (4, "1:1", None)


def test_pictures_lie_beside_the_file(tmp_path: Path) -> None:
    """A relative path means the same from whatever folder the command is started; URLs stay."""
    file = write_lines(
        tmp_path / "p.jsonl", {"first_frame": "a.png", "last_frame": "https://example.com/b.png"}
    )
    line = only(file)
    assert isinstance(line, Line)
    assert line.request.first_frame == str(tmp_path / "a.png")
    assert line.request.last_frame == "https://example.com/b.png"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is not JSON"),
        ("[1]", "must be an object or a string"),
        ('{"prompt": "x", "durration": 4}', "durration"),
        ('{"prompt": "x", "duration": 40}', "duration=40"),
        ('{"prompt": "x", "key": 3}', "key=3"),
        ('{"prompt": "x", "key": ""}', "key=''"),
    ],
)
def test_a_bad_line_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    """Each kind of mistake is one bad line with its number and a reason."""
    file = write_lines(tmp_path / "p.jsonl", "", text)
    line = only(file)
    assert isinstance(line, BadLine)
    assert line.number == 2
    assert words in str(line.error)


def test_the_check_names_every_bad_line(tmp_path: Path) -> None:
    """All mistakes are told at once: bad JSON, a key used twice, a picture that is not there."""
    file = write_lines(
        tmp_path / "p.jsonl",
        {"key": "a", "prompt": "x"},
        "{",
        {"key": "a", "prompt": "y"},
        {"image": "missing.png", "prompt": "z"},
    )
    with pytest.raises(InvalidRequest) as raised:
        check_lines(str(file), {})
    text = str(raised.value)
    assert "3 bad lines, so nothing was sent" in text
    assert "line 2:" in text
    assert "line 3: key='a' is not valid: is the key of line 1 already" in text
    assert "line 4:" in text
    assert "missing.png" in text


def test_very_many_bad_lines_are_cut(tmp_path: Path) -> None:
    """A file that is no JSON at all does not flood the screen."""
    file = write_lines(tmp_path / "p.jsonl", *["{"] * 100)
    with pytest.raises(InvalidRequest, match="and 80 more"):
        check_lines(str(file), {})


@pytest.mark.parametrize("content", [b"", b"# nothing\n\n", b"\xff\xfe\x00"])
def test_a_file_without_a_prompt_is_refused(tmp_path: Path, content: bytes) -> None:
    """An empty file, one of comments only and one that is no text are mistakes, not empty batches."""
    (tmp_path / "p.jsonl").write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"p\.jsonl"):
        check_lines(str(tmp_path / "p.jsonl"), {})


def test_a_missing_file_is_named() -> None:
    """A wrong path is told as such."""
    with pytest.raises(InvalidRequest, match=r"nowhere\.jsonl.*No such file"):
        check_lines("nowhere.jsonl", {})


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash reads what another program writes."""
    monkeypatch.setattr("sys.stdin", io.StringIO('"one"\n'))
    (line,) = read_lines("-", {})
    assert isinstance(line, Line)
    assert line.request.prompt == "one"
