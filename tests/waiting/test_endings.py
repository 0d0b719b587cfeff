"""How a wait ends, and how it does not."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async._wire.emitter import Emitter
from seedance_async.errors import (
    AuthenticationFailed,
    Billed,
    InvalidRequest,
    QuotaExhausted,
    RateLimited,
    ResultMissing,
    SeedanceError,
    SessionClosed,
    TaskCancelled,
    TaskExpired,
    TaskFailed,
    TaskNotFound,
    WaitTimeout,
)
from seedance_async.events import LookFailed, TaskChanged, log_event
from seedance_async.models import TaskStatus, VideoTask
from seedance_async.settings import PollPolicy
from seedance_async.waiting import as_completed, wait_for, watch
from seedance_async.watcher import Watcher
from tests.waiting.helpers import URL, Server, broken, not_found, now, standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.waiting.helpers import Answer

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_finished_task_takes_one_look_and_no_sleep() -> None:
    """A task of elsewhere is looked at before the first sleep."""
    server = Server()
    server.add("done", (0.0, "succeeded"))
    async with standing(server) as stand:
        task = await wait_for(stand, "done")
    assert (task.id, task.video_url) == ("done", URL)
    assert server.count("get") == 1
    assert now() < 0.1


async def test_who_comes_while_the_watcher_rests_is_served_at_once() -> None:
    """A second wait does not sit out the rest between two looks at the first one's task."""
    server = Server()
    server.runs("long", 99.0)
    server.add("done", (0.0, "succeeded"))
    async with standing(server, interval=20.0) as stand:
        first = asyncio.create_task(wait_for(stand, "long"))
        await asyncio.sleep(5.0)
        await wait_for(stand, "done")
        assert now() < 5.1
        first.cancel()
        await asyncio.wait({first})


async def test_a_submitted_task_waits_one_interval_first() -> None:
    """A look right after the submit is wasted, so the first one comes an interval later."""
    server = Server()
    server.runs("new", 0.5)
    async with standing(server, interval=3.0) as stand:
        stand.watcher.submitted("new")
        await wait_for(stand, VideoTask(id="new"))
    assert server.times("get") == [pytest.approx(3.0)]


async def test_a_task_that_is_known_to_have_ended_needs_no_request() -> None:
    """A VideoTask that holds its end is given back as it is."""
    server = Server()
    known = VideoTask(id="old", status=TaskStatus.SUCCEEDED, video_url=URL)
    heard: list[VideoTask] = []
    async with standing(server) as stand:
        assert await wait_for(stand, known, on_update=heard.append) is known
    assert server.seen == []
    assert heard == [known]


@pytest.mark.parametrize(
    ("status", "error"),
    [("failed", TaskFailed), ("expired", TaskExpired), ("cancelled", TaskCancelled)],
)
async def test_every_bad_ending_has_its_error(status: str, error: type[SeedanceError]) -> None:
    """failed, expired and cancelled end the wait, each with an error that carries the task."""
    server = Server()
    server.runs("bad", 2.0, status)
    async with standing(server) as stand:
        with pytest.raises(error) as caught:
            await wait_for(stand, "bad")
        assert getattr(caught.value, "task").id == "bad"  # noqa: B009 - not every error has one
        task = await wait_for(stand, "bad", raise_on_failure=False)
    assert task.status.value == status


async def test_success_without_a_url_is_looked_at_again_before_it_is_believed() -> None:
    """A URL that is late by one look is not reported missing; one that never comes is ResultMissing."""
    server = Server()
    server.add("late", (0.0, "succeeded"), url=None)
    server.add("never", (0.0, "succeeded"), url=None)
    async with standing(server) as stand, asyncio.TaskGroup() as group:
        late = group.create_task(wait_for(stand, "late"))
        never = group.create_task(wait_for(stand, "never", raise_on_failure=False))
        await asyncio.sleep(0.5)
        server.lives["late"].url = URL
        await asyncio.sleep(3.0)
        assert late.result().video_url == URL
        assert never.result().video_url is None
        with pytest.raises(ResultMissing):
            await wait_for(stand, "never")


