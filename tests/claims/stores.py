"""The stores of claims that tests are run over, and jobs brought to whatever state a test starts from."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import psycopg
from attrs import evolve, field, frozen
from obstore.store import MemoryStore, S3Store

from seedance_async.ledger.claims import Claims
from seedance_async.ledger.journal import Journal
from tests.journal import jobs
from tests.journal.jobs import LOST, REFUSED, SHA
from tests.postgres import database

if TYPE_CHECKING:
    from pathlib import Path

    from seedance_async.ledger.intents import Intent
    from seedance_async.ledger.rows import JobState

Book: TypeAlias = Journal | Claims

SHARED = ("memory", "folder", "s3", "postgres")
ALL = ("sqlite", *SHARED)


@frozen
class Stand:
    """One store, which any number of owners may open one after the other or at once.

    Attributes:
        kind: one of :data:`ALL`.
        folder: a folder of the test.
        s3: address of an S3 server.
    """

    kind: str
    folder: Path
    s3: str = ""
    _place: list[Any] = field(factory=list[Any], init=False)

    def open(self, **how: Any) -> Book:
        """Open the store as another owner."""
        if self.kind == "sqlite":
            return Journal.open(self.folder / "run.db")
        return self.claims(**how)

    def claims(self, **how: Any) -> Claims:
        """Open a store that several owners may have open at once."""
        known: dict[str, Any] = {"lease": 5.0}
        return Claims.open(self.place, **known | how)

    @property
    def place(self) -> Any:
        """What the store is opened by; made at the first use."""
        if not self._place:
            self._place.append(self._make())
        return self._place[0]

    def _make(self) -> Any:
        if self.kind == "memory":
            return MemoryStore()
        if self.kind == "folder":
            return f"file://{self.folder}/claims"
        if self.kind == "postgres":
            return database()
        return S3Store(
            "claims",
            prefix=uuid4().hex,
            endpoint=self.s3,
            region="us-east-1",
            access_key_id="test",
            secret_access_key="test",
            client_options={"allow_http": True},
        )

    def silence(self, owner_id: str) -> None:
        """Let the last sign of life of an owner be an hour old."""
        if self.kind == "postgres":
            with psycopg.connect(self.place, autocommit=True) as connection:
                late = "UPDATE seedance_owners SET alive_at = alive_at - interval '1 hour' WHERE id = %s"
                connection.execute(late.encode(), [owner_id])
        else:
            path = self.folder / "claims" / "owners" / owner_id
            os.utime(path, (time.time() - 3600, time.time() - 3600))


def intent(key: str, **fields: Any) -> Intent:
    """Give a POST that is about to go out now: whoever comes late to it sees that it is over."""
    now = time.time()
    known: dict[str, Any] = {"sent_at": now, "until": now + 60}
    return evolve(jobs.intent(key), **known | fields)


async def bring(book: Book, key: str, state: JobState, *, task_id: str = "") -> None:
    """Bring a new key to a state by the moves that lead there, its POST sent just now."""
    await jobs.bring(book, key, state, task_id=task_id, sent=intent(key))


def verbs(book: Book, key: str) -> dict[str, Any]:
    """Give every move of a job by its name."""
    return {
        "sending": partial(book.sending, intent(key)),
        "accepted": partial(book.accepted, key, "cgt-another"),
        "refused": partial(book.refused, key, REFUSED),
        "absent": partial(book.absent, key),
        "uncertain": partial(book.uncertain, key, LOST),
        "saved": partial(book.saved, key, file="b.mp4", size=8, sha256=SHA),
        "reset": partial(book.reset, key),
    }
