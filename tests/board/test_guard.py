"""Who may use the door: programs of this machine and the board; no other page, whatever it sends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.simulator.helpers import simulated

if TYPE_CHECKING:
    from seedance_async.simulator import Simulator
    from tests.simulator.helpers import Caller, Reply

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

JSON = "application/json"
FAULT = b'{"kind": "reset"}'


async def token_of(sim: Simulator, api: Caller) -> str:
    """The token in the page."""
    page = await api.send("GET", sim.board_url, {"Accept": "text/html"})
    found = re.search(r'name="board-token" content="([\w-]{32})"', page.body.decode())
    assert found is not None
    return found[1]


async def knock(sim: Simulator, api: Caller, method: str, headers: dict[str, str]) -> Reply:
    """One request to the faults: they can be read and added to."""
    data = FAULT if method == "POST" else None
    return await api.send(method, f"{sim.origin}/_sim/faults", headers, data)


FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "evil.example:80"},
    {"Host": "127.0.0.1.evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: "-".join(*headers.items()))
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_foreign_pages_are_refused(method: str, headers: dict[str, str]) -> None:
    """Another host name or page, one of another port of this machine too, gets 403 even with the token."""
    async with simulated() as (sim, api):
        token = await token_of(sim, api)
        reply = await knock(sim, api, method, {"Content-Type": JSON, "X-Board-Token": token, **headers})
        assert (reply.status, sim.server.faults.armed) == (403, ())


async def test_programs_need_no_token() -> None:
    """A program sends neither Origin nor fetch metadata, and is let in."""
    async with simulated() as (sim, api):
        assert (await knock(sim, api, "POST", {"Content-Type": JSON})).status == 200
        assert len(sim.server.faults.armed) == 1


@pytest.mark.parametrize("sign", ["Origin", "Sec-Fetch-Site"])
async def test_a_page_of_this_origin_needs_the_token(sign: str) -> None:
    """The board may change things, a page without its token may only look."""
    async with simulated() as (sim, api):
        headers = {"Content-Type": JSON, sign: sim.origin if sign == "Origin" else "same-origin"}
        for wrong in ({}, {"X-Board-Token": ""}, {"X-Board-Token": "x" * 32}):
            assert (await knock(sim, api, "POST", headers | wrong)).status == 403
        assert (await knock(sim, api, "GET", headers)).status == 200
        token = await token_of(sim, api)
        assert (await knock(sim, api, "POST", headers | {"X-Board-Token": token})).status == 200
        assert len(sim.server.faults.armed) == 1


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_forms_are_refused(content_type: str) -> None:
    """The content types that a form of any page may send are 415, with the one that is right."""
    async with simulated() as (sim, api):
        reply = await knock(sim, api, "POST", {"Content-Type": content_type})
        assert (reply.status, sim.server.faults.armed) == (415, ())
    assert "has to come as Content-Type: application/json" in reply.json["error"]


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_may_be_spelled_otherwise(content_type: str) -> None:
    """Case and parameters of the content type do not matter."""
    async with simulated() as (sim, api):
        assert (await knock(sim, api, "POST", {"Content-Type": content_type})).status == 200


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:80"])
async def test_every_name_of_the_loopback_interface_is_welcome(host: str) -> None:
    """localhost, 127.0.0.1 and ::1 are this machine, and a page loaded from there is the same origin."""
    async with simulated() as (sim, api):
        reply = await knock(sim, api, "GET", {"Host": host, "Origin": f"http://{host}"})
    assert reply.status == 200


async def test_a_link_to_the_board_may_be_followed() -> None:
    """Coming from another site by a link opens the page; the same site cannot read or change anything."""
    async with simulated() as (sim, api):
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert (await api.send("GET", sim.board_url, headers)).status == 200
        assert (await api.send("POST", f"{sim.origin}/_sim/reset", headers)).status == 403


async def test_every_start_has_a_token_of_its_own() -> None:
    """The token is random, whatever the seed, and no JSON answer shows it."""
    tokens: set[str] = set()
    for _ in range(2):
        async with simulated(seed=1) as (sim, api):
            tokens.add(await token_of(sim, api))
            state = await api.send("GET", sim.board_url)
            board = await api.send("GET", f"{sim.board_url}board")
            assert not any(token.encode() in state.body + board.body for token in tokens)
    assert len(tokens) == 2
