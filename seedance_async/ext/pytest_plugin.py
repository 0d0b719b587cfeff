"""The pytest plugin: a simulated server and a session for every test that asks for one.

Every pytest run of every user loads this module, so it imports nothing: the fixtures do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from seedance_async import SeedanceSession
    from seedance_async.ext.stand import SeedanceSettings, Stand
    from seedance_async.simulator import Simulator

__all__ = ["seedance_session", "seedance_settings", "seedance_sim"]

_MARKER = (
    "seedance(scenario=None, *, faults=(), work_seconds=2.0, session={}, sockets=False, strict=True, ...): "
    "what the fixtures seedance_sim and seedance_session play; takes every argument of Simulator."
)
_NO_LOOPTIME = (
    "The mark looptime asks for virtual time, and its plugin is not there, so the test would wait for real: "
    "pip install looptime"
)
_STAND: pytest.StashKey[Stand] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def seedance_settings(request: pytest.FixtureRequest) -> SeedanceSettings:
    """What simulator and session are made of: the defaults, changed by the markers ``seedance``.

    In virtual time (looptime) the defaults are those of the package; in real time they are quicker.
    Override it to change them for a folder::

        @pytest.fixture
        def seedance_settings(seedance_settings):
            return seedance_settings.but(work_seconds=1.0)
    """
    from seedance_async.ext.stand import SeedanceSettings

    marked = request.node.get_closest_marker("looptime")
    if marked and not hasattr(request.config.option, "looptime"):
        pytest.fail(_NO_LOOPTIME, pytrace=False)
    virtual = marked or request.config.getoption("looptime", None)
    settings = SeedanceSettings() if virtual else SeedanceSettings.quick()
    for marker in reversed(list(request.node.iter_markers("seedance"))):
        settings = settings.marked(*marker.args, **marker.kwargs)
    return settings


@pytest.fixture
def seedance_sim(request: pytest.FixtureRequest, seedance_settings: SeedanceSettings) -> Generator[Simulator]:
    """A simulated server; SEEDANCE_BASE_URL and SEEDANCE_API_KEY lead every session of the test to it."""
    from seedance_async.ext.stand import open_stand

    with open_stand(seedance_settings, getattr(request.node, "obj", None)) as stand:
        request.node.stash[_STAND] = stand
        yield stand.sim


@pytest.fixture
def seedance_session(request: pytest.FixtureRequest, seedance_sim: Simulator) -> SeedanceSession:
    """A session that talks to ``seedance_sim``; it is closed when the body of the test ends."""
    del seedance_sim  # makes the stand
    stand: Stand = request.node.stash[_STAND]
    return stand.new_session()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run the body of a test inside its stand, and judge the requests that it made."""
    stand = item.stash.get(_STAND, None)
    if stand is None:
        return (yield)
    with stand.around(item):
        result = yield
    if complaint := stand.complaint():
        pytest.fail(complaint, pytrace=False)
    return result
