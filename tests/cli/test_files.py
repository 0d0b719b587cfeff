"""Files of prompts at the command line: bad lines are named together, before anything is paid for."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from seedance_async.cli.files import check_file, read_jobs, requests_of
from seedance_async.errors import InvalidRequest
from tests.cli.helpers import invoke, write_lines


def test_the_check_names_every_bad_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All mistakes are told at once: bad JSON, a key used twice, a picture that is not there."""
    monkeypatch.chdir(tmp_path)  # long paths are cut in messages
    file = write_lines(
        Path("p.jsonl"),
        {"key": "a", "prompt": "x"},
        "{",
        {"key": "a", "prompt": "y"},
        {"image": "missing.png", "prompt": "z"},
    )
    with pytest.raises(InvalidRequest) as raised:
        check_file(str(file), None, {})
    text = str(raised.value)
    assert "3 bad lines, so nothing was sent" in text
    assert "line 2: it is not JSON" in text
    assert "line 3: key='a'" in text
    assert "line 4" in text
    assert "missing.png" in text


@pytest.mark.parametrize("words", [("estimate", "--file"), ("plan",), ("batch", "--dry-run")], ids=str)
def test_what_sends_nothing_names_every_bad_line_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """Who asks what a file costs learns of all its mistakes at once, as who runs it would."""
    file = write_lines(tmp_path / "p.jsonl", '"good"', "a cat", {"prompt": "x", "duration": 600}, "{")
    ran = invoke(capsys, *words, str(file))
    assert ran.code == 2
    assert "3 bad lines" in ran.err
    for number in (2, 3, 4):
        assert f"line {number}:" in ran.err
    assert not ran.out


def test_a_bad_line_of_standard_input_is_named_and_the_others_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What comes through a pipe has no file name; it is read once, so that a bad line stops nobody else."""
    piped = io.TextIOWrapper(io.BytesIO(b'"a cat"\n{\n"a dog"\n'))
    monkeypatch.setattr("sys.stdin", piped)
    lines = list(read_jobs("-"))
    assert [line.where for line in lines] == [f"standard input, line {number}" for number in (1, 2, 3)]
    assert [bool(line.problem) for line in lines] == [False, True, False]


def test_a_file_of_powershell_is_told_what_it_is(tmp_path: Path) -> None:
    """Windows PowerShell writes UTF-16 where it is sent to a file; a word about quotes would not help."""
    file = tmp_path / "p.jsonl"
    file.write_bytes('"a cat"\r\n'.encode("utf-16"))
    with pytest.raises(InvalidRequest, match=r"line 1: .*looks like UTF-16, save it as UTF-8"):
        check_file(str(file), None, {})


def test_very_many_bad_lines_are_cut(tmp_path: Path) -> None:
    """A file that is no JSON at all does not flood the screen."""
    file = write_lines(tmp_path / "p.jsonl", *["{"] * 100)
    with pytest.raises(InvalidRequest, match=r"100 bad lines(.|\n)*and 80 more"):
        check_file(str(file), None, {})


def test_a_file_without_a_prompt_is_refused(tmp_path: Path) -> None:
    """An empty file is a mistake, not an empty batch."""
    file = write_lines(tmp_path / "p.jsonl", "# nothing", "")
    with pytest.raises(InvalidRequest, match="at least one prompt"):
        check_file(str(file), None, {})


@pytest.mark.parametrize("mode", ["--simulate", "--dry-run"])
@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_standard_input_is_refused_as_an_empty_file_is(
    text: str, mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the program that makes the prompts failed, the batch after it is no success without a word."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    ran = invoke(capsys, "batch", "-", "--out", str(tmp_path), mode, "--shard", "1/2")
    assert ran.code == 2
    assert "FILE='-' is not valid: must hold at least one prompt" in ran.err


def test_options_are_for_lines_that_do_not_say_otherwise(tmp_path: Path) -> None:
    """A field of the line beats the option, and the option fills in what the line leaves out."""
    file = write_lines(tmp_path / "p.jsonl", {"key": "a", "prompt": "x", "duration": 4}, '"y"')
    found = [
        request for _, request in requests_of(str(file), written=None, defaults={"duration": 8, "seed": 1})
    ]
    assert [(request.duration, request.seed) for request in found] == [(4, 1), (8, 1)]
