"""The server without sockets: a request and a moment in, an answer and its fate out."""

from __future__ import annotations

import hashlib
from collections import deque
from email.utils import formatdate
from math import ceil
from random import Random
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from seedance_async.simulator.auth import check_key
from seedance_async.simulator.behaviour import AfterSeconds, Behaviour, Progression, switched
from seedance_async.simulator.desk import Desk
from seedance_async.simulator.dialects import DIALECTS, Dialect
from seedance_async.simulator.downloads import download
from seedance_async.simulator.exchange import JSON_HEADERS, Fate, SimAnswer, SimRequest
from seedance_async.simulator.faults import Fault, FaultBook
from seedance_async.simulator.jsons import encode
from seedance_async.simulator.links import Signer
from seedance_async.simulator.quotas import check_calls
from seedance_async.simulator.refusals import Refusal, request_id
from seedance_async.simulator.requestlog import RequestLog
from seedance_async.simulator.routes import Route, route_of
from seedance_async.simulator.scenario import Scenario
from seedance_async.simulator.spoiling import spoil
from seedance_async.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from seedance_async.simulator.clock import SimClock
    from seedance_async.simulator.tasks import SimTask

_MAX_BODY = 64 * 1024 * 1024
_NOT_FOUND = Refusal(status=404, code="PathNotFound", message="The requested path does not exist.")
_NO_LIST = Refusal(status=404, code="PathNotFound", message="Listing is not supported here.")
_NO_DELETE = Refusal(status=404, code="PathNotFound", message="Deleting is not supported here.")


