"""Jobs for the tests of journal and claims, brought to whatever state a test starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedance_async.errors import AnswerLost, RequestRefused
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.rows import JobState, PlannedRow
from seedance_async.models import TaskError, TaskStatus, Usage, VideoTask

if TYPE_CHECKING:
    from seedance_async.ledger.claims import Claims
    from seedance_async.ledger.journal import Journal

LOST = AnswerLost("The connection broke after the request was sent.")
REFUSED = RequestRefused("the prompt is empty", status=400, code="InvalidParameter", request_id="r-1")
SHA = "ab" * 32
ENDS = (JobState.SUCCEEDED, JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED)


def intent(key: str, *, attempt: int = 1, fingerprint: int | None = 172_801) -> Intent:
    """Give a POST that is about to go out."""
    facts = {"model": "doubao-seedance-1-5-pro-251215", "duration": 5}
    return Intent(
        key=key,
        attempt=attempt,
        fingerprint=fingerprint,
        facts=facts,
        sent_at=1000.5,
        until=1060.5,
        clock_offset=-1.25,
    )


def task(task_id: str, state: JobState) -> VideoTask:
    """Give the last record of a task that ended so."""
    failed = state is JobState.FAILED
    error = TaskError(code="InternalServiceError", message="try later") if failed else None
    url = f"https://videos.example/{task_id}.mp4?X-Tos-Signature=secret"
    return VideoTask(
        id=task_id,
        status=TaskStatus(state.value),
        error=error,
        usage=Usage(completion_tokens=108_900) if state is JobState.SUCCEEDED else None,
        video_url=url,
        raw={"id": task_id, "status": state.value, "content": {"video_url": url}, "tools": [{"type": "web"}]},
    )


async def bring(
    book: Journal | Claims, key: str, state: JobState, *, task_id: str = "", sent: Intent | None = None
) -> None:
    """Bring a new key to a state by the moves that lead there."""
    task_id = task_id or f"cgt-{key}"
    await book.plan([PlannedRow(key=key, request={"prompt": key})])
    if state is JobState.PLANNED:
        return
    await book.sending(sent or intent(key))
    if state is JobState.REFUSED:
        await book.refused(key, REFUSED)
    elif state is JobState.UNCERTAIN:
        await book.uncertain(key, LOST)
    elif state is not JobState.SENDING:
        await book.accepted(key, task_id)
        await _finish(book, key, state, task_id)


async def _finish(book: Journal | Claims, key: str, state: JobState, task_id: str) -> None:
    """Go on from accepted."""
    if state is JobState.SAVED:
        await book.ended(key, task(task_id, JobState.SUCCEEDED))
        await book.saved(key, file=f"{key}.mp4", size=7, sha256=SHA)
    elif state is not JobState.ACCEPTED:
        await book.ended(key, task(task_id, state))
