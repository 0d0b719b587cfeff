"""Debian's Chromium, driven by playwright's async API, and what it may ask of this machine."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, field
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
MISSING = f"{CHROMIUM} is not there; apt-get install chromium"
ABSENT = not CHROMIUM.exists() and os.environ.get("CI") != "true"
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser, None]:
    """One browser, which asks nothing of anybody by itself."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=list(_QUIET))
        yield browser
        await browser.close()


@define
class Seen:
    """What happened in a page besides its content."""

    requests: list[str] = field(factory=list[str])
    complaints: list[str] = field(factory=list[str])


@asynccontextmanager
async def page_of(
    browser: Browser, url: str, *, dark: bool = False
) -> AsyncGenerator[tuple[Page, Seen], None]:
    """A fresh page with the board loaded, and everything it asked for or complained about."""
    context = await browser.new_context(color_scheme="dark" if dark else "light")
    context.set_default_timeout(10_000)
    page, seen = await context.new_page(), Seen()
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.complaints.append(message.text))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    await page.goto(url)
    yield page, seen
    await context.close()
