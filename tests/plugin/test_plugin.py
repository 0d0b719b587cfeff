"""The pytest plugin as its users meet it: in the runs of other people's test suites."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Runs = Callable[..., pytest.RunResult]

pytest_plugins = ["pytester"]

ASYNC_TESTS = """
    import asyncio
    import os
    import aiohttp
    import pytest
    from seedance_async import SeedanceSession, TaskStatus, TaskFailed, wait_for
    from seedance_async.simulator import Fault, Quotas, assert_billed_once

    {mark}

    async def test_a_video(seedance_session, seedance_sim, tmp_path):
        video = await seedance_session.run("a cat", save_to=tmp_path / "cat.mp4")
        assert video.task.status is TaskStatus.SUCCEEDED
        assert_billed_once(seedance_sim, "a cat")
        assert [seen.route for seen in seedance_sim.requests][0] == "create"
        assert seedance_sim.billed == 1

    async def test_each_test_has_its_own_server(seedance_sim):
        assert seedance_sim.accepted == 0

    @pytest.mark.seedance(faults=[Fault("reset", when="after")])
    async def test_a_lost_answer(seedance_session, seedance_sim):
        await seedance_session.submit("a cat")
        assert seedance_sim.counts["create"] == 1
        assert_billed_once(seedance_sim, "a cat")

    @pytest.mark.seedance(sockets=True)
    async def test_over_sockets(seedance_session, seedance_sim):
        await wait_for(seedance_session, await seedance_session.submit("a cat"))

    async def test_the_environment_leads_there(seedance_sim):
        async with SeedanceSession() as session:
            task = await session.submit("from the environment")
        assert list(seedance_sim.tasks) == [task.id]

    @pytest.fixture
    def base(seedance_sim):
        return seedance_sim.base_url

    async def test_the_address_is_known_to_fixtures(base, seedance_sim):
        async with SeedanceSession("k", base) as session:
            await session.submit("a cat")
        assert seedance_sim.accepted == 1

    @pytest.mark.seedance("no-list")
    async def test_a_named_scenario(seedance_session, seedance_sim):
        await wait_for(seedance_session, await seedance_session.submit("a cat"))
        assert seedance_sim.scenario.name == "no-list"
        assert_billed_once(seedance_sim)

    @pytest.mark.seedance(api_key="sk-mine")
    class TestMarked:
        @pytest.mark.seedance(work_seconds=30)
        async def test_markers_add_up(self, seedance_session, seedance_sim):
            task = await seedance_session.submit("a cat")
            assert (await seedance_session.get(task.id)).status is not TaskStatus.SUCCEEDED
            assert os.environ["SEEDANCE_API_KEY"] == "sk-mine"
