"""A storm of prompts on a server that loses answers: for this library, the official SDK and the tests."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from seedance_async import (
    AccountLimits,
    RetryPolicy,
    SeedanceError,
    SeedanceSession,
    SubmitUncertain,
    TaskStatus,
    wait_for,
)
from seedance_async.simulator import Behaviour, Fault, Quotas, Simulator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEY = "sk-storm-0123456789abcdef"
MODEL = "doubao-seedance-1-5-pro-251215"

LOST_AFTER = (
    Fault(kind="reset", when="after", probability=0.03, times=None),
    Fault(kind="status", when="after", status=500, probability=0.03, times=None),
    Fault(kind="hang", when="after", probability=0.01, times=None),
)
"""The server took the order, and its answer never arrives."""
LOST_BEFORE = (
    Fault(kind="status", when="before", status=500, probability=0.03, times=None),
    Fault(kind="html", when="before", status=502, probability=0.03, times=None),
    Fault(kind="truncated", when="before", probability=0.03, times=None),
    Fault(kind="reset", when="before", probability=0.03, times=None),
)
"""The same to look at, and the server did not take the order."""
SLOW_DOWN = (
    Fault(kind="status", when="before", status=429, code="ServerOverloaded", probability=0.03, times=None),
)
BAD_READS = tuple(
    Fault(kind=kind, route=route, probability=0.025, times=None)
    for route in ("get", "list")
    for kind in ("reset", "html")
)
MIX = (*LOST_AFTER, *LOST_BEFORE, *SLOW_DOWN, *BAD_READS)
"""Of a hundred creates 7 are accepted and lost, 12 lost before, 3 told to slow down; 5 % of reads fail."""


@frozen(kw_only=True)
class Weather:
    """What a storm is made of.

    Attributes:
        prompts: how many, submitted as fast as the client lets them.
        faults: what goes wrong; none for the time that it takes without.
        list_supported: whether the server has a list at all.
        work_seconds: seconds that a task runs.
        max_running: tasks that the server runs at once.
        limits: what the client believes of the account.
        seed: seed of the faults.
    """

    prompts: int
    faults: tuple[Fault, ...] = MIX
    list_supported: bool = True
    work_seconds: float = 30.0
    max_running: int | None = None
    limits: AccountLimits = field(factory=AccountLimits.enterprise)
    seed: int = 7

    def server(self) -> Simulator:
        """Make the server: published quotas of an enterprise account, records bare until the end."""
        return Simulator(
            work_seconds=self.work_seconds,
            faults=self.faults,
            behaviour=Behaviour(list_supported=self.list_supported),
            quotas=Quotas(max_running=self.max_running),
            seed=self.seed,
        )


@frozen(kw_only=True)
class Ledger:
    """What came out, by the server's own books.

    Attributes:
        prompts: prompts that were submitted.
        tasks: tasks that the server made, and bills.
        twice: tasks beyond the first of a prompt: paid for more than once.
        succeeded: prompts whose caller got a finished video.
        uncertain: prompts whose caller was told that a task may exist.
        failed: prompts whose caller got another error.
        orphans: tasks whose caller got neither the task nor word that it may exist.
        posts: creates that were sent.
        lists: listings that were asked for.
        seconds: length of the run.
    """

    prompts: int
    tasks: int
    twice: int
    succeeded: int
    uncertain: int
    failed: int
    orphans: int
    posts: int
    lists: int
    seconds: float


async def ours(weather: Weather, *, retry: RetryPolicy | None = None) -> Ledger:
    """Ride the storm with this library."""
    async with (
        weather.server() as sim,
        SeedanceSession(
            KEY, sim.base_url, limits=weather.limits, retry=retry, observer=lambda _: None
        ) as session,
    ):

        async def one(prompt: str) -> str:
            try:
                task = await session.submit(prompt, key=prompt, duration=4, resolution="480p")
                done = await wait_for(session, task)
            except SubmitUncertain:
                return "uncertain"
            except SeedanceError as error:
                return f"failed {type(error).__name__}"
            return "succeeded" if done.status is TaskStatus.SUCCEEDED else "failed"

        return await _ride(weather, sim, one)


async def official(weather: Weather) -> Ledger:
    """Ride the storm with the official SDK in careful hands, for it keeps no quota by itself.

    At most 100 prompts in flight, creates 0.12 s and gets 0.06 s apart: within the account's limits.
    """
    from volcenginesdkarkruntime import AsyncArk

    async with weather.server() as sim:
        client: Any = AsyncArk(base_url=sim.base_url, api_key=KEY)
        room, creates, reads = asyncio.Semaphore(100), _Turns(0.12), _Turns(0.06)

        async def one(prompt: str) -> str:
            async with room:
                try:
                    return await _create_and_poll(client.content_generation.tasks, prompt, creates, reads)
                except Exception as error:  # noqa: BLE001 - the SDK lets errors of several libraries through
                    return f"failed {type(error).__name__}"

        try:
            return await _ride(weather, sim, one)
        finally:
            await client.close()


class _Turns:
    """Lets one request go every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = asyncio.Lock()

    async def wait(self) -> None:
        """Wait for a turn."""
        async with self._lock:
            await asyncio.sleep(self._seconds)


async def _create_and_poll(tasks: Any, prompt: str, creates: _Turns, reads: _Turns) -> str:
    """Create, then get until the end, as the SDK's examples do; it has no other way of waiting."""
    content = [{"type": "text", "text": prompt}]
    await creates.wait()
    made = await tasks.create(model=MODEL, content=content, duration=4, resolution="480p")
    while True:
        await reads.wait()
        task = await tasks.get(task_id=made.id)
        if task.status in {"succeeded", "failed", "cancelled", "expired"}:
            return str(task.status)
        await asyncio.sleep(6.0)


async def _ride(weather: Weather, sim: Simulator, one: Callable[[str], Awaitable[str]]) -> Ledger:
    """Let all prompts go at once, and read the server's books when all have ended."""
    ends: dict[str, str] = {}
    started = asyncio.get_running_loop().time()

    async def note(prompt: str) -> None:
        ends[prompt] = await one(prompt)

    async with asyncio.TaskGroup() as group:
        for number in range(weather.prompts):
            group.create_task(note(f"prompt {number}"))
    seconds = asyncio.get_running_loop().time() - started
    made = Counter(entry.prompt for entry in sim.ledger)
    kinds = Counter(end.split()[0] for end in ends.values())
    silent = [prompt for prompt, end in ends.items() if end.startswith("failed")]
    return Ledger(
        prompts=weather.prompts,
        tasks=len(sim.ledger),
        twice=sum(count - 1 for count in made.values()),
        succeeded=kinds["succeeded"],
        uncertain=kinds["uncertain"],
        failed=kinds["failed"],
        orphans=sum(made[prompt] for prompt in silent),
        posts=sim.counts["create"],
        lists=sim.counts["list"],
        seconds=round(seconds, 1),
    )
