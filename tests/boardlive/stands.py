"""A board with something to show, and the ways to reach it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from attrs import define, field

from seedance_async.board import Board, serve_board
from seedance_async.board.guard import TOKEN_HEADER
from seedance_async.events import DownloadFinished, SubmitAccepted, TaskChanged

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from seedance_async.models import TaskStatus


@define
class Switch:
    """Counts how often it was thrown, as a stop switch that stops nothing."""

    cancel_queued: bool = False
    times: int = 0

    def stop(self, *, cancel_queued: bool | None = None) -> None:
        """Throw it."""
        self.times += 1
        if cancel_queued is not None:
            self.cancel_queued = cancel_queued


@define
class Reader:
    """Reaches one board."""

    board: Board
    http: aiohttp.ClientSession
    switch: Switch = field(factory=Switch)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the board."""
        return self.board.url.rpartition("/")[0].rpartition("/")[0]

    @property
    def token(self) -> str:
        """The token of its address."""
        return self.board.url.split("/")[3]

    async def status(self, path: str = "", method: str = "GET", **request: Any) -> int:
        """Give the status of an answer below the board's address."""
        async with self.http.request(method, self.board.url + path, **request) as answer:
            return answer.status

    async def press(self, button: str = "stop", **headers: str | None) -> int:
        """Press a button as the board's own page does, with some headers replaced or left out."""
        usual = {"Origin": self.origin, TOKEN_HEADER: self.token}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {name: value for name, value in {**usual, **named}.items() if value is not None}
        return await self.status(button, "POST", headers=given)

    async def events(self, query: str = "", **headers: str) -> AsyncGenerator[tuple[str, int, Any]]:
        """Give the stream's events as name, revision and data."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.get(f"{self.board.url}events{query}", headers=named) as answer:
            text = ""
            async for line in answer.content:
                text += line.decode()
                if text.endswith("\n\n"):
                    parts = dict(part.split(": ", 1) for part in text.strip().splitlines())
                    yield parts["event"], int(parts["id"]), json.loads(parts["data"])
                    text = ""


@asynccontextmanager
async def reading(folder: Path, **settings: Any) -> AsyncGenerator[Reader]:
    """Serve a board and open a reader of it."""
    switch = Switch()
    given: dict[str, Any] = {"stop": switch, **settings}
    async with serve_board(folder, **given) as board, aiohttp.ClientSession() as http:
        yield Reader(board, http, switch)


def accept(board: Board, key: str) -> str:
    """Tell a board of an accepted submit; gives the task's id."""
    board(SubmitAccepted(key=key, task_id=f"cgt-{key}", attempt=1))
    return f"cgt-{key}"


def change(board: Board, key: str, status: TaskStatus) -> None:
    """Tell a board that a task has another status."""
    board(TaskChanged(task_id=f"cgt-{key}", before=None, after=status))


def land(board: Board, key: str, path: Path) -> None:
    """Tell a board that a file of a task is on disk."""
    board(DownloadFinished(task_id=f"cgt-{key}", path=str(path), size=5, seconds=1.0))
