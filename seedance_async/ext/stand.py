"""What the pytest fixtures stand on: one simulator per test, started in the test's own loop."""

from __future__ import annotations

import functools
import inspect
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import pytest
from attrs import evolve, field, frozen

from seedance_async import AccountLimits, PollPolicy, RetryPolicy, SeedanceSession
from seedance_async.in_process import InProcess
from seedance_async.simulator import Simulator
from seedance_async.simulator.proof import complaints
from seedance_async.simulator.scenario_files import load_scenario
from seedance_async.simulator.threaded import ThreadedSimulator

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from seedance_async._wire.exchange import WireResponse
    from seedance_async.simulator import Scenario

__all__ = ["KEY", "SeedanceSettings", "Stand", "open_stand"]

KEY = "sk-simulated-0123456789"
"""The key that the tests use; it opens nothing."""


@frozen(kw_only=True)
class SeedanceSettings:
    """What a test's simulator and session are made of; by itself their own defaults, without a pace.

    Attributes:
        simulator: arguments of :class:`seedance_async.simulator.Simulator`.
        session: arguments of :class:`seedance_async.SeedanceSession`.
        sockets: let ``seedance_session`` talk HTTP to the simulator too, instead of in process.
        strict: fail a test that asked for no route of the API, or showed its key to the video host.
    """

    simulator: Mapping[str, Any] = field(factory=dict[str, Any])
    session: Mapping[str, Any] = field(factory=lambda: {"limits": AccountLimits.unlimited()})
    sockets: bool = False
    strict: bool = True

    @classmethod
    def quick(cls) -> SeedanceSettings:
        """For tests in real time: tasks end in a moment, and nobody waits long for anything."""
        return cls().but(
            work_seconds=0.05,
            session={
                "poll": PollPolicy(interval=0.02, max_interval=0.2),
                "retry": RetryPolicy(wait_initial=0.01, wait_max=0.1, settling=0.2),
            },
        )

    @property
    def key(self) -> str:
        """The key that the simulator accepts."""
        return str(self.simulator.get("api_key") or KEY)

    def but(
        self,
        *,
        session: Mapping[str, Any] | None = None,
        sockets: bool | None = None,
        strict: bool | None = None,
        **simulator: Any,
    ) -> SeedanceSettings:
        """Change some of it; what is not named stays.

        Args:
            session: arguments of SeedanceSession.
            sockets: see the attribute.
            strict: see the attribute.
            **simulator: arguments of Simulator.
        """
        return evolve(
            self,
            simulator={**self.simulator, **simulator},
            session={**self.session, **(session or {})},
            sockets=self.sockets if sockets is None else sockets,
            strict=self.strict if strict is None else strict,
        )

    def marked(self, scenario: Scenario | str | Path | None = None, **changes: Any) -> SeedanceSettings:
        """Apply one marker ``seedance``.

        Args:
            scenario: a scenario, the name of one of the gallery, or a TOML file.
            **changes: as in :meth:`but`.
        """
        if scenario is not None:
            changes["scenario"] = load_scenario(scenario) if isinstance(scenario, str | Path) else scenario
        return self.but(**changes)


class _Item(Protocol):
    """The part of a pytest item that is run."""

    obj: Callable[..., Any]


class Stand:
    """The simulator of one test, and the sessions that go with it.

    It starts at the first request or with the body of the test, whichever comes first, and ends with the
    body: only there a loop runs that is certainly the test's own.

    Args:
        settings: what to play.
    """

    def __init__(self, settings: SeedanceSettings) -> None:
        self._settings = settings
        self._simulator = Simulator(**settings.simulator)
        self._open: AsyncExitStack | None = None
        self._sessions: list[SeedanceSession] = []

    @property
    def sim(self) -> Simulator:
        """What the test sees of the simulator."""
        return self._simulator

    def new_session(self) -> SeedanceSession:
        """A session that is not open yet; it will be closed with the stand."""
        given: dict[str, Any] = {"api_key": self._settings.key, **self._settings.session}
        given.setdefault("base_url", self.sim.base_url)
        if not self._settings.sockets:
            given.setdefault("transport", _InStand(self))
        session = SeedanceSession(**given)
        self._sessions.append(session)
        return session

    async def start(self) -> Simulator:
        """Start the simulator in the running loop, unless it has been."""
        if self._open is None:
            self._open = AsyncExitStack()
            await self._open.enter_async_context(self._simulator)
            self._open.push_async_callback(self._close_sessions)
        return self._simulator

    async def _close_sessions(self) -> None:
        for session in self._sessions:
            await session.close()

    @contextmanager
    def around(self, item: pytest.Item) -> Generator[None]:
        """Put a test's coroutine inside the life of the simulator, whoever is going to run it."""
        target = cast("_Item", item)
        body = target.obj

        @functools.wraps(body)
        async def inside(*args: Any, **named: Any) -> Any:
            await self.start()
            async with cast("AsyncExitStack", self._open):
                return await body(*args, **named)

        target.obj = inside
        try:
            yield
        finally:
            target.obj = body

    def complaint(self) -> str:
        """What this test did that no test can have meant; nothing when all is well."""
        lines = complaints(self.sim) if self._settings.strict else []
        return "\n".join(["the simulator was asked for something strange:", *lines]) if lines else ""

    @contextmanager
    def living(self) -> Generator[None]:
        """Hold the port for as long as the fixture lives."""
        self._simulator.bind()
        try:
            yield
        finally:
            self._simulator.release()


class _ThreadedStand(Stand):
    """The stand of a test without a loop: the simulator runs in a thread."""

    def __init__(self, settings: SeedanceSettings) -> None:
        super().__init__(settings)
        self._threaded = ThreadedSimulator(self._simulator)

    @property
    def sim(self) -> Simulator:
        # It has everything that a simulator has, but asyncio.
        return cast("Simulator", self._threaded)

    def new_session(self) -> SeedanceSession:
        pytest.fail(
            "seedance_session is for tests that are coroutines. Elsewhere use seedance_sim, and open "
            "SeedanceSession() inside your asyncio.run(): the environment leads it to the simulator.",
            pytrace=False,
        )

    @contextmanager
    def around(self, item: pytest.Item) -> Generator[None]:
        """The simulator runs already."""
        del item
        yield

    @contextmanager
    def living(self) -> Generator[None]:
        """Run the thread for as long as the fixture lives."""
        with self._threaded:
            yield


class _InStand(InProcess):
    """Starts the stand where a fixture of the user's makes the first request."""

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand.sim)
        self._stand = stand

    async def carry(self, *args: Any, **named: Any) -> WireResponse:
        await self._stand.start()
        return await super().carry(*args, **named)


@contextmanager
def open_stand(settings: SeedanceSettings, test: object) -> Generator[Stand]:
    """Make the stand that suits a test function, and lead the environment to it."""
    stand = Stand(settings) if inspect.iscoroutinefunction(test) else _ThreadedStand(settings)
    with ExitStack() as stack:
        stack.enter_context(stand.living())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("SEEDANCE_BASE_URL", "ARK_BASE_URL"):
            patch.setenv(name, stand.sim.base_url)
        for name in ("SEEDANCE_API_KEY", "ARK_API_KEY"):
            patch.setenv(name, settings.key)
        yield stand
