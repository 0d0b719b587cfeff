"""Traps of the paid path that were measured in the libraries below and in other clients: each is a test."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from seedance_async import (
    AccountLimits,
    InvalidRequest,
    RateLimited,
    RequestRefused,
    RetryPolicy,
    SeedanceError,
    SeedanceSession,
    SubmitUncertain,
    Timeouts,
)
from seedance_async._wire import clock
from seedance_async.events import RequestSent, RetryScheduled
from seedance_async.simulator import Behaviour, Fault, Simulator
from tests.submit.helpers import KEY, standing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

asynchronous = [pytest.mark.asyncio, pytest.mark.looptime]


class TestOnALoop:
    """What happens within one event loop."""

    pytestmark = asynchronous

    async def test_every_create_has_a_connection_of_its_own(self) -> None:
        """A kept-alive connection may be dead by now, and nobody could tell whether a POST on it arrived."""
        peers: list[object] = []

        async def answer(request: web.BaseRequest) -> web.Response:
            peers.append(request.transport)
            return web.json_response({"id": f"cgt-{len(peers)}"})

        async with serving(answer) as url, SeedanceSession(KEY, url) as session:
            for _ in range(4):
                await session.submit("a cat")
        assert len({id(peer) for peer in peers}) == 4

    async def test_sixty_at_once_each_get_their_own_id(self) -> None:
        """Repeats of concurrent submits do not share state: everybody gets the task of his own prompt."""
        slow_down = Fault(kind="status", status=429, code="ServerOverloaded", times=30)
        async with standing(faults=[slow_down]) as stand:
            found: dict[str, str] = {}

            async def one(prompt: str) -> None:
                found[prompt] = await stand.submit(prompt)

            async with asyncio.TaskGroup() as group:
                for number in range(60):
                    group.create_task(one(f"prompt {number}"))
            assert {entry.prompt: entry.id for entry in stand.sim.ledger} == found
            assert stand.sim.counts["create"] == 90

    async def test_retry_layers_do_not_multiply(self) -> None:
        """Four attempts are four POSTs: there is one layer of repeats, not several inside each other."""
        slow_down = Fault(kind="status", status=429, code="ServerOverloaded", times=None)
        async with standing(faults=[slow_down], session={"retry": RetryPolicy(attempts=4)}) as stand:
            with pytest.raises(RateLimited):
                await stand.submit()
            assert stand.sim.counts["create"] == 4

    @pytest.mark.parametrize("budget", [0.0, 5.0, 30.0])
    async def test_the_budget_is_never_overshot(self, budget: float) -> None:
        """No POST goes out later than `budget` seconds after the first, holds of the account included."""
        slow_down = Fault(kind="status", status=429, code="ServerOverloaded", times=None)
        session = {"retry": RetryPolicy(budget=budget, attempts=1000)}
        async with standing(faults=[slow_down], session=session) as stand:
            with pytest.raises(RateLimited):
                await stand.submit()
            times = [request.at for request in stand.sim.requests if request.route == "create"]
            assert times[-1] - times[0] <= budget

    async def test_a_hold_that_outlasts_the_budget_ends_in_the_refusal(self) -> None:
        """An account that another submit's refusal holds for longer sends nothing when the budget ends."""
        busy = Fault(kind="status", status=429, code="ServerOverloaded")
        held = Fault(kind="status", status=429, code="ServerOverloaded", retry_after="100", nth=2)
        session = {"retry": RetryPolicy(budget=30.0)}
        async with standing(faults=[busy, held], session=session) as stand:
            ends = [asyncio.create_task(stand.submit(f"prompt {number}")) for number in range(2)]
            await asyncio.wait(ends)
            assert [type(end.exception()) for end in ends] == [RateLimited, RateLimited]
            assert asyncio.get_running_loop().time() == pytest.approx(30.0, abs=0.1)
            assert stand.sim.counts["create"] == 2

    @pytest.mark.parametrize(("budget", "posts"), [(1.2, 1), (1.4, 2)])
    async def test_a_turn_that_comes_after_the_budget_is_not_taken(self, budget: float, posts: int) -> None:
        """At 900 a minute the next turn is 1.3 s after a refusal: a budget that ends before sends nothing."""
        busy = Fault(kind="status", status=429, code="ServerOverloaded", retry_after="1", times=None)
        limits = AccountLimits(creates_per_minute=900.0)
        session = {"retry": RetryPolicy(budget=budget, attempts=2, wait_initial=0.0), "limits": limits}
        async with standing(faults=[busy], session=session) as stand:
            with pytest.raises(RateLimited):
                await stand.submit()
            assert stand.sim.counts["create"] == posts

    @pytest.mark.parametrize(("asleep", "repeats"), [(134.0, 0), (136.0, 1)])
    async def test_a_post_goes_out_within_its_window_or_not_at_all(
        self, monkeypatch: pytest.MonkeyPatch, asleep: float, repeats: int
    ) -> None:
        """After a sleep longer than connecting and answering may take, 135 s, the task of this POST may count
        as absent already: another one is made.
        """
        awake, passed = clock.wall, [0.0]
        monkeypatch.setattr(clock, "wall", lambda: awake() + passed[0])

        async def suspended(
            request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
        ) -> aiohttp.ClientResponse:
            passed[0] = asleep
            return await handler(request)

        async with (
            aiohttp.ClientSession(middlewares=(suspended,)) as http,
            standing(session={"http": http}) as stand,
        ):
            await stand.submit()
            assert len(stand.told(RetryScheduled)) == repeats
            assert stand.sim.accepted == 1

    async def test_a_body_that_drips_ends_with_the_timeout(self) -> None:
        """The timeout covers the whole answer, not the head alone: an hour of drops is a lost answer."""
        drip = Fault(kind="slow_body", when="after", seconds=3600.0)
        session = {"timeouts": Timeouts(request=20.0, connect=5.0)}
        async with standing(faults=[drip], session=session) as stand:
            task_id = await stand.submit()
            first = next(event for event in stand.told(RequestSent) if event.route == "create")
            assert first.seconds <= 25.5
            assert [entry.id for entry in stand.sim.ledger] == [task_id]
            assert stand.sim.counts["create"] == 1

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed_with_the_key(self, status: int) -> None:
        """The key goes to the address that was given, and nowhere that an answer points to."""
        seen: list[str] = []

        async def elsewhere(request: web.BaseRequest) -> web.Response:
            seen.append(request.headers.get("Authorization", ""))
            return web.json_response({"id": "cgt-stolen"})

        async with serving(elsewhere) as target:

            async def move(_: web.BaseRequest) -> web.Response:
                return web.Response(status=status, headers={"Location": target})

            retry = RetryPolicy(on_uncertain="raise")
            async with serving(move) as url, SeedanceSession(KEY, url, retry=retry) as session:
                with pytest.raises(SeedanceError):
                    await session.submit("a cat")
        assert seen == []

    @pytest.mark.parametrize("status", [409, 418, 425, 499, 520, 529, 599])
    async def test_a_status_nobody_listed_is_an_error_of_ours(self, status: int) -> None:
        """Unknown statuses prove nothing: the submit is looked for, and the server's words are kept."""
        odd = Fault(kind="status", status=status, code="Odd", message="strange", when="after")
        session = {"retry": RetryPolicy(on_uncertain="raise")}
        async with standing(faults=[odd], session=session) as stand:
            with pytest.raises(SubmitUncertain, match="strange") as caught:
                await stand.submit()
            assert caught.value.__cause__ is not None
            assert "Odd" in str(caught.value.__cause__)

    @pytest.mark.parametrize(
        "task_id", ["../../models?x=", "..", "a/../b", "x?y=1", "x#y", "%2e%2e", "a b", "", " ", "\n", "a\0b"]
    )
    async def test_a_task_id_never_becomes_another_route(self, task_id: str) -> None:
        """An id from outside is quoted whole or refused; no request reaches anything but the tasks."""
        async with standing() as stand:
            for call in (stand.session.get, stand.session.cancel, stand.session.delete):
                with pytest.raises((InvalidRequest, RequestRefused)):
                    await call(task_id)
            prefix = "/api/v3/contents/generations/tasks/"
            paths = [request.path for request in stand.sim.requests]
            assert all(path.startswith(prefix) and "/" not in path.removeprefix(prefix) for path in paths)
            assert all(request.query == () for request in stand.sim.requests)

    async def test_the_key_is_nowhere_to_be_read(self, caplog: pytest.LogCaptureFixture) -> None:
        """Not in a repr, an event, a log line at DEBUG, an error, its pickle or its traceback."""
        caplog.set_level(logging.DEBUG)
        faults = [
            Fault(kind="status", status=401, code="AuthenticationError"),
            Fault(kind="reset", when="after"),
            Fault(kind="html", status=502, when="after"),
        ]
        texts: list[str] = []
        behaviour = Behaviour(list_supported=False)
        async with standing(faults=faults, behaviour=behaviour) as stand:
            for _ in faults:
                with pytest.raises(SeedanceError) as caught:
                    await stand.submit()
                error = caught.value
                frames = traceback.format_exception(error)
                texts += [str(error), repr(error), repr(vars(error)), *frames]
                assert KEY.encode() not in pickle.dumps(error)
            texts += [repr(stand.session), repr(stand.session.settings), repr(stand.session.uncertain)]
            texts += [repr(event) for event in stand.events]
        texts += [record.getMessage() + repr(vars(record)) for record in caplog.records]
        assert len(texts) > 30
        assert not [text for text in texts if KEY in text]

    async def test_limits_are_shared_and_keys_of_intents_are_not(self) -> None:
        """Two sessions with one AccountLimits share its slots, and each looks after its own open submits."""
        limits = AccountLimits(max_alive=2)
        async with (
            Simulator(work_seconds=30.0) as sim,
            SeedanceSession(KEY, sim.base_url, limits=limits) as one,
            SeedanceSession(KEY, sim.base_url, limits=limits) as two,
        ):
            async with asyncio.TaskGroup() as group:
                for number in range(6):
                    group.create_task((one, two)[number % 2].submit(f"prompt {number}"))
            alive = sorted(entry.accepted_at for entry in sim.ledger)
            assert alive[2] - alive[0] >= 29.0
            assert alive[4] - alive[2] >= 29.0


