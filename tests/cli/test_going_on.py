"""The last lines of a batch: what is left, and the command that does it."""

from __future__ import annotations

import json
import shlex
import signal
from typing import TYPE_CHECKING

import pytest

from seedance_async import VideoTask, errors
from seedance_async.batch import SubmitsHalted
from seedance_async.cli.showing import Shown
from seedance_async.outcomes import Outcome, OutcomeKind
from tests.cli.helpers import QUICK, invoke, start, write_lines
from tests.values.pictures import png

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ("--resolution", "480p", "--duration", "4")
BAD = "a crowd [fail:OutputVideoSensitiveContentDetected]"
FAILED, REFUSED, SKIPPED = OutcomeKind.FAILED, OutcomeKind.REFUSED, OutcomeKind.SKIPPED
TASK = VideoTask(id="cgt-1")


@pytest.mark.parametrize(
    ("kind", "error", "again"),
    [
        (FAILED, errors.DownloadFailed("full"), False),
        (FAILED, errors.ResultMissing(TASK), False),
        (REFUSED, errors.AuthenticationFailed("no", status=401), False),
        (REFUSED, errors.ConnectionFailed("no route"), False),
        (REFUSED, errors.InvalidRequest(field="save_to"), False),
        (SKIPPED, SubmitsHalted(errors.ConnectionFailed("no route")), False),
        (OutcomeKind.UNCERTAIN, errors.SubmitUncertain("lost", key="k"), False),
        (FAILED, errors.TaskFailed(TASK), True),
        (OutcomeKind.EXPIRED, errors.TaskExpired(TASK), True),
        (REFUSED, errors.ContentRejected("no", status=400), True),
    ],
)
def test_only_what_a_plain_run_leaves_alone_needs_retry_failed(
    kind: OutcomeKind, error: errors.SeedanceError, *, again: bool
) -> None:
    """What the same command takes up by itself is never offered as another paid try."""
    shown = Shown()
    shown.take(Outcome(key="k", kind=kind, error=error))
    assert (shown.open, shown.failed) == (not again, again)
    assert shown.lost == (["k"] if kind is OutcomeKind.UNCERTAIN else [])


@pytest.mark.usefixtures("server")
def test_retry_failed_is_offered_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The way on after a failure does not repeat the option, and nothing is left to resume."""
    file = write_lines(tmp_path / "p.jsonl", {"key": "bad", "prompt": BAD})
    ran = invoke(capsys, "batch", str(file), "--out", str(tmp_path), "--retry-failed", "-q", *SMALL)
    assert ran.code == 1
    (line,) = [line for line in ran.err.splitlines() if "--retry-failed" in line]
    assert line.count("--retry-failed") == 1
    assert "Resume with" not in ran.err


@pytest.mark.usefixtures("server")
def test_what_an_earlier_run_came_to_is_told_as_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second run does not look as if it had spent; a failure whose prompt was mended says what helps."""
    words = ("batch", str(tmp_path / "p.jsonl"), "--out", str(tmp_path / "out"), *SMALL)
    good = {"key": "good", "prompt": "a cat"}
    write_lines(tmp_path / "p.jsonl", good, {"key": "bad", "prompt": BAD})
    first, again = invoke(capsys, *words), invoke(capsys, *words, "--text")
    assert not any(record["earlier"] for record in first.records)
    assert "them earlier" not in first.err
    assert "1 succeeded, 1 failed (2 of them earlier; nothing ordered now)" in again.err
    assert "earlier: " in again.out
    assert "bad: failed earlier: " in again.err
    assert "has changed" not in again.err
    write_lines(tmp_path / "p.jsonl", good, {"key": "bad", "prompt": "an empty square"})
    mended = invoke(capsys, *words)
    assert all(record["earlier"] for record in mended.records)
    assert "has changed since that run: retry_failed (--retry-failed)" in mended.err
    ran = invoke(capsys, *words, "--retry-failed")
    assert (ran.code, [record["earlier"] for record in ran.records]) == (0, [True, False])
    assert "2 succeeded (1 of them earlier);" in ran.err


@pytest.mark.usefixtures("server")
def test_a_picture_may_go_once_its_prompt_is_ordered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key goes on without its picture; a file that is refused says how what it ordered is fetched."""
    picture, out = tmp_path / "a.png", tmp_path / "out"
    picture.write_bytes(png(640, 480))
    words = ("batch", str(tmp_path / "p.jsonl"), "--out", str(out), *SMALL)
    write_lines(tmp_path / "p.jsonl", {"key": "mine", "image": "a.png"})
    assert invoke(capsys, *words).code == 0
    picture.unlink()
    again = invoke(capsys, *words)
    assert (again.code, [record["earlier"] for record in again.records]) == (0, [True])
    write_lines(tmp_path / "p.jsonl", {"image": "a.png"})
    refused = invoke(capsys, *words)
    assert (refused.code, refused.out) == (2, "")
    assert f"seedance rescue --journal {out / 'journal.db'} --out {out}" in " ".join(refused.err.split())


def test_a_file_that_is_refused_makes_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is made before the file is known to be good, and nothing is said of videos that never were."""
    file = write_lines(tmp_path / "p.jsonl", {"key": "mine", "image": "gone.png"})
    refused = invoke(capsys, "batch", str(file), "--out", str(tmp_path / "out"), *SMALL)
    assert refused.code == 2
    assert "rescue" not in refused.err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("queue")
