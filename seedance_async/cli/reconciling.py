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
@setting("--look-seconds", type=float, default=120.0, show_default=True, help="How long to look for each.")
@server_options
def reconcile_command(keys: tuple[str, ...], **options: Any) -> int:
    """Look for the tasks of orders whose answer got lost. Orders nothing.

    Give the journal of the batch; or, for an order without a journal, KEY, --sent-at, --until and
    --fingerprint as its message told. Exit code 0: it is known now, the record says "found" or "absent"
    (only then may it be ordered again); 6: still unknown.
    """
    if options["journal"] is None and (len(keys) != 1 or options["sent_at"] is None):
        raise click.UsageError("give --journal, or one KEY and --sent-at")
    if options["journal"] is not None and not Path(options["journal"]).is_file():
        raise InvalidRequest(field="--journal", value=options["journal"], limit="is not there")
    return run_async(_reconcile(keys, options))


async def _reconcile(keys: tuple[str, ...], options: dict[str, Any]) -> int:
    """Look for all that is asked for."""
    from seedance_async.ledger.journal import Journal
    from seedance_async.settings import RetryPolicy

    async with opened(options, retry=RetryPolicy(reconcile_budget=options["look_seconds"])) as session:
        if options["journal"] is None:
            return await _look(session, _lost(keys[0], options), None, options)
        async with Journal.open(options["journal"], account=session.settings.base_url) as journal:
            wanted = keys or await _open_keys(journal)
            if not wanted and not wants_json(options["as_json"]):
                write_text("Nothing is open.")
            return worst([await _look(session, key, journal, options) for key in wanted])


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
        text = f"{key}: found as {task.id} ({task.status.value}). Fetch it: seedance wait {task.id} --out DIR"
        _show({"key": key, "id": task.id, "result": "found", "status": task.status.value}, text, options)
    return OK


def _show(record: dict[str, Any], text: str, options: dict[str, Any]) -> None:
    """Write the answer."""
    if wants_json(options["as_json"]):
        write_json(record)
    else:
        write_text(text)
