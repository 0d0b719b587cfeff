"""The breaker: stop at once, one probe after the cool-down, whatever becomes of the probe."""

from __future__ import annotations

import asyncio

import pytest

from seedance_async._wire.breaker import Breaker
from seedance_async.errors import Billed, QuotaExhausted
from tests.limits.helpers import spent

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_closed_it_lets_everything_pass() -> None:
    """Nothing is refused before the server said stop."""
    breaker = Breaker()
    breaker.check()
    breaker.enter()
    assert not breaker.is_open


async def test_open_it_raises_what_the_server_said_and_that_nothing_was_sent() -> None:
    """The caller sees code and request id of the real answer, and learns that this submit was not sent."""
    breaker = Breaker()
    breaker.open(spent())
    await asyncio.sleep(20)
    with pytest.raises(QuotaExhausted, match=r"Spend limit reached.*Not sent.*40 s") as caught:
        breaker.check()
    assert (caught.value.code, caught.value.request_id) == ("SetLimitExceeded", "0217")
    assert caught.value.billed is Billed.NO


async def test_each_refusal_is_an_error_of_its_own() -> None:
    """Two callers do not share a traceback, and advice does not pile up."""
    breaker, said = Breaker(), spent()
    breaker.open(said)
    first, second = breaker.refusal(), breaker.refusal()
    assert first is not second
    assert first.advice == second.advice != said.advice


async def test_one_probe_goes_after_the_cool_down() -> None:
    """After a minute one submit passes and the next does not."""
    breaker = Breaker()
    breaker.open(spent())
    await asyncio.sleep(60)
    breaker.enter()
    with pytest.raises(QuotaExhausted):
        breaker.enter()


async def test_an_accepted_probe_closes_it() -> None:
    """Once the probe is accepted, everybody may go."""
    breaker = Breaker()
    breaker.open(spent())
    await asyncio.sleep(60)
    breaker.enter()
    breaker.accepted()
    breaker.enter()
    breaker.enter()
    assert not breaker.is_open


async def test_an_answer_from_before_the_stop_does_not_close_it() -> None:
    """A submit that was on its way already and is accepted late proves nothing."""
    breaker = Breaker()
    breaker.open(spent())
    breaker.accepted()
    with pytest.raises(QuotaExhausted):
        breaker.check()


async def test_a_probe_that_is_never_heard_of_delays_the_next_and_no_more() -> None:
    """Cancelled or lost, a probe costs one more cool-down."""
    breaker = Breaker()
    breaker.open(spent())
    await asyncio.sleep(60)
    breaker.enter()
    await asyncio.sleep(59)
    with pytest.raises(QuotaExhausted):
        breaker.enter()
    await asyncio.sleep(1)
    breaker.enter()
    breaker.accepted()
    assert not breaker.is_open


async def test_after_a_probe_that_learns_later_the_next_may_go_at_once() -> None:
    """A rate limit is no stop: the probe's repeat is the next probe."""
    breaker = Breaker()
    breaker.open(spent())
    await asyncio.sleep(60)
    breaker.enter()
    breaker.relent()
    breaker.enter()
    breaker.accepted()
    assert not breaker.is_open


async def test_late_stops_are_no_news_and_do_not_prolong_it() -> None:
    """Answers to submits that were on their way open it once; a refused probe opens it again."""
    breaker = Breaker()
    assert breaker.open(spent())
    await asyncio.sleep(30)
    assert not breaker.open(spent())
    breaker.relent()
    await asyncio.sleep(30)
    breaker.enter()
    assert breaker.open(spent())
    await asyncio.sleep(59)
    with pytest.raises(QuotaExhausted):
        breaker.check()


async def test_a_closed_breaker_has_nothing_to_refuse_with() -> None:
    """Asking a closed breaker for its error is a mistake that shows."""
    with pytest.raises(RuntimeError, match="closed"):
        Breaker().refusal()
