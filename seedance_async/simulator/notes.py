"""Callbacks that are due: what of a change is called back about, and in which words (api docs 1520757)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from seedance_async.simulator.dialects import dialect_at
from seedance_async.simulator.jsons import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.simulator.desk import Desk
    from seedance_async.simulator.tasks import SimTask

_RESULTS = ("succeeded", "failed")


@frozen(kw_only=True)
class Note:
    """A callback that is due.

    Args:
        url: Where to.
        task_id: The task that changed.
        result: It succeeded or failed: the changes that are documented to be tried again.
        body: The record of the task.
        forged: What somebody else might send: the same task, failed.
    """

    url: str
    task_id: str
    result: bool
    body: bytes
    forged: bytes


def notes_of(desk: Desk, task: SimTask, when: float) -> Sequence[Note]:
    """The callbacks of a change at the moment `when`; a cancel is not called back about."""
    url, behaviour = task.order.callback_url, desk.world.behaviour
    if url is None or task.status == "cancelled":
        return ()
    dialect = dialect_at(task.prefix, behaviour)
    forged = encode({"id": task.id, "status": "failed"})

    def note(body: bytes) -> Note:
        return Note(url=url, task_id=task.id, result=task.status in _RESULTS, body=body, forged=forged)

    true = note(encode(dialect.record(desk.record(task, when))))
    return [*([note(forged)] if behaviour.callback_forged else []), *[true] * behaviour.callback_copies]
