"""The simulator without sockets: what its front does to a connection, done to a caller in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Literal

from attrs import define, field

if TYPE_CHECKING:
    from seedance_async.simulator.exchange import SimAnswer

Pause = Callable[[float | None], Awaitable[bool]]
Break = Literal["refused", "reset", "eof", "short"]


class Broken(Exception):
    """No whole answer came.

    Attributes:
        how: `refused`: the simulator is not running; `reset` or `eof`: the connection ended, by a TCP reset
            or quietly; `short`: in the middle of the body.
    """

    def __init__(self, how: Break) -> None:
        super().__init__(f"the exchange ended: {how}")
        self.how: Break = how


@define(eq=False)
class Inside:
    """Lets answers meet their fate.

    Args:
        pause: Waits for seconds (None: for ever), or until the simulator stops, which it says by False.
    """

    _pause: Pause = field(alias="pause")
    _working: set[asyncio.Task[SimAnswer]] = field(factory=set["asyncio.Task[SimAnswer]"], init=False)

    async def deliver(self, making: Coroutine[object, object, SimAnswer]) -> SimAnswer:
        """Wait for an answer that is being made, and then as long as its fate wants.

        Raises:
            Broken: There is none.
        """
        work = asyncio.get_running_loop().create_task(making, name="simulator request")
        self._working.add(work)
        work.add_done_callback(self._working.discard)
        # Shielded: a server goes on with a request whose client has left.
        answer = await asyncio.shield(work)
        fate = answer.fate
        waits = None if fate.ending == "hang" else fate.delay + fate.seconds * (fate.ending == "slow")
        if waits != 0 and not await self._pause(waits):
            raise Broken("eof")
        if fate.ending in ("reset", "eof", "short"):
            raise Broken(fate.ending)
        return answer

    async def close(self) -> None:
        """Stop the requests that are still being handled."""
        for work in list(self._working):
            work.cancel()
        if self._working:
            await asyncio.wait(self._working)
