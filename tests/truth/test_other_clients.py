"""Other people's clients live whole task lives against the simulator: what they understand, it plays right.

Each runs as its users run it, in a process of its own. Those that are heavy are installed by `make clients`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async.simulator import (
    Behaviour,
    ByHand,
    Fault,
    Simulator,
    ThreadedSimulator,
    assert_billed_once,
)
from seedance_async.simulator.proof import complaints

if TYPE_CHECKING:
    from collections.abc import Generator

CLIENTS = Path(sys.prefix) / "clients"
MODEL = "doubao-seedance-1-5-pro-251215"


def needs(module: str) -> pytest.MarkDecorator:
    """Skip where a client is not installed, and say how it comes."""
    missing = find_spec(module) is None and not (CLIENTS / module).is_dir()
    return pytest.mark.skipif(missing, reason=f"{module} is not installed: make clients")


@contextmanager
def simulated(**given: Any) -> Generator[Simulator]:
    """A simulator in a thread, which was asked for nothing that the API does not have."""
    settings: dict[str, Any] = {"work_seconds": 0.2, **given}
    with ThreadedSimulator(Simulator(**settings)) as threaded:
        sim: Any = threaded
        yield sim
        assert complaints(sim) == []


def run(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the clients at hand, and a home of its own for what they leave there."""
    inherited = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "COVERAGE"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**inherited, "HOME": str(folder), "PYTHONPATH": str(CLIENTS), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def said(done: subprocess.CompletedProcess[str]) -> Any:
    """The JSON that a client printed."""
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


SDK = """
import json, sys, time
from {module} import {client}
ark = {client}(base_url=sys.argv[1], api_key="sdk-key", max_retries=0)
tasks = ark.content_generation.tasks
content = [dict(type="text", text="a fox")]
made = tasks.create(model="{model}", content=content, ratio="16:9", duration=5, seed=11)
while (task := tasks.get(task_id=made.id)).status not in ("succeeded", "failed"):
    time.sleep(0.05)
page = tasks.list(task_ids=[made.id], status="succeeded", page_size=10)
tasks.delete(task_id=made.id)
try:
    tasks.get(task_id=made.id)
    gone = ""
except Exception as error:
    gone = type(error).__name__
print(json.dumps(dict(
    id=made.id, status=task.status, seed=task.seed, duration=task.duration,
    tokens=task.usage.completion_tokens, url=task.content.video_url,
    total=page.total, listed=[item.id for item in page.items], gone=gone,
)))
"""


@pytest.mark.parametrize(
    ("module", "model"),
    [
        pytest.param("volcenginesdkarkruntime", MODEL, marks=needs("volcenginesdkarkruntime")),
        pytest.param(
            "byteplussdkarkruntime", "seedance-1-5-pro-251215", marks=needs("byteplussdkarkruntime")
        ),
    ],
)
def test_the_official_sdks(module: str, model: str, tmp_path: Path) -> None:
    """Both official SDKs create, watch, list and delete a task, and read what they expect in its record."""
    with simulated() as sim:
        code = SDK.format(module=module, client="Ark", model=model)
        life = said(run(tmp_path, "-W", "ignore", "-c", code, sim.base_url))
        assert (life["status"], life["seed"], life["duration"], life["tokens"]) == (
            "succeeded",
            11,
            5,
            108_900,
        )
        assert (life["total"], life["listed"], life["gone"]) == (1, [life["id"]], "ArkNotFoundError")
        assert life["url"].startswith(f"{sim.origin}/video/")
        assert_billed_once(sim, life["id"])


