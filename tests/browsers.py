"""A real browser for tests: Debian's Chromium, driven by playwright's async API, without any network."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import field, frozen
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Page

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
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
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


@asynccontextmanager
async def visiting(url: str, **context: Any) -> AsyncGenerator[Visit]:
    """Open a page; a desk without Chromium skips the test, CI fails it.

    Args:
        url: the page.
        **context: what playwright's ``new_context`` takes, such as ``viewport`` or ``color_scheme``.
    """
    if not CHROMIUM.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "no browser: apt-get install chromium, which tests expect at /usr/bin/chromium"
        )
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=_FLAGS)
        try:
            page = await (await browser.new_context(**context)).new_page()
            page.set_default_timeout(15_000)
            visit = Visit(page)
            page.on("request", lambda request: visit.asked.append(request.url))
            page.on("console", lambda message: visit.said.append(message.text))
            page.on("pageerror", lambda error: visit.said.append(str(error)))
            await page.goto(url)
            yield visit
        finally:
            await browser.close()


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
