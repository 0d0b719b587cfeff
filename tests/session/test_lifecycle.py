"""A session opens once, closes once, belongs to one loop, and says so."""

from __future__ import annotations

import asyncio
import gc
import logging
import pickle
import traceback
from functools import partial
from typing import Any

import aiohttp
import pytest

from seedance_async import (
    AccountLimits,
    Budget,
    InvalidRequest,
    MissingApiKey,
    PollPolicy,
    RetryPolicy,
    SeedanceError,
    SeedanceSession,
    SessionClosed,
    Timeouts,
    wait_for,
)
from seedance_async.settings import ARK, KKIAI
from seedance_async.simulator import Fault
from seedance_async.wiring import warn_of_key_of_ark
from tests.submit.helpers import KEY, standing


def test_a_missing_key_says_both_ways_out() -> None:
    """Without a key nothing is built, and the message names the argument and the variables."""
    with pytest.raises(MissingApiKey, match=r"api_key=.*SEEDANCE_API_KEY.*ARK_API_KEY"):
        SeedanceSession()


def test_the_environment_fills_in_key_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """SEEDANCE_API_KEY comes before ARK_API_KEY; SEEDANCE_BASE_URL before the default gateway."""
    monkeypatch.setenv("ARK_API_KEY", "sk-ark")
    assert SeedanceSession().settings.api_key == "sk-ark"
    monkeypatch.setenv("SEEDANCE_API_KEY", "sk-own")
    assert SeedanceSession().settings.api_key == "sk-own"
    assert SeedanceSession().settings.base_url == KKIAI
    monkeypatch.setenv("SEEDANCE_BASE_URL", "http://127.0.0.1:1/x/")
    assert SeedanceSession().settings.base_url == "http://127.0.0.1:1/x"


def test_a_key_of_ark_at_the_default_gateway_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """ARK_API_KEY without any address warns, once, without the key; not where either was given."""
    warn_of_key_of_ark.cache_clear()
    monkeypatch.setenv("ARK_API_KEY", "sk-ark")
    SeedanceSession("sk-given")
    SeedanceSession(base_url=KKIAI)
    assert not caplog.records
    for _ in range(2):
        SeedanceSession()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    told = record.getMessage()
    assert KKIAI in told
    assert f"SEEDANCE_BASE_URL={ARK}" in told
    assert "sk-ark" not in told


