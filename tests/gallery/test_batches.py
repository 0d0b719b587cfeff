"""A batch that leaves a gallery beside its videos."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import InvalidRequest, OutcomeKind, PollPolicy, SeedanceSession
from seedance_async.batch import StopSwitch
from seedance_async.ledger.journal import Journal
from seedance_async.simulator import Simulator

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

JOBS = {"surf": "a cat surfing", "bad": "a crowd [fail:OutputVideoSensitiveContentDetected]"}


async def batch(**how: Any) -> list[OutcomeKind]:
    """Run two prompts, of which one fails at the server."""
    async with (
        Simulator(work_seconds=5) as sim,
        SeedanceSession("k", sim.base_url, poll=PollPolicy(interval=1.0)) as session,
    ):
        return [outcome.kind async for outcome in session.run_many(JOBS.items(), gallery=True, **how)]


async def test_the_page_is_there_at_the_end(tmp_path: Path) -> None:
    """Video, failure with its advice, and figures are on the page, also when the journal is an open one."""
    async with Journal.open(tmp_path / "run.db") as journal:
        assert len(await batch(save_to=tmp_path / "out", journal=journal)) == 2
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    for words in ('src="./surf.mp4"', "a crowd [fail:", "Nothing was billed", 'class="chart'):
        assert words in page


async def test_a_stop_leaves_a_page_too(tmp_path: Path) -> None:
    """After a graceful stop the page shows what is left; after the second one nothing is waited for."""
    for times in (1, 2):
        switch, out = StopSwitch(tell=lambda _: None), tmp_path / str(times)
        for _ in range(times):
            switch.stop()
        await batch(save_to=out, journal=tmp_path / f"{times}.db", stop=switch)
        assert (out / "index.html").exists() == (times == 1)


@pytest.mark.parametrize("save_to", [None, "s3://bucket/videos", "s3://bucket/{key}.mp4"])
async def test_a_page_needs_a_folder(save_to: str | None) -> None:
    """Where no video lies on this machine the mistake is told before anything is sent or paid for."""
    async with Simulator() as sim, SeedanceSession("k", sim.base_url) as session:
        with pytest.raises(InvalidRequest, match="gallery"):
            await anext(aiter(session.run_many(["a cat"], save_to=save_to, gallery=True)))
        assert sim.counts["create"] == 0


async def test_a_page_that_cannot_be_written_takes_no_outcome(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Something in the way of the page is logged; every paid outcome was given."""
    (tmp_path / "index.html").mkdir()
    with caplog.at_level(logging.WARNING):
        assert OutcomeKind.SUCCEEDED in await batch(save_to=tmp_path)
    assert "could not be written" in caplog.text
