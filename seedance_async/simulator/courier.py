"""Delivers callbacks (api docs 1520757): each change is posted, and tried again where it is not confirmed."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import aiohttp
from attrs import define, field

from seedance_async.simulator.exchange import JSON_HEADERS, SimRequest

if TYPE_CHECKING:
    from seedance_async.simulator.behaviour import Behaviour
    from seedance_async.simulator.notes import Note
    from seedance_async.simulator.server import SimulatedServer

_ROUTE = "callback"
_NO_ANSWER = 0


def is_loopback(host: str | None) -> bool:
    """Whether a host name means this machine; nothing else is ever called."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


@define(eq=False)
class Courier:
    """Owns one task, begun with the first callback and ended by `close`.

    While a task with a callback URL is alive it sleeps until the next planned step of the world, so that
    changes are posted when they happen though nobody looks.
    """

    _server: SimulatedServer = field(alias="server")
    _lines: WeakValueDictionary[str, asyncio.Lock] = field(
        factory=WeakValueDictionary["str", asyncio.Lock], init=False
    )
    _news: asyncio.Event = field(factory=asyncio.Event, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    def wake(self) -> None:
        """There are new notes."""
        self._news.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="simulator callbacks")

    async def close(self) -> None:
        """Stop; callbacks on their way are dropped."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        async with aiohttp.ClientSession(headers=JSON_HEADERS) as http, asyncio.TaskGroup() as group:
            while True:
                self._server.world.advance(_now())
                while self._server.notes:
                    group.create_task(self._deliver(http, self._server.notes.popleft()))
                await self._rest()

    async def _rest(self) -> None:
        """Sleep until there is news, or until the world has something to do for a task with a callback."""
        world = self._server.world
        due = world.next_at() if world.watched else None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), None if due is None else max(0.0, due - _now()))
        self._news.clear()

    async def _deliver(self, http: aiohttp.ClientSession, note: Note) -> None:
        """Post one note, after those of its task that were due before where the order is kept."""
        behaviour = self._server.world.behaviour
        line = self._lines.setdefault(note.task_id, asyncio.Lock())
        async with line if behaviour.callback_in_order else contextlib.nullcontext():
            await self._insist(http, note, behaviour)

    async def _insist(self, http: aiohttp.ClientSession, note: Note, behaviour: Behaviour) -> None:
        """Post one note until it is confirmed or the tries are used up."""
        repeated = note.result or behaviour.callback_repeats == "all"
        for attempt in range(behaviour.callback_attempts if repeated else 1):
            if attempt:
                await asyncio.sleep(behaviour.callback_spacing_seconds)
            if _confirms(await self._try(http, note), behaviour):
                return

    async def _try(self, http: aiohttp.ClientSession, note: Note) -> int:
        """Status of one try, faults and all; 0 where nothing was sent or answered."""
        fault = self._server.faults.pick(_ROUTE)
        if fault is not None and fault.kind in ("duplicate", "forged"):
            extra = note.forged if fault.kind == "forged" else note.body
            await self._post(http, note.url, extra, fault.kind)
        elif fault is not None and fault.kind != "switched":
            self._log(note.url, note.body, _NO_ANSWER, fault.kind)
            return _NO_ANSWER
        return await self._post(http, note.url, note.body)

    async def _post(self, http: aiohttp.ClientSession, url: str, body: bytes, fault: str = "") -> int:
        """Status of one POST; 0 for no answer, and for a host that is not this machine."""
        behaviour, host = self._server.world.behaviour, urlsplit(url).hostname
        status = await _sent(http, url, body, behaviour) if is_loopback(host) else _NO_ANSWER
        self._log(url, body, status, fault)
        return status

    def _log(self, url: str, body: bytes, status: int, fault: str) -> None:
        log = self._server.log
        log.counts[_ROUTE] += 1
        request = SimRequest(method="POST", path=urlsplit(url).path, body=body)
        log.note(_ROUTE, request, status, _now(), fault)


async def _sent(http: aiohttp.ClientSession, url: str, body: bytes, behaviour: Behaviour) -> int:
    """Status of the answer, or 0 where none came in time."""
    limit = aiohttp.ClientTimeout(total=behaviour.callback_confirm_seconds)
    headers = behaviour.callback_headers
    try:
        async with http.post(url, data=body, headers=headers, timeout=limit, allow_redirects=False) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return _NO_ANSWER


def _confirms(status: int, behaviour: Behaviour) -> bool:
    """Whether an answer ends the tries (what does is not documented)."""
    rule = behaviour.callback_ack
    if rule == "any":
        return status != _NO_ANSWER
    return status == HTTPStatus.OK if rule == "200" else status // 100 == HTTPStatus.OK // 100


def _now() -> float:
    return asyncio.get_running_loop().time()
