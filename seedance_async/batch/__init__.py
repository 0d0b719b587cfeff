"""Batches that survive: many prompts, each with one outcome, whatever ends the process meanwhile.

``session.run_many(jobs, journal="run.db", save_to="out/")`` puts every step of every job on record before the
next one is taken. Run the same call again, after a crash too, and it goes on where it was.
"""

from __future__ import annotations

import math
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from seedance_async.batch.brake import Brake, BrakedIntents
from seedance_async.batch.chaining import Chains
from seedance_async.batch.chains import Link, draft_then_final, shots
from seedance_async.batch.files import Checked, check_jobs, read_jobs
from seedance_async.batch.handle import Handle
from seedance_async.batch.jobs import Job, Line
from seedance_async.batch.opening import open_books
from seedance_async.batch.outbox import Outbox
from seedance_async.batch.policy import Action, OnFailure, policy_of, retried_kinds
from seedance_async.batch.problems import BatchStopped, ChainBroken, SubmitsHalted
from seedance_async.batch.purse import purse_for
from seedance_async.batch.rescuing import rescue
from seedance_async.batch.runner import Run
from seedance_async.batch.showing import gallery_folder, leave_gallery
from seedance_async.batch.source import Source
from seedance_async.batch.stopping import StopSwitch
from seedance_async.batch.worker import Worker
from seedance_async.errors import InvalidRequest
from seedance_async.landing import crew_for
from seedance_async.media.targets import aim_of

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, AsyncIterable, Collection, Iterable

    from seedance_async.batch.books import Books
    from seedance_async.batch.purse import Purse
    from seedance_async.ledger.journal import Journal
    from seedance_async.media.targets import Aim
    from seedance_async.outcomes import Outcome, OutcomeKind
    from seedance_async.session import SeedanceSession
    from seedance_async.settings import Budget

__all__ = [
    "Action",
    "BatchStopped",
    "ChainBroken",
    "Checked",
    "Job",
    "Line",
    "Link",
    "OnFailure",
    "StopSwitch",
    "SubmitsHalted",
    "check_jobs",
    "draft_then_final",
    "read_jobs",
    "rescue",
    "run_many",
    "shots",
]

_BESIDES_ALIVE: Final = 32
_MOST_AT_ONCE: Final = 1000


async def run_many(
    session: SeedanceSession,
    requests: Iterable[Job] | AsyncIterable[Job],
    *,
    journal: str | os.PathLike[str] | Journal | None = None,
    save_to: str | os.PathLike[str] | None = None,
    budget: Budget | None = None,
    concurrency: int | None = None,
    on_failure: OnFailure = None,
    retry_failed: bool | Collection[OutcomeKind | str] = False,
    stop: StopSwitch | None = None,
    gallery: bool = False,
) -> AsyncGenerator[Outcome]:
    """Run many prompts and give an Outcome for each as it ends, in the order of ending.

    The input is read lazily, only as far as there is room, so it may be endless. What cannot be read is an
    Outcome, too (REFUSED). Leaving the loop cancels what has not been sent and stops waiting for the rest,
    which goes on at the server; :func:`contextlib.aclosing` sees to it at once, so that the journal is free.

    With a journal the same call again goes on: submits whose end is unknown are reconciled before anything
    new is sent, finished jobs are given from the journal without a request, accepted ones are waited for, and
    videos that are not on disk yet are fetched. The key names a job: the caller's own, or one derived from
    the request.

    Args:
        session: the session that submits, watches and downloads.
        requests: an iterable or async iterable of jobs, see :data:`Job`.
        journal: path of a journal, made when it does not exist, or an open Journal; None keeps nothing.
        save_to: a folder, an address in an object store (``s3://bucket/folder``), or either with a template
            as its last part: ``{key}``, ``{task_id}`` or ``{index}``; None downloads nothing.
        budget: the most that may be spent; what earlier runs of the journal spent counts. A job that does not
            fit is SKIPPED.
        concurrency: prompts worked on at once; default: the account's ``max_alive`` and some that download.
        on_failure: what follows a job that does not succeed, see :class:`Action`: one for all, or per class
            of error. Usually the others go on; nothing more is submitted after QuotaExhausted, a refused key
            (401, or one that may not look at what it ordered), a disk or a journal that cannot be written;
            and what was refused for now is tried once more at the end.
        retry_failed: which failures of earlier runs are submitted again: True for all, or some of ``failed``,
            ``refused``, ``expired`` and ``cancelled``. Never done unasked, because it costs again.
        stop: stops the run gracefully when it is thrown.
        gallery: whether ``index.html``, a page that plays the videos, is written into the folder of
            ``save_to`` at the end, also after a graceful stop; see
            :func:`seedance_async.media.gallery.write_gallery`. A page that cannot be written then is only
            logged: it takes no outcome away.

    Yields:
        One Outcome per job that was read.

    Raises:
        InvalidRequest: an argument is not valid; ``gallery`` with videos that do not go to this machine, too.
        JournalLocked: another process owns the journal.
        JournalError: the journal cannot be opened.
    """
    aim = aim_of(save_to) if save_to is not None else None
    page_in = gallery_folder(aim) if gallery else None
    policy, retried = policy_of(on_failure), retried_kinds(retry_failed)
    at_once = _concurrency(session, concurrency)
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(Source(requests))
        books, opened = await stack.enter_async_context(open_books(journal, session))
        worker = _worker(session, books, purse_for(budget, opened), aim, stop)
        run = Run(
            source=source,
            outbox=Outbox(at_once),
            worker=worker,
            chains=Chains(session=session, books=books),
            journal=opened,
            policy=policy,
            retried=retried,
            concurrency=at_once,
        )
        handle = await stack.enter_async_context(Handle(run))
        if stop is not None:
            stack.enter_context(stop.attached(handle))
        while (outcome := await run.outbox.take()) is not None:
            yield outcome
        await handle.ended()
        if page_in is not None and (stop is None or stop.times <= 1):
            await leave_gallery(page_in, opened, budget)


def _worker(
    session: SeedanceSession, books: Books, purse: Purse | None, aim: Aim | None, stop: StopSwitch | None
) -> Worker:
    """Put together what carries out jobs."""
    brake = Brake()
    return Worker(
        session=session,
        books=books,
        intents=BrakedIntents(books, brake),
        brake=brake,
        purse=purse,
        crew=crew_for(session, aim) if aim is not None else None,
        uncertain={},
        stop=stop,
    )


def _concurrency(session: SeedanceSession, asked: int | None) -> int:
    """Give the number of prompts worked on at once."""
    if asked is None:
        alive = session.settings.limits.max_alive
        return _MOST_AT_ONCE if math.isinf(alive) else min(_MOST_AT_ONCE, int(alive) + _BESIDES_ALIVE)
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:
        raise InvalidRequest(field="concurrency", value=asked, limit="must be a whole number from 1 up")
    return asked