async def test_an_unknown_status_is_not_the_end() -> None:
    """A word that nobody knows means "not yet"."""
    server = Server()
    server.add("odd", (0.0, "frobnicating"), (5.0, "succeeded"))
    async with standing(server) as stand:
        task = await wait_for(stand, "odd")
    assert task.status is TaskStatus.SUCCEEDED
    assert now() > 5.0


ERRORS = [
    broken(500),
    broken(503),
    RateLimited("slow", status=429, retry_after=2.0),
    QuotaExhausted("overdue", status=403),
    OSError("reset"),
    ValueError("not JSON"),
    TimeoutError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_no_bad_look_ends_a_wait(error: Exception) -> None:
    """Whatever goes wrong in a look is reported and looked at again."""
    server = Server(trouble=lambda _route, _ids: error if now() < 60.0 else None)
    server.runs("one", 30.0)
    async with standing(server) as stand:
        task = await wait_for(stand, "one")
    assert task.status is TaskStatus.SUCCEEDED
    failed = [event for event in stand.events if isinstance(event, LookFailed)]
    assert {event.route for event in failed} == {"get", "list"}
    assert {event.error for event in failed} == {str(error) or type(error).__name__}


class CutOff(Server):
    """A server whose first look at a task ends in a cancellation that nobody asked for."""

    async def _arrive(self, route: str, ids: Sequence[str]) -> None:
        await super()._arrive(route, ids)
        if len(self.seen) == 1:
            below: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            below.cancel()
            await below


@pytest.mark.parametrize(("count", "route"), [(1, "get"), (9, "list")])
async def test_a_look_that_is_cancelled_from_below_is_a_failed_one(count: int, route: str) -> None:
    """A connection that is torn down under a look leaves no task unwatched, and the look is told of."""
    server = CutOff()
    ids = [server.runs(f"t{n}", 10.0) for n in range(count)]
    async with standing(server) as stand, asyncio.timeout(60.0), asyncio.TaskGroup() as group:
        for one in ids:
            group.create_task(wait_for(stand, one))
    failed = [event for event in stand.events if isinstance(event, LookFailed)]
    assert [(event.route, event.error) for event in failed] == [
        (route, "The request was cancelled from below.")
    ]
    assert now() < 12.0


async def test_a_record_that_cannot_be_read_hurts_its_own_task_only() -> None:
    """A poisoned record among many is a failed look of one task."""
    server = Server(unreadable={"t3"})
    ids = [server.runs(f"t{n}", 5.0) for n in range(10)]
    async with standing(server) as stand, asyncio.TaskGroup() as group:
        waits = [group.create_task(wait_for(stand, one)) for one in ids]
        await asyncio.sleep(8.0)
        assert [wait.done() for wait in waits] == [n != 3 for n in range(10)]
        assert {getattr(event, "error", "") for event in stand.heard(LookFailed)} == {"'surprise'"}
        server.unreadable.clear()


async def test_a_page_that_cannot_be_read_ends_no_wait() -> None:
    """A list that holds no records is a failed look of all that it was asked for."""

    def nonsense(answer: Answer, _ids: Sequence[str], _size: int) -> Answer:
        words: Any = "these are no records"
        return (words, answer[1]) if now() < 20.0 else answer

    server = Server(list_answer=nonsense)
    ids = [server.runs(f"t{n}", 30.0) for n in range(10)]
    async with standing(server) as stand, asyncio.TaskGroup() as group:
        waits = [group.create_task(wait_for(stand, one)) for one in ids]
    assert {wait.result().status for wait in waits} == {TaskStatus.SUCCEEDED}
    assert stand.heard(LookFailed)


async def test_who_comes_later_is_told_the_newest_record() -> None:
    """What a record says later under the same status is kept, though it wakes nobody."""

    def tells_more(answer: Answer, _ids: Sequence[str], _size: int) -> Answer:
        return [{**record, "revised_prompt": f"at {now():.0f}"} for record in answer[0]], answer[1]

    server = Server(list_answer=tells_more)
    ids = [server.runs(f"t{n}", 99.0) for n in range(10)]
    async with standing(server) as stand:
        waits = [asyncio.create_task(wait_for(stand, one)) for one in ids]
        await asyncio.sleep(8.5)
        async with aclosing(watch(stand, ids[:1])) as changes:
            assert (await anext(changes)).revised_prompt == "at 8"
        for wait in waits:
            wait.cancel()


@pytest.mark.parametrize(("waited", "words"), [(0.3, "0.3 s"), (2.02, "2 s"), (1234.5, "1234 s")])
async def test_a_timeout_says_how_long_it_was(waited: float, words: str) -> None:
    """A third of a second is not told as none."""
    assert f"within {words};" in str(WaitTimeout("cgt-1", waited=waited))


async def test_a_deadline_clips_the_sleep_and_looks_once_more() -> None:
    """A limit shorter than the interval still gets a look at the limit, and that look counts."""
    server = Server()
    server.runs("quick", 0.6)
    server.runs("slow", 90.0)
    async with standing(server, interval=30.0) as stand:
        for one in ("quick", "slow"):
            stand.watcher.submitted(one)
        assert (await wait_for(stand, "quick", timeout=1.0)).status is TaskStatus.SUCCEEDED
        with pytest.raises(WaitTimeout, match="slow") as caught:
            await wait_for(stand, "slow", timeout=1.0)
    assert now() == pytest.approx(2.02, abs=0.01)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.task_id == "slow"
    assert caught.value.task is not None
    assert caught.value.task.status is TaskStatus.RUNNING


async def test_a_timeout_of_zero_is_one_look() -> None:
    """``timeout=0`` asks how it stands, now."""
    server = Server()
    server.runs("one", 9.0)
    async with standing(server) as stand:
        with pytest.raises(WaitTimeout):
            await wait_for(stand, "one", timeout=0)
    assert server.count("get") == 1


async def test_a_look_that_hangs_does_not_hold_the_deadline() -> None:
    """The last look has a time limit of its own."""
    server = Server(latency=500.0)
    server.runs("one", 1.0)
    async with standing(server) as stand:
        with pytest.raises(WaitTimeout):
            await wait_for(stand, "one", timeout=10.0)
    assert now() <= 15.1


async def test_a_deadline_whose_last_look_hangs_is_over_with_it() -> None:
    """Who stays is looked at as often as before, and not for the sake of somebody who is gone."""
    server = Server(latency=25.0)
    server.runs("one", 999.0)
    async with standing(server, interval=10.0, max_interval=10.0) as stand:
        patient = asyncio.create_task(wait_for(stand, "one"))
        with pytest.raises(WaitTimeout):
            await wait_for(stand, "one", timeout=10.0)
        server.latency = 0.01
        await asyncio.sleep(20.0)
        before = len(server.seen)
        await asyncio.sleep(100.0)
        assert len(server.seen) - before <= 10
        patient.cancel()


async def test_one_deadline_leaves_other_waiters_alone() -> None:
    """Two waits for one task end each by its own rule."""
    server = Server()
    server.runs("one", 9.0)
    async with standing(server) as stand, asyncio.TaskGroup() as group:
        patient = group.create_task(wait_for(stand, "one"))
        with pytest.raises(WaitTimeout):
            await wait_for(stand, "one", timeout=2.0)
        assert (await patient).status is TaskStatus.SUCCEEDED


async def test_the_deadline_of_somebody_who_left_asks_for_no_look() -> None:
    """Who is cancelled before the time is up leaves nothing behind that costs the account a request."""
    server = Server()
    server.runs("one", 99.0)
    async with standing(server, interval=60.0) as stand:
        patient = asyncio.create_task(wait_for(stand, "one"))
        leaving = asyncio.create_task(wait_for(stand, "one", timeout=10.0))
        await asyncio.sleep(2.0)
        leaving.cancel()
        await asyncio.sleep(50.0)
        assert len(server.seen) == 1
        patient.cancel()


async def test_queue_and_run_have_their_own_limits() -> None:
    """A long queue does not use up the running limit, and the message says which limit passed."""
    server = Server()
    server.add("long", (0.0, "queued"), (50.0, "running"), (58.0, "succeeded"))
    server.add("stuck", (0.0, "queued"), (500.0, "running"))
    server.add("endless", (0.0, "running"), (500.0, "succeeded"))
    async with standing(server) as stand:
        await wait_for(stand, "long", running_timeout=12.0)
        with pytest.raises(WaitTimeout, match="queue"):
            await wait_for(stand, "stuck", queued_timeout=5.0, running_timeout=1.0)
        begun = now()
        with pytest.raises(WaitTimeout, match="running"):
            await wait_for(stand, "endless", queued_timeout=5.0, running_timeout=20.0)
        assert now() - begun == pytest.approx(20.0, abs=1.0)


async def test_a_task_seen_running_in_the_last_look_of_the_queue_goes_on() -> None:
    """The queue's limit is off the table once the task runs, even if only its last look shows it."""
    server = Server()
    server.add("one", (0.0, "queued"), (4.9, "running"), (9.0, "succeeded"))
    async with standing(server, interval=30.0) as stand:
        task = await wait_for(stand, "one", queued_timeout=5.0, running_timeout=60.0)
    assert task.status is TaskStatus.SUCCEEDED


async def test_404_is_not_believed_for_a_while_after_the_submit() -> None:
    """A task that appears late is waited for; one that never appears is TaskNotFound after the grace."""
    server = Server()
    server.add("late", (0.0, "running"), (80.0, "succeeded"), appears=50.0)
    async with standing(server) as stand:
        stand.watcher.submitted("late")
        assert (await wait_for(stand, "late")).status is TaskStatus.SUCCEEDED
        begun = now()
        with pytest.raises(TaskNotFound):
            await wait_for(stand, "never")
    assert now() - begun == pytest.approx(60.0, abs=2.0)
    assert stand.gone == ["never"]


async def test_a_404_in_the_middle_of_a_run_is_not_believed_at_once() -> None:
    """A gateway that forgets a task for a moment does not lose a paid one."""
    server = Server(trouble=lambda _route, _ids: not_found() if 100.0 < now() < 130.0 else None)
    server.runs("one", 140.0)
    async with standing(server) as stand:
        assert (await wait_for(stand, "one")).status is TaskStatus.SUCCEEDED


@pytest.mark.parametrize("interval", [1.0, 100.0])
async def test_one_stray_404_after_a_long_silence_ends_no_wait(interval: float) -> None:
    """After an outage, or with looks far apart, the last good look is old; "no such task" was said once."""
    strays = [not_found()]

    def trouble(_route: str, _ids: Sequence[str]) -> Exception | None:
        if 100.0 < now() < 200.0:
            return broken()
        return strays.pop() if strays and now() >= 200.0 else None

    server = Server(trouble=trouble)
    server.runs("one", 450.0)
    async with standing(server, interval=interval, max_interval=100.0) as stand:
        assert (await wait_for(stand, "one")).status is TaskStatus.SUCCEEDED
    assert (strays, stand.gone) == ([], [])


@pytest.mark.parametrize("company", [0, 9])
async def test_a_look_that_shows_the_task_takes_an_earlier_404_back(company: int) -> None:
    """Two stray 404s far apart are not one long one, whether a GET or a list saw the task in between."""
    strays: list[float] = []

    def forgets(at: float) -> bool:
        return 10.0 < at < 12.0 or 110.0 < at < 112.0

    def trouble(route: str, ids: Sequence[str]) -> Exception | None:
        if route == "list" or ids != ["one"] or not forgets(now()):
            return None
        strays.append(now())
        return not_found()

    def hide(answer: Answer, _ids: Sequence[str], _size: int) -> Answer:
        shown = [record for record in answer[0] if record["id"] != "one" or not forgets(now())]
        return shown, len(shown)

    server = Server(trouble=trouble, list_answer=hide)
    ids = [server.runs(one, 150.0) for one in ("one", *(f"t{n}" for n in range(company)))]
    async with standing(server) as stand, asyncio.TaskGroup() as group:
        waits = [group.create_task(wait_for(stand, one)) for one in ids]
    assert {wait.result().status for wait in waits} == {TaskStatus.SUCCEEDED}
    assert strays[-1] - strays[0] > 90.0


async def test_401_ends_all_and_403_ends_its_own() -> None:
    """A key that is no key ends every wait; a task that it may not see ends its own."""
    locked = AuthenticationFailed("no", status=403)
    server = Server(trouble=lambda _route, ids: locked if ids == ["locked"] else None)
    server.runs("fine", 5.0)
    async with standing(server) as stand:
        with pytest.raises(AuthenticationFailed):
            await wait_for(stand, "locked")
        assert [event.route for event in stand.events if isinstance(event, LookFailed)] == ["get"]
        assert (await wait_for(stand, "fine")).status is TaskStatus.SUCCEEDED
        server.trouble = lambda _route, _ids: AuthenticationFailed("no", status=401)
        waits = [asyncio.create_task(wait_for(stand, f"t{n}")) for n in range(200)]
        await asyncio.wait(waits)
    errors = {wait.exception() for wait in waits}
    assert all(isinstance(error, AuthenticationFailed) for error in errors)
    assert len(errors) == 200, "one exception raised in many tasks mixes up their tracebacks"


async def test_401_on_one_task_ends_the_waits_that_rest() -> None:
    """The key is no key for any of them: nobody waits for a look of his own to be told."""
    server = Server(
        trouble=lambda _route, ids: AuthenticationFailed("no", status=401) if "b" in ids else None
    )
    server.runs("a", 999.0)
    async with standing(server, interval=60.0) as stand:
        resting = asyncio.create_task(wait_for(stand, "a"))
        await asyncio.sleep(5.0)
        with pytest.raises(AuthenticationFailed):
            await wait_for(stand, "b")
        with pytest.raises(AuthenticationFailed):
            await asyncio.wait_for(resting, timeout=1.0)


async def test_a_closed_session_ends_every_wait() -> None:
    """Nobody hangs when the session closes, and nobody can begin to."""
    server = Server()
    ids = [server.runs(f"t{n}", 99.0) for n in range(5)]
    async with standing(server) as stand:
        waits = [asyncio.create_task(wait_for(stand, one, on_update=lambda _: None)) for one in ids]
        waits += [asyncio.create_task(wait_for(stand, one)) for one in ids]
        await asyncio.sleep(2.0)
        await stand.watcher.close()
        await asyncio.wait(waits)
        assert all(isinstance(wait.exception(), SessionClosed) for wait in waits)
        assert all("session was closed" in str(wait.exception()) for wait in waits)
        with pytest.raises(SessionClosed):
            await wait_for(stand, "t1")


@pytest.mark.parametrize("count", [1, 9])
async def test_a_look_that_finds_the_session_closed_ends_every_wait(count: int) -> None:
    """Whoever lent the aiohttp session has closed it: no look will ever go out again."""
    closed = SessionClosed("The aiohttp session is closed; nothing was sent.")
    server = Server(trouble=lambda _route, _ids: closed if now() > 5.0 else None)
    ids = [server.runs(f"t{n}", 99.0) for n in range(count)]
    async with standing(server) as stand:
        waits = [asyncio.create_task(wait_for(stand, one)) for one in ids]
        over, _ = await asyncio.wait(waits, timeout=5.0 + 2.0)
    assert [type(wait.exception()) for wait in over] == [SessionClosed] * count


async def test_a_task_whose_looks_are_never_sent_ends_alone() -> None:
    """A look that is refused before it goes out is refused for ever; the tasks that share its lists go on."""
    unsendable = InvalidRequest(field="task_id", value="bad", limit="no")
    server = Server(trouble=lambda _route, ids: unsendable if "bad" in ids else None)
    ids = [server.runs(f"t{n}", 20.0) for n in range(9)]
    async with standing(server) as stand:
        bad = asyncio.create_task(wait_for(stand, "bad"))
        async with asyncio.TaskGroup() as group:
            for one in ids:
                group.create_task(wait_for(stand, one))
        assert now() < 22.0
        with pytest.raises(InvalidRequest, match="task_id"):
            await asyncio.wait_for(bad, timeout=600.0)
    assert 60.0 < now() < 65.0


async def test_the_watcher_stops_with_the_last_waiter() -> None:
    """A cancelled wait leaves no task, no flight and no request behind."""
    server = Server()
    ids = [server.runs(f"t{n}", 99.0) for n in range(300)]
    async with standing(server) as stand:
        waits = [asyncio.create_task(wait_for(stand, one, timeout=50.0)) for one in ids]
        await asyncio.sleep(2.0)
        for wait in waits:
            wait.cancel()
        await asyncio.sleep(0.1)
        assert stand.watcher.in_flight == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}
        before = len(server.seen)
        await asyncio.sleep(100.0)
        assert len(server.seen) == before
        task = await wait_for(stand, "t1")
    assert task.status is TaskStatus.SUCCEEDED


