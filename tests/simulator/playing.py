"""A fixed story told to a server without sockets: what it answers, and what it wrote into its ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field, frozen

from seedance_async.simulator import AfterSeconds, SimAnswer, SimRequest
from seedance_async.simulator.clock import SimClock
from seedance_async.simulator.jsons import as_object
from seedance_async.simulator.server import SimulatedServer
from tests.simulator.helpers import TASKS, order, text

if TYPE_CHECKING:
    from seedance_async.simulator import Scenario

EPOCH = 1_795_000_000.0
KEY = {"authorization": "Bearer test-key", "content-type": "application/json"}
PROMPTS = ("a cat surfing", "an unlucky fox", "a forbidden garden", "a noisy street")


@frozen
class Told:
    """One answer as far as it can be compared."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fate: object
    spoiled: str

    @classmethod
    def of(cls, answer: SimAnswer) -> Told:
        """What of an answer two runs have in common."""
        headers = tuple(sorted(answer.headers.items()))
        return cls(answer.status, headers, answer.body, answer.fate, answer.spoiled)


@define
class Player:
    """Asks a server, moves the clock, and keeps every answer."""

    server: SimulatedServer
    now: float = 0.0
    told: list[Told] = field(factory=list[Told])

    def ask(self, method: str, path: str, query: str = "", body: bytes = b"") -> SimAnswer:
        """One request; a late one is handled when its time has come."""
        headers = {} if path.startswith("/video/") else KEY
        request = SimRequest(
            method=method, path=path, query=tuple(parse_qsl(query)), headers=headers, body=body
        )
        answer = self.server.handle(request, self.now)
        if answer.fate.again:
            self.now += answer.fate.delay
            answer = self.server.answer(request, self.now)
        self.told.append(Told.of(answer))
        return answer

    def create(self, prompt: str = "a cat surfing", prefix: str = "/api/v3", **fields: int) -> SimAnswer:
        """POST create."""
        body = json.dumps({**order(text(prompt)), **fields}).encode()
        return self.ask("POST", prefix + TASKS, body=body)

    def get(self, task_id: str, prefix: str = "/api/v3") -> SimAnswer:
        """GET one task."""
        return self.ask("GET", f"{prefix}{TASKS}/{task_id}")

    def list(self, query: str = "") -> SimAnswer:
        """GET the list."""
        return self.ask("GET", f"/api/v3{TASKS}", query)

    def url(self, task_id: str) -> str:
        """The URL of the video of a task that has succeeded, as a get would sign it now."""
        world = self.server.world
        world.advance(self.now)
        content = as_object(self.server.desk.record(world.tasks[task_id], self.now)["content"])
        assert content is not None
        return str(content["video_url"])

    def fetch(self, url: str) -> SimAnswer:
        """GET a video."""
        parts = urlsplit(url)
        return self.ask("GET", parts.path, parts.query)


def playing(scenario: Scenario, seed: int = 0) -> Player:
    """A player of a scenario; tasks run for ten seconds where the scenario does not say."""
    clock = SimClock(started=0.0, epoch=EPOCH)
    usual = AfterSeconds(run=10.0)
    server = SimulatedServer(clock=clock, scenario=scenario, seed=seed, usual=usual)
    server.open_at("http://127.0.0.1:1")
    return Player(server)


def story(scenario: Scenario, seed: int = 0) -> tuple[list[Told], list[tuple[object, ...]]]:
    """Forty creates with everything that follows them; gives all answers and the ledger."""
    player = playing(scenario, seed)
    for number in range(40):
        player.create(PROMPTS[number % 4])
        player.now += 3.5
        player.list("page_size=5")
        for task in list(player.server.world.tasks.values())[-3:]:
            player.get(task.id)
            if task.status == "succeeded":
                player.fetch(player.url(task.id))
        if number % 7 == 6 and player.server.world.ledger:
            player.ask("DELETE", f"/api/v3{TASKS}/{player.server.world.ledger[-1].id}")
    ledger = player.server.world.ledger
    return player.told, [(entry.id, entry.accepted_at, entry.status, entry.tokens) for entry in ledger]
