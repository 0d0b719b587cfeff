"""The description of the API (docs/reference/openapi.yaml) judges recorded answers and the simulator."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from seedance_async.simulator import Behaviour, ByHand, Fault, Simulator, ThreadedSimulator
from tests.checkout import ROOT
from tests.simulator.helpers import PRO_10, PRO_15, V20, V25, order, simulated, text

PAGE = ROOT / "docs" / "reference" / "openapi.yaml"
SAMPLES = sorted((ROOT / "tests" / "samples").glob("*.json"))
# The wrappers of other gateways are not this API.
OTHERS = re.compile(r"-(new-api|crazyrouter)")
# One answer was quoted in a bug report without its two times.
TIMES = {"created_at": 0, "updated_at": 0}
SCHEMA_OF = {"create": "Created", "get": "Task", "list": "Page", "error": "Error"}


@cache
def document() -> Any:
    """The description."""
    return yaml.safe_load(PAGE.read_text(encoding="utf-8"))


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """A validator of one schema of the description."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    return jsonschema_rs.Draft202012Validator(schema)


def wrong(name: str, value: Any) -> list[str]:
    """What a schema has against a value."""
    return [
        f"{'/'.join(map(str, error.instance_path))}: {error.message}"
        for error in validator(name).iter_errors(value)
    ]


@pytest.mark.parametrize(
    "path", [path for path in SAMPLES if not OTHERS.search(path.stem)], ids=lambda path: path.stem
)
def test_recorded_answers_fit(path: Path) -> None:
    """Every published answer of Ark is what the description says."""
    sample = json.loads(path.read_text(encoding="utf-8"))
    kind = path.stem.partition("-")[0]
    if kind == "delete":
        assert sample["body"] in ({}, "", None)
        return
    trimmed = TIMES if path.stem == "get-failed-audio" else {}
    assert wrong(SCHEMA_OF[kind], {**trimmed, **sample["body"]}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Created", {"task_id": "cgt-x"}),
        ("Task", {"id": "cgt-x", "model": "m", "status": "done", "created_at": 1, "updated_at": 1}),
        ("Task", {"id": "cgt-x", "model": "m", "status": "running", "created_at": "1", "updated_at": 1}),
        ("Task", {"id": "cgt-x", "model": "m", "status": "succeeded", "created_at": 1, "updated_at": 1}),
        ("Page", {"items": []}),
        ("Error", {"error": "upstream error"}),
        ("Create", {"model": PRO_15, "content": [{"type": "text"}]}),
        ("Create", {"model": "gpt", "content": [{"type": "text", "text": "a"}]}),
    ],
)
def test_the_description_can_say_no(name: str, value: Any) -> None:
    """A description that accepts anything would judge nothing."""
    assert wrong(name, value)


LIVES = [
    order(text("a cat"), model=PRO_15),
    order(text("a cat"), model=PRO_10, frames=29, service_tier="flex"),
    order(text("a cat"), model=V20, tools=[{"type": "web_search"}], priority=3),
    order(text("a cat"), model=V25, return_last_frame=True, safety_identifier="u-1"),
    order(text("[fail:OutputVideoSensitiveContentDetected]"), model=PRO_15),
]


@pytest.mark.asyncio
@pytest.mark.looptime
@pytest.mark.parametrize("bare", ["no", "until_end"])
async def test_whole_lives_fit(bare: Any) -> None:
    """Records of all models and statuses, as get and list show them, are what the description says."""
    async with simulated(queue_seconds=10, work_seconds=10, behaviour=Behaviour(bare_records=bare)) as (
        _,
        api,
    ):
        ids = [await api.new(life) for life in LIVES]
        await api.delete(ids[0])
        seen: set[str] = set()
        for _ in range(4):
            for task_id in ids:
                record = (await api.get(task_id)).json
                assert wrong("Task", record) == []
                seen.add(record["status"])
            for tier in ("default", "flex"):
                assert wrong("Page", (await api.list(f"filter.service_tier={tier}&page_size=50")).json) == []
            await asyncio.sleep(7)
        assert seen == {"queued", "running", "succeeded", "failed", "cancelled"}


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_an_expired_record_fits() -> None:
    """A task that expired shows neither a result nor a bill."""
    async with simulated(behaviour=Behaviour(progression=ByHand())) as (_, api):
        task_id = await api.new(order(execution_expires_after=3600))
        await asyncio.sleep(3601)
        record = (await api.get(task_id)).json
        assert (record["status"], wrong("Task", record)) == ("expired", [])


CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance"
)


def driven(sim: Any, examples: int, phases: str, *more: str) -> str:
    """Let schemathesis ask the simulator for everything that the description allows; what it said."""
    arguments = ["--url", sim.base_url, "--header", "Authorization: Bearer k", "--checks", CHECKS]
    arguments += [
        "--max-examples",
        str(examples),
        "--phases",
        phases,
        "--seed",
        "1",
        "--generation-deterministic",
    ]
    arguments += ["--no-color", *more]
    program = str(Path(sys.executable).with_name("schemathesis"))
    done = subprocess.run(
        [program, "run", str(PAGE), *arguments], capture_output=True, text=True, check=False
    )
    return f"exit {done.returncode}\n{done.stdout}{done.stderr}"


@pytest.mark.timeout(180)  # a program of its own, on a machine that may be busy
def test_schemathesis_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the description allows is answered as it says, never with a 5xx, in series of calls too."""
    monkeypatch.chdir(tmp_path)
    with ThreadedSimulator(Simulator(work_seconds=0.0)) as sim:
        output = driven(sim, 15, "examples,coverage,fuzzing,stateful")
        assert output.startswith("exit 0\n"), output
        assert sim.accepted > 10
        for route in ("create", "get", "list", "delete"):
            assert sim.counts[route] > 10, sim.counts


@pytest.mark.timeout(180)
def test_schemathesis_would_find_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers a list where an object belongs does not pass."""
    monkeypatch.chdir(tmp_path)
    fault = Fault("list_body", route="list", times=None)
    with ThreadedSimulator(Simulator(faults=[fault])) as sim:
        output = driven(sim, 1, "fuzzing", "--include-operation-id", "listTasks", "--max-failures", "1")
        assert output.startswith("exit 1\n"), output
        assert "Response violates schema" in output
