"""What a user's test says at its end: the ledger in words, and a simulator read from another thread."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from seedance_async.simulator import SimRequest, Simulator, ThreadedSimulator, assert_billed_once

PATH = "/api/v3/contents/generations/tasks"
KEY = {"authorization": "Bearer sk-secret-0123456789"}


def body(prompt: str) -> bytes:
    """A create body."""
    value = {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": prompt}]}
    return json.dumps(value).encode()


async def order(sim: Simulator, *prompts: str) -> list[str]:
    """Order prompts; their ids."""
    requests = [SimRequest(method="POST", path=PATH, headers=KEY, body=body(prompt)) for prompt in prompts]
    return [json.loads((await sim.ask(request)).body)["id"] for request in requests]


@pytest.mark.asyncio
@pytest.mark.looptime
@pytest.mark.parametrize(
    ("ordered", "wanted", "complaint"),
    [
        (["a", "b"], [], ""),
        (["a", "b"], ["a", "b"], ""),
        (["a", "a"], ["a", "a"], ""),
        (["a", "a"], [], "2 paid task(s) for 'a', expected 1"),
        (["a", "a"], ["a"], "2 paid task(s) for 'a', expected 1"),
        (["a", "b"], ["a"], "1 paid task(s) for 'b', expected 0"),
        (["a"], ["a", "b"], "0 paid task(s) for 'b', expected 1"),
        ([], [], "0 paid task(s) for 'any prompt', expected 1"),
        (["[fail:InternalServiceError]"], ["[fail:InternalServiceError]"], "0 paid task(s)"),
    ],
)
async def test_the_ledger_is_judged(ordered: list[str], wanted: list[str], complaint: str) -> None:
    """Each order exactly one paid task: more, fewer, others and failed ones are named, with the ledger."""
    async with Simulator(work_seconds=1.0) as sim:
        ids = await order(sim, *ordered)
        await asyncio.sleep(2)
        if not complaint:
            assert_billed_once(sim, *wanted)
            assert_billed_once(sim, *ids)
            return
        with pytest.raises(AssertionError) as caught:
            assert_billed_once(sim, *wanted)
        assert complaint in str(caught.value)
        assert all(task_id in str(caught.value) for task_id in ids)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_an_open_task_counts_as_paid() -> None:
    """A task that still runs will be billed: twice is twice already."""
    async with Simulator(work_seconds=1000.0) as sim:
        await order(sim, "a", "a")
        with pytest.raises(AssertionError, match="2 paid"):
            assert_billed_once(sim)


def post(url: str, prompt: str) -> str:
    """Order over a socket, as code without asyncio does."""
    asked = urllib.request.Request(f"{url}/contents/generations/tasks", data=body(prompt), headers=KEY)  # noqa: S310 - loopback
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 - loopback
        return str(json.load(answer)["id"])


def test_a_simulator_in_a_thread() -> None:
    """Everything is read and pushed from here, by many threads at once; what was read does not change."""
    with ThreadedSimulator(Simulator(work_seconds=60.0)) as sim, ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(post, [sim.base_url] * 24, [f"cat {number}" for number in range(24)]))
        before: list[Any] = list(sim.requests)
        counts = sim.counts
        sim.finish(ids[0])
        sim.fail(ids[1])
        assert (sim.accepted, sim.billed, len(sim.tasks)) == (24, 23, 24)
        post(sim.base_url, "one more")
        assert (len(before), counts["create"], sim.counts["create"]) == (24, 24, 25)
        with pytest.raises(KeyError):
            sim.finish("cgt-nobody")
    assert sim.accepted == 25
    assert not [thread for thread in threading.enumerate() if thread.name == "seedance simulator"]


def test_a_taken_port_is_raised_here() -> None:
    """What goes wrong at the start is raised by `with`, not lost in the thread."""
    with ThreadedSimulator(Simulator()) as sim:
        port = int(sim.origin.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            ThreadedSimulator(Simulator(port=port)).__enter__()


def test_the_address_is_known_before_the_start() -> None:
    """A bound simulator has its port, gives it back, and binds again."""
    sim = Simulator()
    sim.bind()
    port = int(sim.origin.rpartition(":")[2])
    assert port > 0
    sim.release()
    other = Simulator(port=port)
    other.bind()
    other.release()
