"""The control door under `/_sim/`: state, ledger, requests, faults, behaviour and pushing of tasks, as JSON.

A browser on this machine may look through it, but no foreign page may use it: the Host header has to name the
loopback interface (against DNS rebinding), and so has any Origin (against cross-site requests).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import asdict, define, field

from seedance_async.simulator.courier import is_loopback
from seedance_async.simulator.data import BadSetting, changed, fault_from, to_data
from seedance_async.simulator.exchange import JSON_HEADERS, SimAnswer, SimRequest
from seedance_async.simulator.jsons import as_object, decode, encode

if TYPE_CHECKING:
    from seedance_async.simulator.server import SimulatedServer
    from seedance_async.simulator.tasks import LedgerEntry, SimTask

DOOR_PREFIX = "/_sim"
_SHOWN = 500

Handler = Callable[[dict[str, object], float], object]


class _Refused(Exception):
    """The door says no: status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


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

    def handle(self, request: SimRequest, now: float) -> SimAnswer:
        """Answer one request to the door."""
        try:
            self._check_origin(request)
            self._server.world.advance(now)
            value = self._act(request, now)
        except _Refused as refused:
            return _answer(refused.status, {"error": str(refused)})
        except (BadSetting, ValueError) as error:
            return _answer(400, {"error": str(error)})
        return _answer(200, value)

    def _check_origin(self, request: SimRequest) -> None:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname
        if not is_loopback(host):
            raise _Refused(403, f"Host {host!r} is not the loopback interface")
        origin = request.headers.get("origin")
        if origin is not None and not is_loopback(urlsplit(origin).hostname):
            raise _Refused(403, f"Origin {origin!r} is not the loopback interface")

    def _act(self, request: SimRequest, now: float) -> object:
        """Find and run the action."""
        path = request.path.removeprefix(DOOR_PREFIX).strip("/")
        if path.startswith("tasks/"):
            return self._task(request, path.split("/")[1:], now)
        action = self._actions().get((request.method, path))
        if action is None:
            known = sorted(f"{method} {DOOR_PREFIX}/{name}" for method, name in self._actions())
            raise _Refused(404, f"no such action; known: {', '.join(known)}")
        return action(_body(request), now)

    def _actions(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("GET", ""): self._state,
            ("GET", "state"): self._state,
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
            ("POST", "reset"): self._reset,
        }

    def _state(self, _body: dict[str, object], _now: float) -> object:
        world, log = self._server.world, self._server.log
        return {
            "scenario": self._server.scenario.name,
            "accepted": world.accepted,
            "billed": world.billed,
            "tokens": world.tokens,
            "alive": len(world.alive),
            "queued": world.queued,
            "counts": dict(log.counts),
            "leaks": log.leaks,
        }

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

    def _moderate(self, body: dict[str, object], _now: float) -> object:
        desk = self._server.desk
        desk.moderation = changed(desk.moderation, body)
        return to_data(desk.moderation)

    def _reset(self, _body: dict[str, object], now: float) -> object:
        self._server.reset()
        return self._state({}, now)

    def _task(self, request: SimRequest, path: list[str], now: float) -> object:
        """Show one task, or push it: finish, fail, advance."""
        server = self._server
        task = server.world.tasks.get(path[0])
        action = (request.method, path[1] if len(path) > 1 else "")
        if task is None:
            raise _Refused(404, f"no task {path[0]!r}")
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
            raise _Refused(404, "a task can be shown (GET), or pushed by POST to finish, fail or advance")
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
        raise _Refused(400, "expected a JSON object")
    return body


def _answer(status: int, value: object) -> SimAnswer:
    return SimAnswer(status=status, headers=JSON_HEADERS, body=encode(value))