async def test_the_watcher_stops_with_the_only_waiter() -> None:
    """It does not rest until its next look first."""
    server = Server()
    server.runs("one", 99.0)
    async with standing(server, interval=30.0) as stand:
        waiting = asyncio.create_task(wait_for(stand, "one"))
        await asyncio.sleep(5.0)
        waiting.cancel()
        await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_look_under_way_is_called_off_with_the_last_wait() -> None:
    """Nobody wants its answer any more, and a session that is closed need not wait for it."""
    server = Server(latency=20.0)
    server.runs("one", 99.0)
    async with standing(server) as stand:
        waiting = asyncio.create_task(wait_for(stand, "one"))
        await asyncio.sleep(5.0)
        waiting.cancel()
        await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_whoever_cancels_the_watcher_ends_its_waits() -> None:
    """A program that cancels every task it does not know leaves nobody waiting for nothing."""
    server = Server()
    server.runs("one", 99.0)
    async with standing(server) as stand:
        waiting = asyncio.create_task(wait_for(stand, "one"))
        await asyncio.sleep(2.0)
        for task in asyncio.all_tasks() - {waiting, asyncio.current_task()}:
            task.cancel()
        with pytest.raises(SessionClosed, match="was stopped"):
            await asyncio.wait_for(waiting, timeout=1.0)