def test_what_was_never_read_was_not_ordered_either(tmp_path: Path) -> None:
    """A stop counts the rows beyond those at work, and a task that goes on keeps its status."""
    file = write_lines(tmp_path / "p.jsonl", *({"key": f"k{n}", "prompt": "x"} for n in range(6)))
    process = start("batch", str(file), "--out", str(tmp_path), "--concurrency", "2", "--json", *SMALL)
    assert process.stderr is not None
    accepted = (line for line in process.stderr if "accepted" in line)
    assert [next(accepted), next(accepted)]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Still at the server, billed on success: 2. Not ordered: 4." in err
    going_on = [json.loads(line) for line in out.splitlines()][:2]
    assert [record["status"] for record in going_on] == ["queued"] * 2
    assert "2 still at the server" in err
    # One number for the same thing: skipped ones would be those that were read.
    assert "skipped" not in err


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_code_of_a_stopped_batch_says_which_signal_came(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    """A service manager that ends a batch finds the code it knows; how to go on is said either way."""
    file = write_lines(tmp_path / "p.jsonl", '"one"')
    process = start("batch", str(file), "--out", str(tmp_path), *SMALL)
    assert process.stderr is not None
    assert next(line for line in process.stderr if "accepted" in line)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Resume with" in err


@pytest.mark.usefixtures("queue")
def test_what_a_stop_cancelled_is_brought_back_by_the_line_that_goes_on(tmp_path: Path) -> None:
    """The plain command leaves what ended as it is, so the line has the option that orders it again."""
    file = write_lines(tmp_path / "p.jsonl", *({"key": f"k{n}", "prompt": "x"} for n in range(3)))
    words = ("batch", str(file), "--out", str(tmp_path), "--cancel-queued", "-c", "1")
    process = start(*words, "--json", *SMALL)
    assert process.stderr is not None
    assert next(line for line in process.stderr if "accepted" in line)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(out.splitlines()[0])["status"] == "cancelled"
    assert "1 cancelled; 0:0" in err
    assert "Not ordered: 2." in err
    (line,) = [line for line in err.splitlines() if line.startswith("Resume with: seedance batch")]
    assert line.endswith(" --retry-failed")
    assert "What was cancelled, as what failed, is ordered again only with --retry-failed." in err


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("cap", "other"),
    [(("--max-tokens", "50000"), "--max-cost=900"), (("--max-cost=0.9",), "--max-tokens=900000")],
)
def test_a_sum_that_is_used_up_is_not_repeated(
    cap: tuple[str, ...], other: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line that goes on has not the limit that stopped it, which would stop it again, and says so."""
    file = write_lines(tmp_path / "p.jsonl", '"one"', '"two"')
    words = ("batch", str(file), "--out", str(tmp_path / "out"), *SMALL)
    ran = invoke(capsys, *words, *cap, other, "--retry-failed")
    assert ran.code == 5, ran.err
    name = cap[0].split("=")[0]
    assert f"{name} is used up: raise it. The line below is without it." in ran.err
    assert f"Resume with: seedance {shlex.join([*words, other])}\n" in ran.err


def read_one_line(*words: str) -> tuple[int, str]:
    """Read the first line of a command's output and go away, as head does."""
    with start(*words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        return process.wait(timeout=30), err


def test_a_reader_who_leaves_a_batch_is_no_error(tmp_path: Path) -> None:
    """The code is the documented one, nothing is said of generators, and no part of a video is left."""
    file = write_lines(tmp_path / "p.jsonl", *({"key": f"k{n}", "prompt": "x"} for n in range(12)))
    code, err = read_one_line("batch", str(file), "--out", str(tmp_path / "out"), "-q", *QUICK)
    assert code == 141
    assert "Traceback" not in err
    assert "generator" not in err


@pytest.mark.usefixtures("server")
def test_a_reader_who_leaves_a_list_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A closed end is what click takes for a failure, and this program does not."""
    for number in range(3):
        invoke(capsys, "generate", f"cat {number}", "--no-wait", "-q", *SMALL)
    assert read_one_line("list", "--all", "--page-size", "1", "--json") == (141, "")
