"""A batch that lands in an object store, a real S3 server on loopback: left in the middle and resumed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import OutcomeKind, PollPolicy, RetryPolicy, Timeouts
from seedance_async.ledger.rows import JobState
from seedance_async.media.storage import Store
from seedance_async.simulator import Fault, Simulator
from tests.batch.stand import client, jobs, kinds, rows, run, served
from tests.landing.buckets import call, content, dangling, lead_to, s3_server

if TYPE_CHECKING:
    from pathlib import Path

    from seedance_async import SeedanceSession

pytest.importorskip("obstore")
pytest.importorskip("moto.server")

NUMBER = 12
FAULTS = (
    Fault(kind="reset", when="after", times=2),
    Fault(kind="wrong_length", route="video", times=3),
    Fault(kind="reset", route="video", when="after", times=2),
)


async def _left_early(session: SeedanceSession, number: int, how: dict[str, Any]) -> set[str]:
    """Leave the batch after some outcomes; gives their keys."""
    outcomes = session.run_many(jobs(NUMBER), **how)
    early = {(await anext(outcomes)).key for _ in range(number)}
    await outcomes.aclose()
    return early


@pytest.mark.asyncio
async def test_a_batch_in_s3_is_gone_on_with_and_nothing_is_paid_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left after three of twelve, the next run brings the rest; a job has one task, object and sidecar."""
    patience: dict[str, Any] = {
        "timeouts": Timeouts(request=2.0),
        "retry": RetryPolicy(wait_initial=0.05, wait_max=0.2, settling=0.3, looks=2),
        "poll": PollPolicy(interval=0.2),
    }
    how: dict[str, Any] = {
        "journal": tmp_path / "run.db",
        "save_to": "s3://videos/batch/{key}",
        "concurrency": 6,
    }
    with s3_server() as server:
        lead_to(server, monkeypatch)
        await call("PUT", "videos")
        store = Store("s3://videos/batch")
        async with Simulator(work_seconds=0.3, faults=FAULTS, seed=5) as sim:
            async with client(sim, **patience) as session:
                early = await _left_early(session, 3, how)
            async with client(sim, **patience) as session:
                found = await run(session, jobs(NUMBER), **how)
            assert kinds(found) == [OutcomeKind.SUCCEEDED] * NUMBER
            assert early < set(found)
            assert sorted(entry.prompt for entry in sim.ledger) == sorted(
                fields["prompt"] for _, fields in jobs(NUMBER)
            )
            for key, row in (await rows(tmp_path / "run.db")).items():
                assert (row.state, row.file) == (JobState.SAVED, f"s3://videos/batch/{key}.mp4")
                video = hashlib.sha256(await content(store, f"{key}.mp4")).hexdigest()
                assert video == row.sha256 == await served(sim, str(row.task_id))
                assert json.loads(await content(store, f"{key}.mp4.json"))["sha256"] == row.sha256
        assert (await call("GET", "videos?list-type=2")).count(b"<Key>") == 2 * NUMBER
        assert not await dangling("videos")
