"""What the command line leaves to look at: reports, galleries, and a board while a batch runs."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from seedance_async.board.guard import TOKEN_HEADER
from seedance_async.ledger.journal import Journal
from tests.cli.helpers import KEY, QUICK, Ran, invoke, start, write_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

BAD = {"key": "bad", "prompt": "a crowd [fail:OutputVideoSensitiveContentDetected]"}
SMALL = ("--resolution", "480p", "--duration", "4")


def pages(ran: Ran, *names: str) -> Iterable[str]:
    """Give the pages that the records name."""
    return (Path(record[name]).read_text("utf-8") for record in ran.records for name in names)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a file of prompts of which one fails."""
    monkeypatch.chdir(tmp_path)
    return write_lines(tmp_path / "p.jsonl", {"key": "good", "prompt": "a cat"}, BAD).parent


@pytest.mark.usefixtures("folder")
def test_a_batch_leaves_a_gallery_and_its_journal_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    """The page plays the video and explains the failure; the report is one file, a page or a picture."""
    ran = invoke(capsys, "batch", "p.jsonl", "--gallery", "--journal", "run.db", *QUICK)
    assert ran.code == 1
    assert "in a browser: videos/index.html" in ran.err
    page = Path("videos/index.html").read_text("utf-8")
    assert 'src="./good.mp4"' in page
    assert "OutputVideoSensitiveContentDetected" in page
    ran = invoke(capsys, "report", "run.db")
    assert ran.records == [{"report": "run.report.html"}]
    assert "<svg" in next(iter(pages(ran, "report")))
    assert invoke(capsys, "report", "run.db", "-o", "run.svg", "--title", "Night <1>").code == 0
    assert "Night &lt;1&gt;" in Path("run.svg").read_text("utf-8")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("report", "nowhere.db"), 2, "JOURNAL"),
        (("report", "p.jsonl"), 10, "not a journal"),
        (("report", "p.jsonl", "-o", "no/folder.html"), 2, "must lie in a folder"),
        (
            ("batch", "p.jsonl", "--gallery", "--out", "s3://bucket/x", "--simulate"),
            2,
            "--out to be a folder",
        ),
        (("batch", "p.jsonl", "--journal", "p.jsonl", "--simulate"), 2, "seedance simulate"),
        (("generate", "a cat", "--journal", "p.jsonl", "--simulate"), 2, "seedance simulate"),
        (("generate", "a cat", "--key", "k", "--simulate"), 2, "--journal"),
        (("generate", "p.jsonl", "--simulate"), 2, "seedance batch"),
        (("generate", "nope.jsonl", "--simulate"), 2, "seedance batch"),
        (("estimate", "nope.CSV"), 2, "nope.CSV"),
        (("generate", "a cat", "--simulate", "--out", "p.jsonl/cat.mp4"), 2, "no file can be written"),
        (("batch", "p.jsonl", "--out", "p.jsonl/videos"), 2, "no file can be written"),
    ],
)
def test_a_mistake_about_files_is_said_first(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, why: str
) -> None:
    """A mistake about files is told by its option before anything is ordered."""
    ran = invoke(capsys, *words)
    assert ran.code == code
    assert why in ran.err
    assert "accepted" not in ran.err


