"""Whatever order of losses, cancels, look-ups and restarts: the ledger never holds two tasks for one key."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance_async import (
    AccountLimits,
    RetryPolicy,
    SeedanceError,
    SeedanceSession,
    Timeouts,
    VideoRequest,
    VideoTask,
)
from seedance_async.ledger.intents import MemoryIntents
from seedance_async.ledger.journal import Journal
from seedance_async.simulator import Behaviour, Fault, Simulator
from tests.submit.helpers import KEY
from tests.submit.test_sweeps import run

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from seedance_async.ledger.intents import IntentStore

FAULTS: dict[str, Fault] = {
    "reset after": Fault(kind="reset", when="after"),
    "500 after": Fault(kind="status", when="after", status=500),
    "hang after": Fault(kind="hang", when="after"),
    "html after": Fault(kind="html", when="after", status=200),
    "late after": Fault(kind="late", when="after", seconds=4.0),
    "late before": Fault(kind="late", when="before", seconds=25.0),
    "reset before": Fault(kind="reset", when="before"),
    "502 before": Fault(kind="status", when="before", status=502),
    "429": Fault(kind="status", when="before", status=429, code="ServerOverloaded"),
    "400": Fault(kind="status", when="before", status=400, code="InvalidParameter"),
    "list 500": Fault(kind="status", route="list", status=500),
    "list hangs": Fault(kind="hang", route="list"),
}
LISTS: dict[str, Behaviour] = {
    "honest": Behaviour(),
    "none": Behaviour(list_supported=False),
    "empty": Behaviour(list_empty=True),
    "late": Behaviour(list_lag_seconds=15.0),
    "stale": Behaviour(list_stale_seconds=20.0),
    "small pages": Behaviour(list_page_cap=3),
    "oldest first": Behaviour(list_order="oldest", list_page_cap=4),
    "all shown": Behaviour(bare_records="no"),
    "mark hidden": Behaviour(echo_expires_after=False),
}
RETRY = RetryPolicy(attempts=3, budget=60.0, reconcile_budget=400.0)
TIMEOUTS = Timeouts(request=10.0, connect=5.0, cancel=1.0)


@define
class World:
    """A server, the session of the moment, a store that outlives sessions, and what callers were told."""

    sim: Simulator
    store: IntentStore
    session: SeedanceSession = field(init=False)
    running: dict[str, list[asyncio.Task[Any]]] = field(factory=dict[str, "list[asyncio.Task[Any]]"])
    given: dict[str, str] = field(factory=dict[str, str])
    starts: int = 0

    async def open_session(self) -> None:
        """Begin a new session, as a new process would; its first task can bear witness."""
        limits = AccountLimits.unlimited()
        self.session = SeedanceSession(
            KEY, self.sim.base_url, retry=RETRY, timeouts=TIMEOUTS, limits=limits, observer=lambda _: None
        )
        self.starts += 1
        await self.submit(f"witness {self.starts}")
        await asyncio.sleep(0.1)

    async def submit(self, key: str) -> None:
        """Submit under a key as a careful caller does: not again once its task is known."""
        if key in self.given:
            return
        request = VideoRequest(prompt=key, duration=4, resolution="480p")
        await self._begin(key, self.session.order(request, key=key, intents=self.store))

    async def reconcile(self, key: str) -> None:
        """Look a key up; one that is not open is refused, which is no harm."""
        await self._begin(key, self.session.reconcile(key, intents=self.store))

    async def _begin(self, key: str, call: Coroutine[Any, Any, VideoTask | None]) -> None:
        async def note() -> None:
            try:
                task = await call
            except SeedanceError:
                return
            if task is not None:
                assert self.given.setdefault(key, task.id) == task.id

        self.running.setdefault(key, []).append(asyncio.create_task(note()))
        await asyncio.sleep(0)

    async def cancel(self, key: str) -> None:
        """Leave all calls under a key."""
        for task in self.running.get(key, []):
            task.cancel()
        await asyncio.sleep(0)

    async def restart(self) -> None:
        """End the process: all calls are left, the session is closed, another one begins."""
        tasks = [task for calls in self.running.values() for task in calls]
        for task in tasks:
            task.cancel()
        await self.settle()
        await self.session.close()
        await self.open_session()

    async def settle(self) -> None:
        """Let everything under way come to its end."""
        tasks = [task for calls in self.running.values() for task in calls]
        if tasks:
            await asyncio.wait(tasks)
        failures = [task.exception() for task in tasks if not task.cancelled()]
        assert not [failure for failure in failures if failure is not None]
        self.running.clear()

    def check(self) -> None:
        """The promise: one key, one task, and a caller is never given somebody else's."""
        made = Counter(entry.prompt for entry in self.sim.ledger)
        assert not [key for key, count in made.items() if count > 1]
        owners = {entry.id: entry.prompt for entry in self.sim.ledger}
        assert all(owners[task_id] == key for key, task_id in self.given.items())


KEYS = ("a", "b", "c")
ROUNDS = st.tuples(
    st.lists(st.sampled_from(sorted(FAULTS)), max_size=2),
    st.none() | st.sampled_from(sorted(LISTS)),
    st.sampled_from(["submit", "submit", "reconcile"]),
    st.sampled_from(KEYS),
    st.sampled_from([0.2, 3.0, 12.0, 40.0, 200.0]),
    st.sampled_from(["go on", "go on", "cancel", "restart"]),
)
Round = tuple[list[str], str | None, str, str, float, str]


async def play(world: World, rounds: list[Round]) -> None:
    """Carry out the rounds, check after each; at last submit every key again, the obvious mistake."""
    await world.open_session()
    try:
        for faults, behaviour, verb, key, seconds, then in rounds:
            for name in faults:
                world.sim.add_fault(FAULTS[name])
            if behaviour is not None:
                world.sim.server.behave(LISTS[behaviour])
            await (world.submit if verb == "submit" else world.reconcile)(key)
            await asyncio.sleep(seconds)
            if then == "cancel":
                await world.cancel(key)
            elif then == "restart":
                await world.restart()
            world.check()
        await world.settle()
        for key in KEYS:
            await world.submit(key)
        await world.settle()
        world.check()
    finally:
        await world.session.close()


@given(rounds=st.lists(ROUNDS, min_size=1, max_size=10), work=st.sampled_from([1.0, 30.0]))
@settings(max_examples=80)
def test_no_interleaving_makes_two_tasks_of_one_key(rounds: list[Round], work: float) -> None:
    """Submits, look-ups, cancels, restarts and faults in any order over a store that is carried over."""

    async def main() -> None:
        async with Simulator(work_seconds=work) as sim:
            await play(World(sim=sim, store=MemoryIntents()), rounds)

    run(main())


@given(rounds=st.lists(ROUNDS, min_size=1, max_size=8))
@settings(max_examples=20)
def test_no_interleaving_does_with_a_journal_either(rounds: list[Round]) -> None:
    """The same over the SQLite journal, which refuses by itself what would make two tasks of one key."""

    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with Simulator(work_seconds=5.0) as sim, Journal.open(Path(folder) / "run.db") as journal:
                await play(World(sim=sim, store=journal), rounds)

    run(main())