@pytest.mark.parametrize("key", ["", "  ", "line\nbreak", "schlüssel"])
def test_a_key_that_cannot_be_a_header_is_refused_without_showing_it(key: str) -> None:
    """A key with line ends or foreign letters is refused at once, and the message does not hold it."""
    with pytest.raises((MissingApiKey, InvalidRequest)) as caught:
        SeedanceSession(key)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (Timeouts, "request", 0),
        (Timeouts, "connect", -1),
        (RetryPolicy, "attempts", 0),
        (RetryPolicy, "attempts", 2.5),
        (RetryPolicy, "budget", float("nan")),
        (RetryPolicy, "on_uncertain", "guess"),
        (RetryPolicy, "fingerprint", "yes"),
        (PollPolicy, "interval", 0),
        (AccountLimits, "max_alive", 0),
        (AccountLimits, "creates_per_minute", "many"),
        (Budget, "tokens", -1),
        (partial(SeedanceSession, KEY), "base_url", "ftp://host"),
        (partial(SeedanceSession, KEY), "base_url", 5),
        (partial(SeedanceSession, KEY), "base_url", "https://"),
        (partial(SeedanceSession, KEY), "base_url", "https:///v1"),
        (partial(SeedanceSession, KEY), "base_url", "https://host:99999/v1"),
        (partial(SeedanceSession, KEY), "base_url", "https://[::1/v1"),
        (partial(SeedanceSession, KEY), "base_url", "https://host/a b"),
        (partial(SeedanceSession, KEY), "base_url", "https://host/v1?x=1"),
        (partial(SeedanceSession, KEY), "base_url", "https://host/v1#x"),
        (partial(SeedanceSession, KEY), "base_url", "https://host/v1/contents/generations/tasks/"),
        (SeedanceSession, "api_key", 5),
        (partial(SeedanceSession, KEY), "timeouts", 30),
        (partial(SeedanceSession, KEY), "retry", 3),
        (partial(SeedanceSession, KEY), "poll", 3.0),
        (partial(SeedanceSession, KEY), "limits", AccountLimits.individual),
        (partial(SeedanceSession, KEY), "observer", "loud"),
        (partial(SeedanceSession, KEY), "http", "https://host"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_once(kind: Any, field: str, value: object) -> None:
    """The error names the field, the value and what would be accepted."""
    with pytest.raises(InvalidRequest) as caught:
        kind(**{field: value})
    assert caught.value.field == field
    assert caught.value.limit
    assert "must" in str(caught.value)


@pytest.mark.asyncio
async def test_closing_twice_is_quiet_and_a_closed_session_says_so() -> None:
    """``close()`` is idempotent; every call after it raises SessionClosed."""
    async with standing() as stand:
        await stand.submit()
        await stand.session.close()
        await stand.session.close()
        assert stand.session.closed
        with pytest.raises(SessionClosed):
            await stand.submit()
        with pytest.raises(SessionClosed):
            await stand.session.get("cgt-1")
        with pytest.raises(SessionClosed):
            async with stand.session:
                pass


@pytest.mark.parametrize(
    "address",
    [
        "https://me:s3cret@host/v1",
        "ftp://me:s3cret@host/v1",
        "sk-s3cret",
        "https://host/v1?key=s3cret",
        "https://host/v1#s3cret",
        "https://me:s3cret",
    ],
)
def test_an_address_that_holds_a_secret_is_refused_without_showing_it(address: str) -> None:
    """A password, a key in the query, or the key itself where the arguments are swapped: the address would be
    shown in logs and reprs, so it is refused and stays out of the message.
    """
    with pytest.raises(InvalidRequest, match="base_url") as caught:
        SeedanceSession(KEY, address)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(caught.value.value)


def test_a_plain_with_explains_itself() -> None:
    """``with SeedanceSession()`` is a TypeError that names ``async with``."""
    session: Any = SeedanceSession(KEY)
    with pytest.raises(TypeError, match="async with"), session:
        pass


@pytest.mark.asyncio
async def test_a_session_that_is_never_used_opens_nothing() -> None:
    """Making a session outside a block leaves no connection to close and no warning behind."""
    session = SeedanceSession(KEY)
    del session
    gc.collect()
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.asyncio
async def test_a_borrowed_aiohttp_session_stays_open() -> None:
    """What the caller lends is used and never closed; its headers are its own affair."""
    async with aiohttp.ClientSession() as http:
        async with standing(session={"http": http}) as stand:
            await stand.submit()
            assert stand.sim.billed == 1
        assert not http.closed
    assert http.closed


@pytest.mark.asyncio
async def test_closing_lets_every_waiter_go() -> None:
    """A wait that is under way ends with SessionClosed, and no task is left behind."""
    async with standing(work_seconds=600.0) as stand:
        before = len(asyncio.all_tasks())
        waiting = asyncio.create_task(wait_for(stand.session, await stand.submit()))
        await asyncio.sleep(0.05)
        await stand.session.close()
        with pytest.raises(SessionClosed):
            await waiting
        assert len(asyncio.all_tasks()) <= before


def test_two_runs_share_nothing_by_accident() -> None:
    """``asyncio.run`` twice with one AccountLimits: no lock of the first loop is met in the second."""
    limits = AccountLimits()

    async def once() -> int:
        async with standing(session={"limits": limits}) as stand:
            await stand.submit()
            return stand.sim.billed

    assert asyncio.run(once()) == asyncio.run(once()) == 1


def test_one_session_in_two_loops_is_refused() -> None:
    """A session that another loop opened raises SessionClosed with the reason, instead of hanging."""

    async def leave_open() -> SeedanceSession:
        async with aiohttp.ClientSession() as http:
            session = SeedanceSession(KEY, "http://127.0.0.1:9/api/v3", http=http)
            assert session.watcher.in_flight == 0
            return session

    async def use(session: SeedanceSession) -> None:
        with pytest.raises(SessionClosed, match="another event loop"):
            await session.get("cgt-1")
        with pytest.raises(SessionClosed, match="another event loop"):
            await session.__aenter__()

    session = asyncio.run(leave_open())
    asyncio.run(use(session))


def test_settings_and_errors_never_show_the_key() -> None:
    """Neither repr nor pickle of what a user may log holds the key."""
    session = SeedanceSession(KEY)
    shown = f"{session!r} {session.settings!r} {session.settings}"
    assert KEY not in shown
    assert KEY.encode() not in pickle.dumps(InvalidRequest(field="x", value=1, limit="must be y"))


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_closing_ends_submits_that_wait_for_a_slot() -> None:
    """A submit that stands in line is sent out with SessionClosed, and orders nothing."""
    limits = AccountLimits(max_alive=1, creates_per_minute=float("inf"))
    async with standing(work_seconds=600.0, session={"limits": limits}) as stand:
        await stand.submit("first")
        second = asyncio.create_task(stand.session.submit("second", duration=4))
        await asyncio.sleep(5.0)
        await stand.session.close()
        with pytest.raises(SessionClosed):
            await second
        assert stand.sim.billed == 1


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_cancelled_submit_is_cancelled_and_not_closed() -> None:
    """The caller's own cancellation comes through as it is, whatever the session does later."""
    async with standing(faults=[Fault(kind="hang", when="before")]) as stand:
        submitting = asyncio.create_task(stand.session.submit("a cat", duration=4))
        await asyncio.sleep(5.0)
        submitting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await submitting


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_no_frame_of_a_failed_call_shows_the_key() -> None:
    """A crash report that prints local variables, those of aiohttp included, does not hold the key."""
    async with standing(faults=[Fault(kind="reset", route="list", times=None)]) as stand:
        with pytest.raises(SeedanceError) as caught:
            await stand.session.list()
        report = "".join(
            traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
        )
        assert "headers" in report
        assert KEY not in report
