"""The server without sockets: usable in process, quick, and steady with many tasks."""

from __future__ import annotations

import json
import sys
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import million
from seedance_async.simulator import (
    AfterSeconds,
    Behaviour,
    Quotas,
    Scenario,
    SimRequest,
    SimulatedServer,
    Simulator,
)
from seedance_async.simulator.clock import SimClock
from tests.simulator.helpers import PRO_15, order

TASKS = "/api/v3/contents/generations/tasks"
HEADERS = {"authorization": "Bearer k"}
CREATE = SimRequest(method="POST", path=TASKS, headers=HEADERS, body=json.dumps(order()).encode())


def server(**settings: object) -> SimulatedServer:
    """A server at the epoch of the clock."""
    return SimulatedServer(clock=SimClock(started=0.0, epoch=1.8e9), **settings)  # type: ignore[arg-type]


def listing(query: str) -> SimRequest:
    """A list request."""
    pairs = tuple((name, value) for name, _, value in (pair.partition("=") for pair in query.split("&")))
    return SimRequest(method="GET", path=TASKS, headers=HEADERS, query=pairs)


def test_in_process_life() -> None:
    """A create, a get before and after the end, and a list need no socket and no loop."""
    sim = server(usual=AfterSeconds(queue=1, run=2))
    task_id = json.loads(sim.handle(CREATE, 0.0).body)["id"]
    get = SimRequest(method="GET", path=f"{TASKS}/{task_id}", headers=HEADERS)
    seen = [json.loads(sim.handle(get, moment).body)["status"] for moment in (0.5, 1.5, 3.5)]
    assert seen == ["queued", "running", "succeeded"]
    assert json.loads(sim.handle(listing("page_size=5"), 4.0).body)["total"] == 1


def test_same_seed_same_bytes() -> None:
    """Two servers with the same seed and clock answer a series of requests byte for byte alike."""

    def series() -> list[bytes]:
        sim = server(seed=5, usual=AfterSeconds(jitter=0.3))
        answers = [sim.handle(CREATE, moment / 10) for moment in range(20)]
        answers += [sim.handle(listing("page_size=50"), 60.0)]
        return [answer.body + repr(answer.headers).encode() for answer in answers]

    assert series() == series()


def cost_of(sim: SimulatedServer, request: SimRequest, rounds: int = 5) -> float:
    """CPU seconds of one request, the best of a few rounds: other programs on the machine do not count."""
    best = float("inf")
    for _ in range(rounds):
        began = process_time()
        for _ in range(100):
            sim.handle(request, 0.0)
        best = min(best, (process_time() - began) / 100)
    return best


def test_handles_thousands_of_requests_a_second() -> None:
    """The heart handles 2,000 creates a second of CPU; under coverage everything is far slower."""
    assert 1 / cost_of(server(), CREATE) > (2000 if sys.gettrace() is None else 200)


@pytest.mark.asyncio
async def test_starts_and_stops_in_a_moment() -> None:
    """A simulator is there and gone again within 5 ms of CPU; the best of ten, for other programs run too."""
    taken: list[float] = []
    for _ in range(10):
        began = process_time()
        async with Simulator():
            pass
        taken.append(process_time() - began)
    assert min(taken) < (0.005 if sys.gettrace() is None else 0.05)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_the_million_on_a_small_scale() -> None:
    """The program that lives through a million tasks on a virtual clock does so with 300, in its 4 rounds."""
    figures = await million.run(300, 75)
    assert (figures["creates"], figures["billed"]) == (300, 300)
    assert 4 * 4200 <= figures["virtual_hours"] * 3600 <= 4 * 4900


def test_many_tasks_do_not_make_requests_slower() -> None:
    """A create and a get cost the same among 3,000 tasks as among few."""
    sim = server()
    task_id = json.loads(sim.handle(CREATE, 0.0).body)["id"]
    get = SimRequest(method="GET", path=f"{TASKS}/{task_id}", headers=HEADERS)
    few = [cost_of(sim, request) for request in (CREATE, get)]
    for _ in range(3_000):
        sim.handle(CREATE, 0.0)
    many = [cost_of(sim, request) for request in (CREATE, get)]
    assert all(after < 5 * before for before, after in zip(few, many, strict=True))


def test_many_tasks_end_without_a_look_and_without_timers() -> None:
    """5,000 tasks through ten slots end in order at exact moments, in one advance."""
    quotas = Quotas(creates_per_minute=None, max_running=10)
    sim = server(scenario=Scenario(quotas=quotas), usual=AfterSeconds(run=10))
    for number in range(5_000):
        sim.handle(CREATE, number / 1000)
    sim.world.advance(6_000.0)
    assert (sim.world.accepted, sim.world.billed, len(sim.world.alive)) == (5_000, 5_000, 0)
    last = sim.world.ledger[-1]
    assert last.billed is True
    assert sim.world.tasks[last.id].changed == pytest.approx(5_000, abs=20)
    answer = json.loads(sim.handle(listing("page_size=3&page_num=100"), 6_001.0).body)
    assert (answer["total"], len(answer["items"])) == (5_000, 3)


@given(
    st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD"]),
    st.sampled_from(["", "/", "/cgt-x", "/%2e%2e", "?", "/a/b"]),
    st.one_of(st.binary(max_size=200), st.just(json.dumps(order()).encode())),
    st.lists(
        st.tuples(st.sampled_from(["page_num", "page_size", "filter.status", "filter.task_ids"]), st.text())
    ),
)
def test_any_request_is_answered(method: str, tail: str, body: bytes, query: list[tuple[str, str]]) -> None:
    """Whatever is sent, the heart answers with a status below 500 and a JSON body; it never breaks."""
    request = SimRequest(method=method, path=TASKS + tail, headers=HEADERS, body=body, query=tuple(query))
    answer = server().handle(request, 1.0)
    assert 200 <= answer.status < 500
    json.loads(answer.body)


FIELDS = (
    *("content", "callback_url", "return_last_frame", "service_tier", "execution_expires_after", "duration"),
    *("generate_audio", "draft", "camera_fixed", "watermark", "seed", "resolution", "ratio", "frames"),
    *("priority", "safety_identifier", "tools", "output_format", "omni_reference_task_type"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(FIELDS),
        json_values,
        max_size=4,
    )
)
def test_any_body_is_accepted_or_refused(fields: dict[str, object]) -> None:
    """Whatever JSON stands in the fields, a create is a 200 or a 400, and the ledger agrees."""
    sim = server(scenario=Scenario(behaviour=Behaviour(models_not_open=frozenset({"x"}))))
    body = json.dumps({"content": [{"type": "text", "text": "hi"}], **fields, "model": PRO_15}).encode()
    answer = sim.handle(SimRequest(method="POST", path=TASKS, headers=HEADERS, body=body), 0.0)
    assert answer.status in (200, 400)
    assert sim.world.accepted == (answer.status == 200)
    for task in list(sim.world.tasks.values()):
        sim.world.advance(10.0)
        assert task.status == "succeeded"
