"""What the watcher keeps of a task, and of those who wait for it."""

from __future__ import annotations

import asyncio

import pytest

from seedance_async.errors import AuthenticationFailed, ResultMissing, WaitTimeout
from seedance_async.models import TaskStatus, VideoTask
from seedance_async.waiting import wait_for
from tests.waiting.helpers import Life, Server, broken, now, standing

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_look_begun_before_the_deadline_is_not_the_last_one() -> None:
    """What ended between the beginning of that look and the next one has ended in time."""
    server = Server(latency=0.5)
    server.runs("one", 2.3)
    async with standing(server) as stand:
        # The second look lasts from 1.5 to 2.0, and the deadline falls into it.
        task = await wait_for(stand, "one", timeout=1.6)
    assert task.status is TaskStatus.SUCCEEDED


async def test_a_url_that_is_missing_twice_is_missing() -> None:
    """A second look is enough: each further one would cost the account a request."""
    server = Server()
    server.add("never", (0.0, "succeeded"), url=None)
    async with standing(server) as stand:
        with pytest.raises(ResultMissing):
            await wait_for(stand, "never")
    assert server.count("get") == 2


async def test_a_task_that_leaves_a_long_queue_is_looked_at_often_again() -> None:
    """How long it stood in the queue says nothing about how long it will run."""
    server = Server()
    server.add("one", (0.0, "queued"), (700.0, "running"), (730.0, "succeeded"))
    async with standing(server) as stand:
        await wait_for(stand, "one")
    looks = server.times("get")
    assert sum(600.0 < at < 700.0 for at in looks) < 30
    assert sum(705.0 < at < 730.0 for at in looks) >= 20


async def test_the_tier_that_a_record_names_is_the_one_to_list() -> None:
    """A task of the offline tier whose id does not tell is looked at by itself once, not for ever."""
    server = Server()
    ids = [server.add(f"t{n}", (0.0, "running"), (30.0, "succeeded"), tier="flex") for n in range(10)]
    async with standing(server) as stand, asyncio.TaskGroup() as group:
        for one in ids:
            group.create_task(wait_for(stand, one))
    assert server.count("get") <= 2 * len(ids)
    assert server.count("list") >= 25


async def test_a_task_keeps_the_id_that_it_was_asked_for_by() -> None:
    """A gateway that answers with the id of its own upstream does not make another task of it."""
    server = Server()
    server.lives["mine"] = Life(id="upstream", steps=[(0.0, "succeeded")])
    async with standing(server) as stand:
        assert (await wait_for(stand, "mine")).id == "mine"


async def test_a_timeout_without_a_look_tells_what_was_known_before() -> None:
    """The task that the caller gave is not lost with a server that cannot be reached."""
    server = Server(trouble=lambda _route, _ids: broken())
    known = VideoTask(id="one", model="m")
    async with standing(server) as stand:
        with pytest.raises(WaitTimeout) as caught:
            await wait_for(stand, known, timeout=5.0)
    assert caught.value.task is known


async def test_a_timeout_tells_how_long_this_wait_was() -> None:
    """It counts from the call, not from the loop's beginning."""
    server = Server()
    server.runs("one", 90.0)
    async with standing(server) as stand:
        await asyncio.sleep(30.0)
        with pytest.raises(WaitTimeout) as caught:
            await wait_for(stand, "one", timeout=10.0)
    assert caught.value.waited == pytest.approx(10.0, abs=0.1)


async def test_a_wait_that_ends_in_time_leaves_no_deadline_behind() -> None:
    """A thousand short waits with a limit of a day are not kept for a day."""
    server = Server()
    async with standing(server) as stand:
        for number in range(3):
            server.runs(f"t{number}", 0.0)
            await wait_for(stand, f"t{number}", timeout=86_400.0)
        assert len(stand.watcher._register.deadlines) == 0  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


async def test_a_late_answer_to_a_look_that_nobody_wants_takes_no_later_wait_along() -> None:
    """Who left while a look was out, and waits again, is not struck off by what that look brings."""
    locked = AuthenticationFailed("no", status=403)
    server = Server(latency=1.0, trouble=lambda _route, _ids: locked if now() < 1.5 else None)
    server.runs("one", 3.0)
    async with standing(server) as stand:
        other = asyncio.create_task(wait_for(stand, "other", timeout=99.0, raise_on_failure=False))
        left = asyncio.create_task(wait_for(stand, "one"))
        await asyncio.sleep(0.5)
        left.cancel()
        await asyncio.sleep(0.1)
        assert (await wait_for(stand, "one", timeout=50.0)).status is TaskStatus.SUCCEEDED
        await asyncio.wait([other])
        assert isinstance(other.exception(), AuthenticationFailed)