async def test_a_mistake_inside_ends_the_waits() -> None:
    """What goes wrong beside the looks, in somebody's list of alive tasks here, is raised by every wait."""
    server = Server()
    server.runs("one", 99.0)

    def breaks() -> list[str]:
        raise ZeroDivisionError

    async with standing(server) as stand:
        waiting = asyncio.create_task(wait_for(stand, "one"))
        await asyncio.sleep(2.0)
        async with stand.watcher.watching_all(breaks):
            with pytest.raises(ExceptionGroup) as caught:
                await asyncio.wait_for(waiting, timeout=5.0)
        assert caught.group_contains(ZeroDivisionError)


async def test_closing_stops_the_watcher_while_a_submit_waits_for_room() -> None:
    """When close() returns nothing runs any more, not even the look that was under way."""
    server = Server(latency=5.0)
    server.runs("one", 99.0)
    async with standing(server) as stand, stand.watcher.watching_all(lambda: ["one"]):
        await asyncio.sleep(2.0)
        async with asyncio.timeout(1.0):
            await stand.watcher.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_somebody_who_comes_while_the_watcher_stops_is_served() -> None:
    """A wait that begins in the moment that the last one leaves does not hang."""
    server = Server(latency=1.0)
    server.runs("a", 50.0)
    server.runs("b", 5.0)
    async with standing(server) as stand:
        first = asyncio.create_task(wait_for(stand, "a"))
        await asyncio.sleep(0.5)
        first.cancel()
        for _ in range(20):
            await asyncio.sleep(0)
            second = asyncio.create_task(wait_for(stand, "b"))
            await asyncio.sleep(0)
            second.cancel()
        assert (await wait_for(stand, "b", timeout=20.0)).status is TaskStatus.SUCCEEDED


