"""A journal copied while its batch runs: the copy opens read-only, tells the truth, and disturbs nobody."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import OutcomeKind, PollPolicy
from seedance_async.errors import JournalError
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from seedance_async.simulator import Simulator
from tests.batch.stand import client, jobs, kinds, run

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = 20
WITHOUT_TASK = {JobState.PLANNED, JobState.SENDING}


def _copy(path: Path, copy: Path, *, with_log: bool) -> None:
    """Copy as ``cp`` does, file by file, whatever is written meanwhile."""
    shutil.copy(path, copy)
    if with_log:
        shutil.copy(path.with_name(f"{path.name}-wal"), copy.with_name(f"{copy.name}-wal"))


async def _told(copy: Path) -> dict[str, str | None] | str:
    """Give the task of each job in a copy, or why it is refused."""
    try:
        async with Journal.open(copy, read_only=True) as journal:
            rows = [row async for row in journal.rows()]
    except JournalError as error:
        return str(error)
    for row in rows:
        assert (row.task_id is None) == (row.state in WITHOUT_TASK)
        assert (row.request or {})["content"][0]["text"] == f"prompt of {row.key}"
    return {row.key: row.task_id for row in rows}


@pytest.mark.asyncio
@pytest.mark.parametrize("with_log", [True, False], ids=["with its log", "the file alone"])
async def test_a_copy_of_a_running_batch_opens_read_only(tmp_path: Path, *, with_log: bool) -> None:
    """Copy after copy while jobs are sent and land: whole rows, no invented task, and the batch ends well."""
    path, found = tmp_path / "run.db", list[dict[str, str | None] | str]()
    how: dict[str, Any] = {"journal": path, "save_to": tmp_path / "out", "concurrency": 5}
    async with (
        Simulator(work_seconds=0.1) as sim,
        client(sim, poll=PollPolicy(interval=0.1)) as session,
        asyncio.TaskGroup() as group,
    ):
        batch = group.create_task(run(session, jobs(NUMBER), **how))
        while not sim.accepted:  # noqa: ASYNC110 - the ledger sets no event
            await asyncio.sleep(0.01)
        while not batch.done() and len(found) < 8:
            copy = tmp_path / f"copy-{len(found)}.db"
            await asyncio.to_thread(_copy, path, copy, with_log=with_log)
            found.append(await _told(copy))
        assert kinds(await batch) == [OutcomeKind.SUCCEEDED] * NUMBER
    tasks = {entry.prompt: entry.id for entry in sim.ledger}
    assert len(tasks) == len(sim.ledger) == NUMBER
    # Nothing holds the batch up while its file is copied, so a copy may be torn, and is refused then.
    assert all("damaged" in why for why in found if isinstance(why, str))
    whole = [copy for copy in found if isinstance(copy, dict)]
    for copied in whole:
        for key, task in copied.items():
            assert task in {None, tasks[f"prompt of {key}"]}
    sizes = [len(copied) for copied in whole]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 0 or not with_log
