"""The page about PostgreSQL: its programs run as they stand, in the order in which it tells them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from seedance_async.ext.procrastinate import __main__
from seedance_async.simulator import Simulator
from tests.checkout import ROOT
from tests.docs.blocks import blocks
from tests.postgres import database

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs/howto/postgres.md"


async def run(program: str) -> None:
    """Run a program of the page; in a thread, because it brings an event loop of its own."""
    code = compile(program, PAGE.name, "exec", dont_inherit=True)
    await asyncio.to_thread(exec, code, {"__name__": "__main__"})


@pytest.mark.asyncio
async def test_the_programs_of_the_page_do_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In an empty directory jobs are put in, workers of both kinds carry them out, and rows tell of them."""
    put, look, own = (block.source for block in blocks(PAGE))
    monkeypatch.chdir(tmp_path)
    async with Simulator(work_seconds=0.2) as sim:
        monkeypatch.setenv("DATABASE_URL", database())
        monkeypatch.setenv("SEEDANCE_BASE_URL", sim.base_url)
        monkeypatch.setenv("SEEDANCE_API_KEY", "sk-simulated")
        await run(put)
        await run(look)
        assert "cat planned None None" in capsys.readouterr().out
        code = await asyncio.to_thread(__main__.main, ["--save-to", "out/", "--until-empty"])
        assert code == 0
        await run(look)
        said = capsys.readouterr().out
        await run(put)
        await run(own)
        assert sim.accepted == 2
    assert {line.split()[1] for line in said.splitlines()} == {"saved"}
    assert {path.name for path in (tmp_path / "out").glob("*.mp4")} == {"cat.mp4", "dog.mp4"}
