"""What a type checker sees of the public names: read by mypy and basedpyright in `make check`, never run.

Each `assert_type` fails there when a name's type changes, and each `ignore` when a mistake that was an error
stops being one. In this file basedpyright is deaf to mypy's `type: ignore`, by pyproject.toml: hearing it, it
would judge nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import assert_type

from seedance_async import (
    AccountLimits,
    Billed,
    Cancellation,
    CancelResult,
    Estimate,
    Journal,
    Outcome,
    OutcomeKind,
    RateLimited,
    SeedanceError,
    SeedanceSession,
    SubmitUncertain,
    TaskFailed,
    TaskPage,
    TaskStatus,
    Usage,
    VideoRequest,
    VideoTask,
    as_completed,
    estimate,
    wait_for,
    watch,
)
from seedance_async.events import Event, Observer, SubmitAccepted, TaskChanged
from seedance_async.ledger.rows import JobState, JournalRow


async def one_video(session: SeedanceSession) -> None:
    """Submit, wait, download."""
    task = await session.submit("a cat", ratio="16:9", duration=5)
    assert_type(task, VideoTask)
    assert_type(task.status, TaskStatus)
    assert_type(task.usage, Usage | None)
    done = await wait_for(session, task, timeout=600, on_update=print)
    assert_type(done, VideoTask)
    assert_type(done.video_url, str | None)
    assert_type(await session.download(done, "cat.mp4"), Path)


async def at_the_server(session: SeedanceSession) -> None:
    """Look, list, watch, cancel, erase."""
    assert_type(await session.get("cgt-1"), VideoTask)
    page = await session.list(status="running", task_ids=["cgt-1"], page_size=100)
    assert_type(page, TaskPage)
    assert_type(page.items, tuple[VideoTask, ...])
    assert_type(page.total, int | None)
    assert_type(watch(session, ["cgt-1"], timeout=60), AsyncGenerator[VideoTask])
    answer = await session.cancel("cgt-1")
    assert_type(answer, Cancellation)
    assert_type(answer.result, CancelResult)
    assert_type(await session.delete("cgt-1"), None)


async def in_one(session: SeedanceSession) -> None:
    """Order, wait and land, or find out what became of it."""
    outcome = await session.run("a cat", save_to="cat.mp4", timeout=600)
    assert_type(outcome, Outcome)
    assert_type(outcome.kind, OutcomeKind)
    assert_type(outcome.error, BaseException | None)
    assert_type(await session.reconcile("a key"), VideoTask | None)


async def from_the_journal() -> None:
    """Read what a batch wrote down."""
    async with Journal.open("run.db", read_only=True) as journal:
        assert_type(journal, Journal)
        assert_type(await journal.row("cat"), JournalRow | None)
        assert_type(await journal.counts(), dict[JobState, int])
        assert_type(journal.rows(states=[JobState.SAVED]), AsyncGenerator[JournalRow])


def what_went_wrong(error: SeedanceError) -> None:
    """Errors tell what they cost, and the rest where it is known."""
    assert_type(error.billed, Billed)
    assert_type(error.advice, str)
    if isinstance(error, RateLimited):
        assert_type(error.retry_after, float | None)
        assert_type((error.status, error.code, error.request_id), tuple[int, str, str])
    if isinstance(error, SubmitUncertain):
        assert_type((error.key, error.fingerprint), tuple[str, int | None])
        assert_type(error.candidates, tuple[VideoTask, ...])
    if isinstance(error, TaskFailed):
        assert_type(error.task, VideoTask)


def what_happened(event: Event) -> None:
    """An observer is a function of an event, and a class tells which."""
    observer: Observer = what_happened
    SeedanceSession(observer=observer)
    if isinstance(event, TaskChanged):
        assert_type((event.task_id, event.before), tuple[str, TaskStatus | None])
    if isinstance(event, SubmitAccepted):
        assert_type((event.key, event.attempt), tuple[str, int])


async def many_videos(session: SeedanceSession, requests: list[VideoRequest]) -> None:
    """Fan out."""
    outcomes = session.run_many(requests, journal="run.db", save_to="out/")
    async for outcome in outcomes:
        assert_type(outcome, Outcome)
        assert_type(outcome.path, Path | str | None)
        assert_type(outcome.task, VideoTask | None)
    tasks = [await session.submit(request) for request in requests]
    assert_type(as_completed(session, tasks), AsyncGenerator[VideoTask])


def values() -> None:
    """Values and limits."""
    request = VideoRequest(prompt="a cat", duration=5)
    assert_type(request.evolve(seed=7), VideoRequest)
    assert_type(estimate(request), Estimate)
    assert_type(AccountLimits.enterprise(), AccountLimits)


async def mistakes(session: SeedanceSession) -> None:
    """What a checker has to refuse."""
    await session.submit(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    VideoRequest(prompt="a cat", durration=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    VideoRequest("a cat")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await session.run("a cat", save_to=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await session.list(page_size="many")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    SeedanceSession(observer=print, retries=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    raise SubmitUncertain("lost")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
