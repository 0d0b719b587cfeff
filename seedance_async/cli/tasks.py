"""``seedance status``, ``list``, ``cancel`` and ``delete``: looking at tasks, and ending them."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from seedance_async.cli.commands import command, setting, task_ids
from seedance_async.cli.exits import OK, REFUSED, worst
from seedance_async.cli.opening import opened, server_options
from seedance_async.cli.records import error_record, task_record, wants_json, write_json, write_text
from seedance_async.cli.reporting import said, tell
from seedance_async.cli.running import run_async
from seedance_async.cli.tables import Column, table
from seedance_async.cli.typed import typed, without

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from seedance_async.models import TaskPage, VideoTask
    from seedance_async.session import SeedanceSession

__all__ = ["cancel_command", "delete_command", "list_command", "status_command"]

_COLUMNS: Final = (
    Column("id"),
    Column("status"),
    Column("tokens", right=True, rank=1),
    Column("created", rank=2),
    Column("model", rank=3),
    Column("error", running_over=True),
)


@command("status")
@task_ids
@setting(
    "--urls", is_flag=True, help="With --json: also the signed addresses, which open the videos to anybody."
)
@server_options
def status_command(task_ids: tuple[str, ...], **options: Any) -> int:
    """Look at tasks once, whatever process ordered them."""

    async def look(session: SeedanceSession, task_id: str) -> tuple[dict[str, Any], str, int]:
        task = await session.get(task_id)
        return task_record(task, urls=options["urls"]), "\n".join(_table([task])[1:]), OK

    return run_async(_each(task_ids, look, options))


@command("list")
@setting("--status", help="Only tasks with this status.")
@setting("-m", "--model", help="Only tasks of this model or endpoint.")
@setting("--service-tier", help="default or flex; flex tasks are listed only when asked for.")
@setting("--page", type=click.IntRange(1, 500), default=1, show_default=True, help="Which page.")
@setting("--page-size", type=click.IntRange(1, 500), default=20, show_default=True, help="Tasks on a page.")
@setting("--all", "everything", is_flag=True, help="All pages, one a second.")
@setting(
    "--urls", is_flag=True, help="With --json: also the signed addresses, which open the videos to anybody."
)
@server_options
def list_command(**options: Any) -> int:
    """List the tasks of the last 7 days, the newest first."""
    return run_async(_list(options))


async def _list(options: dict[str, Any]) -> int:
    """Write the tasks of one page, or of all."""
    as_json = wants_json(options["as_json"])
    shown: list[VideoTask] = []
    more = False
    async with opened(options) as session:
        async for page in _pages(session, options):
            more = page.has_more
            for task in page.items:
                if as_json:
                    write_json(task_record(task, urls=options["urls"]))
                else:
                    shown.append(task)
    if not as_json:
        for line in _table(shown) if shown else ["No tasks."]:
            write_text(line)
    if more and sys.stderr.isatty():
        following = [*without(typed(), "--page"), "--page", str(options["page"] + 1)]
        tell(f"There are more, with --all or: {shlex.join(following)}")
    return OK


async def _pages(session: SeedanceSession, options: dict[str, Any]) -> AsyncIterator[TaskPage]:
    """Read the pages that are asked for."""
    number = options["page"]
    while True:
        page = await session.list(
            status=options["status"],
            model=options["model"],
            service_tier=options["service_tier"],
            page_num=number,
            page_size=options["page_size"],
        )
        yield page
        if not (options["everything"] and page.has_more):
            return
        number += 1


@command("cancel")
@task_ids
@server_options
def cancel_command(task_ids: tuple[str, ...], **options: Any) -> int:
    """Cancel tasks that are still queued; a running one cannot be stopped, and this says so.

    Never erases a result. The exit code is 4 when a task was not cancelled.
    """

    async def cancel(session: SeedanceSession, task_id: str) -> tuple[dict[str, Any], str, int]:
        done = await session.cancel(task_id)
        facts = {"result": done.result.value, "billed": done.billed.value}
        code = OK if done.result.value == "cancelled" else REFUSED
        return {"id": task_id, "status": done.task.status.value, **facts}, str(done), code

    return run_async(_each(task_ids, cancel, options))


@command("delete")
@task_ids
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@server_options
def delete_command(task_ids: tuple[str, ...], *, yes: bool, **options: Any) -> int:
    """Erase the records of tasks that ended, and with them the way to their videos."""
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("there is nobody to ask here; say --yes")
        click.confirm(
            f"Erase {len(task_ids)} records? Videos that are not on disk are lost", abort=True, err=True
        )

    async def delete(session: SeedanceSession, task_id: str) -> tuple[dict[str, Any], str, int]:
        await session.delete(task_id)
        return {"id": task_id, "result": "deleted"}, f"Task {task_id} was erased.", OK

    return run_async(_each(task_ids, delete, options))


async def _each(
    ids: Sequence[str],
    act: Callable[[SeedanceSession, str], Awaitable[tuple[dict[str, Any], str, int]]],
    options: dict[str, Any],
) -> int:
    """Do one thing to each task; what fails for one is told and hurts no other."""
    from seedance_async.cli.exits import code_of
    from seedance_async.errors import SeedanceError

    as_json, codes = wants_json(options["as_json"]), list[int]()
    async with opened(options) as session:
        for task_id in ids:
            try:
                record, text, code = await act(session, task_id)
            except SeedanceError as error:
                record, text, code = {"id": task_id, "error": error_record(error)}, "", code_of(error)
                tell(f"{task_id}: {said(error)}")
            codes.append(code)
            if as_json:
                write_json(record)
            elif text:
                write_text(text)
    return worst(codes)


def _table(tasks: Sequence[VideoTask]) -> list[str]:
    """Set tasks in a table."""
    return table(_COLUMNS, [_row(task) for task in tasks])


def _row(task: VideoTask) -> tuple[object, ...]:
    """Give the cells of one task."""
    created = None
    if task.created_at is not None:
        created = dt.datetime.fromtimestamp(task.created_at, dt.UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    error = None if task.error is None else task.error.text
    return task.id, task.status.value, task.tokens, created, task.model, error
