"""A plain aiohttp caller for the simulator: no part of the client, so that neither hides the other."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from attrs import frozen

from seedance_async.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

TASKS = "/contents/generations/tasks"
PRO_15 = "doubao-seedance-1-5-pro-251215"
PRO_10 = "doubao-seedance-1-0-pro-250528"
V20 = "doubao-seedance-2-0-260128"
V25 = "doubao-seedance-2-5-260628"
LITE_I2V = "doubao-seedance-1-0-lite-i2v-250428"
LITE_T2V = "doubao-seedance-1-0-lite-t2v-250428"
IMAGE = "https://example.com/fox.png"


def text(prompt: str = "a cat surfing") -> dict[str, object]:
    """A text item."""
    return {"type": "text", "text": prompt}


def medium(kind: str, role: str | None = None, url: str = IMAGE) -> dict[str, object]:
    """An image, video or audio item."""
    item: dict[str, object] = {"type": f"{kind}_url", f"{kind}_url": {"url": url}}
    return item if role is None else {**item, "role": role}


def order(*items: dict[str, object], model: str = PRO_15, **fields: object) -> dict[str, object]:
    """A create body."""
    return {"model": model, "content": list(items) or [text()], **fields}


@frozen
class Reply:
    """An answer that was read to its end."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """`error.code`."""
        return str(self.json["error"]["code"])

    @property
    def message(self) -> str:
        """`error.message`."""
        return str(self.json["error"]["message"])


@frozen
class Caller:
    """Calls one base URL."""

    http: aiohttp.ClientSession
    base: str

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> Reply:
        """One request."""
        async with self.http.request(method, url, headers=headers, data=data) as answer:
            return Reply(answer.status, await answer.read(), answer.headers)

    async def create(self, body: Mapping[str, object] | None = None) -> Reply:
        """POST create."""
        headers = {"Content-Type": "application/json"}
        return await self.send("POST", self.base + TASKS, headers, json.dumps(body or order()).encode())

    async def new(self, body: Mapping[str, object] | None = None) -> str:
        """The id of a create that has to be accepted."""
        reply = await self.create(body)
        assert reply.status == 200, reply.body
        return str(reply.json["id"])

    async def get(self, task_id: str) -> Reply:
        """GET one task."""
        return await self.send("GET", f"{self.base}{TASKS}/{task_id}")

    async def status(self, task_id: str) -> str:
        """The status that a GET shows."""
        return str((await self.get(task_id)).json["status"])

    async def delete(self, task_id: str) -> Reply:
        """DELETE one task."""
        return await self.send("DELETE", f"{self.base}{TASKS}/{task_id}")

    async def fetch(self, url: str, **headers: str) -> Reply:
        """GET a video as a player does: in a session of its own, without the key."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with aiohttp.ClientSession() as http, http.get(url, headers=named) as answer:
            return Reply(answer.status, await answer.read(), answer.headers)

    async def ids(self, query: str = "") -> list[str]:
        """The ids of a list."""
        return [item["id"] for item in (await self.list(query)).json["items"]]

    async def list(self, query: str = "") -> Reply:
        """GET the list."""
        return await self.send("GET", f"{self.base}{TASKS}?{query}")


@asynccontextmanager
async def calling(
    sim: Simulator, base: str | None = None, key: str = "test-key"
) -> AsyncGenerator[Caller, None]:
    """A caller with the key in its headers."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession(headers=headers) as http:
        yield Caller(http, base or sim.base_url)


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncGenerator[tuple[Simulator, Caller], None]:
    """A simulator and a caller of its Ark routes."""
    async with Simulator(**settings) as sim, calling(sim) as api:
        yield sim, api
