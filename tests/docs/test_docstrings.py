"""The examples in docstrings, which the reference and editors show, run like those of the pages."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

import seedance_async
from seedance_async import PollPolicy, SeedanceSession, VideoRequest
from tests.checkout import ROOT
from tests.docs.blocks import Block, run
from tests.docs.docstrings import blocks_in, shown

if TYPE_CHECKING:
    from pathlib import Path

    from seedance_async.simulator import Simulator

NOT_RUN = {
    "seedance_async/ext/procrastinate/__init__.py": "a worker works until it is stopped; tests/procrastinate",
    "seedance_async/ext/pytest_plugin.py": "a fixture runs in a test of its own; tests/plugin",
    "seedance_async/ext/ray/__init__.py": "a cluster has a driver of its own; tests/ray",
}
FOUND = [pytest.param((path, block), id=f"{path.relative_to(ROOT)}:{block.line}") for path, block in shown()]
RUN = [one for one in FOUND if str(one.id).partition(":")[0] not in NOT_RUN]


def given(path: Path, session: SeedanceSession) -> dict[str, Any]:
    """Give what an example uses without making it: the public names, its module's, and what it is about."""
    home = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    request = VideoRequest(prompt="a harbour at dawn", duration=4)
    made = {"session": session, "request": request, "jobs": [("dawn", request)], "app": web.Application()}
    public = {name: getattr(seedance_async, name) for name in seedance_async.__all__}
    quick = partial(SeedanceSession, poll=PollPolicy(interval=0.05))
    return {"__name__": "__main__", **public, **vars(import_module(home)), **made, "SeedanceSession": quick}


@pytest.mark.asyncio
@pytest.mark.parametrize("example", RUN)
async def test_an_example_of_a_docstring_runs(
    example: tuple[Path, Block],
    seedance_session: SeedanceSession,
    seedance_sim: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever copies it out of an editor or the reference meets no error, and pays at most once."""
    path, block = example
    monkeypatch.chdir(tmp_path)
    source = block.source.replace("s3://bucket", f"file://{tmp_path}").replace("port=8080", "port=0")
    async with seedance_session:
        await run(Block(block.line, source), path, given(path, seedance_session), monkeypatch.setattr)
    assert len(seedance_sim.tasks) <= 1


def test_what_is_not_run_is_still_there() -> None:
    """A reason not to run an example stands only as long as there is one."""
    assert set(NOT_RUN) <= {str(one.id).partition(":")[0] for one in FOUND}
    assert len(RUN) >= 5


def test_an_example_is_told_from_a_drawing(tmp_path: Path) -> None:
    """What stands after two colons counts when it is Python, and its line is that of the file."""
    file = tmp_path / "some.py"
    file.write_text('"""A drawing::\n\n    a/<b>   c\n\nCode::\n\n    await one()\n    two()\n\nEnd.\n"""\n')
    assert blocks_in(file) == [Block(7, "await one()\ntwo()\n\n")]
