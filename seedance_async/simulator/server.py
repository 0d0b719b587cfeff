"""The server without sockets: a request and a moment in, an answer and its fate out.

What a good day would answer is the reception's; here it meets faults, switches and pushes by hand.
"""

from __future__ import annotations

import hashlib
from collections import deque
from random import Random
from typing import TYPE_CHECKING

from attrs import define, field

from seedance_async.simulator.behaviour import AfterSeconds, Behaviour, Progression, switched
from seedance_async.simulator.desk import Desk
from seedance_async.simulator.exchange import Fate, SimAnswer, SimRequest
from seedance_async.simulator.faults import Fault, FaultBook
from seedance_async.simulator.links import Signer
from seedance_async.simulator.notes import Note, notes_of
from seedance_async.simulator.reception import Reception
from seedance_async.simulator.requestlog import RequestLog
from seedance_async.simulator.routes import Route, route_of
from seedance_async.simulator.scenario import Scenario
from seedance_async.simulator.spoiling import spoil
from seedance_async.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from seedance_async.simulator.clock import SimClock
    from seedance_async.simulator.tasks import SimTask


def _no_wake() -> None:
    """Nobody waits for callbacks."""


@define(kw_only=True, eq=False)
class SimulatedServer:
    """One account at one server; every method is quick and none of them waits.

    Args:
        clock: Its wall clock.
        scenario: What it plays.
        seed: Seed of everything random.
        usual: How tasks go on where the behaviour does not say.
        api_key: The only key that is accepted; None: any.
        keep_pictures: Keep inline first frames for the renderer.
        wake: Called when `notes` has something new.
    """

    clock: SimClock
    scenario: Scenario = field(factory=Scenario)
    seed: int = 0
    usual: Progression = field(factory=AfterSeconds)
    api_key: str | None = field(default=None, repr=False)
    keep_pictures: bool = False
    wake: Callable[[], None] = _no_wake
    log: RequestLog = field(init=False)
    faults: FaultBook = field(init=False)
    desk: Desk = field(init=False)
    notes: deque[Note] = field(init=False)
    _reception: Reception = field(init=False)
    _origin: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything, and begin the scenario again with the same seed."""
        scenario = self.scenario
        self.log = RequestLog()
        self.notes = deque()
        world = World(
            behaviour=scenario.behaviour,
            quotas=scenario.quotas,
            random=self._stream("running times"),
            usual=self.usual,
            on_change=self._on_change,
        )
        self.desk = Desk(
            world=world,
            clock=self.clock,
            moderation=scenario.moderation,
            random=self._stream("tasks"),
            signer=Signer(hashlib.sha256(f"url signatures {self.seed}".encode()).digest()),
            keep_pictures=self.keep_pictures,
            origin=self._origin,
        )
        self._reception = Reception(
            desk=self.desk, log=self.log, random=self._stream("request ids"), api_key=self.api_key
        )
        self.play(scenario)

    def play(self, scenario: Scenario) -> None:
        """Play another scenario from now on; tasks, ledger and counts stay."""
        self.scenario = scenario
        self.faults = FaultBook(self._stream("faults"))
        for fault in scenario.faults:
            self.faults.add(fault)
        self.world.quotas = scenario.quotas
        self.desk.moderation = scenario.moderation
        self.behave(scenario.behaviour)

    def _stream(self, name: str) -> Random:
        """Random numbers of their own, so that one more request id does not change the next seed."""
        return Random(f"{self.seed} {name}")

    @property
    def world(self) -> World:
        """The tasks."""
        return self.desk.world

    def behave(self, behaviour: Behaviour) -> None:
        """Change the behaviour from now on."""
        self.world.behaviour = behaviour
        self.clock.skew = behaviour.clock_skew

    def open_at(self, origin: str) -> None:
        """Say under which scheme, host and port the videos can be fetched."""
        self._origin = origin
        self.desk.origin = origin

    def handle(self, request: SimRequest, now: float) -> SimAnswer:
        """Answer a request at the monotonic moment `now`, faults and all."""
        route = route_of(request, self.world.behaviour)
        self.log.counts[route.name] += 1
        fault = self.faults.pick(route.name) if route.name else None
        if fault is None:
            return self._logged(request, route, now)
        if fault.kind == "late" and fault.when == "before":
            self.log.note(route.name, request, 0, now, fault.kind)
            return SimAnswer(status=0, fate=Fate(delay=fault.seconds, again=True))
        if fault.kind == "switched":
            return self._switched(fault, request, now)
        answer = spoil(fault, self._struck(fault, request, route, now))
        silent = answer.fate.ending in ("reset", "eof", "hang")
        self.log.note(route.name, request, 0 if silent else answer.status, now, fault.kind)
        return answer

    def answer(self, request: SimRequest, now: float) -> SimAnswer:
        """Answer a request without any fault."""
        return self._logged(request, route_of(request, self.world.behaviour), now)

    def finish(self, task_id: str, now: float) -> None:
        """Let a task end as it is bound to.

        Raises:
            KeyError: There is no such task.
        """
        task = self._current(task_id, now)
        self.world.start(task, now)
        self.world.end(task, now)

    def fail(self, task_id: str, code: str, message: str, now: float) -> None:
        """Let a task fail.

        Raises:
            KeyError: There is no such task.
        """
        self.world.fail(self._current(task_id, now), code, message, now)

    def push(self, task_id: str, now: float) -> None:
        """Push a task one step on.

        Raises:
            KeyError: There is no such task.
        """
        task = self._current(task_id, now)
        if task.status == "queued":
            self.world.start(task, now)
        else:
            self.world.end(task, now)

    def _current(self, task_id: str, now: float) -> SimTask:
        """A task as it is now."""
        self.world.advance(now)
        return self.world.tasks[task_id]

    def _logged(self, request: SimRequest, route: Route, now: float, fault: str = "") -> SimAnswer:
        """Answer, and remember the request."""
        answer = self._reception.answer(request, route, now)
        self.log.note(route.name, request, answer.status, now, fault)
        return answer

    def _switched(self, fault: Fault, request: SimRequest, now: float) -> SimAnswer:
        """Answer one request under other switches."""
        usual = self.world.behaviour
        self.behave(switched(usual, fault.switches))
        try:
            return self._logged(request, route_of(request, self.world.behaviour), now, fault.kind)
        finally:
            self.behave(usual)

    def _struck(self, fault: Fault, request: SimRequest, route: Route, now: float) -> SimAnswer:
        """The answer that a fault spoils; `before` there is one without any effect.

        A slow answer is a whole one, and its id must not be that of a task that does not exist.
        """
        whole = fault.kind == "slow_body"
        if whole or fault.when == "after" or route.name not in ("create", "delete"):
            return self._reception.answer(request, route, now)
        return self._reception.promise(route, now)

    def _on_change(self, task: SimTask, when: float) -> None:
        """Take down the callbacks of a change."""
        due = notes_of(self.desk, task, when)
        self.notes.extend(due)
        if due:
            self.wake()
