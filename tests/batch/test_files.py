"""Jobs from files: every format gives the same jobs, and a bad row is named before it costs anything."""

from __future__ import annotations

import asyncio
import csv
import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import InvalidRequest, OutcomeKind
from seedance_async.batch.files import check_jobs, read_jobs
from seedance_async.batch.jobs import Line, read_job
from seedance_async.batch.keys import Keys
from seedance_async.errors import JournalError
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from seedance_async.simulator import Simulator
from tests.batch.stand import client, run
from tests.journal.jobs import bring
from tests.values.pictures import png

if TYPE_CHECKING:
    from pathlib import Path

ROWS: list[dict[str, Any]] = [
    {"key": "a", "prompt": "a cat, surfing", "duration": 5, "watermark": False, "seed": 0},
    {
        "key": "b",
        "prompt": "夜\nzwei Zeilen",
        "reference_images": ["https://example.com/a.png"],
        "model": "ep-x",
    },
    {"key": "c", "prompt": "shot", "after": "a", "takes": "last_frame"},
]
COLUMNS = ["key", "prompt", "duration", "watermark", "seed", "reference_images", "model", "after", "takes"]


def write_jsonl(path: Path) -> None:
    """Write the rows as JSON Lines, with a comment and a blank line."""
    lines = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    path.write_text("# jobs\n\n" + "\n".join(lines) + "\n", encoding="utf-8-sig")


