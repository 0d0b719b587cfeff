"""One Chromium for all tests of the board: a page each is quick, a browser each is not."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

from tests.browsers import CHROMIUM, Visit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser

MISSING = f"no browser: apt-get install chromium, which tests expect at {CHROMIUM}"
ABSENT = not CHROMIUM.exists() and os.environ.get("CI") != "true"
_FLAGS = (
    "--no-sandbox",  # needed as root, in containers; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser, None]:
    """One browser, which asks nothing of anybody by itself."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=list(_FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def page_of(browser: Browser, url: str, *, dark: bool = False) -> AsyncGenerator[Visit, None]:
    """A fresh page, everything it asks for, and everything it complains about."""
    context = await browser.new_context(color_scheme="dark" if dark else "light")
    try:
        context.set_default_timeout(15_000)
        visit = Visit(await context.new_page())
        visit.page.on("request", lambda request: visit.asked.append(request.url))
        visit.page.on("console", lambda message: visit.said.append(message.text))
        visit.page.on("pageerror", lambda error: visit.said.append(str(error)))
        await visit.page.goto(url)
        yield visit
    finally:
        await context.close()
