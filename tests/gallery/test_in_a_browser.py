"""The gallery in a real browser, from the disk: it plays, filters, compares, and asks nobody for anything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from seedance_async.media.gallery import Item, gallery_page, write_gallery
from seedance_async.media.gallery.writing import save_text
from tests.browsers import until, visiting
from tests.gallery.shelves import body, fill, put

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLAYING = "[...document.querySelectorAll('#grid video')].filter((v) => !v.paused && v.currentTime > 0).length"
MANY = 1000


async def gallery(folder: Path) -> str:
    """Write a gallery with every kind of card; gives its address."""
    await fill(folder / "run.db", folder)
    page = await write_gallery(folder, journal=folder / "run.db", title="Trials")
    return page.as_uri()


async def keys(page: Page) -> list[str]:
    """Give the keys of the cards that can be seen, in their order."""
    found: list[str] = await page.eval_on_selector_all(
        ".card:not([hidden])", "cards => cards.map((card) => card.dataset.key)"
    )
    return found


async def test_videos_play_from_the_disk(browser: Browser, tmp_path: Path) -> None:
    """Opened as a file, offline, each video on the screen plays, muted, and the page asks only for them."""
    async with visiting(browser, await gallery(tmp_path), offline=True) as visit:
        assert await until(visit.page, f"{PLAYING} === 2 && {PLAYING}") == 2
        assert await visit.page.evaluate("[...document.querySelectorAll('video')].every((v) => v.muted)")
        assert {url.partition(":")[0] for url in visit.asked} <= {"file", "data"}
        assert visit.said == []


async def test_a_prompt_with_a_script_stays_text(browser: Browser, tmp_path: Path) -> None:
    """A script, a style end and an image with a handler in a prompt are shown, and nothing of it runs."""
    nasty = "<script>document.title = 'owned'</script></style><img src=x onerror=\"document.title='owned'\">"
    put(tmp_path, "cat.mp4", body(nasty))
    page = await write_gallery(tmp_path, title="Trials")
    async with visiting(browser, page.as_uri()) as visit:
        assert await visit.page.text_content(".prompt") == nasty
        await visit.page.click(".stage")
        assert await visit.page.text_content("#viewer .prompt") == nasty
        assert await visit.page.title() == "Trials"
        assert await visit.page.locator("img").count() == 0


async def test_the_policy_stops_what_escaping_missed(browser: Browser, tmp_path: Path) -> None:
    """Even raw HTML in the page neither runs nor fetches: the browser refuses it."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A browser may open a connection on suspicion; what counts is what it says there.
        asked.append(await reader.read(1))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        planted = (
            f"<img src='{host}/i'><link rel=stylesheet href='{host}/s'><iframe src='{host}/f'></iframe>"
            "<script>document.title = 'owned'</script><p onclick=\"document.title = 'owned'\">press</p>"
        )
        page = await save_text(tmp_path / "index.html", gallery_page([], title="Trials", below=planted))
        async with visiting(browser, page.as_uri()) as visit:
            await visit.page.click("p:has-text('press')")
            assert await visit.page.title() == "Trials"
            assert sum("Content Security Policy" in said for said in visit.said) == 5
    assert b"G" not in asked


async def test_search_chips_and_models_filter(browser: Browser, tmp_path: Path) -> None:
    """Words, states and the way back to everything."""
    async with visiting(browser, await gallery(tmp_path)) as visit:
        page = visit.page
        assert await page.text_content("#shown") == "9 of 9"
        await page.fill("#find", "PROMPT surf")
        assert await keys(page) == ["surf"]
        await page.fill("#find", "sensitive")
        assert await keys(page) == ["censored"]
        await page.fill("#find", "no such thing")
        await page.click("#all")
        await page.click("#chips button:has-text('expired')")
        await page.click("#chips button:has-text('uncertain')")
        assert await keys(page) == ["lost", "slow"]
        assert await page.text_content("#shown") == "2 of 9"


