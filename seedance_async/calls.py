"""Reads and deletes: each route once inside the account's pace, and what may be repeated, repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, field

from seedance_async._wire import protocol
from seedance_async._wire.folding import UNKNOWN, status_of, to_task
from seedance_async._wire.pages import page_of
from seedance_async._wire.retry import repeat
from seedance_async.errors import RateLimited
from seedance_async.events import RetryScheduled, UnknownStatus
from seedance_async.models import TaskPage, TaskStatus, VideoTask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from seedance_async._wire.emitter import Emitter
    from seedance_async._wire.exchange import WireRequest, WireResponse
    from seedance_async._wire.limits import Account, Pace
    from seedance_async._wire.pages import Page
    from seedance_async._wire.server_clock import ServerClock
    from seedance_async._wire.transport import Transport
    from seedance_async.settings import RetryPolicy

__all__ = ["Calls"]

T = TypeVar("T")

_HOLD = 1.0  # seconds that a route rests after a 429 without Retry-After


@define(kw_only=True)
class Calls:
    """Every call of a session but the paid one; ``get`` and ``list`` are the single looks of the watcher."""

    transport: Transport
    account: Account
    retry: RetryPolicy
    server_clock: ServerClock
    emit: Emitter
    _strange: set[str] = field(factory=set, init=False)

    async def _send(self, request: WireRequest) -> WireResponse:
        """Send once; every answer tells what time it is at the server."""
        response = await self.transport.send(request)
        self.server_clock.note(response)
        return response

    async def _paced(self, pace: Pace, request: WireRequest, read: Callable[[WireResponse], T]) -> T:
        """Wait for the route's pace, send and read; a 429 slows the route down for the whole account."""
        await pace.wait()
        try:
            value = read(await self._send(request))
        except RateLimited as error:
            pace.cut()
            pace.hold(min(error.retry_after or _HOLD, self.retry.retry_after_max))
            raise
        pace.grow()
        return value

    async def get(self, task_id: str) -> dict[str, Any]:
        """Look at one task once; its record under Ark's field names."""
        record = await self._paced(self.account.gets, protocol.build_get(task_id), protocol.read_record)
        # Some gateways leave the id out of the record that was asked for by its id.
        return record if record.get("id") else {**record, "id": task_id}

    async def list(
        self,
        *,
        task_ids: Sequence[str] = (),
        service_tier: str | None = None,
        page_num: int = 1,
        page_size: int = 20,
        status: str | None = None,
        model: str | None = None,
    ) -> tuple[list[dict[str, Any]], int | None]:
        """List once; the records of a page, and the total over all pages where the server says it."""
        request = protocol.build_list(
            status=status,
            task_ids=task_ids,
            model=model,
            service_tier=service_tier,
            page_num=page_num,
            page_size=page_size,
        )
        return await self._paced(self.account.lists, request, protocol.read_page)

    async def look(self, task_ids: Sequence[str], *, service_tier: str | None, page_size: int) -> Page:
        """List some tasks once, for whoever knows most of the records already."""
        request = protocol.build_list(task_ids=task_ids, service_tier=service_tier, page_size=page_size)
        return await self._paced(self.account.lists, request, page_of)

    async def delete(self, task_id: str) -> None:
        """Send one DELETE; never repeated, because a second one can erase what the first one cancelled."""
        protocol.read_deleted(await self._send(protocol.build_delete(task_id)))

    def read(self, record: dict[str, Any]) -> VideoTask:
        """Make a value of a record; a status word that is new to us is reported once."""
        task = to_task(record)
        if task.status is UNKNOWN:
            self._report(record)
        return task

    def status(self, record: dict[str, Any]) -> TaskStatus:
        """Read the status of a record alone; a word that is new to us is reported once."""
        status = status_of(record.get("status") or "queued")
        if status is UNKNOWN:
            self._report(record)
        return status

    def _report(self, record: dict[str, Any]) -> None:
        """Say once that the server used a word for a status that is new to us."""
        word = str(record.get("status"))
        if word not in self._strange:
            self._strange.add(word)
            self.emit(UnknownStatus(word=word))

    async def list_tasks(
        self, *, service_tier: str | None, page_num: int, page_size: int
    ) -> tuple[Sequence[VideoTask], int | None]:
        """List one page as values, for a search."""
        records, total = await self.list(service_tier=service_tier, page_num=page_num, page_size=page_size)
        return [self.read(record) for record in records], total

    async def task(self, task_id: str) -> VideoTask:
        """Look at one task, repeating what may pass."""
        return self.read(await self._repeat("get", lambda: self.get(task_id), task_id=task_id))

    async def page(self, *, page_num: int, page_size: int, **filters: Any) -> TaskPage:
        """List one page, repeating what may pass."""
        records, total = await self._repeat(
            "list", lambda: self.list(page_num=page_num, page_size=page_size, **filters)
        )
        items = tuple(self.read(record) for record in records)
        return TaskPage(items=items, total=total, page_num=page_num, page_size=page_size)

    async def _repeat(self, route: str, call: Callable[[], Awaitable[T]], *, task_id: str = "") -> T:
        """Repeat a read within the policy."""

        def on_retry(attempt: int, wait: float, error: BaseException) -> None:
            self.emit(
                RetryScheduled(route=route, attempt=attempt, wait=wait, error=str(error), task_id=task_id)
            )

        return await repeat(self.retry, lambda _: call(), on_retry=on_retry)
