"""Ray pipelines for as long as it takes: whole clusters killed with -9, and the account's quotas held.

Prints what it saw: kills, tasks, how long it took, and the most requests of each route in any window.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter, deque
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async._wire import clock
from seedance_async.simulator import Simulator
from tests.limits.helpers import most_in_window
from tests.ray.cluster import KEY, LocalCluster, need_ray

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

pytestmark = [pytest.mark.soak, pytest.mark.asyncio, pytest.mark.timeout(3600)]

JOBS = 200
KILLS = 3
WINDOWS = {"create": (600, 60.0), "get": (20, 1.0), "list": (1, 1.0)}
"""Requests of each route in so many seconds that an enterprise account may make (api docs 1520757)."""


@contextlib.asynccontextmanager
async def served() -> AsyncGenerator[tuple[Simulator, LocalCluster]]:
    """A server with an account's quotas that remembers every request, and a cluster that speaks to it."""
    need_ray()
    async with Simulator(work_seconds=1.0) as sim:
        sim.server.log.last = deque()
        env = {"SEEDANCE_API_KEY": KEY, "SEEDANCE_BASE_URL": sim.base_url}
        async with LocalCluster(env=env) as cluster:
            yield sim, cluster


def settings(folder: Path, **more: Any) -> dict[str, Any]:
    """What the driver is told."""
    places = {"save_to": str(folder / "out"), "claims": str(folder / "claims")}
    return {"jobs": JOBS, "concurrency": 40, "batch_size": 4, **places, **more}


def windows(sim: Simulator) -> dict[str, int]:
    """Count the most requests of each route in any of its windows."""
    return {
        route: most_in_window([seen.at for seen in sim.requests if seen.route == route], seconds)
        for route, (_, seconds) in WINDOWS.items()
    }


def check(sim: Simulator, rows: list[dict[str, Any]], folder: Path) -> None:
    """One task per job, every video there, no window with more than one request too many."""
    assert Counter(entry.prompt for entry in sim.ledger) == {f"prompt {index}": 1 for index in range(JOBS)}
    assert Counter(row["state"] for row in rows) == {"succeeded": JOBS}
    assert len(list((folder / "out").glob("*.mp4"))) == JOBS
    assert {row["task_id"] for row in rows} == {entry.id for entry in sim.ledger}
    for route, most in windows(sim).items():
        assert most <= WINDOWS[route][0] + 1, f"{most} {route} requests in one window"


async def kill_all(sim: Simulator, cluster: LocalCluster, told: dict[str, Any], random: Random) -> int:
    """Kill cluster and driver at a random moment while tasks are created; gives how many there were."""
    moment = sim.accepted + random.randrange(1, JOBS // (KILLS + 1))
    driving = asyncio.create_task(cluster.drive(told))
    async with asyncio.timeout(600):
        while sim.accepted < moment and not driving.done():  # noqa: ASYNC110 - the simulator sets no event
            await asyncio.sleep(0.02)
    await asyncio.sleep(random.uniform(0.0, 0.3))
    driving.cancel()
    await cluster.kill()
    with contextlib.suppress(asyncio.CancelledError):
        await driving
    return sim.accepted


def say(capsys: pytest.CaptureFixture[str], sim: Simulator, words: str) -> None:
    """Show what was seen, also where it is not what should be."""
    answers = Counter(seen.status for seen in sim.requests if seen.route != "video")
    with capsys.disabled():
        sys.stdout.write(
            f"\n{words}; {sim.accepted} tasks; requests {dict(sim.counts)}; most in a window {windows(sim)}; "
            f"answers {dict(answers)}\n"
        )


async def test_a_pipeline_survives_its_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Cluster and driver are killed three times: no job is paid twice, and all are done in the end."""
    random, told, moments, started = Random(3), settings(tmp_path), list[int](), clock.monotonic()
    async with served() as (sim, cluster):
        for _ in range(KILLS):
            moments.append(await kill_all(sim, cluster, told, random))
            await cluster.start()
        rows = await cluster.drive(told)
        states = dict(Counter(row["state"] for row in rows))
        say(capsys, sim, f"killed after {moments} tasks; {states}; {clock.monotonic() - started:.0f} s")
        check(sim, rows, tmp_path)


@pytest.mark.parametrize("workers", [2, 8])
async def test_quotas_hold(workers: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """However many workers there are, no window holds more than one request too many."""
    async with served() as (sim, cluster):
        rows = await cluster.drive(settings(tmp_path, workers=workers))
        say(capsys, sim, f"{workers} workers")
        check(sim, rows, tmp_path)
