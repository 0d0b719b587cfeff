"""plan and batch --shard: what a person asks before paying, and one batch by several processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import QUICK, invoke, write_lines

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """Thirty prompts of two lengths."""
    lines = [
        {"key": f"p{number}", "prompt": f"prompt {number}", "duration": 4 + number % 2}
        for number in range(30)
    ]
    return write_lines(tmp_path / "prompts.jsonl", *lines)


def test_plans_are_shown_side_by_side(capsys: pytest.CaptureFixture[str], prompts: Path) -> None:
    """As written, all in flex, and by a deadline: each with time, money, requests and what it waits for."""
    ran = invoke(
        capsys, "plan", str(prompts), "--flex", "--deadline", "2d", "--flex-hours", "0.1", "0.2", "--json"
    )
    assert ran.code == 0
    written, flex, spread = ran.records
    assert [one["plan"] for one in ran.records] == ["as written", "flex", "by 2d"]
    assert (written["prompts"], written["exact"]) == (30, True)
    assert float(flex["price"]) == pytest.approx(float(written["price"]) / 2)
    assert spread["price"] == flex["price"]
    assert written["seconds_range"][0] <= written["seconds"] <= written["seconds_range"][1]
    assert written["requests"]["create"] == 30
    assert "running places" in written["bottleneck"]
    assert flex["seconds"] > 360


def test_a_plan_reads_for_a_person(capsys: pytest.CaptureFixture[str], prompts: Path) -> None:
    """The text says how much was rehearsed, what the quotas are used for, and what the batch waits for."""
    ran = invoke(capsys, "plan", str(prompts), "--accounts", "2xindividual", "--max-running", "5", "--text")
    assert ran.code == 0
    for word in ("2 x individual", "15 prompts each (all rehearsed)", "waits for", "CNY", "30 create"):
        assert word in ran.out


def test_one_prompt_is_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Two accounts do not order it twice, and nobody reads of 1 prompts."""
    file = write_lines(tmp_path / "one.jsonl", '"a cat"')
    ran = invoke(capsys, "plan", str(file), "--accounts", "2xenterprise", "--text")
    assert "as written: 1 prompt, run times from" in ran.out
    assert "enterprise, tier default: 1 prompt (all rehearsed)" in ran.out
    assert "1 create" in ran.out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--deadline", "soon"), "--deadline"),
        (("--accounts", "mine"), "accounts"),
        (("--sample", "1"), "--sample"),
    ],
)
def test_what_cannot_be_planned_is_named(
    capsys: pytest.CaptureFixture[str], prompts: Path, words: tuple[str, str], named: str
) -> None:
    """A bad option ends the command with its name and the code for bad input."""
    ran = invoke(capsys, "plan", str(prompts), *words)
    assert (ran.code, named in ran.err) == (2, True)


def test_shards_do_the_whole_once(capsys: pytest.CaptureFixture[str], tmp_path: Path, prompts: Path) -> None:
    """Two shards of a file do all of its prompts, each in one of them."""
    keys: list[str] = []
    few = write_lines(tmp_path / "few.jsonl", *prompts.read_text(encoding="utf-8").splitlines()[:6])
    for part in ("1/2", "2/2"):
        ran = invoke(
            capsys, "batch", str(few), "--shard", part, "-o", str(tmp_path / "out"), *QUICK, "--json"
        )
        assert ran.code == 0, ran.err
        keys.extend(record["key"] for record in ran.records if record["status"] == "succeeded")
    assert sorted(keys) == sorted(f"p{number}" for number in range(6))


def test_a_batch_in_another_split_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, prompts: Path
) -> None:
    """Neither another number of shards nor the whole goes on with a batch that was begun in two."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "journal-1-of-2.db").touch()
    for words in (("--shard", "1/3"), ()):
        ran = invoke(
            capsys, "batch", str(prompts), "-o", str(out), "--base-url", "http://127.0.0.1:9", *words
        )
        assert ran.code != 0
        assert "ordered twice" in ran.err


def test_names_that_shards_share_are_refused(capsys: pytest.CaptureFixture[str], prompts: Path) -> None:
    """Each part counts its own prompts, so a name by the count would be taken by two videos."""
    ran = invoke(capsys, "batch", str(prompts), "--shard", "1/2", "-o", "videos/{index}.mp4", *QUICK)
    assert (ran.code, "{key}" in ran.err) == (2, True)