BYTEPLUS_PY = """
import json, sys
from byteplus_py import BytePlus, BytePlusAPIError
seedance = BytePlus(api_key="k", base_url=sys.argv[1]).seedance
content = [dict(type="text", text="a fox")]
task = seedance.submit(model="seedance-1-5-pro-251215", content=content, duration=4)
done = seedance.wait(task.id, interval=0.05)
path = seedance.download_video(done)
listed = [item.id for item in seedance.list(task_ids=[task.id], page_size=5).items]
seedance.delete(task.id)
try:
    failed = ""
    seedance.subscribe(model="seedance-1-5-pro-251215", interval=0.05, content=[
        dict(type="text", text="[fail:OutputVideoSensitiveContentDetected]")])
except BytePlusAPIError as error:
    failed = str(error)
size = path.stat().st_size
print(json.dumps(dict(id=task.id, status=done.status, size=size, listed=listed, failed=failed)))
"""


@needs("byteplus_py")
def test_byteplus_py(tmp_path: Path) -> None:
    """byteplus-py submits, waits, downloads without showing its key, lists, deletes, and sees a failure."""
    with simulated() as sim:
        life = said(run(tmp_path, "-W", "ignore", "-c", BYTEPLUS_PY, sim.base_url))
        assert (life["status"], life["listed"]) == ("succeeded", [life["id"]])
        assert life["size"] > 1000
        assert "finished with status failed" in life["failed"]
        assert (sim.accepted, sim.billed) == (2, 1)


def ordered(sim: Simulator) -> str:
    """The id of a task that was ordered without any client."""
    body = {"model": MODEL, "content": [{"type": "text", "text": "a fox"}]}
    asked = urllib.request.Request(  # noqa: S310 - the simulator's own address
        f"{sim.base_url}/contents/generations/tasks",
        data=json.dumps(body).encode(),
        headers={"Authorization": "Bearer k", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        return str(json.load(answer)["id"])


def seedance_cli(folder: Path, sim: Simulator, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run zjandrew-seedance-cli."""
    program = "from seedance_cli.__main__ import main; main()"
    named = ("--endpoint", sim.base_url, "--api-key", "k", "--yes")
    return run(folder, "-W", "ignore", "-c", program, *named, *arguments)


@needs("seedance_cli")
def test_zjandrew_seedance_cli(tmp_path: Path) -> None:
    """The command line submits, watches, downloads and lists."""
    with simulated() as sim:
        made = said(
            seedance_cli(
                tmp_path, sim, "generate", "-p", "a fox", "-m", MODEL, "--duration", "4",
                "--poll-interval", "0.1", "--out", str(tmp_path / "fox.mp4"),
            )
        )  # fmt: skip
        assert made["data"]["status"] == "succeeded"
        assert (tmp_path / "fox.mp4").stat().st_size > 1000
        listed = said(seedance_cli(tmp_path, sim, "task", "list", "--status", "succeeded"))
        assert made["data"]["task_id"] in json.dumps(listed)
        assert_billed_once(sim, "a fox")


@needs("seedance_cli")
def test_zjandrew_seedance_cli_cancels(tmp_path: Path) -> None:
    """DELETE of a queued task cancels it for free; of a running one the server says 409 and it goes on."""
    with simulated(behaviour=Behaviour(progression=ByHand())) as sim:
        ids = [ordered(sim) for _ in range(2)]
        sim.advance(ids[1])
        results = [seedance_cli(tmp_path, sim, "task", "delete", task_id) for task_id in ids]
        assert results[0].returncode == 0, results[0].stdout
        assert results[1].returncode != 0
        assert (sim.tasks[ids[0]].status, sim.tasks[ids[1]].status) == ("cancelled", "running")
        assert sim.billed == 1


@needs("seedance_cli")
def test_the_ledger_shows_a_clients_double_payment(tmp_path: Path) -> None:
    """A client that repeats a lost create pays twice, and the ledger is how one finds out."""
    with simulated(faults=[Fault("status", status=500, when="after")]) as sim:
        seedance_cli(tmp_path, sim, "generate", "-p", "a fox", "-m", MODEL, "--async")
        with pytest.raises(AssertionError, match="2 paid task"):
            assert_billed_once(sim, "a fox")
