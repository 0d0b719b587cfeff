"""``seedance wait`` and ``download``: results of tasks that are at the server already."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from seedance_async.cli.commands import command, setting, task_ids
from seedance_async.cli.exits import OK, code_of, worst
from seedance_async.cli.opening import opened, server_options
from seedance_async.cli.placing import out_option
from seedance_async.cli.records import outcome_record, outcome_row, wants_json, write_json, write_text
from seedance_async.cli.reporting import tell
from seedance_async.cli.running import run_async
from seedance_async.errors import InvalidRequest, SeedanceError, WaitTimeout
from seedance_async.media.names import fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from seedance_async.events import Event
    from seedance_async.models import VideoTask
    from seedance_async.outcomes import Outcome
    from seedance_async.session import SeedanceSession

__all__ = ["download_command", "wait_command"]

_NOT_FOUND: Final = 404


@command("wait")
@task_ids
@out_option("Also save the videos there.")
@setting("--timeout", type=float, metavar="SECONDS", help="How long to wait; the tasks go on after it.")
@setting("--overwrite", is_flag=True, help="Replace existing files.")
@server_options
def wait_command(task_ids: tuple[str, ...], **options: Any) -> int:
    """Wait for tasks, whatever process ordered them, and save their videos with --out."""
    return run_async(_fetch(task_ids, options))


@command("download")
@task_ids
@out_option("Where the videos go.", default=".")
@setting("--overwrite", is_flag=True, help="Replace existing files.")
@server_options
def download_command(task_ids: tuple[str, ...], **options: Any) -> int:
    """Save the videos of tasks that succeeded; goes on where an earlier download broke off."""
    return run_async(_fetch(task_ids, {**options, "timeout": 0.0}))


async def _fetch(ids: Sequence[str], options: dict[str, Any]) -> int:
    """Wait for all at once, and write one line for each as it ends."""
    from seedance_async.progress import Progress

    out = _folder(options["out"], len(ids))
    as_json, quiet, codes = wants_json(options["as_json"]), options["quiet"], list[int]()
    with Progress(total=len(ids)) as progress:

        def show(outcome: Outcome) -> None:
            if not quiet:
                progress.note(outcome)
            codes.append(OK if not isinstance(outcome.error, SeedanceError) else code_of(outcome.error))
            with progress.paused():
                if as_json:
                    write_json(outcome_record(outcome))
                else:
                    write_text(outcome_row(outcome))

        lookers = () if quiet else (progress, _doubts(ids, options["timeout"], progress.say))
        async with opened(options, *lookers) as session:
            await _all(session, ids, {**options, "out": out}, show)
    return worst(codes)


def _doubts(ids: Sequence[str], timeout: float | None, say: Callable[[str], None]) -> Callable[[Event], None]:
    """Give an observer that says once that a task is not known: the wait goes on for a while all the same."""
    from seedance_async.events import RequestSent
    from seedance_async.settings import PollPolicy

    grace = PollPolicy().not_found_grace
    seconds = grace if timeout is None else min(grace, timeout)
    which = f"task {ids[0]}" if len(ids) == 1 else "one of the tasks"
    told = not seconds

    def observe(event: Event) -> None:
        nonlocal told
        if not told and isinstance(event, RequestSent) and (event.route, event.status) == ("get", _NOT_FOUND):
            told = True
            say(f"The server does not know {which} yet; it is asked again for {seconds:g} s.")

    return observe


async def _all(
    session: SeedanceSession, ids: Sequence[str], options: dict[str, Any], show: Callable[[Outcome], None]
) -> None:
    """Work on all tasks at once; the watcher looks at them together."""

    async def one(task_id: str) -> None:
        show(await _one(session, task_id, options))

    try:
        async with asyncio.TaskGroup() as group:
            for task_id in ids:
                group.create_task(one(task_id))
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    except asyncio.CancelledError:
        tell("Stopped waiting; the tasks go on at the server. The same command goes on from here.")
        raise


async def _one(session: SeedanceSession, task_id: str, options: dict[str, Any]) -> Outcome:
    """Wait for one task and save its video."""
    from seedance_async.outcomes import Outcome, OutcomeKind, kind_of

    task, path = None, None
    try:
        task = await _ended(session, task_id, options["timeout"])
        if options["out"] is not None:
            path = await session.download(task, options["out"], overwrite=options["overwrite"])
    except SeedanceError as error:
        last = getattr(error, "task", None) or task
        return Outcome(
            key=task_id,
            kind=kind_of(error, accepted=last is not None, ended=last is not None and last.is_terminal),
            task=last,
            error=error,
        )
    return Outcome(key=task_id, kind=OutcomeKind.SUCCEEDED, task=task, path=path)


async def _ended(session: SeedanceSession, task_id: str, seconds: float | None) -> VideoTask:
    """Wait for the end of a task, and tell one that never was from one that takes longer.

    Raises:
        WaitTimeout: it takes longer.
        TaskNotFound: the server never showed it.
    """
    from seedance_async.waiting import wait_for

    try:
        return await wait_for(session, task_id, timeout=seconds)
    except WaitTimeout as error:
        if error.task is None:
            await session.get(task_id)
        raise


def _folder(out: str | None, count: int) -> str | None:
    """Take the target of several videos for a folder.

    Raises:
        InvalidRequest: several videos cannot have one name.
    """
    if out is None or count == 1:
        return out
    if "{" in Path(out).name:
        if fields_of(Path(out).name).isdisjoint({"task_id", "key"}):
            limit = "must hold {task_id} or {key} for several tasks, which are not counted here"
            raise InvalidRequest(field="--out", value=out, limit=limit)
        return out
    if out.lower().endswith((".mp4", ".mov")):
        raise InvalidRequest(
            field="--out", value=out, limit="must be a folder or a template for several tasks"
        )
    return out if out.endswith("/") else f"{out}/"
