"""The control door under `/_sim/`: state, ledger, requests, faults, scenarios and pushing of tasks, as JSON.

A browser that opens `/_sim/` gets the board instead. Who may come in is the guard's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from attrs import asdict, define, field

from seedance_async.simulator.board import Page, snapshot, wants_page
from seedance_async.simulator.data import BadSetting, changed, fault_from, scenario_from, to_data
from seedance_async.simulator.exchange import JSON_HEADERS, SimAnswer, SimRequest
from seedance_async.simulator.guard import Refused, check_caller
from seedance_async.simulator.jsons import as_object, decode, encode
from seedance_async.simulator.scenario_files import gallery, load_scenario, scenario_names

if TYPE_CHECKING:
    from seedance_async.simulator.server import SimulatedServer
    from seedance_async.simulator.tasks import LedgerEntry, SimTask

DOOR_PREFIX = "/_sim"
_SHOWN = 500
_HEADERS = {**JSON_HEADERS, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_PATTERNS = (
    ("GET", "tasks/ID"),
    ("POST", "tasks/ID/advance"),
    ("POST", "tasks/ID/fail"),
    ("POST", "tasks/ID/finish"),
    ("PUT", "scenario/NAME"),
)
"""The routes that have a name in their path."""

Handler = Callable[[dict[str, object], float], object]


def is_for_door(path: str) -> bool:
    """Whether a path is the door's."""
    return path == DOOR_PREFIX or path.startswith(f"{DOOR_PREFIX}/")