@frozen(kw_only=True)
class Note:
    """A callback that is due.

    Args:
        url: Where to.
        body: The record of the task.
        forged: What somebody else might send: the same task, failed.
    """

    url: str
    body: bytes
    forged: bytes


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
    _random: Random = field(init=False)
    _origin: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything, and begin the scenario again with the same seed."""
        scenario = self.scenario
        self.log = RequestLog()
        self.notes = deque()
        self._random = self._stream("request ids")
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
            return self.answer(request, now)
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
        route = route_of(request, self.world.behaviour)
        answer = self._answer(request, route, now)
        self.log.note(route.name, request, answer.status, now)
        return answer

    def finish(self, task_id: str, now: float) -> None:
        """Let a task end as it is bound to.

        Raises:
            KeyError: There is no such task.
        """
        task = self._alive(task_id, now)
        self.world.start(task, now)
        self.world.end(task, now)

    def fail(self, task_id: str, code: str, message: str, now: float) -> None:
        """Let a task fail.

        Raises:
            KeyError: There is no such task.
        """
        self.world.fail(self._alive(task_id, now), code, message, now)

    def push(self, task_id: str, now: float) -> None:
        """Push a task one step on.

        Raises:
            KeyError: There is no such task.
        """
        task = self._alive(task_id, now)
        if task.status == "queued":
            self.world.start(task, now)
        else:
            self.world.end(task, now)

    def _alive(self, task_id: str, now: float) -> SimTask:
        self.world.advance(now)
        return self.world.tasks[task_id]

    def _switched(self, fault: Fault, request: SimRequest, now: float) -> SimAnswer:
        """Answer one request under other switches."""
        usual = self.world.behaviour
        self.behave(switched(usual, fault.switches))
        try:
            route = route_of(request, self.world.behaviour)
            answer = self._answer(request, route, now)
        finally:
            self.behave(usual)
        self.log.note(route.name, request, answer.status, now, fault.kind)
        return answer

    def _struck(self, fault: Fault, request: SimRequest, route: Route, now: float) -> SimAnswer:
        """The answer that a fault spoils; `before` there is one without any effect.

        A slow answer is a whole one, and its id must not be that of a task that does not exist.
        """
        whole = fault.kind == "slow_body"
        if whole or fault.when == "after" or route.name not in ("create", "delete"):
            return self._answer(request, route, now)
        dialect = self._dialect(route)
        phantom = self.desk.new_id(now, flex=False, id_prefix=dialect.id_prefix)
        body = encode(dialect.created(phantom)) if route.name == "create" else b"{}"
        return SimAnswer(
            status=200, headers=self._headers(now, request_id(self.clock.wall(now), self._random)), body=body
        )

    def _answer(self, request: SimRequest, route: Route, now: float) -> SimAnswer:
        """Answer or refuse."""
        self.world.advance(now)
        name = request_id(self.clock.wall(now), self._random)
        try:
            answer = self._routed(request, route, name, now)
        except Refusal as refusal:
            return self._refused(refusal, self._dialect(route), name, now)
        return evolve(answer, headers={**self._headers(now, name), **answer.headers})

    def _routed(self, request: SimRequest, route: Route, name: str, now: float) -> SimAnswer:
        """Carry out a request.

        Raises:
            Refusal: Whatever the server says no to.
        """
        if route.name == "video":
            return download(self.desk, self.log, request, route.subject, now)
        if not route.name or len(request.body) > _MAX_BODY:
            raise self._too_large() if route.name else _NOT_FOUND
        check_key(request.headers.get("authorization"), self.api_key)
        check_calls(self.world.quotas, self.desk.meter, route.name, now, self.world.behaviour.calls_code)
        dialect = self._dialect(route)
        if route.name == "create":
            return _json(dialect.created(self._create(request, route, dialect, name, now).id))
        if route.name == "get":
            return _json(dialect.record(self.desk.get(route.subject, now)))
        return self._optional(request, route, dialect, now)

    def _optional(self, request: SimRequest, route: Route, dialect: Dialect, now: float) -> SimAnswer:
        """The two calls that not every gateway has."""
        behaviour = self.world.behaviour
        if route.name == "list":
            if not (dialect.lists and behaviour.list_supported):
                raise _NO_LIST
            return _json(self.desk.list(request, now))
        if not (dialect.deletes and behaviour.delete_supported):
            raise _NO_DELETE
        self.desk.delete(route.subject, now)
        return SimAnswer(status=200, headers=JSON_HEADERS, body=behaviour.delete_answers.encode())

    def _too_large(self) -> Refusal:
        status = self.world.behaviour.too_large_status
        return Refusal(status=status, code="RequestBodyTooLarge", message="The request body is over 64 MB.")

    def _create(self, request: SimRequest, route: Route, dialect: Dialect, name: str, now: float) -> SimTask:
        return self.desk.create(
            request, prefix=route.prefix, id_prefix=dialect.id_prefix, request_id=name, now=now
        )

    def _dialect(self, route: Route) -> Dialect:
        return DIALECTS[self.world.behaviour.mounts.get(route.prefix, "ark")]

    def _headers(self, now: float, name: str) -> dict[str, str]:
        return {"Date": self.clock.http_date(now), "x-request-id": name, **JSON_HEADERS}

    def _refused(self, refusal: Refusal, dialect: Dialect, name: str, now: float) -> SimAnswer:
        """An error answer in the words of the dialect."""
        status, body = dialect.error(refusal, name)
        headers = self._headers(now, name)
        if refusal.error_code:
            headers["x-error-code"] = refusal.error_code
        wait, form = refusal.retry_after, self.world.behaviour.retry_after
        if wait is not None and form == "seconds":
            headers["Retry-After"] = str(max(1, ceil(wait)))
        elif wait is not None and form == "date":
            headers["Retry-After"] = formatdate(ceil(self.clock.wall(now) + wait), usegmt=True)
        return SimAnswer(status=status, headers=headers, body=encode(body))

    def _on_change(self, task: SimTask, when: float) -> None:
        """Write the callbacks of a change; a cancel is not called back about (api docs 1520757)."""
        url, behaviour = task.order.callback_url, self.world.behaviour
        if url is None or task.status == "cancelled":
            return
        dialect = DIALECTS[behaviour.mounts.get(task.prefix, "ark")]
        body = encode(dialect.record(self.desk.record(task, when)))
        forged = encode({"id": task.id, "status": "failed"})
        if behaviour.callback_forged:
            self.notes.append(Note(url=url, body=forged, forged=forged))
        self.notes.extend([Note(url=url, body=body, forged=forged)] * behaviour.callback_copies)
        self.wake()


def _json(value: object) -> SimAnswer:
    return SimAnswer(status=200, headers=JSON_HEADERS, body=encode(value))