"""

SYNC_TESTS = """
    import asyncio
    import os
    import unittest
    import urllib.request
    import pytest
    from seedance_async import SeedanceSession
    from seedance_async.simulator import Fault, Simulator, assert_billed_once

    def order():
        async def main():
            async with SeedanceSession() as session:
                return (await session.submit("a cat")).id
        return asyncio.run(main())

    @pytest.mark.seedance(faults=[Fault("status", status=429, code="RequestBurstTooFast")])
    def test_a_program_with_its_own_loop(seedance_sim):
        task_id = order()
        assert seedance_sim.tasks[task_id].order.prompt == "a cat"
        seedance_sim.finish(task_id)
        assert_billed_once(seedance_sim, task_id)

    def test_another_client(seedance_sim):
        url = seedance_sim.base_url + "/contents/generations/tasks"
        asked = urllib.request.Request(url, headers={"Authorization": "Bearer k"})
        with urllib.request.urlopen(asked) as got:
            assert got.status == 200
        assert [seen.route for seen in seedance_sim.requests] == ["list"]

    class TestBlocking(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def _simulated(self, seedance_sim):
            self.sim = seedance_sim

        def test_order(self):
            order()
            self.assertEqual(self.sim.billed, 1)

    class TestAsync(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            self.sim = await self.enterAsyncContext(Simulator(work_seconds=0.01))
            self.session = await self.enterAsyncContext(SeedanceSession("k", self.sim.base_url))

        async def test_order(self):
            await self.session.submit("a cat")
            assert_billed_once(self.sim, "a cat")

    @pytest.mark.xfail(strict=True, reason="there is no loop to use it in")
    def test_a_session_wants_a_loop(seedance_session):
        pass
"""


@pytest.fixture
def runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Run a test file in a process of its own, warnings as errors, with plugins as named."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(code: str, *plugins: str, **ini: str) -> pytest.RunResult:
        pytester.makepyfile(textwrap.dedent(code))
        lines = ["filterwarnings = error", *(f"{name} = {value}" for name, value in ini.items())]
        pytester.makeini("\n".join(["[pytest]", "addopts = --strict-markers", *lines]))
        named = [f"-p{name}" for name in ("seedance_async.ext.pytest_plugin", *plugins)]
        return pytester.runpytest_subprocess(*named)

    return run


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_with_pytest_asyncio(runs: Runs, mode: str) -> None:
    """Fixtures, markers, environment and sockets work under both modes of pytest-asyncio."""
    mark = "pytestmark = pytest.mark.asyncio" if mode == "strict" else ""
    ini = {"asyncio_mode": mode, "asyncio_debug": "true", "asyncio_default_fixture_loop_scope": "function"}
    runs(ASYNC_TESTS.format(mark=mark), "pytest_asyncio.plugin", **ini).assert_outcomes(passed=8)


def test_with_anyio(runs: Runs) -> None:
    """The same tests pass under anyio's plugin, on asyncio."""
    mark = 'pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]'
    runs(ASYNC_TESTS.format(mark=mark), "anyio.pytest_plugin").assert_outcomes(passed=8)


def test_without_any_async_plugin(runs: Runs) -> None:
    """Sync tests and unittest need pytest alone: the simulator runs in a thread."""
    runs(SYNC_TESTS).assert_outcomes(passed=4, xfailed=1)


VIRTUAL = """
    import pytest

    @pytest.mark.asyncio
    @pytest.mark.looptime
    async def test_a_day(seedance_sim):
        raise AssertionError("waits for hours")

    async def test_no_mark_needs_nothing(seedance_sim):
        pass
"""


def test_virtual_time_without_looptime_is_refused(runs: Runs) -> None:
    """A test that counts on virtual time is not left waiting real hours where looptime is not there."""
    ini = {"asyncio_mode": "auto", "asyncio_default_fixture_loop_scope": "function"}
    result = runs(VIRTUAL, "pytest_asyncio.plugin", markers="looptime: registered by hand", **ini)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*mark looptime*pip install looptime*"])


STRANGE = """
    import asyncio
    import os
    import aiohttp
    import pytest
    from seedance_async.simulator import Simulator

    pytestmark = pytest.mark.asyncio
    KEY = {"Authorization": "Bearer sk-very-secret-0123456789"}

    async def ask(url, **given):
        async with aiohttp.ClientSession() as http:
            async with http.request(given.pop("method", "GET"), url, **given) as got:
                return await got.text()

    async def test_wrong_route(seedance_sim):
        url = seedance_sim.base_url + "/content/generations/tasks?token=sk-very-secret-0123456789"
        await ask(url, method="POST", headers=KEY)

    async def test_leaked_key(seedance_session, seedance_sim):
        from seedance_async import wait_for
        done = await wait_for(seedance_session, await seedance_session.submit("a cat"))
        await ask(done.video_url, headers=KEY)

    @pytest.mark.seedance(strict=False)
    async def test_allowed(seedance_sim):
        await ask(seedance_sim.base_url + "/models")

    async def test_unknown_task_is_an_ordinary_answer(seedance_sim):
        await ask(seedance_sim.base_url + "/contents/generations/tasks/cgt-x", headers=KEY)
"""


def test_a_strange_request_fails_the_test(runs: Runs) -> None:
    """An unknown route and a leaked key fail their test, with the nearest route and without the key."""
    result = runs(STRANGE, "pytest_asyncio.plugin", asyncio_default_fixture_loop_scope="function")
    result.assert_outcomes(failed=2, passed=2)
    output = result.stdout.str()
    assert "test_wrong_route" in output
    assert (
        "POST /api/v3/content/generations/tasks?token=… (Bearer ***) is no route of the API; "
        "the nearest is POST /api/v3/contents/generations/tasks" in output
    )
    assert "carried the API key to the video host" in output
    assert "sk-very-secret" not in output.replace(textwrap.dedent(STRANGE), "")


FIXTURES = """
    import pytest
    import pytest_asyncio
    from seedance_async import wait_for

    pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def seedance_settings(seedance_settings):
        return seedance_settings.but(work_seconds=0.2, session={"timeouts": None})

    @pytest_asyncio.fixture
    async def task(seedance_session):
        return await seedance_session.submit("made by a fixture")

    async def test_a_fixture_may_order(task, seedance_session, seedance_sim):
        done = await wait_for(seedance_session, task)
        assert done.id == task.id
        assert seedance_sim.ledger[0].prompt == "made by a fixture"

    async def test_a_failing_test_shows_its_own_error(seedance_sim):
        assert seedance_sim.accepted == 7
"""


def test_async_fixtures_and_overridden_settings(runs: Runs) -> None:
    """An async fixture may use the session before the body runs; settings are overridden by a fixture."""
    result = runs(FIXTURES, "pytest_asyncio.plugin", asyncio_default_fixture_loop_scope="function")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*assert 0 == 7*"])


def test_the_plugin_is_announced() -> None:
    """Without an entry point nobody would find it."""
    found = {point.value for point in entry_points(group="pytest11")}
    assert "seedance_async.ext.pytest_plugin" in found


LOAD = """
import sys, pytest
from time import process_time
began = process_time()
import seedance_async.ext.pytest_plugin
print(process_time() - began, *sys.modules)
"""


def test_an_unrelated_run_pays_nothing() -> None:
    """Loading the plugin takes at most 5 ms of CPU and brings neither aiohttp nor attrs nor asyncio along."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", LOAD], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(3)
    ]
    assert min(float(run[0]) for run in runs) <= 0.005
    assert not {"aiohttp", "attr", "attrs", "asyncio", "tenacity"} & set(runs[0])