async def test_cards_sort(browser: Browser, tmp_path: Path) -> None:
    """Sorting puts what is not known last, and the order of the input comes back."""
    items = [
        Item(key="b10", status="failed"),
        Item(key="b9", status="succeeded", tokens=5, at=1.0),
        Item(key="a", status="succeeded", tokens=50, at=3.0),
    ]
    page = await save_text(tmp_path / "index.html", gallery_page(items))
    async with visiting(browser, page.as_uri()) as visit:
        orders: dict[str, list[str]] = {}
        for way in ("tokens", "key", "at", "order"):
            await visit.page.select_option("#sort", way)
            orders[way] = await keys(visit.page)
    assert orders == {
        "tokens": ["a", "b9", "b10"],
        "key": ["a", "b9", "b10"],
        "at": ["a", "b9", "b10"],
        "order": ["b10", "b9", "a"],
    }


async def test_one_video_large_with_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    """Arrows walk, Enter opens, arrows step to a failure with its advice, Escape comes back to the card."""
    async with visiting(browser, await gallery(tmp_path)) as visit:
        page = visit.page
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
        assert await page.evaluate("document.activeElement.dataset.key") == "dance"
        await page.keyboard.press("Enter")
        await until(page, "document.querySelector('#viewer video').currentTime > 0")
        assert "108,900" in str(await page.text_content("#viewer .words"))
        await page.keyboard.press("ArrowRight")
        assert "Nothing was billed" in str(await page.text_content("#viewer .why"))
        await page.keyboard.press("Escape")
        await until(page, "document.activeElement.dataset.key === 'censored'")
        await page.keyboard.press("/")
        await page.keyboard.type("surf")
        assert await keys(page) == ["surf"]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1366, 768), (390, 844)])
async def test_a_long_prompt_is_there_whole(
    browser: Browser, tmp_path: Path, width: int, height: int
) -> None:
    """Large, beside its facts, a prompt is cut neither on a laptop nor on a phone: one scrolls to it."""
    put(tmp_path, "cat.mp4", body("a narrow street at dawn, wet cobblestones, a lantern sways; " * 12))
    page = await write_gallery(tmp_path)
    viewport = {"width": width, "height": height}
    async with visiting(browser, page.as_uri(), viewport=viewport) as visit:
        await visit.page.click(".stage")
        prompt = "document.querySelector('#viewer .prompt')"
        assert await visit.page.evaluate(f"{prompt}.clientHeight >= {prompt}.scrollHeight")
        assert await visit.page.evaluate("document.documentElement.scrollWidth") <= width


async def test_details_stretch_no_other_card(browser: Browser, tmp_path: Path) -> None:
    """Opening the details of one card leaves its neighbour as high as it was."""
    for name in ("a.mp4", "b.mp4"):
        put(tmp_path, name, body())
    page = await write_gallery(tmp_path)
    async with visiting(browser, page.as_uri(), viewport={"width": 800, "height": 900}) as visit:
        height = "document.querySelectorAll('.card')[1].offsetHeight"
        before = await visit.page.evaluate(height)
        await visit.page.locator(".card .more summary").first.click()
        assert await visit.page.evaluate(height) == before


async def test_the_tray_fits_a_phone(browser: Browser, tmp_path: Path) -> None:
    """Its words stand in one line above the buttons, and it ends before the screen does."""
    put(tmp_path, "a.mp4", body())
    page = await write_gallery(tmp_path)
    async with visiting(browser, page.as_uri(), viewport={"width": 390, "height": 844}) as visit:
        await visit.page.click(".pick")
        tray = await visit.page.locator("#tray").bounding_box()
        words = await visit.page.locator("#picked").bounding_box()
        assert tray is not None
        assert words is not None
        assert tray["x"] >= 12
        assert tray["x"] + tray["width"] <= 378
        assert words["height"] < 30


async def test_two_side_by_side(browser: Browser, tmp_path: Path) -> None:
    """The second pick opens both videos, playing, with what differs marked, and the slider moves both."""
    async with visiting(browser, await gallery(tmp_path)) as visit:
        page = visit.page
        for key in ("surf", "dance"):
            await page.click(f".card[data-key={key}] .pick")
        both = "[...document.querySelectorAll('#compare video')]"
        await until(page, f"{both}.length === 2 && {both}.every((v) => v.currentTime > 0)")
        differing = await page.eval_on_selector_all(
            "#compare tr.other th", "them => them.map((t) => t.textContent)"
        )
        assert {"Prompt", "Key", "Task"} <= set(differing)
        assert "Model" not in differing
        await page.click("#both")
        await page.fill("#scrub", "500")
        times = await until(
            page, f"{both}.every((v) => v.currentTime > 1) && {both}.map((v) => v.currentTime)"
        )
        assert times[0] == pytest.approx(times[1], abs=0.2)


