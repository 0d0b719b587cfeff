"""What a type checker sees of the public names: read by mypy and basedpyright in `make check`, never run.

Each `assert_type` fails there when a name's type changes, and each `type: ignore` of mypy's when a mistake
that was an error stops being one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import assert_type

from seedance_async import (
    AccountLimits,
    Estimate,
    Outcome,
    SeedanceSession,
    TaskStatus,
    Usage,
    VideoRequest,
    VideoTask,
    as_completed,
    estimate,
    wait_for,
)


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
