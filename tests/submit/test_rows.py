"""Every way the paid POST can end, one test a row: what is billed, what is repeated, what is said."""

from __future__ import annotations

import asyncio
import socket

import pytest

from seedance_async import (
    AnswerUnreadable,
    AuthenticationFailed,
    Billed,
    ConnectionFailed,
    ContentRejected,
    QuotaExhausted,
    RateLimited,
    RequestRefused,
    RetryPolicy,
    SeedanceError,
    SeedanceSession,
    SubmitUncertain,
    TaskStatus,
)
from seedance_async.events import PaceLowered, RetryScheduled, SubmitAccepted, SubmitAdopted, SubmitLost
from seedance_async.simulator import Fault
from tests.submit.helpers import KEY, standing

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

LOSSES = [
    Fault(kind="reset", when="after"),
    Fault(kind="eof", when="after"),
    Fault(kind="hang", when="after"),
    Fault(kind="late", when="after", seconds=500.0),
    Fault(kind="status", when="after", status=500),
    Fault(kind="status", when="after", status=502),
    Fault(kind="status", when="after", status=503),
    Fault(kind="status", when="after", status=504),
    Fault(kind="status", when="after", status=520),
    Fault(kind="status", when="after", status=408),
    Fault(kind="status", when="after", status=499),
    Fault(kind="html", when="after", status=502),
    Fault(kind="html", when="after", status=200),
    Fault(kind="truncated", when="after"),
    Fault(kind="bad_utf8", when="after"),
    Fault(kind="empty", when="after"),
    Fault(kind="wrong_length", when="after"),
    Fault(kind="list_body", when="after", status=200),
]


def name_of(fault: Fault) -> str:
    """Name a case in the test's id."""
    return f"{fault.kind}-{fault.status}"


@pytest.mark.parametrize("prefix", ["ark", "kkiai"])
async def test_an_accepted_submit_gives_the_task(prefix: str) -> None:
    """A 2xx with an id is a task, under Ark's answer and under the gateway's with its `submitted`."""
    async with standing(prefix=prefix) as stand:
        task = await stand.session.submit("a cat surfing", key="mine")
        assert task.id == stand.sim.ledger[0].id
        assert task.status is TaskStatus.QUEUED
        assert stand.sim.billed == stand.sim.counts["create"] == 1
        assert [event.key for event in stand.told(SubmitAccepted)] == ["mine"]


@pytest.mark.parametrize("fault", LOSSES, ids=name_of)
async def test_a_lost_answer_is_found_and_not_paid_for_twice(fault: Fault) -> None:
    """Whatever happens to the answer of an accepted submit, its one task is adopted and no second POST is
    sent.
    """
    async with standing(faults=[fault]) as stand:
        task_id = await stand.submit()
        assert [entry.id for entry in stand.sim.ledger] == [task_id]
        assert stand.sim.billed == stand.sim.counts["create"] == 1
        assert len(stand.told(SubmitLost)) == len(stand.told(SubmitAdopted)) == 1


@pytest.mark.parametrize("fault", LOSSES, ids=name_of)
async def test_a_lost_answer_can_be_raised_instead(fault: Fault) -> None:
    """With `on_uncertain="raise"` nothing is listed and nothing is sent again; the error says how
    to go on.
    """
    retry = RetryPolicy(on_uncertain="raise")
    async with standing(faults=[fault], session={"retry": retry}) as stand:
        with pytest.raises(SubmitUncertain, match="reconcile") as caught:
            await stand.session.submit("a cat surfing", key="mine")
        assert caught.value.key == "mine"
        assert caught.value.billed is Billed.MAYBE
        assert caught.value.fingerprint == stand.sim.ledger[0].fingerprint
        assert stand.sim.counts["create"] == stand.sim.billed == 1
        assert stand.sim.counts["list"] == 0
        assert [intent.key for intent in stand.session.uncertain] == ["mine"]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "InvalidParameter", RequestRefused),
        (400, "SensitiveContentDetected", ContentRejected),
        (400, "InputTextSensitiveContentDetected.PolicyViolation", ContentRejected),
        (401, "AuthenticationError", AuthenticationFailed),
        (403, "AccessDenied", AuthenticationFailed),
        (403, "AccountOverdueError", QuotaExhausted),
        (404, "ModelNotOpen", RequestRefused),
        (413, "RequestBodyTooLarge", RequestRefused),
        (422, "Unprocessable", RequestRefused),
        (429, "SetLimitExceeded", QuotaExhausted),
    ],
)
async def test_a_refusal_is_raised_and_never_repeated(
    status: int, code: str, expected: type[SeedanceError]
) -> None:
    """A no of the server is a typed error with its code, is not billed, and is sent once."""
    fault = Fault(kind="status", status=status, code=code, when="before", times=None)
    async with standing(faults=[fault]) as stand:
        with pytest.raises(expected) as caught:
            await stand.submit()
        assert isinstance(caught.value, RequestRefused)
        assert (caught.value.status, caught.value.code) == (status, code)
        assert caught.value.request_id
        assert caught.value.billed is Billed.NO
        assert (stand.sim.counts["create"], stand.sim.billed) == (1, 0)


