"""A server in memory for the watcher: tasks that live by the loop's clock, and ways to go wrong."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from attrs import define, field

from seedance_async._wire.emitter import Emitter
from seedance_async._wire.exchange import WireResponse
from seedance_async._wire.folding import status_of, to_task
from seedance_async._wire.limits import account_for
from seedance_async._wire.pages import page_of
from seedance_async.errors import ServerFailed, TaskNotFound
from seedance_async.settings import AccountLimits, PollPolicy
from seedance_async.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from seedance_async._wire.pages import Page
    from seedance_async.events import Event
    from seedance_async.models import TaskStatus, VideoTask

    Answer = tuple[list[dict[str, Any]], int | None]

URL = "https://video.example/v.mp4"


def now() -> float:
    """Seconds on the running loop."""
    return asyncio.get_running_loop().time()


def not_found() -> TaskNotFound:
    """Make the refusal of an unknown id."""
    return TaskNotFound("The task does not exist.", status=404, code="NotFound")


def broken(status: int = 502) -> ServerFailed:
    """Make the answer of a server in trouble."""
    return ServerFailed("Bad gateway.", status=status)


@define(kw_only=True)
class Life:
    """One task at the server: which status it has from which moment on, in order."""

    id: str
    steps: list[tuple[float, str]]
    tier: str = "default"
    url: str | None = URL
    appears: float = 0.0
    listed: float = 0.0

    def record(self, at: float) -> dict[str, Any]:
        """Answer as Ark does: five fields until the end."""
        begun, status = [step for step in self.steps if step[0] <= at][-1]
        record: dict[str, Any] = {"id": self.id, "status": status, "model": "m"}
        record |= {"created_at": 0, "updated_at": int(begun)}
        if self.tier != "default":
            record["service_tier"] = self.tier
        if status == "succeeded" and self.url:
            record["content"] = {"video_url": self.url}
        return record

    @property
    def ends(self) -> float:
        """When its last status begins."""
        return self.steps[-1][0]


@define(kw_only=True)
class Server:
    """The watcher's ``Looks``, played in memory.

    Attributes:
        limits: paced by them, as a session would.
        latency: seconds that each request takes.
        trouble: asked before each request with route and ids; an error that it gives is raised.
        list_answer: replaces what a list shows.
        seen: route, moment and ids of every request.
        reads: how often a record was parsed.
        unreadable: ids whose records cannot be parsed.
    """

    limits: AccountLimits = field(factory=AccountLimits.unlimited)
    latency: float = 0.01
    trouble: Callable[[str, Sequence[str]], Exception | None] = lambda _route, _ids: None
    list_answer: Callable[[Answer, Sequence[str], int], Answer] = lambda answer, _ids, _size: answer
    lives: dict[str, Life] = field(factory=dict)
    seen: list[tuple[str, float, tuple[str, ...]]] = field(factory=list)
    reads: int = 0
    unreadable: set[str] = field(factory=set)

    def add(self, task_id: str, *steps: tuple[float, str], **facts: Any) -> str:
        """Let a task live."""
        self.lives[task_id] = Life(id=task_id, steps=list(steps), **facts)
        return task_id

    def runs(self, task_id: str, end: float, status: str = "succeeded") -> str:
        """Let a task run from the beginning to its end."""
        return self.add(task_id, (0.0, "running"), (end, status))

    def count(self, route: str) -> int:
        """Count the requests of a route."""
        return sum(name == route for name, _, _ in self.seen)

    def times(self, route: str) -> list[float]:
        """Give the moments of the requests of a route."""
        return [at for name, at, _ in self.seen if name == route]

    async def _arrive(self, route: str, ids: Sequence[str]) -> None:
        """Take a request's time, and fail if there is trouble."""
        account = account_for(self.limits)
        await (account.gets if route == "get" else account.lists).wait()
        self.seen.append((route, now(), tuple(ids)))
        await asyncio.sleep(self.latency)
        error = self.trouble(route, ids)
        if error is not None:
            raise error

    async def get(self, task_id: str) -> dict[str, Any]:
        """Answer a GET."""
        await self._arrive("get", [task_id])
        life = self.lives.get(task_id)
        if life is None or life.appears > now():
            raise not_found()
        return life.record(now())

    async def look(self, task_ids: Sequence[str], *, service_tier: str | None, page_size: int) -> Page:
        """Answer a list."""
        await self._arrive("list", task_ids)
        found = [self.lives[one] for one in task_ids if one in self.lives]
        shown = [
            life.record(now())
            for life in found
            if life.tier == (service_tier or "default") and max(life.listed, life.appears) <= now()
        ]
        items, total = self.list_answer((shown[:page_size], len(shown)), task_ids, page_size)
        return page_of(WireResponse(status=200, body=json.dumps({"items": items, "total": total}).encode()))

    def status(self, record: dict[str, Any]) -> TaskStatus:
        """Read the status alone."""
        return status_of(record["status"])

    def read(self, record: dict[str, Any]) -> VideoTask:
        """Parse, and count it."""
        self.reads += 1
        if record["id"] in self.unreadable:
            raise KeyError("surprise")
        return to_task(record)


@define(kw_only=True)
class Stand:
    """A watcher at a server, and what came out of it; takes the place of a session."""

    server: Server
    watcher: Watcher
    events: list[Event]
    ended: list[tuple[float, VideoTask]]
    gone: list[str]

    def heard(self, kind: type[Event]) -> list[Event]:
        """Give the events of a kind."""
        return [event for event in self.events if type(event) is kind]


@asynccontextmanager
async def standing(server: Server, **poll: float) -> AsyncGenerator[Stand, None]:
    """Set up a watcher; at the end it must have stopped by itself once nobody waits."""
    events: list[Event] = []
    ended: list[tuple[float, VideoTask]] = []
    gone: list[str] = []
    watcher = Watcher(
        server,
        poll=PollPolicy(**{"interval": 1.0, **poll}),
        limits=server.limits,
        emit=Emitter(events.append),
        ended=lambda task: ended.append((now(), task)),
        gone=gone.append,
    )
    try:
        yield Stand(server=server, watcher=watcher, events=events, ended=ended, gone=gone)
    finally:
        await watcher.close()
