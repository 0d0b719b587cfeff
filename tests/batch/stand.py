"""What the tests of batches share: sessions on one server, runs as dicts, a look into journals."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from seedance_async import AccountLimits, Outcome, OutcomeKind, PollPolicy, SeedanceSession
from seedance_async.ledger.journal import Journal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable

    from seedance_async.batch import Job
    from seedance_async.ledger.rows import JobState, JournalRow
    from seedance_async.simulator import Simulator

KEY = "sk-test-0123456789abcdef"
CHEAP: dict[str, Any] = {"duration": 4, "resolution": "480p"}


def job(name: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    """Give a cheap job with a key."""
    return name, {"prompt": f"prompt of {name}", **CHEAP, **fields}


def jobs(number: int) -> list[tuple[str, dict[str, Any]]]:
    """Give some cheap jobs."""
    return [job(f"job-{index}") for index in range(number)]


@contextlib.asynccontextmanager
async def client(sim: Simulator, **given: Any) -> AsyncGenerator[SeedanceSession]:
    """Open a session on a server; no limits of ours, so that a test sees only what it asks for."""
    settings: dict[str, Any] = {
        "limits": AccountLimits.unlimited(),
        "poll": PollPolicy(interval=1.0),
        **given,
    }
    async with SeedanceSession(KEY, sim.base_url, **settings) as session:
        yield session


async def run(
    session: SeedanceSession, wanted: Iterable[Job] | AsyncIterable[Job], **how: Any
) -> dict[str, Outcome]:
    """Run a batch to its end; no key has two outcomes."""
    outcomes = [outcome async for outcome in session.run_many(wanted, **how)]
    found = {outcome.key: outcome for outcome in outcomes}
    assert len(found) == len(outcomes)
    return found


async def run_for(
    seconds: float, session: SeedanceSession, wanted: Iterable[Job], **how: Any
) -> dict[str, Outcome]:
    """Run a batch and leave it after some seconds."""
    found: dict[str, Outcome] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), contextlib.aclosing(_outcomes(session, wanted, how)) as outcomes:
            async for outcome in outcomes:
                found[outcome.key] = outcome
    return found


async def _outcomes(
    session: SeedanceSession, wanted: Iterable[Job], how: dict[str, Any]
) -> AsyncGenerator[Outcome]:
    """Give the outcomes; a generator, which can be closed."""
    async for outcome in session.run_many(wanted, **how):
        yield outcome


def kinds(outcomes: dict[str, Outcome]) -> list[OutcomeKind]:
    """Give the kinds by the order of the keys."""
    return [outcomes[key].kind for key in sorted(outcomes)]


async def rows(path: Path) -> dict[str, JournalRow]:
    """Read a journal."""
    async with Journal.open(path, read_only=True) as journal:
        return {row.key: row async for row in journal.rows()}


async def states(path: Path) -> dict[str, JobState]:
    """Give the state of each job."""
    return {key: row.state for key, row in (await rows(path)).items()}


async def served(sim: Simulator, task_id: str) -> str:
    """Give the SHA-256 of the video that the server has for a task."""
    headers = {"Authorization": f"Bearer {KEY}"}
    address = f"{sim.base_url}/contents/generations/tasks/{task_id}"
    async with aiohttp.ClientSession(headers=headers) as http, http.get(address) as answer:
        url = (await answer.json())["content"]["video_url"]
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return hashlib.sha256(await answer.read()).hexdigest()


def digest(path: Any) -> str:
    """Give the SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
