"""``seedance reconcile``: what became of orders whose answer got lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedance_async.cli.commands import command, setting
from seedance_async.cli.exits import OK, UNCERTAIN, worst
from seedance_async.cli.opening import opened, server_options
from seedance_async.cli.records import error_record, wants_json, write_json, write_text
from seedance_async.cli.running import run_async
from seedance_async.errors import InvalidRequest, SubmitUncertain

if TYPE_CHECKING:
    from seedance_async.ledger.journal import Journal
    from seedance_async.models import VideoTask
    from seedance_async.session import SeedanceSession

__all__ = ["reconcile_command"]


@command("reconcile")
@click.argument("keys", metavar="[KEY]...", nargs=-1)
@setting("--journal", metavar="FILE", help="The journal of a batch; without KEYs all that is open in it.")
@click.option("--sent-at", type=float, metavar="UNIX", help="Without a journal: when it was sent.")
@click.option(
    "--until", type=float, metavar="UNIX", help="Without a journal: until when it may have been accepted."
)
@click.option(
    "--fingerprint", type=int, help="Without a journal: the execution_expires_after that it carried."
)
@click.option("--task", metavar="ID", help="With --journal: you found it, this is the task of KEY.")
@click.option(
    "--absent", is_flag=True, help="With --journal: your word that KEY has no task; it is ordered anew."
)
@setting("--look-seconds", type=float, default=120.0, show_default=True, help="How long to look for each.")
@server_options
def reconcile_command(keys: tuple[str, ...], **options: Any) -> int:
    """Look for the tasks of orders whose answer got lost. Orders nothing.

    Give the journal of the batch; or, for an order without a journal, KEY, --sent-at, --until and
    --fingerprint as its message told. Whoever has found out by hand, in the console of the account, settles
    one KEY of a journal with --task or --absent. Exit code 0: it is known now, the record says "found" or
    "absent" (only then may it be ordered again); 6: still unknown.
    """
    if options["journal"] is None and (len(keys) != 1 or options["sent_at"] is None):
        raise click.UsageError("give --journal, or one KEY and --sent-at")
    if options["task"] or options["absent"]:
        _check_word(keys, options)
    if options["journal"] is not None and not Path(options["journal"]).is_file():
        raise InvalidRequest(field="--journal", value=options["journal"], limit="is not there")
    return run_async(_reconcile(keys, options))


async def _reconcile(keys: tuple[str, ...], options: dict[str, Any]) -> int:
    """Look for all that is asked for."""
    from seedance_async.batch.opening import journal_of
    from seedance_async.settings import RetryPolicy

    async with opened(options, retry=RetryPolicy(reconcile_budget=options["look_seconds"])) as session:
        if options["journal"] is None:
            return await _look(session, _lost(keys[0], options), None, options)
        async with journal_of(options["journal"], session) as journal:
            if options["task"] or options["absent"]:
                return await _settle(session, journal, keys[0], options)
            wanted = keys or await _open_keys(journal)
            if not wanted and not wants_json(options["as_json"]):
                write_text("Nothing is open.")
            return worst([await _look(session, key, journal, options) for key in wanted])


def _check_word(keys: tuple[str, ...], options: dict[str, Any]) -> None:
    """Refuse a person's word that does not say about which order."""
    if options["journal"] is None or len(keys) != 1 or (options["task"] and options["absent"]):
        raise click.UsageError("give --task or --absent with one KEY and its --journal")


async def _settle(session: SeedanceSession, journal: Journal, key: str, options: dict[str, Any]) -> int:
    """Put on record what a person found out; a task must be there.

    Raises:
        InvalidRequest: the end of this order is not unknown.
        TaskNotFound: there is no such task.
        JournalError: the task belongs to another order.
    """
    if await journal.find(key) is None:
        limit = "must name an order of this journal whose end is unknown"
        raise InvalidRequest(field="KEY", value=key, limit=limit)
    if options["absent"]:
        await journal.absent(key)
        text = f"{key}: noted as never accepted, on your word; the next run orders it."
        _show({"key": key, "id": None, "result": "absent"}, text, options)
        return OK
    task = await session.get(options["task"])
    await journal.accepted(key, task.id)
    _show_found(key, task, options)
    return OK


async def _open_keys(journal: Journal) -> tuple[str, ...]:
    """Give the keys of all orders whose end is unknown."""
    from seedance_async.ledger.rows import OPEN_STATES

    return tuple([row.key async for row in journal.rows(states=OPEN_STATES, requests=False)])


def _lost(key: str, options: dict[str, Any]) -> SubmitUncertain:
    """Rebuild the error that an order ended with."""
    sent_at = options["sent_at"]
    return SubmitUncertain(
        "The answer to this order got lost.",
        key=key,
        sent_at=sent_at,
        until=options["until"] or sent_at,
        fingerprint=options["fingerprint"],
    )


async def _look(
    session: SeedanceSession, lost: str | SubmitUncertain, journal: Journal | None, options: dict[str, Any]
) -> int:
    """Look for one, and write what was found."""
    key = lost if isinstance(lost, str) else lost.key
    try:
        task = await session.reconcile(lost, intents=journal)
    except SubmitUncertain as error:
        record = {"key": key, "id": None, "result": "uncertain", "error": error_record(error)}
        _show(record, f"{key}: {error.message}", options)
        return UNCERTAIN
    if task is None:
        text = f"{key}: proven not to have been accepted; it may be ordered again."
        _show({"key": key, "id": None, "result": "absent"}, text, options)
    else:
        _show_found(key, task, options)
    return OK


def _show_found(key: str, task: VideoTask, options: dict[str, Any]) -> None:
    """Write the task of an order."""
    text = f"{key}: found as {task.id} ({task.status.value}). Fetch it: seedance wait {task.id} --out ."
    _show({"key": key, "id": task.id, "result": "found", "status": task.status.value}, text, options)


def _show(record: dict[str, Any], text: str, options: dict[str, Any]) -> None:
    """Write the answer."""
    if wants_json(options["as_json"]):
        write_json(record)
    else:
        write_text(text)
