"""The board in a real browser: it shows, pushes, stays up to date, and no other page can do the same."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from playwright.async_api import expect

from seedance_async.simulator import Behaviour, ByHand, Simulator
from tests.browsers import visiting
from tests.simulator.helpers import TASKS, calling, order, text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Locator, Page

    from tests.simulator.helpers import Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTILE = "</td><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"


@asynccontextmanager
async def by_hand() -> AsyncGenerator[tuple[Simulator, Caller], None]:
    """A simulator whose tasks move only when pushed, and a caller."""
    async with (
        Simulator(behaviour=Behaviour(progression=ByHand())) as sim,
        calling(sim, key="sk-secret") as api,
    ):
        yield sim, api


def row_of(page: Page, task_id: str) -> Locator:
    """The row of a task."""
    return page.locator("#task-rows tr", has_text=task_id)


async def test_tasks_are_pushed_on_finished_and_failed(browser: Browser) -> None:
    """The three buttons of a task do at the server what they say, and the row follows."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url) as visit:
        page = visit.page
        first, second = await api.new(), await api.new()
        status = row_of(page, first).locator("td").first
        await row_of(page, first).get_by_role("button", name="Push on").click()
        await expect(status).to_have_text("running")
        await row_of(page, first).get_by_role("button", name="Finish").click()
        await expect(status).to_have_text("succeeded")
        await page.get_by_label("Fail with").select_option("OutputAudioSensitiveContentDetected")
        await row_of(page, second).get_by_role("button", name="Fail").click()
        await expect(row_of(page, second)).to_contain_text("failed: OutputAudioSensitiveContentDetected")
        assert (sim.tasks[first].status, sim.tasks[second].status, sim.billed) == ("succeeded", "failed", 1)


async def test_the_next_answer_is_lost(browser: Browser) -> None:
    """After the button the next create is accepted and billed, and its answer never comes."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url) as visit:
        page = visit.page
        await page.get_by_role("button", name="Lose the next answer").click()
        await expect(page.locator("#armed")).to_contain_text(
            "eof on create, after its effect, once; not fired yet"
        )
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await api.create()
        assert sim.accepted == 1
        await expect(page.locator("#armed li")).to_have_count(0)
        assert (await api.create()).status == 200


async def test_creates_are_dropped_and_refused(browser: Browser) -> None:
    """The other two buttons lose a create without effect, and refuse one with 429."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url) as visit:
        page = visit.page
        await page.get_by_role("button", name="Drop the next create").click()
        await expect(page.locator("#armed li")).to_have_count(1)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await api.create()
        await page.get_by_role("button", name="Refuse the next create (429)").click()
        await expect(page.locator("#armed")).to_contain_text("status on create")
        assert ((await api.create()).status, sim.accepted) == (429, 0)


async def test_any_fault_can_be_armed_and_disarmed(browser: Browser) -> None:
    """The form arms what it says; a kind that belongs to videos brings its route along."""
    async with by_hand() as (sim, _), visiting(browser, sim.board_url) as visit:
        page = visit.page
        await page.locator("#kind").select_option("corrupt_file")
        await page.get_by_label("Times").fill("3")
        await page.get_by_role("button", name="Arm", exact=True).click()
        await expect(page.locator("#armed")).to_contain_text("corrupt_file on video")
        assert [(one.kind, one.route, one.times) for one in sim.server.faults.armed] == [
            ("corrupt_file", "video", 3)
        ]
        await page.get_by_role("button", name="Disarm all").click()
        await expect(page.locator("#armed li")).to_have_count(0)
        assert sim.server.faults.armed == ()


async def test_a_mistake_is_told_to_the_user(browser: Browser) -> None:
    """What the server refuses is shown with its reason, and the page goes on."""
    async with by_hand() as (sim, _), visiting(browser, sim.board_url) as visit:
        page = visit.page
        await page.locator("#kind").select_option("forged")
        await page.locator("#route").select_option("get")
        await page.get_by_role("button", name="Arm", exact=True).click()
        await expect(page.locator("#said")).to_contain_text("route must be callback for the kind forged")
        await expect(page.locator("#link")).to_have_text("live")


async def test_hostile_text_stays_text(browser: Browser) -> None:
    """A prompt, a path and a model full of markup are shown as they are and run nothing."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url) as visit:
        page = visit.page
        task_id = await api.new(order(text(HOSTILE)))
        await api.send("GET", f"{api.base}{TASKS}/%3Cscript%3E?a=<b>&c=%3Ci%3E")
        await expect(row_of(page, task_id).locator("td.rest")).to_have_text(HOSTILE)
        await expect(page.locator("#request-rows")).to_contain_text("c=<i>")
        assert await page.locator("tbody script, tbody img, tbody b, tbody i").count() == 0
        assert "taken" not in await page.title()
    assert visit.said == []


async def test_the_page_asks_only_its_own_server_and_never_holds_the_key(browser: Browser) -> None:
    """Every request goes to the simulator, and the API key is nowhere in the page."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url) as visit:
        page = visit.page
        sim.finish(await api.new())
        await expect(page.locator("#request-rows")).to_contain_text("Bearer ***")
        await expect(page.locator("#task-rows a")).to_have_attribute("href", f"{await video_of(api)}")
        assert {url.startswith(sim.board_url) for url in visit.asked} == {True}
        assert "sk-secret" not in await page.content()
        assert sim.server.log.counts[""] == 0
    assert visit.said == []


