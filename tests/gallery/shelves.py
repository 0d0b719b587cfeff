"""Folders of videos and journals for the tests of what batches leave to look at."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedance_async import simulator
from seedance_async.errors import RequestRefused, SubmitUncertain
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import PlannedRow
from seedance_async.media.download import Landed
from seedance_async.media.sidecar import write_sidecar
from seedance_async.models import TaskError, TaskStatus, Usage, VideoTask

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIP = (Path(simulator.__file__).parent / "video" / "clip.mp4").read_bytes()
PRO = "doubao-seedance-1-5-pro-251215"
TOKENS = 108_900


def body(prompt: str = "a cat surfing", **fields: Any) -> dict[str, Any]:
    """Give a create body."""
    content = [{"type": "text", "text": prompt}]
    return {"model": PRO, "content": content, "resolution": "720p", "ratio": "16:9", "duration": 5, **fields}


def ended(task_id: str, status: TaskStatus = TaskStatus.SUCCEEDED, **fields: Any) -> VideoTask:
    """Give the last record of a task."""
    usage = Usage(completion_tokens=TOKENS, total_tokens=TOKENS) if status is TaskStatus.SUCCEEDED else None
    facts: dict[str, Any] = {
        "model": PRO,
        "created_at": 1_700_000_000,
        "updated_at": 1_700_000_056,
        "seed": 7,
    }
    raw = {"id": task_id, "status": status.value, "seed": 7, **facts}
    return VideoTask(id=task_id, status=status, usage=usage, raw=raw, **{**facts, **fields})


def put(folder: Path, name: str, request: Mapping[str, Any] | None = None, task_id: str = "cgt-1") -> Path:
    """Put a playable video into a folder, with its sidecar when a request is given."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CLIP)
    if request is not None:
        landed = Landed(path=path, size=len(CLIP), sha256=hashlib.sha256(CLIP).hexdigest())
        write_sidecar(path, request=request, task=ended(task_id), landed=landed)
    return path


async def accept(journal: Journal, key: str, index: int, request: Mapping[str, Any] | None = None) -> str:
    """Bring a job as far as a task; gives the task's id."""
    await journal.plan([PlannedRow(key=key, index=index, request=request or body(f"prompt of {key}"))])
    await journal.sending(Intent(key=key, attempt=1, fingerprint=None, facts={}, sent_at=1e9, until=1e9))
    await journal.accepted(key, f"cgt-{key}")
    return f"cgt-{key}"


async def save(journal: Journal, key: str, index: int, folder: Path, **fields: Any) -> Path:
    """Bring a job to its end, with its video on disk."""
    task_id = await accept(journal, key, index, body(f"prompt of {key}", **fields))
    await journal.ended(key, ended(task_id))
    path = put(folder, f"{key}.mp4", body(f"prompt of {key}", **fields), task_id)
    await journal.saved(key, file=str(path), size=len(CLIP), sha256="0" * 64)
    return path


async def fill(path: Path, folder: Path) -> None:
    """Write a journal with jobs in every state; the saved ones have their video in the folder."""
    async with Journal.open(path) as journal:
        await save(journal, "surf", 0, folder)
        await save(journal, "dance", 1, folder, seed=12)
        error = TaskError(code="OutputVideoSensitiveContentDetected", message="May be sensitive.")
        await accept(journal, "censored", 2)
        await journal.ended("censored", ended("cgt-censored", TaskStatus.FAILED, error=error))
        await journal.plan([PlannedRow(key="nomodel", index=3, request=body("no such model"))])
        await journal.sending(
            Intent(key="nomodel", attempt=1, fingerprint=None, facts={}, sent_at=1e9, until=1e9)
        )
        refusal = RequestRefused("Not open.", status=404, code="ModelNotOpen", request_id="0217953636")
        await journal.refused("nomodel", refusal)
        await accept(journal, "alive", 4)
        await journal.plan([PlannedRow(key="lost", index=5, request=body("lost on the way"))])
        await journal.sending(
            Intent(key="lost", attempt=1, fingerprint=None, facts={}, sent_at=1e9, until=1e9)
        )
        await journal.uncertain("lost", SubmitUncertain("Nobody knows.", key="lost"))
        await journal.plan([PlannedRow(key="later", index=6, request=body("not yet sent"))])
        await accept(journal, "landing", 7)
        await journal.ended("landing", ended("cgt-landing"))
        await accept(journal, "slow", 8)
        await journal.ended("slow", ended("cgt-slow", TaskStatus.EXPIRED))
