"""The example programs: each runs as it stands against the simulator, and does what it says."""

from __future__ import annotations

import asyncio
import runpy
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
from aiohttp.test_utils import TestServer, unused_port

from seedance_async.simulator import assert_billed_once
from tests.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from aiohttp import web

    from seedance_async.simulator import Simulator

EXAMPLES = ROOT / "docs" / "examples"
LONGEST = 60

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples write where they are started."""
    monkeypatch.chdir(tmp_path)


def load(name: str) -> dict[str, Any]:
    """Give the names of an example program, without starting it."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


@asynccontextmanager
async def served(app: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """Start an ASGI application, and stop it again."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://app") as http,
    ):
        yield http


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
async def test_an_example_is_short(path: Path) -> None:
    """An example is read in one sitting."""
    assert len(path.read_text(encoding="utf-8").splitlines()) < LONGEST


async def test_one_prompt(
    seedance_sim: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One video is paid for and is on disk; the changes were told."""
    await load("one_prompt")["main"]()
    told = capsys.readouterr().out
    assert "succeeded" in told
    assert "cat.mp4 for " in told
    assert (tmp_path / "cat.mp4").stat().st_size
    assert seedance_sim.billed == 1


async def test_one_prompt_started_again_pays_for_no_video_that_cannot_land(
    seedance_sim: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second run finds the name taken before it orders anything."""
    await load("one_prompt")["main"]()
    with pytest.raises(SystemExit):
        await load("one_prompt")["main"]()
    assert "billed: no" in capsys.readouterr().out
    assert seedance_sim.accepted == 1


@pytest.mark.seedance("arrears")
async def test_one_prompt_that_is_refused(
    seedance_sim: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error is one line that says what was billed, and the exit code tells it."""
    with pytest.raises(SystemExit):
        await load("one_prompt")["main"]()
    assert "billed: no" in capsys.readouterr().out
    assert seedance_sim.accepted == 0


@pytest.mark.parametrize("places", [1, pytest.param(5, marks=pytest.mark.soak)])
async def test_fan_out(
    places: int, seedance_sim: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hundred different prompts make a hundred videos, each paid for once; twenty of them in a moment."""
    example = load("fan_out")
    example["main"].__globals__["PLACES"] = example["PLACES"][:places]
    await example["main"]()
    assert capsys.readouterr().out.splitlines() == [f"{20 * places} succeeded"]
    assert_billed_once(seedance_sim, *(request.prompt for request in example["requests"]()))
    assert len(list((tmp_path / "fan-out").glob("*.mp4"))) == 20 * places


@pytest.mark.seedance(work_seconds=60)
async def test_resume(seedance_sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """Cut off in the middle and started again, it pays for nothing twice and ends with everything."""
    example = load("resume")
    first = asyncio.create_task(example["main"]())
    await asyncio.sleep(30)
    assert seedance_sim.accepted == 4
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await example["main"]()
    assert_billed_once(seedance_sim, *example["PROMPTS"].values())
    assert capsys.readouterr().out.count(": saved, 1 POST") == 4


async def test_five_shots(seedance_sim: Simulator, tmp_path: Path) -> None:
    """Five shots in order, each ordered with the last frame of the one before."""
    example = load("five_shots")
    await example["main"]()
    assert [entry.prompt for entry in seedance_sim.ledger] == list(example["STORY"])
    assert len(list((tmp_path / "story").glob("*.mp4"))) == 5


async def test_draft_then_final(seedance_sim: Simulator, tmp_path: Path) -> None:
    """Drafts first; the second run orders the approved final alone."""
    example = load("draft_then_final")
    await example["main"]()
    assert seedance_sim.accepted == 2
    await example["main"]("door")
    assert seedance_sim.accepted == 3
    names = {path.name for path in (tmp_path / "drafts").glob("*.mp4")}
    assert names == {"door.draft.mp4", "stairs.draft.mp4", "door.mp4"}


async def test_spend_cap(seedance_sim: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not fit is left out, over two runs too; what was ordered stays below the cap."""
    example = load("spend_cap")
    await example["main"]()
    ordered = seedance_sim.accepted
    assert 0 < ordered < len(example["REQUESTS"])
    await example["main"]()
    assert seedance_sim.accepted == ordered
    assert capsys.readouterr().out.count("left out") == 2 * (len(example["REQUESTS"]) - ordered)


async def test_otel_observer(seedance_sim: Simulator, tmp_path: Path) -> None:
    """It disturbs nothing where no SDK is set up, and leaves no span open."""
    example = load("otel_observer")
    await example["main"]()
    assert (tmp_path / "traced.mp4").stat().st_size > 0
    assert seedance_sim.billed == 1


async def test_prometheus_observer(seedance_sim: Simulator, tmp_path: Path) -> None:
    """The figures that a scrape gets are those of the server."""
    await load("prometheus_observer")["main"]()
    figures = (tmp_path / "seedance.prom").read_text(encoding="utf-8")
    assert 'films_ended_total{status="succeeded"} 3.0' in figures
    assert "films_alive 0.0" in figures
    assert seedance_sim.billed == 3


@pytest.mark.seedance(work_seconds=60)
async def test_fastapi_app(seedance_sim: Simulator) -> None:
    """A batch goes on in the background, and a server that is restarted in the middle takes it up again."""
    async with served(load("fastapi_app")["app"]) as http:
        answer = await http.post("/batches", json=["a cat surfing", "a dog surfing"])
        name = answer.json()
        await asyncio.sleep(30)
    assert answer.status_code == 202
    assert [entry.status for entry in seedance_sim.ledger] == ["running", "running"]
    async with served(load("fastapi_app")["app"]) as http:
        await asyncio.sleep(300)
        done = (await http.get(f"/batches/{name}")).json()
    assert Counter(done.values()) == {"succeeded": 2}
    assert_billed_once(seedance_sim, "a cat surfing", "a dog surfing")


async def test_fastapi_app_with_a_batch_that_cannot_go_on(seedance_sim: Simulator, tmp_path: Path) -> None:
    """A journal that cannot be opened is told to who asks for its batch; the other batches are made."""
    folder = tmp_path / "batches"
    folder.mkdir()
    (folder / "broken.json").write_text('["never ordered"]', encoding="utf-8")
    (folder / "broken.db").write_text("no journal, and long enough to be read as one" * 9, encoding="utf-8")
    async with served(load("fastapi_app")["app"]) as http:
        name = (await http.post("/batches", json=["a cat surfing"])).json()
        await asyncio.sleep(300)
        broken = (await http.get("/batches/broken")).json()
        whole = (await http.get(f"/batches/{name}")).json()
    assert "broken.db" in broken["error"]
    assert list(whole.values()) == ["succeeded"]
    assert_billed_once(seedance_sim, "a cat surfing")
    assert {file.suffix for file in folder.iterdir() if file.stem == name} == {"", ".json", ".db"}


async def test_fastapi_app_killed_while_it_takes_an_order(
    seedance_sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prompts of which only a half was written are no batch after a restart: nobody was given its name."""
    app = load("fastapi_app")["app"]

    def died(*_: object) -> None:
        raise OSError("killed")

    async with served(app) as http:
        with monkeypatch.context() as disk:
            disk.setattr("pathlib.Path.rename", died)
            with pytest.raises(OSError, match="killed"):
                await http.post("/batches", json=["a cat surfing"])
    assert [file.suffix for file in (tmp_path / "batches").iterdir()] == [""]
    async with served(load("fastapi_app")["app"]):
        await asyncio.sleep(300)
    assert seedance_sim.accepted == 0


async def test_callback_app(seedance_sim: Simulator) -> None:
    """A video is ordered, its callback comes in, and the result is given to who asks."""
    port = unused_port()
    app: web.Application = load("callback_app")["make_app"](f"http://127.0.0.1:{port}")
    async with TestServer(app, port=port) as server, aiohttp.ClientSession(server.make_url("/")) as http:
        async with http.post("videos", json={"prompt": "a cat surfing"}) as answer:
            assert answer.status == 202
            task_id = (await answer.json())["id"]
        async with http.get(f"videos/{task_id}") as answer:
            found = await answer.json()
    assert found["status"] == "succeeded"
    assert found["video_url"]
    assert seedance_sim.counts["callback"] > 0