@pytest.mark.parametrize(
    ("words", "field"), [(("gallery", "o"), "FOLDER='o'"), (("report", "run.db"), "JOURNAL='run.db'")]
)
def test_a_page_that_cannot_be_written_is_no_lost_video(
    words: tuple[str, str], field: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mistake is about a file of the caller's, and the advice speaks of no download."""
    (folder / "o" / "index.html").mkdir(parents=True)
    (folder / "run.report.html").mkdir()
    asyncio.run(empty_journal(folder / "run.db"))
    ran = invoke(capsys, *words)
    assert (ran.code, ran.out) == (2, "")
    assert f"{field} is not valid: The file system refused" in ran.err
    assert "write the page again" in ran.err
    assert "download" not in ran.err


async def empty_journal(path: Path) -> None:
    """Leave a journal without a job."""
    async with Journal.open(path):
        pass


@pytest.mark.usefixtures("server", "folder")
def test_an_order_on_record_is_paid_for_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The same command goes on from an id, then from a video; another key is another order."""
    words = ("generate", "a cat", "--journal", "run.db", "--out", "cat.mp4", *SMALL)
    first = invoke(capsys, *words, "--no-wait")
    assert (first.code, first.records[0]["file"]) == (0, None)
    second = invoke(capsys, *words)
    assert "accepted" not in second.err
    assert Path("cat.mp4").read_bytes()[4:8] == b"ftyp"
    third = invoke(capsys, *words)
    assert [one.records[0]["id"] for one in (second, third)] == [first.records[0]["id"]] * 2
    assert Path(third.records[0]["file"]) == Path("cat.mp4").resolve()
    assert "nothing was ordered" in third.err
    other = invoke(capsys, *words, "--key", "take 2", "--overwrite")
    assert (other.code, other.records[0]["key"]) == (0, "take 2")
    assert other.records[0]["id"] != first.records[0]["id"]


@pytest.mark.usefixtures("queue", "folder")
def test_an_order_on_record_that_runs_out_of_time(capsys: pytest.CaptureFixture[str]) -> None:
    """After a deadline the way on is the very command, which then waits for the same task."""
    words = ("generate", "a cat", "--journal", "run.db", "--timeout", "0.2", *SMALL)
    ran = invoke(capsys, *words)
    assert ran.code == 8
    assert "Go on with: seedance generate 'a cat' --journal run.db --timeout 0.2" in ran.err
    assert invoke(capsys, *words).records[0]["id"] == ran.records[0]["id"]


@pytest.mark.usefixtures("server", "folder")
def test_what_failed_is_ordered_again_on_record(capsys: pytest.CaptureFixture[str]) -> None:
    """A failure bills nothing, so whoever repeats the command gets another try under the same key."""
    words = ("generate", BAD["prompt"], "--journal", "run.db", *SMALL)
    first, second = invoke(capsys, *words), invoke(capsys, *words)
    assert (first.code, second.code) == (1, 1)
    assert first.records[0]["id"] != second.records[0]["id"]
    shown = invoke(capsys, "journal", "show", "run.db").records
    assert [(row["state"], row["attempts"]) for row in shown] == [("failed", 2)]


def press(url: str, button: str, *, token: bool = True) -> int:
    """Press a button of a board; gives the status of the answer."""
    origin, _, rest = url.rpartition("/")[0].rpartition("/")
    headers = {"Origin": origin} | ({TOKEN_HEADER: rest} if token else {})
    try:
        with urlopen(Request(url + button, method="POST", headers=headers)) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except HTTPError as error:
        return error.code


@pytest.mark.usefixtures("queue", "folder")
def test_a_board_shows_and_stops_a_batch() -> None:
    """The address on standard error opens the prompts; a button needs the token, and cancels."""
    process = start("batch", "p.jsonl", "--board", "--json", *SMALL)
    assert process.stderr is not None
    url = next(found[0] for line in process.stderr if (found := re.search(r"http://127\S+", line)))
    with urlopen(url) as answer:  # noqa: S310 - loopback
        page = answer.read().decode()
    assert "a cat" in page
    assert KEY not in page
    accepted = (line for line in process.stderr if "accepted" in line)
    assert [next(accepted), next(accepted)]
    assert press(url, "cancel-queued", token=False) == 403
    assert press(url, "cancel-queued") == 204
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out.count('"cancelled"') == 2
    assert "Resume with: seedance batch p.jsonl --board" in err


@pytest.mark.usefixtures("server", "folder")
def test_a_taken_port_is_said(queue: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the board cannot stand nothing is ordered, and the option is named."""
    port = queue.rpartition(":")[2].partition("/")[0]
    ran = invoke(capsys, "batch", "p.jsonl", "--board", "--board-port", port, *SMALL)
    assert ran.code == 2
    assert "--board-port" in ran.err
    assert "accepted" not in ran.err
