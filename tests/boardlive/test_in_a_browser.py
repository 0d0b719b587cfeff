"""A batch on the simulator, watched and stopped from a real browser."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from attrs import field, frozen

from seedance_async import (
    AccountLimits,
    Outcome,
    OutcomeKind,
    PollPolicy,
    SeedanceSession,
    VideoRequest,
)
from seedance_async.batch import StopSwitch
from seedance_async.board import Board, serve_board
from seedance_async.ledger.journal import Journal
from seedance_async.simulator import Behaviour, ByHand, Simulator
from tests.browsers import Visit, until, visiting
from tests.gallery.shelves import ended, put

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from playwright.async_api import Browser

pytestmark = pytest.mark.asyncio(loop_scope="module")

NASTY = "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>"


@frozen
class Scene:
    """A batch on its way, its server, its board, and a browser that looks at it."""

    sim: Simulator
    board: Board
    visit: Visit
    outcomes: list[Outcome] = field(factory=list[Outcome])

    async def shows(self, key: str, status: str) -> None:
        """Wait until the page shows a prompt in a state."""
        card = f"document.querySelector('.card[data-key=\"{key}\"]')"
        await until(self.visit.page, f"{card} && {card}.dataset.status === '{status}'")

    async def says(self, text: str) -> None:
        """Wait until the head says something."""
        await until(self.visit.page, f"document.querySelector('#live').textContent.includes({text!r})")

    def task(self, prompt: str) -> str:
        """Give the id of the task of a prompt."""
        return next(entry.id for entry in self.sim.ledger if entry.prompt == prompt)


@asynccontextmanager
async def scene(
    browser: Browser, folder: Path, prompts: dict[str, str], *, alive: int = 10
) -> AsyncGenerator[Scene]:
    """Run a batch whose tasks go on by hand, with a board and a browser; ends with the batch."""
    jobs = [(key, VideoRequest(prompt=text, duration=4, resolution="480p")) for key, text in prompts.items()]
    limits, poll = AccountLimits(max_alive=alive), PollPolicy(interval=0.1, max_interval=0.2)
    switch, journal = StopSwitch(tell=lambda _: None), folder / "run.db"
    async with (
        Simulator(behaviour=Behaviour(progression=ByHand())) as sim,
        serve_board(folder, journal=journal, total=len(jobs), limits=limits, stop=switch) as board,
        visiting(browser, board.url) as visit,
        SeedanceSession("k", sim.base_url, limits=limits, poll=poll, observer=board) as session,
        asyncio.TaskGroup() as group,
    ):
        shown = Scene(sim, board, visit)

        async def batch() -> None:
            async for outcome in session.run_many(jobs, journal=journal, save_to=folder, stop=switch):
                board.note(outcome)
                shown.outcomes.append(outcome)

        running = group.create_task(batch())
        yield shown
        await running


async def test_states_move_and_videos_appear(browser: Browser, tmp_path: Path) -> None:
    """Queued, running, then a video that plays, and a failure with its advice; nothing asks another host."""
    prompts = {"surf": NASTY, "bad": "a crowd [fail:OutputVideoSensitiveContentDetected]"}
    async with scene(browser, tmp_path, prompts) as it:
        page = it.visit.page
        await it.shows("surf", "queued")
        await until(page, "document.querySelector('[data-key=surf] .prompt').textContent.includes('onerror')")
        it.sim.advance(it.task(NASTY))
        await it.shows("surf", "running")
        await it.says("0 of 2")
        it.sim.finish(it.task(NASTY))
        await it.shows("surf", "succeeded")
        await until(page, "document.querySelector('[data-key=surf] video').currentTime > 0")
        await it.shows("bad", "queued")
        it.sim.finish(it.task(prompts["bad"]))
        await it.shows("bad", "failed")
        assert "Nothing was billed" in str(await page.text_content(".card[data-key=bad] .advice"))
        await it.says("2 of 2")
        assert await page.text_content("#shown") == "2 of 2"
        assert await page.title() == "Batch"
        assert it.board.url.rstrip("/") in {url.rstrip("/") for url in it.visit.asked}
        assert all(url.startswith((it.board.url, "data:")) for url in it.visit.asked)
        assert it.visit.said == []


async def test_a_press_stops_the_batch(browser: Browser, tmp_path: Path) -> None:
    """The first press only asks; the second stops ordering, and what is at the server goes on."""
    prompts = {f"k{n}": f"prompt {n}" for n in range(6)}
    async with scene(browser, tmp_path, prompts, alive=2) as it:
        page = it.visit.page
        await it.shows("k0", "queued")
        await it.shows("k1", "queued")
        await page.click("text=Stop ordering")
        assert it.outcomes == []
        await page.click("text=Sure?")
        await it.says("Stopping")
        await it.says("4 of 6")  # the two others have no end yet
        assert await page.locator("#live button:disabled").count() == 2
    assert {outcome.kind for outcome in it.outcomes} == {OutcomeKind.SKIPPED}
    assert it.sim.accepted == 2


async def test_a_press_cancels_what_is_queued(browser: Browser, tmp_path: Path) -> None:
    """The other button also cancels: what runs goes on, and the journal knows both."""
    async with scene(browser, tmp_path, {"runs": "one", "waits": "two"}) as it:
        await it.shows("runs", "queued")
        await it.shows("waits", "queued")
        it.sim.advance(it.task("one"))
        await it.shows("runs", "running")
        await it.visit.page.click("text=cancel what is queued")
        await it.visit.page.click("text=Sure?")
        await it.says("what is queued is cancelled")
        await it.shows("waits", "cancelled")
        await it.shows("runs", "skipped")
    assert {entry.prompt: entry.status for entry in it.sim.ledger} == {"one": "running", "two": "cancelled"}
    async with Journal.open(tmp_path / "run.db", read_only=True) as journal:
        states = {key: state.value for key, state in (await journal.states(["runs", "waits"])).items()}
    assert states == {"runs": "accepted", "waits": "cancelled"}


async def test_after_the_end_a_card_says_where_its_video_is(browser: Browser, tmp_path: Path) -> None:
    """A card that comes onto the screen when nobody serves its video any more calls no paid file missing."""
    async with AsyncExitStack() as stack:
        board = await stack.enter_async_context(serve_board(tmp_path, stop=StopSwitch()))
        for number in range(30):
            path, task = put(tmp_path, f"k{number}.mp4"), ended(f"t{number}")
            board.note(Outcome(key=f"k{number}", kind=OutcomeKind.SUCCEEDED, task=task, path=path))
        async with visiting(browser, board.url, viewport={"width": 500, "height": 700}) as visit:
            await until(visit.page, "document.querySelector('#live').dataset.state === 'on'")
            await stack.aclose()
            await until(visit.page, "document.querySelector('#live').dataset.state === 'over'")
            await visit.page.locator(".card[data-key=k29]").scroll_into_view_if_needed()
            stage = "document.querySelector('.card[data-key=k29].broken .stage')"
            words = f"{stage} && getComputedStyle({stage}, '::after').content"
            assert str(tmp_path) in str(await until(visit.page, words))
            assert f"videos are in {tmp_path}" in str(await visit.page.text_content("#sums"))


async def test_the_end_is_shown(browser: Browser, tmp_path: Path) -> None:
    """When the board closes the page stays, says so, and asks no more."""
    async with serve_board(tmp_path) as board, visiting(browser, board.url) as visit:
        await until(visit.page, "document.querySelector('#live').dataset.state === 'on'")
        async with serve_board(tmp_path) as other:
            await visit.page.goto(other.url)
            await until(visit.page, "document.querySelector('#live').dataset.state === 'on'")
        await until(visit.page, "document.querySelector('#live').dataset.state === 'over'")
        assert "The batch has ended" in str(await visit.page.text_content("#sums"))
