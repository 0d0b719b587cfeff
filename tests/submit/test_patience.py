"""Who stopped waiting for an answer is told from who has done with the request; when a task was made."""

from __future__ import annotations

from typing import Any

import pytest

from seedance_async import RetryPolicy, SubmitUncertain, VideoTask
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.window import Window, window_of
from seedance_async.simulator import Fault
from tests.submit.helpers import standing

RAISE: dict[str, Any] = {"retry": RetryPolicy(on_uncertain="raise")}
UNDER_WAY = 5 * RetryPolicy().settling


@pytest.mark.asyncio
@pytest.mark.looptime
@pytest.mark.parametrize(
    ("status", "message", "seconds"),
    [
        *((status, "no answer", UNDER_WAY) for status in (408, 499, 504, 524, 598, 599)),
        *((status, "no answer", 0.0) for status in (500, 502, 503, 520)),
        (500, "upstream request timeout", UNDER_WAY),
        (502, "Client.Timeout exceeded while awaiting headers", UNDER_WAY),
        (500, "read tcp: i/o timed out", UNDER_WAY),
        (500, "context deadline exceeded", UNDER_WAY),
        (500, "do request failed", 0.0),
    ],
)
async def test_a_request_that_somebody_gave_up_may_still_be_worked_on(
    status: int, message: str, seconds: float
) -> None:
    """A gateway that says "timeout" has only stopped waiting; one that says "broken" has done with it."""
    async with standing(session=RAISE) as stand:
        stand.sim.add_fault(Fault(kind="status", status=status, message=message, when="after"))
        with pytest.raises(SubmitUncertain) as caught:
            await stand.submit()
    assert caught.value.until - caught.value.sent_at == pytest.approx(seconds, abs=1.0)


def intent(*, sent: float, until: float, offset: float) -> Intent:
    """Make a submit of which only the times matter."""
    return Intent(
        key="k", attempt=1, fingerprint=None, facts={}, sent_at=sent, until=until, clock_offset=offset
    )


@pytest.mark.parametrize(
    ("created", "later", "held"),
    [
        (None, 0.0, True),
        (0, 0.0, True),
        (99, 0.0, False),
        (100, 0.0, True),
        (120, 0.0, True),
        (121, 0.0, False),
        (121, 1.0, True),
        (130, 0.0, False),
        (131, 0.0, True),
    ],
)
def test_a_time_in_the_window_or_one_that_says_nothing_may_be_ours(
    created: int | None, later: float, *, held: bool
) -> None:
    """Both ends belong to it; a task of the future comes from a clock that is wrong."""
    window = Window(since=100.0, sent=110.0, until=120.0, now=130.0)
    assert window.holds(VideoTask(id="t", created_at=created), later=later) is held


def test_what_no_task_of_ours_shows_widens_the_window_by_two_minutes() -> None:
    """The header's clock may not be the one behind created_at."""
    window = window_of(
        intent(sent=1000.0, until=1010.0, offset=3.0), offset=3.0, drifts=(), settling=20.0, now=1100.0
    )
    assert window == Window(since=883.0, sent=1003.0, until=1153.0, now=1223.0)


@pytest.mark.parametrize("drift", [-40.0, 40.0])
def test_clocks_that_disagree_widen_it_by_all_that_they_may_mean(drift: float) -> None:
    """Ours was set by 100 s since the POST, and created_at is apart from the header: four corners."""
    window = window_of(
        intent(sent=1000.0, until=1010.0, offset=3.0),
        offset=103.0,
        drifts=(drift, 2.0),
        settling=20.0,
        now=1100.0,
    )
    least, most = (-40.0, 2.0) if drift < 0 else (0.0, 40.0)
    assert window == Window(
        since=1000.0 + 3.0 + least - 15.0,
        sent=1000.0 + 103.0 + most,
        until=1010.0 + 103.0 + most + 20.0 + 15.0,
        now=1100.0 + 103.0 + most + 15.0,
    )