async def video_of(api: Caller) -> str:
    """The URL of the only task's video."""
    return str((await api.list()).json["items"][0]["content"]["video_url"])


async def test_it_follows_what_happens_without_being_touched(browser: Browser) -> None:
    """Tasks, sums, ledger and requests appear and change without a reload, in the rows that are there."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url) as visit:
        page = visit.page
        await expect(page.locator("#task-rows")).to_have_text("No task yet.")
        task_id = await api.new()
        row = row_of(page, task_id)
        await expect(row).to_contain_text("queued")
        await row.evaluate("row => { row.marked = true; }")
        sim.finish(task_id)
        await expect(row).to_contain_text("succeeded")
        await expect(page.locator("#ledger-rows")).to_contain_text("108,900")
        await expect(page).to_have_title("0 alive, 1 billed: Seedance simulator")
        assert await row.evaluate("row => row.marked === true")


async def test_the_keyboard_is_enough(browser: Browser) -> None:
    """Tab reaches the buttons, the focus is visible, and it stays where it was when a task has ended."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url) as visit:
        page = visit.page
        task_id = await api.new()
        await expect(row_of(page, task_id)).to_be_visible()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the tasks")).to_be_focused()
        await page.keyboard.press("Enter")
        for _ in range(4):
            await page.keyboard.press("Tab")
        finish = row_of(page, task_id).get_by_role("button", name="Finish")
        await expect(finish).to_be_focused()
        assert await finish.evaluate("it => getComputedStyle(it).outlineStyle") == "solid"
        await page.keyboard.press("Enter")
        await expect(row_of(page, task_id)).to_contain_text("succeeded")
        await expect(finish).to_be_focused()
        await expect(finish).to_have_attribute("aria-disabled", "true")
        assert sim.billed == 1


async def test_scenarios_are_played(browser: Browser) -> None:
    """A scenario chosen from the gallery is played, its line is shown, and the tasks stay."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url) as visit:
        page = visit.page
        await api.new()
        await page.get_by_label("Gallery").select_option("arrears")
        await expect(page.locator("#preview")).to_contain_text("AccountOverdueError")
        await page.get_by_role("button", name="Play").click()
        await expect(page.locator("#scenario")).to_have_text("arrears")
        assert ((await api.create()).status, sim.accepted) == (403, 1)


async def test_beginning_anew_asks_first(browser: Browser) -> None:
    """Tasks and ledger are forgotten only after a yes."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url) as visit:
        page = visit.page
        await api.new()
        button = page.get_by_role("button", name="Forget all and begin anew")
        page.once("dialog", lambda dialog: dialog.dismiss())
        await button.click()
        assert sim.accepted == 1
        page.once("dialog", lambda dialog: dialog.accept())
        await button.click()
        await expect(page.locator("#task-rows")).to_have_text("No task yet.")
        assert sim.accepted == 0


async def test_a_stopped_simulator_is_told(browser: Browser) -> None:
    """When the simulator is gone the page says so and keeps what it showed."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url) as visit:
        page = visit.page
        task_id = await api.new()
        await expect(page.locator("#link")).to_have_text("live")
        await expect(row_of(page, task_id)).to_be_visible()
        await sim.__aexit__(None, None, None)
        await expect(page.locator("#link")).to_contain_text("no answer: the simulator was stopped")
        await expect(row_of(page, task_id)).to_be_visible()


CONTRAST = """() => {
  const channel = (value) => {
    const share = value / 255;
    return share <= .04045 ? share / 12.92 : ((share + .055) / 1.055) ** 2.4;
  };
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
    return .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = {};
  const all = "h1, h2, p, dt, dd, th, td, label, a, button[aria-disabled=false], #lose";
  for (const node of document.querySelectorAll(all)) {
    if (!node.textContent.trim() || !node.getClientRects().length) continue;
    const pair = [light(getComputedStyle(node).color), light(behind(node))].sort((a, b) => b - a);
    const ratio = (pair[0] + .05) / (pair[1] + .05);
    if (ratio < 4.5) found[`${node.tagName} ${node.textContent.slice(0, 30)}`] = ratio;
  }
  return [found, behind(document.body)];
}"""


@pytest.mark.parametrize(("scheme", "back"), [("light", "rgb(246, 247, 249)"), ("dark", "rgb(18, 21, 26)")])
async def test_both_themes_can_be_read(browser: Browser, scheme: str, back: str) -> None:
    """Light or dark as the reader likes it, every text has a contrast of 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url, color_scheme=scheme) as visit:
        page = visit.page
        for end in (sim.finish, sim.fail, sim.advance):
            end(await api.new())
        await api.get("unknown")
        await expect(page.locator("#task-rows tr")).to_have_count(3)
        assert await page.evaluate(CONTRAST) == [{}, back]


async def test_a_narrow_window_does_not_scroll_sideways(browser: Browser) -> None:
    """On 360 pixels the page itself fits; wide tables scroll inside their own regions."""
    async with by_hand() as (sim, api), visiting(browser, sim.board_url) as visit:
        page = visit.page
        await api.new(order(text("a very long prompt " * 50)))
        await page.set_viewport_size({"width": 360, "height": 800})
        await expect(page.locator("#task-rows button").first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
