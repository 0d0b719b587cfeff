"""generate, batch and demo against the simulated server, from the words of a command to files on disk."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from seedance_async import Outcome, OutcomeKind
from seedance_async.cli.demo import EXAMPLE
from seedance_async.cli.records import outcome_row
from seedance_async.errors import DownloadFailed
from seedance_async.request import VideoRequest
from tests.cli.helpers import QUICK, invoke, start, write_lines

if TYPE_CHECKING:
    import subprocess


def is_mp4(path: str | Path) -> bool:
    """Recognise an MP4 by its first box."""
    return Path(path).read_bytes()[4:8] == b"ftyp"


def interrupt_at(process: subprocess.Popen[str], stream: IO[str] | None, word: str) -> tuple[str, str]:
    """Send Ctrl-C once a word was shown, and give what was shown in all."""
    assert stream is not None
    seen = ""
    for line in stream:
        seen += line
        if word in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return (seen + out, err) if stream is process.stdout else (out, seen + err)


def test_generate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One prompt becomes one file and one line, and the folder is made."""
    ran = invoke(capsys, "generate", "a cat", "--out", f"{tmp_path}/new/", *QUICK)
    assert ran.code == 0, ran.err
    (record,) = ran.records
    assert record["status"] == "succeeded"
    assert record["tokens"] > 0
    assert record["file"] == str(tmp_path / "new" / f"{record['id']}.mp4")
    assert is_mp4(record["file"])


def test_generate_refuses_a_taken_name_before_it_pays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is in the way is found before the order, and is left alone."""
    taken = tmp_path / "cat.mp4"
    taken.write_text("mine")
    ran = invoke(capsys, "generate", "a cat", "--out", str(taken), *QUICK)
    assert ran.code == 2
    assert "--overwrite" in ran.err
    assert "accepted" not in ran.err
    assert taken.read_text() == "mine"


def test_generate_without_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    """Who has no key is told both ways out, and the code says that nothing was sent."""
    ran = invoke(capsys, "generate", "a cat")
    assert ran.code == 3
    assert "SEEDANCE_API_KEY" in ran.err
    assert "ARK_API_KEY" in ran.err


def test_a_wrong_field_names_its_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """A value out of range ends before any request, with field, value and limit."""
    ran = invoke(capsys, "generate", "a cat", "--simulate", "--duration", "99")
    assert ran.code == 2
    assert "duration=99" in ran.err
    assert "from 4 to 12" in ran.err


def test_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line becomes one record and one file named by its key."""
    file = write_lines(
        tmp_path / "p.jsonl",
        {"key": "a", "prompt": "one"},
        "# note",
        {"key": "b", "prompt": "two", "seed": 3},
    )
    ran = invoke(capsys, "batch", str(file), "--out", str(tmp_path / "out"), *QUICK)
    assert ran.code == 0, ran.err
    assert {record["key"]: Path(record["file"]).name for record in ran.records} == {
        "a": "a.mp4",
        "b": "b.mp4",
    }
    assert all(is_mp4(record["file"]) for record in ran.records)
    assert "2 succeeded" in ran.err


def test_a_bad_line_stops_the_batch_before_it_pays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a bad line in the file nothing is sent, and the line is named."""
    file = write_lines(tmp_path / "p.jsonl", '"good"', "{bad")
    ran = invoke(capsys, "batch", str(file), "--out", str(tmp_path / "out"), *QUICK)
    assert ran.code == 2
    assert "line 2" in ran.err
    assert ran.out == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("amount", ["-1", "nan", "much"])
def test_what_is_no_amount_of_money_is_shown_as_it_was_given(
    amount: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit of money that is none ends the command with its option and its value in plain words."""
    file = write_lines(tmp_path / "p.jsonl", '"x"')
    ran = invoke(capsys, "batch", str(file), "--out", str(tmp_path / "out"), *QUICK, "--max-cost", amount)
    assert (ran.code, ran.out) == (2, "")
    assert f"Invalid value for --max-cost: {amount} is no amount of money from 0 up" in ran.err


