"""Streams of news: ``as_completed`` and ``watch``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from seedance_async.errors import SessionClosed, TaskNotFound, WaitTimeout
from seedance_async.models import TaskStatus, VideoTask
from seedance_async.waiting import as_completed, watch
from tests.waiting.helpers import URL, Server, now, standing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def collect(stream: AsyncIterator[VideoTask], into: list[str]) -> None:
    """Note the ids that a stream gives, as far as it comes."""
    async for task in stream:
        into.append(task.id)  # noqa: PERF401 - what came before an error counts


async def test_watch_gives_first_look_changes_and_end_of_each() -> None:
    """Every status of every task is told once, and the stream ends with the last task."""
    server = Server()
    server.add("a", (0.0, "queued"), (5.0, "running"), (9.0, "failed"))
    server.add("b", (0.0, "running"), (20.0, "succeeded"))
    async with standing(server) as stand:
        news = [(task.id, task.status.value) async for task in watch(stand, ["a", "b"])]
    assert [status for one, status in news if one == "a"] == ["queued", "running", "failed"]
    assert [status for one, status in news if one == "b"] == ["running", "succeeded"]


async def test_an_unknown_task_does_not_cut_the_stream() -> None:
    """What goes wrong with one task is raised after the others were given."""
    server = Server()
    server.runs("a", 200.0)
    ended: list[str] = []
    async with standing(server) as stand:
        with pytest.raises(TaskNotFound):
            await collect(as_completed(stand, ["nobody", "a"]), ended)
    assert ended == ["a"]


async def test_a_timeout_gives_what_ended_and_names_what_did_not() -> None:
    """as_completed(timeout=) gives the tasks that ended in time, then raises for one that did not."""
    server = Server()
    server.runs("a", 5.0)
    server.runs("b", 500.0)
    ended: list[str] = []
    async with standing(server) as stand:
        with pytest.raises(WaitTimeout) as caught:
            await collect(as_completed(stand, ["a", "b"], timeout=10.0), ended)
    assert ended == ["a"]
    assert caught.value.task_id == "b"
    assert now() == pytest.approx(10.0, abs=0.1)


async def test_tasks_that_have_ended_come_first_and_cost_nothing() -> None:
    """A VideoTask that holds its end is given without a request."""
    server = Server()
    server.runs("b", 5.0)
    known = VideoTask(id="a", status=TaskStatus.SUCCEEDED, video_url=URL)
    async with standing(server) as stand:
        order = [task.id async for task in as_completed(stand, ["b", known])]
    assert order == ["a", "b"]
    assert all(asked == ("b",) for _, _, asked in server.seen)


async def test_leaving_a_stream_leaves_nothing_behind() -> None:
    """Breaking out of the loop stops the watcher."""
    server = Server()
    ids = [server.runs(f"t{n}", 5.0 * n + 1.0) for n in range(10)]
    async with standing(server) as stand:
        stream = as_completed(stand, ids)
        async for _ in stream:
            break
        await stream.aclose()
        await asyncio.sleep(0.1)
        assert stand.watcher.in_flight == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_no_tasks_make_an_empty_stream() -> None:
    """Nothing to wait for is no error and no request."""
    server = Server()
    async with standing(server) as stand:
        assert [task async for task in as_completed(stand, [])] == []
    assert server.seen == []


async def test_closing_the_session_ends_the_streams() -> None:
    """A stream does not hang on a closed session."""
    server = Server()
    server.runs("a", 500.0)
    async with standing(server) as stand, asyncio.TaskGroup() as group:

        async def follow() -> None:
            with pytest.raises(SessionClosed):
                await collect(watch(stand, ["a"]), [])

        group.create_task(follow())
        await asyncio.sleep(3.0)
        await stand.watcher.close()