class TestAcrossLoops:
    """What happens when loops come and go."""

    def test_asyncio_run_twice(self) -> None:
        """No lock, session or account of the first loop is left over for the second."""
        limits = AccountLimits()

        async def once() -> int:
            async with (
                Simulator(work_seconds=0.1) as sim,
                SeedanceSession(KEY, sim.base_url, limits=limits) as s,
            ):
                async with asyncio.TaskGroup() as group:
                    for number in range(5):
                        group.create_task(s.submit(f"prompt {number}"))
                return sim.billed

        assert [asyncio.run(once()) for _ in range(2)] == [5, 5]

    def test_a_session_of_another_loop_says_so(self) -> None:
        """A session that is used in a second loop is refused with the way out, and sends nothing there."""
        session = SeedanceSession(KEY, "http://127.0.0.1:9/api/v3")

        async def use() -> None:
            async with asyncio.timeout(5.0):
                await session.submit("a cat")

        async def open_it() -> None:
            await session.__aenter__()

        async def close_it() -> None:
            await session.close()

        with asyncio.Runner() as first, asyncio.Runner() as second:
            first.run(open_it())
            with pytest.raises(SeedanceError, match="event loop"):
                second.run(use())
            first.run(close_it())


def serving(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> _Serving:
    """Serve one handler on loopback; gives the base URL."""
    return _Serving(answer)


class _Serving:
    """A server with one handler, for answers that the simulator does not give."""

    def __init__(self, answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        self._runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=0.1)

    async def __aenter__(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}/api/v3"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