def test_no_journal_beats_what_is_set_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flag is the nearest word, so a journal of the environment is not written; two words are none."""
    file = write_lines(tmp_path / "p.jsonl", '"x"')
    journal = tmp_path / "run.db"
    words = ("batch", str(file), "--out", str(tmp_path / "out"), *QUICK, "--no-journal")
    both = invoke(capsys, *words, "--journal", str(journal))
    assert (both.code, both.out) == (2, "")
    assert "--journal and --no-journal exclude each other" in both.err
    monkeypatch.setenv("SEEDANCE_JOURNAL", str(journal))
    assert invoke(capsys, *words).code == 0
    assert not journal.exists()


def test_batch_stopped_by_ctrl_c(tmp_path: Path) -> None:
    """Ctrl-C ends a batch with 130, writes a line for every prompt, and leaves no half-written video."""
    file = write_lines(tmp_path / "p.jsonl", *({"key": f"k{n}", "prompt": "x"} for n in range(30)))
    process = start("batch", str(file), "--out", str(tmp_path / "out"), *QUICK)
    out, err = interrupt_at(process, process.stdout, "k")
    assert process.returncode == 130, err
    assert "Stopping: nothing more is ordered" in err
    assert "Traceback" not in err
    assert len(out.splitlines()) == 30
    assert all(is_mp4(path) for path in (tmp_path / "out").glob("*.mp4"))


def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo leaves a video and a line for each prompt and a page, and one of an earlier demo gives way."""
    (tmp_path / "one.mp4").write_text("of an earlier demo")
    one = VideoRequest(prompt="a cat", duration=4, resolution="480p")
    monkeypatch.setattr("seedance_async.cli.demo._prompts", lambda: [("one", one)])
    ran = invoke(capsys, "demo", "--out", str(tmp_path), "--work-seconds", "0.1")
    assert ran.code == 0, ran.err
    assert "2 tasks in the ledger" in ran.err
    videos = {Path(record["file"]) for record in ran.records}
    assert {path.name for path in videos} == {"00-documented-example.mp4", "one.mp4"}
    assert all(is_mp4(path) for path in videos)
    sidecars = {path.with_name(f"{path.name}.json") for path in videos}
    assert set(tmp_path.iterdir()) == videos | sidecars | {tmp_path / "index.html"}


@pytest.mark.soak
def test_the_whole_demo(tmp_path: Path) -> None:
    """The demo leaves one playable video and one line for each of its prompts, and can be run again."""
    (tmp_path / "01-cat.mp4").write_text("of an earlier demo")
    process = start("demo", "--out", str(tmp_path), "--work-seconds", "0.2")
    out, err = process.communicate(timeout=50)
    assert process.returncode == 0, err
    assert len(out.splitlines()) == 15
    assert "15 tasks in the ledger" in err
    videos = set(tmp_path.glob("??-*.mp4"))
    assert len(videos) == 15
    assert all(is_mp4(path) for path in videos)
    sidecars = {path.with_name(f"{path.name}.json") for path in videos}
    assert set(tmp_path.iterdir()) == videos | sidecars | {tmp_path / "index.html"}


def test_demo_stopped_by_ctrl_c(tmp_path: Path) -> None:
    """Ctrl-C during the demo leaves whole videos or none: no part, no folder of its own."""
    process = start("demo", "--out", str(tmp_path), "--work-seconds", "0.2")
    _, err = interrupt_at(process, process.stderr, "01-cat: accepted")
    assert process.returncode == 130, err
    assert "Nothing half-written is left" in err
    assert "Traceback" not in err
    assert all(path.suffix in {".mp4", ".json"} for path in tmp_path.iterdir())
    assert all(is_mp4(path) for path in tmp_path.glob("*.mp4"))


def test_the_demo_sends_the_documented_example() -> None:
    """The demo's first request is, as a JSON value, the example of the gateway's page, and nothing else."""
    assert VideoRequest(**EXAMPLE).to_body() == EXAMPLE


def test_a_video_that_lacks_its_frame_is_shown_with_what_is_missing() -> None:
    """The row of a FAILED prompt says why, also where its video is on disk."""
    error = DownloadFailed("The video is at a.mp4, but its last frame did not land: no.", path="a.mp4")
    row = outcome_row(Outcome(key="a", kind=OutcomeKind.FAILED, path="a.mp4", error=error))
    assert "last frame did not land" in row