async def test_light_and_dark(browser: Browser, tmp_path: Path) -> None:
    """The page follows the system, and the switch wins over it and is remembered."""
    ground = "getComputedStyle(document.body).backgroundColor"
    url = await gallery(tmp_path)
    async with visiting(browser, url, color_scheme="dark") as visit:
        dark = await visit.page.evaluate(ground)
        await visit.page.keyboard.press("t")
        light = await visit.page.evaluate(ground)
        await visit.page.reload()
        assert await visit.page.evaluate(ground) == light != dark
    async with visiting(browser, url, color_scheme="light") as visit:
        assert await visit.page.evaluate(ground) == light


async def test_less_motion_on_request(browser: Browser, tmp_path: Path) -> None:
    """Who asked the system for less motion gets videos that wait for a pointer."""
    async with visiting(browser, await gallery(tmp_path), reduced_motion="reduce") as visit:
        await until(visit.page, "document.querySelector('video').readyState >= 1")
        assert await visit.page.evaluate(PLAYING) == 0
        await visit.page.hover(".card[data-key=surf] video")
        await until(visit.page, f"{PLAYING} === 1")


async def test_a_broken_video_says_so(browser: Browser, tmp_path: Path) -> None:
    """A file that is no video shows a sentence in place of a black box."""
    put(tmp_path, "cat.mp4").write_bytes(b"no video at all")
    async with visiting(browser, (await write_gallery(tmp_path)).as_uri()) as visit:
        await visit.page.wait_for_selector(".card.broken")
        said = "getComputedStyle(document.querySelector('.broken .stage'), '::after').content"
        assert "cannot be played" in await visit.page.evaluate(said)


async def test_without_javascript_the_videos_are_there(browser: Browser, tmp_path: Path) -> None:
    """A reader that runs no script sees prompts, errors, and videos with controls."""
    async with visiting(browser, await gallery(tmp_path), java_script_enabled=False) as visit:
        assert await visit.page.locator("video[controls][src]").count() == 2
        assert await visit.page.locator(".why .advice").count() == 6
        assert not await visit.page.locator("#find").is_visible()


async def test_a_phone_needs_no_sideways_scrolling(browser: Browser, tmp_path: Path) -> None:
    """Nothing is wider than a narrow screen."""
    async with visiting(browser, await gallery(tmp_path), viewport={"width": 360, "height": 740}) as visit:
        assert await visit.page.evaluate("document.documentElement.scrollWidth") == 360


async def test_a_thousand_videos_stay_fluid(browser: Browser, tmp_path: Path) -> None:
    """With 1,000 cards only those near the screen hold a video, and a letter in the search takes a blink."""
    put(tmp_path, "clip.mp4")
    items = [
        Item(key=f"{n:04}", status="succeeded", prompt=f"number {n} " * 12, video="./clip.mp4")
        for n in range(MANY)
    ]
    page = await save_text(tmp_path / "index.html", gallery_page(items))
    loaded = "document.querySelectorAll('#grid video[src]').length"
    async with visiting(browser, page.as_uri()) as visit:
        assert 0 < await until(visit.page, loaded) < 40
        await visit.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        await until(
            visit.page, "document.querySelector('#grid').lastElementChild.querySelector('video[src]')"
        )
        assert await until(visit.page, f"{loaded} < 40 && {loaded}") < 40
        took = await visit.page.evaluate(
            """() => {
                const find = document.querySelector('#find');
                const times = ['9', '99', '999', ''].map((text) => {
                    const began = performance.now();
                    find.value = text;
                    find.dispatchEvent(new Event('input'));
                    document.body.getBoundingClientRect();
                    return performance.now() - began;
                });
                return Math.min(...times);
            }"""
        )
        assert took < 300
