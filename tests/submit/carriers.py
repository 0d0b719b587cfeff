"""Carriers that stand for a gateway between the client and the simulator."""

from __future__ import annotations

import asyncio
import email.utils
import json
from typing import TYPE_CHECKING, Any

from attrs import evolve

from seedance_async._wire import clock
from seedance_async._wire.exchange import WireResponse
from seedance_async._wire.sockets import HttpCarrier

if TYPE_CHECKING:
    from collections.abc import Callable

    from seedance_async._wire.exchange import WireRequest


class Retelling(HttpCarrier):
    """Tells the upstream's answers in its own words."""

    def __init__(self, retell: Callable[[WireResponse], WireResponse]) -> None:
        super().__init__()
        self._retell = retell

    async def carry(self, request: WireRequest, **given: Any) -> WireResponse:
        """Carry one request, and change its answer."""
        return self._retell(await super().carry(request, **given))


def another_date(seconds: float) -> Callable[[WireResponse], WireResponse]:
    """The gateway's clock, and with it its Date header, is so far ahead of its upstream's."""

    def retell(answer: WireResponse) -> WireResponse:
        date = email.utils.parsedate_to_datetime(answer.headers["date"]).timestamp() + seconds
        return evolve(answer, headers={**answer.headers, "date": email.utils.formatdate(date, usegmt=True)})

    return retell


def each_record(change: Callable[[dict[str, Any]], None]) -> Callable[[WireResponse], WireResponse]:
    """The gateway changes each task record."""

    def retell(answer: WireResponse) -> WireResponse:
        body: dict[str, Any] = json.loads(answer.body)
        for record in body.get("items", [body]):
            change(record)
        return evolve(answer, body=json.dumps(body).encode())

    return retell


class Dropping(HttpCarrier):
    """Has a second channel, which leaves the fingerprint out."""

    second = False

    async def carry(self, request: WireRequest, **given: Any) -> WireResponse:
        """Carry one request over the channel of the moment."""
        if request.route.name == "create" and self.second:
            body: dict[str, Any] = json.loads(request.body or b"")
            body.pop("execution_expires_after", None)
            request = evolve(request, body=json.dumps(body).encode())
        return await super().carry(request, **given)


class Impatient(HttpCarrier):
    """Answers one create after 60 seconds by itself; its upstream makes the task 30 seconds later."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__()
        self._said = status, json.dumps({"error": {"message": message}}).encode()
        self.armed = False
        self.late: asyncio.Task[object] | None = None

    async def carry(self, request: WireRequest, **given: Any) -> WireResponse:
        """Carry one request, or give it up."""
        if request.route.name != "create" or not self.armed:
            return await super().carry(request, **given)
        self.armed = False
        given["departed"]()
        self.late = asyncio.create_task(self._work_on(request, {**given, "departed": lambda: None}))
        await asyncio.sleep(60.0)
        status, body = self._said
        return WireResponse(status=status, body=body, received_at=clock.wall())

    async def _work_on(self, request: WireRequest, given: dict[str, Any]) -> None:
        await asyncio.sleep(90.0)
        await super().carry(request, **given)
