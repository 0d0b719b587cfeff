"""The simulator as programs and tests use it: an async context manager."""

from __future__ import annotations

import asyncio
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self

from attrs import evolve

from seedance_async.simulator.behaviour import AfterSeconds, Behaviour
from seedance_async.simulator.clock import SimClock
from seedance_async.simulator.courier import Courier
from seedance_async.simulator.door import DOOR_PREFIX, Door, is_for_door
from seedance_async.simulator.exchange import SENT, Fate
from seedance_async.simulator.front import HOST, Front
from seedance_async.simulator.inside import Broken, Inside
from seedance_async.simulator.scenario import Scenario
from seedance_async.simulator.server import SimulatedServer
from seedance_async.simulator.studio import Studio

if TYPE_CHECKING:
    from collections import Counter, deque
    from collections.abc import Iterable, Mapping, Sequence

    from seedance_async.simulator.exchange import SimAnswer, SimRequest
    from seedance_async.simulator.faults import Fault
    from seedance_async.simulator.quotas import Quotas
    from seedance_async.simulator.requestlog import SeenRequest
    from seedance_async.simulator.tasks import LedgerEntry, SimTask


class Simulator:
    """A Seedance server on the loopback interface, with a ledger of what it would have billed.

    Args:
        work_seconds: Seconds that a task runs.
        queue_seconds: Seconds that it is queued before.
        seed: Seed of everything random: ids, seeds, jitter, faults with a probability.
        port: Port to bind; 0: a free one.
        api_key: The only key that is accepted; None: any well-formed one.
        scenario: Behaviour, quotas, faults and moderation as one value.
        faults: Faults on top of the scenario's.
        quotas: In place of the scenario's.
        behaviour: In place of the scenario's.
        render: Render a film per task, if the extra `simulator` is there; else serve the packaged clip.
        font: Font for the prompts in rendered films.

    Monotonic time is the running loop's, and wall time follows it, so a virtual clock drives everything.
    """

    def __init__(
        self,
        *,
        work_seconds: float = 2.0,
        queue_seconds: float = 0.0,
        seed: int = 0,
        port: int = 0,
        api_key: str | None = None,
        scenario: Scenario | None = None,
        faults: Iterable[Fault] = (),
        quotas: Quotas | None = None,
        behaviour: Behaviour | None = None,
        render: bool = False,
        font: str | None = None,
    ) -> None:
        played = scenario or Scenario()
        self._first = evolve(
            played,
            faults=[*played.faults, *faults],
            quotas=quotas or played.quotas,
            behaviour=behaviour or played.behaviour,
        )
        self.seed = seed
        self._usual = AfterSeconds(queue=queue_seconds, run=work_seconds)
        self._api_key = api_key
        self._studio = Studio(render=render, font=font)
        self._front = Front(self._answer, port)
        self._inside = Inside(pause=self._front.pause)
        self._server: SimulatedServer | None = None
        self._door: Door | None = None
        self._courier: Courier | None = None

    def bind(self) -> None:
        """Take the port at once, so that the addresses are known before a loop runs.

        Raises:
            OSError: The port is taken.
        """
        self._front.bind()

    def release(self) -> None:
        """Give back the port of a simulator that was bound and never started."""
        self._front.release()

    async def __aenter__(self) -> Self:
        """Bind the port and begin.

        Raises:
            OSError: The port is taken.
            FontUnreadable: `font` is not a font file.
        """
        await self._studio.check()
        loop = asyncio.get_running_loop()
        server = SimulatedServer(
            clock=SimClock(started=loop.time()),
            scenario=self._first,
            seed=self.seed,
            usual=self._usual,
            api_key=self._api_key,
            keep_pictures=self._studio.render,
        )
        self._courier = Courier(server)
        server.wake = self._courier.wake
        self._door = Door(server)
        self._server = server
        await self._front.open()
        server.open_at(self.origin)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the callbacks and drop every connection; the ledger can still be read."""
        if self._courier is not None:
            await self._courier.close()
        await self._front.close()
        await self._inside.close()

    @property
    def server(self) -> SimulatedServer:
        """The server without its sockets.

        Raises:
            RuntimeError: The simulator was never entered.
        """
        if self._server is None:
            raise RuntimeError('use "async with Simulator(...) as sim": it has not been started')
        return self._server

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://{HOST}:{self._front.port}"

    @property
    def is_running(self) -> bool:
        """Whether it takes requests."""
        return self._front.is_open

    @property
    def base_url(self) -> str:
        """Base URL of the Ark routes."""
        return f"{self.origin}/api/v3"

    @property
    def kkiai_url(self) -> str:
        """Base URL of the routes that answer a create with `submitted` as well."""
        return f"{self.origin}/volc/v1"

    @property
    def board_url(self) -> str:
        """URL of the board, for a browser; programs find the control door below it."""
        return f"{self.origin}{DOOR_PREFIX}/"

    @property
    def scenario(self) -> Scenario:
        """What is played now."""
        return self._first if self._server is None else self._server.scenario

    @property
    def accepted(self) -> int:
        """Creates that the server accepted."""
        return self.server.world.accepted

    @property
    def billed(self) -> int:
        """Accepted creates that cost money or will: all but those that ended failed, expired or cancelled."""
        self._advance()
        return self.server.world.billed

    @property
    def ledger(self) -> Sequence[LedgerEntry]:
        """One entry per accepted create, oldest first."""
        self._advance()
        return self.server.world.ledger

    @property
    def tasks(self) -> Mapping[str, SimTask]:
        """Tasks whose record was not erased, by id."""
        self._advance()
        return MappingProxyType(self.server.world.tasks)

    @property
    def requests(self) -> deque[SeenRequest]:
        """The last requests, oldest first."""
        return self.server.log.last

    @property
    def counts(self) -> Counter[str]:
        """Requests by route."""
        return self.server.log.counts

    @property
    def leaks(self) -> list[str]:
        """Paths of video downloads that carried an Authorization header."""
        return self.server.log.leaks

    def finish(self, task_id: str) -> None:
        """Let a task succeed now (or fail, if its prompt is bound to)."""
        self.server.finish(task_id, self._now())

    def fail(self, task_id: str, code: str = "InternalServiceError", message: str = "") -> None:
        """Let a task fail now."""
        self.server.fail(task_id, code, message, self._now())

    def advance(self, task_id: str) -> None:
        """Push a task one step on: queued to running, running to its end."""
        self.server.push(task_id, self._now())

    def add_fault(self, fault: Fault) -> None:
        """Arm one more fault."""
        self.server.faults.add(fault)

    def clear_faults(self) -> None:
        """Disarm all faults."""
        self.server.faults.clear()

    def play(self, scenario: Scenario) -> None:
        """Play another scenario from now on; tasks, ledger and counts stay."""
        self.server.play(scenario)

    def reset(self) -> None:
        """Forget all tasks, requests and leaks, and begin the scenario again."""
        self.server.reset()

    async def ask(self, request: SimRequest) -> SimAnswer:
        """Answer a request without any socket: what the front would send, at the same moments of the loop.

        Returns:
            The whole answer; a `slow` one after the time that it takes.

        Raises:
            Broken: The request meets a fate that gives no whole answer, or the simulator is not running.
        """
        if not self.is_running:
            raise Broken("refused")
        answer = self.server.handle(request, self._now())
        if answer.fate is SENT and answer.footage is None:
            return answer
        return await self._inside.deliver(self._completed(request, answer))

    async def _answer(self, request: SimRequest) -> SimAnswer:
        """Answer one request of the front, the control door's included."""
        server = self.server
        if self._door is not None and is_for_door(request.path):
            return self._door.handle(request, self._now())
        return await self._completed(request, server.handle(request, self._now()))

    async def _completed(self, request: SimRequest, answer: SimAnswer) -> SimAnswer:
        """What takes time: a request that is handled late, and a file to load."""
        if answer.fate.again:
            if not await self._front.pause(answer.fate.delay):
                return answer.with_fate(Fate(ending="eof"))
            answer = self.server.answer(request, self._now())
        return await self._studio.fill(answer)

    def _advance(self) -> None:
        """Bring the world up to date; outside a loop, after the end, it stays as it was."""
        if self._front.is_open:
            self.server.world.advance(self._now())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
