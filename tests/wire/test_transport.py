"""One exchange: what a borrowed aiohttp session brings along must not change what an answer means."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from seedance_async import (
    Billed,
    InvalidRequest,
    RequestRefused,
    RetryPolicy,
    SeedanceSession,
    SessionClosed,
    SubmitUncertain,
    Timeouts,
)
from seedance_async._wire import clock
from seedance_async._wire.sockets import HttpCarrier
from seedance_async.errors import AnswerLost, ConnectionFailed
from seedance_async.events import RetryScheduled
from seedance_async.simulator import Fault
from tests.submit.helpers import KEY, standing

if TYPE_CHECKING:
    from seedance_async._wire.exchange import WireRequest, WireResponse

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_borrowed_session_that_raises_for_status_still_gives_our_error() -> None:
    """A refusal is a refusal, and not a lost answer to look for."""
    fault = Fault(kind="status", status=400, code="InvalidParameter", when="before")
    async with (
        aiohttp.ClientSession(raise_for_status=True) as http,
        standing(faults=[fault], session={"http": http}) as stand,
    ):
        with pytest.raises(RequestRefused, match="InvalidParameter") as caught:
            await stand.submit()
        assert caught.value.billed is Billed.NO


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_borrowed_session_with_its_own_auth_is_refused_before_anything_is_sent() -> None:
    """Two Authorization headers cannot be right; the error names the argument."""
    async with (
        aiohttp.ClientSession(auth=aiohttp.BasicAuth("me", "secret")) as http,
        standing(session={"http": http}) as stand,
    ):
        with pytest.raises(InvalidRequest, match="http") as caught:
            await stand.submit()
        assert "secret" not in str(caught.value)
        assert stand.sim.counts["create"] == 0


async def test_a_borrowed_session_that_was_closed_says_so() -> None:
    """The caller closed what it lent: nothing is sent and nothing is in doubt."""
    http = aiohttp.ClientSession()
    async with standing(session={"http": http}) as stand:
        await http.close()
        with pytest.raises(SessionClosed):
            await stand.submit()
        assert stand.session.uncertain == ()


async def test_middlewares_of_a_borrowed_session_still_run() -> None:
    """Ours come on top of the user's own, and do not replace them."""
    seen: list[str] = []

    async def note(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        seen.append(request.method)
        return await handler(request)

    async with aiohttp.ClientSession(middlewares=(note,)) as http, standing(session={"http": http}) as stand:
        await stand.submit()
    assert seen == ["POST"]


@pytest.mark.parametrize("lend", [True, False], ids=["borrowed", "owned"])
async def test_a_dropped_get_is_repeated_by_the_policy_alone(lend: bool) -> None:  # noqa: FBT001
    """Aiohttp's own silent replay is off: every request that goes out is one that the policy decided on."""
    fault = Fault(kind="reset", route="get", times=None)
    async with aiohttp.ClientSession() as http:
        given: dict[str, Any] = {"retry": RetryPolicy(attempts=3), **({"http": http} if lend else {})}
        async with standing(faults=[fault], session=given) as stand:
            task_id = await stand.submit()
            with pytest.raises(AnswerLost, match="no answer"):
                await stand.session.get(task_id)
            assert stand.sim.counts["get"] == 3


async def test_an_endless_answer_is_left() -> None:
    """No answer of this API is larger than 64 MiB; a server that goes on sending fills no memory."""
    sent = 0

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(bytes(1 << 20))
                sent += 1 << 20
                await writer.drain()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with SeedanceSession(KEY, url, retry=RetryPolicy(attempts=1)) as session:
            with pytest.raises(AnswerLost, match="ClientPayloadError"):
                await session.get("cgt-1")
    assert sent < 80 << 20


@pytest.mark.parametrize("drips", [True, False], ids=["drips", "is silent"])
async def test_one_exchange_takes_no_longer_than_the_request_may(drips: bool) -> None:  # noqa: FBT001
    """``request`` bounds the whole of it, also where bytes go on coming; aiohttp rounds up to a second."""

    async def dawdle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                await asyncio.sleep(1.0)
                writer.write(b" " * drips)
                await writer.drain()
        writer.close()

    timeouts = Timeouts(request=20.0, connect=15.0)
    async with await asyncio.start_server(dawdle, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with SeedanceSession(KEY, url, timeouts=timeouts, retry=RetryPolicy(attempts=1)) as session:
            begun = clock.monotonic()
            with pytest.raises(AnswerLost, match="TimeoutError"):
                await session.get("cgt-1")
            assert 20.0 <= clock.monotonic() - begun <= 21.0
        await asyncio.sleep(2.0)  # the server sees that nobody listens


async def _again_and_in_vain(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Be a middleware that sends a POST again after a 5xx, and finds no connection then."""
    answer = await handler(request)
    if request.method == "POST" and answer.status >= 500:
        raise aiohttp.ClientConnectorError(request.connection_key, OSError(111, "refused"))
    return answer


class _TwoAddresses(HttpCarrier):
    """A carrier that tries a second address when the first one breaks off, and cannot reach it."""

    async def carry(self, request: WireRequest, **how: Any) -> WireResponse:
        answer = await super().carry(request, **how)
        if answer.status >= 500:
            raise ConnectionFailed("The second address cannot be reached; nothing was sent.")
        return answer


@pytest.mark.parametrize("who", ["middleware", "carrier"])
async def test_a_second_sending_that_never_left_takes_nothing_back(who: str) -> None:
    """What is sent by somebody else's repeat and is never out says nothing about the first POST, which is."""
    fault = Fault(kind="status", when="after", status=502)
    async with aiohttp.ClientSession(middlewares=(_again_and_in_vain,)) as http:
        session: dict[str, Any] = {"http": http} if who == "middleware" else {"transport": _TwoAddresses()}
        session["retry"] = RetryPolicy(attempts=1, on_uncertain="raise")
        async with standing(faults=[fault], session=session) as stand:
            with pytest.raises(SubmitUncertain):
                await stand.submit()
            assert stand.sim.accepted == 1


async def test_the_session_names_a_wrong_address() -> None:
    """An address that no host can have is a mistake of the caller, found when the session is made."""
    with pytest.raises(InvalidRequest, match="base_url"):
        SeedanceSession(KEY, "http://..")


async def test_a_post_of_a_process_that_slept_is_not_sent_but_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine that wakes up after its POST may have been found absent sends nothing of it."""
    awake, asleep = clock.wall, [0.0]
    monkeypatch.setattr(clock, "wall", lambda: awake() + asleep[0])

    async def sleep_once(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        asleep[0] = 1000.0
        return await handler(request)

    async with (
        aiohttp.ClientSession(middlewares=(sleep_once,)) as http,
        standing(session={"http": http}) as stand,
    ):
        await stand.submit()
        assert [event.route for event in stand.told(RetryScheduled)] == ["create"]
        assert "before anything was sent" in stand.told(RetryScheduled)[0].error
        assert stand.sim.accepted == 1
        assert stand.session.uncertain == ()


@pytest.mark.parametrize("field", ["request", "connect"])
async def test_an_exchange_without_an_end_is_refused(field: str) -> None:
    """Each call would break, and nobody could ever prove that a lost submit was not accepted."""
    with pytest.raises(InvalidRequest, match="must be finite") as caught:
        Timeouts(**{field: math.inf})
    assert caught.value.field == field
    assert getattr(Timeouts(**{field: 1e6}), field) == 1e6
