"""A real browser for tests: Debian's Chromium, driven by playwright's async API, without any network.

One browser serves a module: a page each is quick, a browser each is not.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from attrs import field, frozen
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = [
    "--no-sandbox",  # needed as root, in containers; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@frozen
class Visit:
    """A page and what it did.

    Attributes:
        page: the page.
        asked: every URL that the page tried to fetch.
        said: what it wrote to the console, errors and refusals of its policy included.
    """

    page: Page
    asked: list[str] = field(factory=list[str])
    said: list[str] = field(factory=list[str])


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncGenerator[Browser]:
    """One browser for a module; a desk without Chromium skips its tests, CI fails them."""
    if not CHROMIUM.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "no browser: apt-get install chromium, which tests expect at /usr/bin/chromium"
        )
    async with async_playwright() as driver:
        running = await driver.chromium.launch(executable_path=str(CHROMIUM), args=_FLAGS)
        try:
            yield running
        finally:
            await running.close()


@asynccontextmanager
async def visiting(browser: Browser, url: str, **context: Any) -> AsyncGenerator[Visit]:
    """Open a page that shares nothing with the pages of other tests.

    Args:
        browser: the module's browser.
        url: the page.
        **context: what playwright's ``new_context`` takes, such as ``viewport`` or ``color_scheme``.
    """
    fresh = await browser.new_context(**context)
    try:
        page = await fresh.new_page()
        page.set_default_timeout(15_000)
        visit = Visit(page)
        page.on("request", lambda request: visit.asked.append(request.url))
        page.on("console", lambda message: visit.said.append(message.text))
        page.on("pageerror", lambda error: visit.said.append(str(error)))
        await page.goto(url)
        yield visit
    finally:
        await fresh.close()


async def until(page: Page, condition: str) -> Any:
    """Wait until a JavaScript expression is truthy; gives its value.

    Playwright's own wait evaluates a string inside the page, which the policies of our pages refuse.

    Raises:
        TimeoutError: it did not become so within 20 s.
    """
    async with asyncio.timeout(20):
        while not (value := await page.evaluate(condition)):  # noqa: ASYNC110 - a page sets no event
            await asyncio.sleep(0.05)
    return value
