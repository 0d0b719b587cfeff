"""The whole pipeline on a cluster of this machine: its rows, a killed driver, and the page's program."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async.simulator import Simulator
from tests.ray.cluster import KEY, ROOT, LocalCluster, need_ray

if TYPE_CHECKING:
    from pathlib import Path

JOBS = 24


async def killed_after(sim: Simulator, cluster: LocalCluster, settings: dict[str, Any], tasks: int) -> None:
    """Run the pipeline and kill its driver once the server has accepted so many tasks."""
    driving = asyncio.create_task(cluster.drive(settings))
    async with asyncio.timeout(90):
        while sim.accepted < tasks and not driving.done():  # noqa: ASYNC110 - the simulator sets no event here
            await asyncio.sleep(0.05)
    driving.cancel()
    await asyncio.wait([driving])


async def shown(cluster: LocalCluster, folder: Path) -> str:
    """Run the program of docs/howto/ray.md as the page says, and give what it prints."""
    prompts = folder / "prompts.jsonl"
    page = (ROOT / "docs/howto/ray.md").read_text(encoding="utf-8")
    prompts.write_text(page.partition("```json\n")[2].partition("```")[0], encoding="utf-8")
    program = ROOT / "docs/examples/ray_pipeline.py"
    assert program.name in page
    running = await asyncio.create_subprocess_exec(
        sys.executable, str(program), str(prompts), str(folder / "page"), cwd=folder,
        env={**cluster.environment, "RAY_ADDRESS": cluster.address},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, words = await running.communicate()
    assert running.returncode == 0, words.decode()[-4000:]
    return out.decode()


@pytest.mark.asyncio
@pytest.mark.timeout(400)
async def test_a_pipeline_survives_its_driver(tmp_path: Path) -> None:
    """Killed in the middle and run again, each row has its one task and its video."""
    need_ray()
    out = tmp_path / "out"
    more = [{"key": "bad", "text": "too long", "seconds": 99, "note": -1}]
    settings = {"jobs": JOBS, "save_to": str(out), "claims": str(tmp_path / "claims"), "more": more}
    async with Simulator(work_seconds=0.5) as sim:
        env = {"SEEDANCE_API_KEY": KEY, "SEEDANCE_BASE_URL": sim.base_url}
        async with LocalCluster(env=env, workers=1) as cluster:
            await killed_after(sim, cluster, settings, JOBS // 3)
            assert 0 < sim.accepted < JOBS
            rows = {row["key"]: row for row in await cluster.drive(settings)}
            prompts = Counter(entry.prompt for entry in sim.ledger)
        assert prompts == {f"prompt {index}": 1 for index in range(JOBS)}
        refused = rows.pop("bad")
        assert (refused["state"], refused["task_id"], refused["note"]) == ("refused", None, -1)
        assert "duration=99" in refused["error"]
        check(rows, sim, out)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.soak
@pytest.mark.asyncio
async def test_the_pages_program_does_what_the_page_says(tmp_path: Path) -> None:
    """Two rows succeed and the third is refused, as the page shows."""
    need_ray()
    async with Simulator(work_seconds=0.5) as sim:
        env = {"SEEDANCE_API_KEY": KEY, "SEEDANCE_BASE_URL": sim.base_url}
        async with LocalCluster(env=env, workers=1) as cluster:
            words = await shown(cluster, tmp_path)
    assert [words.count(word) for word in (" succeeded", " refused")] == [2, 1]


def check(rows: dict[str, dict[str, Any]], sim: Simulator, out: Path) -> None:
    """Each row names the task that the server has for its prompt, and a video that is whole."""
    tasks = {entry.prompt: entry.id for entry in sim.ledger}
    assert sorted(rows) == sorted(f"job-{index}" for index in range(JOBS))
    for index in range(JOBS):
        row = rows[f"job-{index}"]
        assert (row["state"], row["note"], row["error"]) == ("succeeded", index, None)
        assert row["task_id"] == tasks[f"prompt {index}"]
        assert row["tokens"] > 0
        assert row["uri"] == (out / f"job-{index}.mp4").as_uri()
        video = (out / f"job-{index}.mp4").read_bytes()
        said = json.loads((out / f"job-{index}.mp4.json").read_text(encoding="utf-8"))
        assert hashlib.sha256(video).hexdigest() in json.dumps(said)