@define(eq=False)
class Door:
    """Controls a server.

    Args:
        server: The server.
    """

    _server: SimulatedServer = field(alias="server")
    _page: Page = field(factory=Page, init=False)

    def handle(self, request: SimRequest, now: float) -> SimAnswer:
        """Answer one request to the door."""
        try:
            check_caller(request, self._page.token)
            if request.path.rstrip("/") == DOOR_PREFIX and wants_page(request):
                return self._page.answer()
            self._server.world.advance(now)
            value = self._act(request, now)
        except Refused as refused:
            return _answer(refused.status, {"error": str(refused)})
        except (BadSetting, ValueError) as error:
            return _answer(400, {"error": str(error)})
        return _answer(200, value)

    def _act(self, request: SimRequest, now: float) -> object:
        """Find and run the action."""
        path = request.path.removeprefix(DOOR_PREFIX).strip("/")
        if path.startswith("tasks/"):
            return self._task(request, path.split("/")[1:], now)
        if path.startswith("scenario/") and request.method == "PUT":
            return self._play_named(path.removeprefix("scenario/"))
        action = self._actions().get((request.method, path))
        if action is None:
            routes = sorted((*self._actions(), *_PATTERNS))
            known = ", ".join(f"{method} {DOOR_PREFIX}/{name}" for method, name in routes)
            raise Refused(404, f"no such action; known: {known}")
        return action(_body(request), now)

    def _actions(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("GET", ""): self._state,
            ("GET", "state"): self._state,
            ("GET", "board"): self._board,
            ("GET", "tasks"): self._tasks,
            ("GET", "ledger"): self._ledger,
            ("GET", "requests"): self._requests,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "behaviour"): self._behaviour,
            ("PATCH", "behaviour"): self._behave,
            ("GET", "quotas"): self._quotas,
            ("PATCH", "quotas"): self._limit,
            ("PATCH", "moderation"): self._moderate,
            ("GET", "moderation"): self._moderation,
            ("GET", "scenario"): self._scenario,
            ("PUT", "scenario"): self._play,
            ("GET", "scenarios"): self._scenarios,
            ("POST", "reset"): self._reset,
        }

    def _state(self, _body: dict[str, object], _now: float) -> object:
        world, log = self._server.world, self._server.log
        return {
            "scenario": self._server.scenario.name,
            **world.sums(),
            "counts": dict(log.counts),
            "leaks": log.leaks,
        }

    def _board(self, _body: dict[str, object], now: float) -> object:
        return snapshot(self._server, now)

    def _tasks(self, _body: dict[str, object], now: float) -> object:
        """The newest tasks first."""
        newest = islice(reversed(self._server.world.tasks.values()), _SHOWN)
        return [self._shown(task, now) for task in newest]

    def _ledger(self, _body: dict[str, object], _now: float) -> object:
        return [_entry(entry) for entry in islice(reversed(self._server.world.ledger), _SHOWN)]

    def _requests(self, _body: dict[str, object], _now: float) -> object:
        return [asdict(one) for one in reversed(self._server.log.last)]

    def _faults(self, _body: dict[str, object], _now: float) -> object:
        return _data(self._server.faults.armed)

    def _add_fault(self, body: dict[str, object], now: float) -> object:
        self._server.faults.add(fault_from(body))
        return self._faults({}, now)

    def _clear_faults(self, _body: dict[str, object], now: float) -> object:
        self._server.faults.clear()
        return self._faults({}, now)

    def _behaviour(self, _body: dict[str, object], _now: float) -> object:
        return to_data(self._server.world.behaviour)

    def _behave(self, body: dict[str, object], now: float) -> object:
        self._server.behave(changed(self._server.world.behaviour, body))
        return self._behaviour({}, now)

    def _quotas(self, _body: dict[str, object], _now: float) -> object:
        return to_data(self._server.world.quotas)

    def _limit(self, body: dict[str, object], now: float) -> object:
        self._server.world.quotas = changed(self._server.world.quotas, body)
        return self._quotas({}, now)

    def _moderation(self, _body: dict[str, object], _now: float) -> object:
        return to_data(self._server.desk.moderation)

    def _moderate(self, body: dict[str, object], now: float) -> object:
        desk = self._server.desk
        desk.moderation = changed(desk.moderation, body)
        return self._moderation({}, now)

    def _scenario(self, _body: dict[str, object], _now: float) -> object:
        """The scenario as it was when it began; single switches may have been changed since."""
        return to_data(self._server.scenario)

    def _play(self, body: dict[str, object], now: float) -> object:
        self._server.play(scenario_from(body))
        return self._scenario({}, now)

    def _play_named(self, name: str) -> object:
        """Only the gallery: a path from the network does not name files of this machine."""
        if name not in scenario_names():
            raise Refused(404, f"no scenario {name!r}; known: {', '.join(scenario_names())}")
        self._server.play(load_scenario(name))
        return to_data(self._server.scenario)

    def _scenarios(self, _body: dict[str, object], _now: float) -> object:
        return [{"name": one.name, "about": one.about} for one in gallery()]

    def _reset(self, _body: dict[str, object], now: float) -> object:
        self._server.reset()
        return self._state({}, now)

    def _task(self, request: SimRequest, path: list[str], now: float) -> object:
        """Show one task, or push it: finish, fail, advance."""
        server = self._server
        task = server.world.tasks.get(path[0])
        action = (request.method, path[1] if len(path) > 1 else "")
        if task is None:
            raise Refused(404, f"no task {path[0]!r}")
        if action == ("POST", "finish"):
            server.finish(task.id, now)
        elif action == ("POST", "advance"):
            server.push(task.id, now)
        elif action == ("POST", "fail"):
            body = _body(request)
            server.fail(
                task.id, str(body.get("code", "InternalServiceError")), str(body.get("message", "")), now
            )
        elif action != ("GET", ""):
            raise Refused(404, "a task can be shown (GET), or pushed by POST to finish, fail or advance")
        return self._shown(task, now)

    def _shown(self, task: SimTask, now: float) -> dict[str, object]:
        record = self._server.desk.record(task, now)
        return {**record, "prompt": task.order.prompt, "looks": task.looks, "downloads": task.downloads}


def _entry(entry: LedgerEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "accepted_at": entry.accepted_at,
        "status": entry.status,
        "billed": entry.billed,
        "tokens": entry.tokens,
        "prompt": entry.prompt,
        "model": entry.model,
        "fingerprint": entry.fingerprint,
    }


def _data(values: Iterable[object]) -> list[object]:
    return [to_data(value) for value in values]


def _body(request: SimRequest) -> dict[str, object]:
    """The JSON object that was sent; nothing sent is an empty one."""
    if not request.body:
        return {}
    body = as_object(decode(request.body))
    if body is None:
        raise Refused(400, "expected a JSON object")
    return body


def _answer(status: int, value: object) -> SimAnswer:
    return SimAnswer(status=status, headers=_HEADERS, body=encode(value))