def write_csv(path: Path, delimiter: str = ",") -> None:
    """Write the rows as a table of texts."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(COLUMNS)
        for row in ROWS:
            cells = (row.get(name, "") for name in COLUMNS)
            writer.writerow([json.dumps(cell) if isinstance(cell, list | bool) else cell for cell in cells])


def write_parquet(path: Path) -> None:
    """Write the rows as typed columns."""
    pytest.importorskip("pyarrow")
    table = import_module("pyarrow").Table.from_pylist(
        [{name: row.get(name) for name in COLUMNS} for row in ROWS]
    )
    import_module("pyarrow.parquet").write_table(table, path)


def test_every_format_gives_the_same_jobs(tmp_path: Path) -> None:
    """Types, missing values, lists, new lines and other alphabets survive each format."""
    write_jsonl(tmp_path / "jobs.jsonl")
    write_csv(tmp_path / "jobs.csv")
    write_csv(tmp_path / "jobs.tsv", "\t")
    for name in ("jobs.jsonl", "jobs.csv", "jobs.tsv"):
        assert [line.job for line in read_jobs(tmp_path / name)] == ROWS, name


def test_parquet_gives_the_same_jobs(tmp_path: Path) -> None:
    """Typed columns with nulls come back as the same fields."""
    write_parquet(tmp_path / "jobs.parquet")
    assert [line.job for line in read_jobs(tmp_path / "jobs.parquet")] == ROWS


def test_bad_json_is_named_by_its_line(tmp_path: Path) -> None:
    """Each kind of bad line has its number, and the good lines around it are read."""
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(b'"good"\n\n{"prompt": \n\xff\xfe\n[1]\n{"prompt": "also good"}\n')
    lines = list(read_jobs(path))
    assert [line.where.rpartition(" ")[2] for line in lines if line.job is None] == ["3", "4", "5"]
    assert [line.job for line in lines if line.job is not None] == [
        {"prompt": "good"},
        {"prompt": "also good"},
    ]


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("a cat surfing", "a prompt alone needs quotes"),
        ("2 cats", "a prompt alone needs quotes"),
        ('"Hello" says the cat', "a prompt alone needs quotes"),
        ("[", "one object a line, no array"),
        ('["a cat", "a dog"]', "one object a line, no array"),
        ('{"prompt": "a cat",', "Expecting property name"),
        ("7", "must be an object or a string"),
    ],
)
def test_a_line_that_is_no_job_says_how_to_write_it(tmp_path: Path, line: str, advice: str) -> None:
    """Plain text and arrays, the usual slips, are told how they go, and only one line number is named."""
    path = tmp_path / "jobs.jsonl"
    path.write_text(f'"good"\n{line}\n', encoding="utf-8")
    _, bad = read_jobs(path)
    assert bad.where.endswith("line 2")
    assert advice in bad.problem
    assert "column" not in bad.problem
    assert "line 1" not in bad.problem


def test_bad_cells_are_named_by_their_line(tmp_path: Path) -> None:
    """A number that is none, a row that is too long and a byte that is no text spoil their own line only."""
    path = tmp_path / "jobs.csv"
    path.write_bytes(b'prompt,duration\na,x\nb,5,6\nc\xff,5\n"e\nf",y\nd,5\n')
    lines = list(read_jobs(path))
    assert [line.where.rpartition(" ")[2] for line in lines if line.job is None] == ["2", "3", "4", "5"]
    assert lines[-1].where.endswith("line 7")
    assert lines[-1].job == {"prompt": "d", "duration": 5}


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("key,Prompt", "column 'Prompt'"),
        ("key,Prompt", "did you mean prompt?"),
        ("key,promt", "did you mean prompt?"),
        ("prompt,Service Tier", "did you mean service_tier?"),
        ("key;prompt;duration", "it looks like a file with semicolons: use commas or tabs"),
    ],
)
def test_a_bad_head_says_what_is_meant(head: str, words: str, tmp_path: Path) -> None:
    """The file is named, since there may be many, and so is the slip that is usual."""
    path = tmp_path / "p.csv"
    path.write_text(f"{head}\nk,a cat\n")
    with pytest.raises(InvalidRequest, match=r"p\.csv, column") as caught:
        list(read_jobs(path))
    assert words in str(caught.value)


def test_an_unknown_column_is_refused(tmp_path: Path) -> None:
    """A misspelt column would silently make other videos than were meant."""
    path = tmp_path / "jobs.csv"
    path.write_text("prompt,durration\na,5\n")
    with pytest.raises(InvalidRequest, match="durration"):
        list(read_jobs(path))


@pytest.mark.parametrize("name", ["jobs.xlsx", "missing.jsonl", "missing.parquet"])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    """An unknown ending and a missing file say so."""
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    with pytest.raises(InvalidRequest, match=name):
        list(read_jobs(tmp_path / name))


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """A folder of prompts and pictures can be moved and run from anywhere; URLs stay as they are."""
    path = tmp_path / "jobs.jsonl"
    jobs = [{"image": "a.png"}, {"reference_images": ["b.png", "https://example.com/c.png"]}]
    path.write_text("\n".join(json.dumps(one) for one in jobs))
    first, second = (line.job for line in read_jobs(path, defaults={"duration": 5}))
    assert first == {"duration": 5, "image": str(tmp_path / "a.png")}
    assert second is not None
    assert second["reference_images"] == [str(tmp_path / "b.png"), "https://example.com/c.png"]


def test_check_finds_everything_before_anything_is_paid(tmp_path: Path) -> None:
    """Wrong values, keys given twice and missing or broken pictures are all found, each with its line."""
    (tmp_path / "good.png").write_bytes(png(640, 480))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    path = tmp_path / "jobs.jsonl"
    rows: list[dict[str, Any]] = [
        {"key": "a", "prompt": "x"},
        {"key": "a", "prompt": "y"},
        {"prompt": "x", "duration": 99},
        {"image": "missing.png"},
        {"image": "bad.png"},
        {"image": "good.png"},
        {"prompt": "x", "fps": 3},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    checked = check_jobs(read_jobs(path))
    assert (checked.jobs, checked.bad) == (2, 5)
    assert [
        f"line {number}" in str(one) for number, one in zip((2, 3, 4, 5, 7), checked.problems, strict=True)
    ] == [True] * 5


@pytest.mark.asyncio
async def test_check_asks_the_journal_for_pictures_that_are_gone(tmp_path: Path) -> None:
    """A missing picture is no mistake where its job is ordered; where that is planned or new, it is one."""
    path, journal = tmp_path / "jobs.jsonl", tmp_path / "run.db"
    keys = ("planned", "sending", "succeeded", "new")
    path.write_text("\n".join(json.dumps({"key": key, "image": "gone.png"}) for key in keys))
    assert check_jobs(read_jobs(path), journal=journal).bad == 4
    async with Journal.open(journal) as opened:
        for state in (JobState.PLANNED, JobState.SENDING, JobState.SUCCEEDED):
            await bring(opened, state.value, state)
        checked = await asyncio.to_thread(check_jobs, read_jobs(path), journal=journal)
    assert (checked.jobs, checked.bad) == (2, 2)
    assert ["line 1" in str(checked.problems[0]), "line 4" in str(checked.problems[1])] == [True, True]


def test_a_check_says_what_is_no_journal(tmp_path: Path) -> None:
    """A file of another kind in the place of the journal is told, not taken for one that knows nothing."""
    path, other = tmp_path / "jobs.jsonl", tmp_path / "notes.txt"
    path.write_text('{"key": "a", "image": "gone.png"}')
    other.write_text("no journal " * 100)
    with pytest.raises(JournalError, match="not a journal"):
        check_jobs(read_jobs(path), journal=other)


def test_reading_a_line_names_the_line() -> None:
    """A job that is read from a line and is not valid says where it stands."""
    keys = Keys()
    lines: list[dict[str, Any]] = [
        {"key": "", "prompt": "x"},
        {"prompt": "x", "duration": 99},
        {"prompt": "x", "after": 3},
    ]
    problems = [read_job(Line(where="f, line 7", job=job), 0, keys).problem for job in lines]
    keys.close()
    assert all("f, line 7: " in str(problem) for problem in problems)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_bad_line_is_an_outcome_as_it_streams(tmp_path: Path) -> None:
    """Without a check first, the bad line is REFUSED with its number and the others are done."""
    path = tmp_path / "jobs.jsonl"
    path.write_text('{"key": "a", "prompt": "x"}\nnonsense\n{"key": "b", "prompt": "y"}\n')
    async with Simulator() as sim, client(sim) as session:
        outcomes = await run(session, read_jobs(path))
        assert outcomes["#1"].kind is OutcomeKind.REFUSED
        assert "line 2" in str(outcomes["#1"].error)
        assert outcomes["a"].kind is outcomes["b"].kind is OutcomeKind.SUCCEEDED
        assert sim.accepted == 2