async def test_on_update_hears_each_status_once_and_may_break(caplog: pytest.LogCaptureFixture) -> None:
    """Sync and async callbacks hear first look, changes and end; what they raise is logged once."""
    server = Server()
    server.add("one", (0.0, "queued"), (3.0, "running"), (9.0, "succeeded"))
    heard: list[str] = []

    async def breaks(task: VideoTask) -> None:
        await asyncio.sleep(0.01)
        heard.append(task.status.value)
        raise ZeroDivisionError

    async with standing(server) as stand, asyncio.TaskGroup() as group:
        with caplog.at_level(logging.ERROR):
            group.create_task(wait_for(stand, "one", on_update=breaks))
            plain: list[TaskStatus] = []
            await wait_for(stand, "one", on_update=lambda task: plain.append(task.status))
    assert heard == ["queued", "running", "succeeded"]
    assert [status.value for status in plain] == heard
    assert len(caplog.records) == 1


async def test_a_cancellation_inside_on_update_is_not_one_of_the_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A display whose own task was cancelled ends nothing; whoever cancels the wait itself ends it there."""
    server = Server()
    server.runs("one", 5.0)

    async def broken_off(_task: VideoTask) -> None:
        below = asyncio.ensure_future(asyncio.sleep(99.0))
        below.cancel()
        await below

    async def stays(_task: VideoTask) -> None:
        await asyncio.sleep(99.0)

    async with standing(server) as stand:
        with caplog.at_level(logging.ERROR):
            done = await wait_for(stand, "one", on_update=broken_off)
        assert done.status is TaskStatus.SUCCEEDED
        assert len(caplog.records) == 1
        wait = asyncio.create_task(wait_for(stand, "one", on_update=stays))
        await asyncio.sleep(1.0)
        wait.cancel()
        await asyncio.wait([wait], timeout=1.0)
        assert wait.cancelled()


async def test_late_news_does_not_overwrite_the_end() -> None:
    """A list that was under way when a task ended does not bring it back to life."""
    server = Server()
    ids = [server.runs(f"t{n}", 2.0) for n in range(3)]

    def stale(
        answer: tuple[list[dict[str, object]], int | None], _ids: Sequence[str], _size: int
    ) -> tuple[list[dict[str, object]], int | None]:
        items, total = answer
        return [*items, *({**item, "status": "running"} for item in items)], total

    server.list_answer = stale
    async with standing(server) as stand, asyncio.TaskGroup() as group:
        for one in ids:
            group.create_task(wait_for(stand, one))
    changes = [event for event in stand.events if isinstance(event, TaskChanged)]
    assert [change.after.value for change in changes if change.task_id == "t0"] == ["running", "succeeded"]
    assert sorted(task.id for _, task in stand.ended) == ids


@pytest.mark.parametrize("bad", [-1, float("nan"), "5", True])
@pytest.mark.parametrize("name", ["timeout", "queued_timeout", "running_timeout"])
async def test_bad_limits_are_named(name: str, bad: object) -> None:
    """A limit that is no length of time raises before anything is sent, and names the argument."""
    server = Server()
    async with standing(server) as stand:
        with pytest.raises(InvalidRequest, match=name):
            await wait_for(stand, "x", **{name: bad})  # type: ignore[arg-type]
        with pytest.raises(InvalidRequest, match="task_or_id"):
            await wait_for(stand, 5)  # type: ignore[arg-type]
    assert server.seen == []


UNASKABLE = ["", " ", "..", "cgt-1\n", "x" * 300]


@pytest.mark.parametrize("bad", UNASKABLE)
async def test_an_id_that_can_never_be_asked_for_is_refused_at_once(bad: str) -> None:
    """It would never be answered, and its wait would spoil the lists that it shares with others."""
    server = Server()
    async with standing(server) as stand:
        with pytest.raises(InvalidRequest) as caught:
            await wait_for(stand, bad)
        assert (caught.value.field, caught.value.billed) == ("task_id", Billed.NO)
        for stream in (as_completed, watch):
            with pytest.raises(InvalidRequest, match="task_id"):
                await anext(stream(stand, ["cgt-1", bad]))
    assert server.seen == []


@pytest.mark.parametrize("bad", UNASKABLE)
async def test_a_task_that_can_never_be_asked_for_is_refused_as_one_that_may_bill(bad: str) -> None:
    """A server gave this id to an order, so the error does not say that nothing was paid."""
    async with standing(Server()) as stand:
        with pytest.raises(InvalidRequest, match="task_id") as caught:
            await wait_for(stand, VideoTask(id=bad, status=TaskStatus.QUEUED))
        assert caught.value.billed is Billed.MAYBE
        over = VideoTask(id=bad, status=TaskStatus.SUCCEEDED, video_url=URL)
        assert await wait_for(stand, over) is over, "it need not be asked for any more"


async def test_a_record_that_a_page_shows_twice_was_seen_once() -> None:
    """A success without a URL is seen by two looks before it is believed, however often a page repeats it."""
    server = Server(list_answer=lambda answer, _ids, _size: ([*answer[0], *answer[0]], None))
    ids = [server.add(f"t{n}", (0.0, "running"), (5.0, "succeeded"), url=None) for n in range(4)]
    async with standing(server) as stand:
        waits = [asyncio.create_task(wait_for(stand, one)) for one in ids]
        await asyncio.sleep(5.5)
        for life in server.lives.values():
            life.url = URL
        await asyncio.wait(waits)
    assert {wait.result().video_url for wait in waits} == {URL}


async def test_a_deadline_during_a_list_is_followed_by_one_look_that_ends_the_wait() -> None:
    """The last look ends the wait although it shows the very bytes that were seen before."""
    server = Server(latency=0.5)
    ids = [server.runs(f"t{n}", 500.0) for n in range(4)]
    async with standing(server, interval=2.0) as stand:
        others = [asyncio.create_task(wait_for(stand, one)) for one in ids[:3]]
        await asyncio.sleep(18.0)
        out = max(server.times("list")) + 2.5 + 0.25  # in the middle of the next list
        with pytest.raises(WaitTimeout):
            await wait_for(stand, ids[3], timeout=out - now())
        assert now() < out + 1.5
        for other in others:
            other.cancel()
        await asyncio.wait(others)


async def test_a_log_of_level_info_tells_of_every_change(caplog: pytest.LogCaptureFixture) -> None:
    """Events that nobody hears are not made; those of the level that the log shows are."""
    server = Server()
    server.runs("one", 5.0)
    watcher = Watcher(
        server,
        poll=PollPolicy(interval=1.0),
        limits=server.limits,
        emit=Emitter(log_event),
        ended=lambda _task: None,
    )
    with caplog.at_level(logging.INFO, "seedance_async"):
        await watcher.wait("one").future
    await watcher.close()
    said = [getattr(record, "seedance_event", "") for record in caplog.records]
    assert said == ["TaskChanged", "TaskChanged"]
