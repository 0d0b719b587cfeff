"""How long after a task ended at the server it is known here: inside the quotas, and with callbacks.

``python benchmarks/watch_lag.py quotas [TASKS]`` has 50 tasks at work at once (3 to 9 s each) on a simulated
server in a process of its own, which enforces 20 GETs and 1 list a second; ``python benchmarks/watch_lag.py
callbacks [TASKS]`` asks every 30 s only and lets callbacks wake the watcher. Each prints one JSON line: tasks
that ended, wall time over the server's own, answers 429, median and p95 of the lag in seconds, and requests.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

from benchmarks.watch_cpu import KEY, submit_raw
from benchmarks.watch_host import Host, Play, hosting
from seedance_async._wire import clock
from seedance_async.callbacks import CallbackReceiver
from seedance_async.session import SeedanceSession
from seedance_async.settings import AccountLimits, PollPolicy
from seedance_async.waiting import as_completed

INF = float("inf")


async def ends(session: SeedanceSession, ids: list[str]) -> dict[str, float]:
    """Wait for all, and note when the end of each was known."""
    return {task.id: clock.monotonic() async for task in as_completed(session, ids)}


async def inside_quotas(host: Host, count: int) -> dict[str, Any]:
    """Wait for tasks of elsewhere with the quotas of a real account."""
    limits = AccountLimits(creates_per_minute=INF, max_alive=INF)
    ids = await submit_raw(host.base_url, count)
    begun = clock.monotonic()
    async with SeedanceSession(KEY, host.base_url, limits=limits) as session:
        known = await ends(session, ids)
    return figures(host, known, begun)


async def with_callbacks(host: Host, count: int) -> dict[str, Any]:
    """Submit and wait with a receiver, on loopback."""
    poll = PollPolicy(interval=30.0, max_interval=30.0)
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(CallbackReceiver())
        limits = AccountLimits.unlimited()
        session = SeedanceSession(KEY, host.base_url, poll=poll, limits=limits, callbacks=receiver)
        await stack.enter_async_context(session)
        begun = clock.monotonic()
        ids = [(await session.submit("a cat")).id for _ in range(count)]
        known = await ends(session, ids)
    return figures(host, known, begun)


def figures(host: Host, known: dict[str, float], begun: float) -> dict[str, Any]:
    """Compare with what the server says."""
    facts = host.facts()
    ended: dict[str, float] = facts["ended"]
    lags = sorted(at - ended[one] for one, at in known.items())
    wall = max(known.values()) - begun
    return {
        "tasks": len(ended),
        "ended": len(known),
        "wall_to_server": round(wall / (max(ended.values()) - begun), 3),
        "refused_429": facts["refused"],
        "lag_p50": round(lags[len(lags) // 2], 3),
        "lag_p95": round(lags[int(len(lags) * 0.95)], 3),
        "lag_max": round(lags[-1], 3),
        "counts": facts["counts"],
    }


def main() -> None:
    """Print the figures."""
    kind = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 500  # noqa: PLR2004 - the second argument
    if kind == "quotas":
        play, run = Play(run=6.0, at_once=50, quotas=True), inside_quotas
    else:
        play, run = Play(run=6.0), with_callbacks
    with hosting(play) as host:
        print(json.dumps({"kind": kind, **asyncio.run(run(host, count))}))


if __name__ == "__main__":
    main()
