"""Long lines on a terminal."""

from __future__ import annotations

import io

import pytest

from seedance_async.cli.wrapping import fitted, wrapped

COMMAND = "seedance batch 'my prompts.jsonl' --out videos --resolution 480p"


@pytest.mark.parametrize(
    ("line", "columns", "lines"),
    [
        ("", 20, [""]),
        ("short enough", 20, ["short enough"]),
        ("one two three four", 9, ["one two", "  three", "  four"]),
        ("  Mend  the   table", 12, ["  Mend  the", "    table"]),
        ("a-word-that-is-much-longer than that", 10, ["a-word-that-is-much-longer", "  than", "  that"]),
        ("\u6a58\u8272\u7684 \u732b\u5728\u8dd1", 9, ["\u6a58\u8272\u7684", "  \u732b\u5728\u8dd1"]),
        (f"Resume with: {COMMAND}", 30, ["Resume with:", f"  {COMMAND}"]),
        (f"Go on: {COMMAND}", 100, [f"Go on: {COMMAND}"]),
    ],
)
def test_lines_break_between_words(line: str, columns: int, lines: list[str]) -> None:
    """Spaces within a line stay, wide characters count twice, and a command is left whole to be copied."""
    assert wrapped(line, columns).split("\n") == lines


def test_what_goes_to_a_file_is_not_broken() -> None:
    """A log has no width."""
    assert fitted("word " * 100, io.StringIO()) == "word " * 100
