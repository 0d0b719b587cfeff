"""A hostile page in a real browser on the same machine can neither read the board nor push its buttons."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from playwright.async_api import expect

from seedance_async.simulator import Simulator
from tests.browsers import visiting
from tests.simulator.helpers import calling

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVIL = """<!doctype html><title>evil</title><iframe src="{board}"></iframe>
<form method="post" action="{board}reset" target="gone"><input name="a"></form><iframe name="gone"></iframe>
<script>
const tries = [
  fetch("{board}reset", {{ method: "POST", mode: "no-cors" }}),
  fetch("{board}faults", {{ method: "POST", mode: "no-cors", body: '{{"kind":"hang"}}' }}),
  fetch("{board}faults", {{ method: "DELETE" }}),
  fetch("{board}state").then((answer) => answer.text()),
  fetch("{board}", {{ headers: {{ Accept: "text/html" }} }}).then((answer) => answer.text()),
];
document.forms[0].submit();
Promise.allSettled(tries).then((ends) => {{
  document.title = ends.slice(2).map((end) => end.status).join(" ");
}});
</script>"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_page_of_another_port_can_neither_read_nor_change_anything(
    browser: Browser, host: str
) -> None:
    """A hostile page on this machine tries requests, a form and a frame; all fail, and nothing happens."""
    async with Simulator() as sim, calling(sim) as api:
        await api.new()
        board = sim.board_url.replace("127.0.0.1", host)
        async with serving(EVIL.format(board=board)) as url, visiting(browser, url) as visit:
            page = visit.page
            await expect(page).to_have_title("rejected rejected rejected")
            frame = page.frame_locator("iframe").first
            assert await frame.locator("#tasks").count() == 0
            assert (sim.accepted, sim.server.faults.armed) == (1, ())


@asynccontextmanager
async def serving(content: str) -> AsyncGenerator[str, None]:
    """A site of one page on a free port."""

    async def answer(_request: web.BaseRequest) -> web.Response:
        return web.Response(text=content, content_type="text/html")

    server = web.Server(answer, access_log=None)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    listener.close()
    server.pre_shutdown()
    await server.shutdown(0.1)
