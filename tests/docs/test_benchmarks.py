"""The page of benchmarks: what its program writes, made of figures that are not measured here."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from benchmarks import compare
from benchmarks.contenders import CONTENDERS
from benchmarks.machine import machine
from benchmarks.stories import QUOTAS, STORIES, Row, Weight
from benchmarks.tables import tables
from seedance_async import AccountLimits
from seedance_async.simulator import load_scenario

if TYPE_CHECKING:
    from pathlib import Path

OURS = Row(
    cpu_ms=2.0, requests=1.0, kib=40.0, seconds=10.0, succeeded=9, uncertain=0, tasks=9, twice=0, orphans=0
)
THEIRS = evolve(OURS, cpu_ms=3.0, requests=8.0, kib=20.0, seconds=1000.0)
LIGHT = Weight(version="1.2.3", import_ms=100.0, installed_mb=10.0)


def cells(name: str) -> list[dict[str, str]]:
    """Give a contender's row of every table, by heading."""
    rows = {one: OURS if one == "seedance_async" else THEIRS for one in CONTENDERS}
    found = {one: dict.fromkeys(STORIES, row) for one, row in rows.items()}
    weighed = {
        one: LIGHT if one == "seedance_async" else evolve(LIGHT, installed_mb=25.0) for one in CONTENDERS
    }
    parts = tables(found, weighed).split("\n\n")[1::2]
    lines = [[line.strip("| ").split(" | ") for line in part.splitlines()] for part in parts]
    return [
        dict(zip(head, row, strict=True)) for head, _, *others in lines for row in others if row[0] == name
    ]


def test_every_figure_has_its_ratio_to_ours() -> None:
    """A reader compares no milliseconds of two machines: each column that can have a ratio has it."""
    calm, storm, quotas, weight = cells("official SDK")
    assert calm["CPU per task"] == "3.00 ms (1.50x)"
    assert calm["peak memory per task in flight"] == "20 KiB (0.50x)"
    assert weight["installed"] == "25 MB (2.50x)"
    assert weight["import"] == "100 ms (1.00x)"
    assert weight["version"] == "1.2.3"
    for table in (calm, storm, quotas):
        assert table["requests per task"] == "8.0 (8.00x)"
        assert table["seconds"] == "1000 (100x)"


def test_seconds_of_fewer_prompts_have_no_ratio() -> None:
    """Whoever got fewer prompts is not called quicker."""
    calm, storm, quotas, _ = cells("zjandrew-seedance-cli")
    assert {table["seconds"] for table in (calm, storm, quotas)} == {"1000"}


def test_the_server_keeps_the_quotas_that_our_client_holds_itself_to(tmp_path: Path) -> None:
    """A quota that only our own client knows would cost nobody else anything."""
    told = tmp_path / "quotas.toml"
    told.write_text(QUOTAS, encoding="utf-8")
    kept = load_scenario(told).quotas
    own = AccountLimits.enterprise()
    for limit in ("creates_per_minute", "max_alive", "gets_per_second", "lists_per_second"):
        assert getattr(kept, limit) == getattr(own, limit)


def test_no_page_is_written_while_a_contender_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page that lacks a client looks like a comparison with all: it is refused before anything is run."""
    page = tmp_path / "page.md"
    monkeypatch.setattr("benchmarks.weights.CLIENTS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["compare", "--write", str(page)])
    with pytest.raises(SystemExit):
        compare.main()
    assert re.search(r"without .*byteplus-py.*make clients", capsys.readouterr().err)
    assert not page.exists()


def test_the_machine_says_what_figures_depend_on() -> None:
    """Processor, memory and system are named, so that figures of two pages can be told apart."""
    assert re.fullmatch(r".+ \(\S+\), \d+ cores, [\d.]+ GiB of memory, .+, \w+ 3\.\d+\.\d+", machine())
