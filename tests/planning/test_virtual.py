"""The virtual loop: hours pass in no time, in order, and threads are waited for."""

from __future__ import annotations

import asyncio

from seedance_async.planning.virtual import run_virtually


def test_hours_pass_in_their_order() -> None:
    """Sleeps end in the order of their lengths, and the clock says how long they were."""

    async def sleepers() -> list[tuple[float, str]]:
        loop, ends = asyncio.get_running_loop(), list[tuple[float, str]]()
        begun = loop.time()

        async def one(hours: float, name: str) -> None:
            await asyncio.sleep(hours * 3600)
            ends.append((round((loop.time() - begun) / 3600, 3), name))

        async with asyncio.TaskGroup() as group:
            for hours, name in ((30, "last"), (1, "first"), (2.5, "second")):
                group.create_task(one(hours, name))
        return ends

    assert run_virtually(sleepers()) == [(1.0, "first"), (2.5, "second"), (30.0, "last")]


def test_a_thread_is_waited_for() -> None:
    """The clock does not run away to a timeout while a thread works."""

    async def work() -> int:
        async with asyncio.timeout(3600):
            return await asyncio.to_thread(sum, range(200_000))

    assert run_virtually(work()) == sum(range(200_000))


def test_a_wait_shorter_than_a_float_can_tell_ends() -> None:
    """Whoever sleeps until a moment that rounding never reaches is not asked for ever."""

    async def until() -> float:
        loop = asyncio.get_running_loop()
        due = loop.time() + 3e-7
        while loop.time() < due:  # noqa: ASYNC110 - the spinning is what is tested
            await asyncio.sleep((due - loop.time()) / 4)
        return loop.time() - due

    assert 0 <= run_virtually(until()) < 1e-3
