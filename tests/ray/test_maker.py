"""One worker without a cluster: the real session, claims and desk; only the way to the actor is short."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import AccountLimits, PollPolicy, RetryPolicy, Timeouts
from seedance_async.ext.ray.desk import AccountDesk
from seedance_async.ext.ray.maker import Maker, Order
from seedance_async.simulator import Simulator
from tests.ray.cluster import KEY, need_ray

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

pytestmark = pytest.mark.asyncio


class Handle:
    """What Ray gives for an actor, for a desk of this process."""

    def __init__(self) -> None:
        self.desk = AccountDesk(AccountLimits())

    def __getattr__(self, method: str) -> SimpleNamespace:
        return SimpleNamespace(remote=getattr(self.desk, method))


def order(folder: Path, base_url: str, **changes: Any) -> Order:
    """What a pipeline tells its workers."""
    told: dict[str, Any] = {
        "save_to": str(folder / "out"),
        "claims": (folder / "claims").as_uri(),
        "lease": 30.0,
        "account": "default",
        "base_url": base_url,
        "api_key": lambda: KEY,
        "timeouts": Timeouts(),
        "retry": RetryPolicy(wait_initial=0.01, settling=0.2, looks=1),
        "poll": PollPolicy(interval=0.05, max_interval=0.1),
        "limits": AccountLimits(),
        "at_once": 4,
        "fields": None,
        "defaults": {"duration": 4},
        "retry_failed": False,
    }
    return Order(**{**told, **changes})


@asynccontextmanager
async def worker(told: Order, handle: Handle | None = None) -> AsyncGenerator[Maker]:
    """A worker that is closed in the end."""
    need_ray()
    maker = Maker(told, handle or Handle())
    try:
        yield maker
    finally:
        await asyncio.to_thread(maker.close)


async def rows(maker: Maker, *given: dict[str, Any]) -> list[dict[str, Any]]:
    """Hand rows to a worker, and give what comes back."""
    table = await maker(import_module("pyarrow").Table.from_pylist(list(given)))
    assert table.schema.field("tokens").type == "int64"
    found: list[dict[str, Any]] = table.to_pylist()
    return found


async def test_a_batch_comes_back_whole(tmp_path: Path) -> None:
    """Good and bad rows keep their order and their columns; two rows of one key are one task."""
    async with Simulator(work_seconds=0.05) as sim, worker(order(tmp_path, sim.base_url)) as maker:
        given = [
            {"key": "cat", "prompt": "a cat", "note": 1, "state": "theirs", "duration": None},
            {"key": "bad", "prompt": "a dog", "note": 2, "state": "theirs", "duration": 99},
            {"key": "cat", "prompt": "a cat", "note": 3, "state": "theirs", "duration": None},
        ]
        found = await rows(maker, *given)
        assert [(row["key"], row["note"], row["state"]) for row in found] == [
            ("cat", 1, "succeeded"),
            ("bad", 2, "refused"),
            ("cat", 3, "succeeded"),
        ]
        assert sim.accepted == 1
        assert (found[0]["uri"], found[0]["tokens"]) == ((tmp_path / "out/cat.mp4").as_uri(), 87300)
        assert found[1]["tokens"] is None
        assert "duration=99" in found[1]["error"]
        assert KEY not in repr(order(tmp_path, sim.base_url))


async def test_workers_share_jobs(tmp_path: Path) -> None:
    """Two workers with the same rows at the same time pay once for each, and both name the videos."""
    async with Simulator(work_seconds=0.2) as sim:
        told, handle = order(tmp_path, sim.base_url), Handle()
        given = [{"key": f"job-{index}", "prompt": f"prompt {index}"} for index in range(6)]
        async with worker(told, handle) as one, worker(told, handle) as two, asyncio.TaskGroup() as group:
            answers = [group.create_task(rows(maker, *given)) for maker in (one, two)]
        first, second = (answer.result() for answer in answers)
        assert first == second
        assert {row["state"] for row in first} == {"succeeded"}
        assert sorted(entry.prompt for entry in sim.ledger) == [f"prompt {index}" for index in range(6)]


async def test_a_worker_without_a_key_says_so_in_its_rows(tmp_path: Path) -> None:
    """Nothing is sent, nothing raises, and the next row tries again."""
    async with worker(order(tmp_path, "http://127.0.0.1:9", api_key=None)) as maker:
        for _ in range(2):
            (row,) = await rows(maker, {"key": "cat", "prompt": "a cat"})
            assert (row["key"], row["state"], row["task_id"]) == ("cat", "refused", None)
            assert row["error"].startswith("MissingApiKey: ")


async def test_a_folder_of_another_machine_is_refused(tmp_path: Path) -> None:
    """A worker that does not see what the first one left among the claims pays for nothing."""
    handle = Handle()
    await handle.desk.meet((tmp_path / "claims").as_uri(), "a word of another machine")
    async with Simulator() as sim, worker(order(tmp_path, sim.base_url), handle) as maker:
        (row,) = await rows(maker, {"key": "cat", "prompt": "a cat"})
        assert row["state"] == "refused"
        assert "share" in row["error"]
        assert sim.accepted == 0


async def test_a_surprise_is_a_row_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw leaves its job uncertain, and the dataset alive."""

    async def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seedance_async.ext.ray.maker.fulfil", fails)
    async with Simulator() as sim, worker(order(tmp_path, sim.base_url)) as maker:
        (row,) = await rows(maker, {"key": "cat", "prompt": "a cat"})
        assert (row["state"], row["task_id"]) == ("uncertain", None)
        assert row["error"] == "OSError: [Errno 28] No space left on device"