async def test_an_error_wrapper_under_200_is_a_refusal() -> None:
    """A gateway that says no with HTTP 200 has refused; its code is not lost."""
    body = Fault(kind="string_error", status=200, when="before", times=None)
    async with standing(faults=[body]) as stand:
        with pytest.raises(RequestRefused):
            await stand.submit()
        assert (stand.sim.counts["create"], stand.sim.billed) == (1, 0)


@pytest.mark.parametrize("retry_after", [None, "7"])
async def test_slow_down_is_waited_for_and_repeated(retry_after: str | None) -> None:
    """429 that means slow down: repeated after the server's wait or a back-off, and the account's pace goes
    down.
    """
    fault = Fault(
        kind="status", status=429, code="ServerOverloaded", retry_after=retry_after, when="before", times=2
    )
    async with standing(faults=[fault]) as stand:
        begun = asyncio.get_running_loop().time()
        await stand.submit(key="mine")
        assert (stand.sim.counts["create"], stand.sim.billed) == (3, 1)
        assert [event.key for event in stand.told(RetryScheduled)] == ["mine", "mine"]
        assert stand.told(PaceLowered)
        if retry_after:
            assert asyncio.get_running_loop().time() - begun >= 14.0


async def test_a_wait_longer_than_allowed_is_not_waited_for() -> None:
    """A server that asks to wait longer than `retry_after_max` is taken at its word at once."""
    fault = Fault(kind="status", status=429, code="ServerOverloaded", retry_after="3600", when="before")
    async with standing(faults=[fault]) as stand:
        with pytest.raises(RateLimited) as caught:
            await stand.submit()
        assert caught.value.retry_after == 3600.0
        assert stand.sim.counts["create"] == 1


async def test_a_stop_holds_back_the_next_submit() -> None:
    """After the spend limit is hit, the next submit fails without a POST."""
    fault = Fault(kind="status", status=429, code="SetLimitExceeded", when="before", times=None)
    async with standing(faults=[fault]) as stand:
        for _ in range(2):
            with pytest.raises(QuotaExhausted):
                await stand.submit()
        assert stand.sim.counts["create"] == 1


async def test_a_refused_connection_is_repeated_and_then_raised() -> None:
    """Nothing was sent, so every attempt of the policy is used, and the error says that nothing is billed."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    events: list[object] = []
    retry = RetryPolicy(attempts=4)
    async with SeedanceSession(
        KEY, f"http://127.0.0.1:{port}/api/v3", retry=retry, observer=events.append
    ) as session:
        with pytest.raises(ConnectionFailed) as caught:
            await session.submit("a cat")
    assert caught.value.billed is Billed.NO
    assert sum(isinstance(event, RetryScheduled) for event in events) == 3
    assert session.uncertain == ()


@pytest.mark.parametrize(
    "fault",
    [Fault(kind="reset", when="before"), Fault(kind="status", status=500, when="before")],
    ids=name_of,
)
async def test_a_loss_before_acceptance_is_sent_again_once_absence_is_proven(fault: Fault) -> None:
    """A POST that was lost before the server took it is repeated, but only after a witness proved the list
    alive.
    """
    async with standing(faults=[Fault(kind="late", seconds=0.0), fault]) as stand:
        witness = await stand.submit("witness")
        second = await stand.submit("lost")
        assert [entry.id for entry in stand.sim.ledger] == [witness, second]
        assert (stand.sim.counts["create"], stand.sim.billed) == (3, 2)
        first, repeated = stand.sim.ledger[0].fingerprint, stand.sim.ledger[1].fingerprint
        assert first != repeated


async def test_a_success_that_cannot_be_read_names_what_it_was() -> None:
    """The unreadable answer stands behind the uncertain submit, with its status and the head of its body."""
    retry = RetryPolicy(on_uncertain="raise")
    async with standing(faults=[Fault(kind="truncated", when="after")], session={"retry": retry}) as stand:
        with pytest.raises(SubmitUncertain) as caught:
            await stand.submit()
        cause = caught.value.__cause__
        assert isinstance(cause, AnswerUnreadable)
        assert cause.status == 200
        assert cause.body
