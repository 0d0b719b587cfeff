"""Gateways with several channels: they rename the model, drop the fingerprint, or stop waiting, and the task
is not ordered again for that.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from seedance_async import AccountLimits, PollPolicy, SeedanceSession, SubmitUncertain, TaskStatus, VideoTask
from seedance_async.ledger.fingerprints import BAND, DEFAULT_EXPIRY
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.matching import Agreement, compare
from seedance_async.simulator import Fault, Simulator
from tests.submit.carriers import Dropping, Impatient, Retelling
from tests.submit.helpers import KEY

if TYPE_CHECKING:
    from seedance_async._wire.exchange import WireResponse

LOST = Fault(kind="reset", when="after")
CHEAP: dict[str, Any] = {"duration": 4, "resolution": "480p"}
FREE: dict[str, Any] = {"limits": AccountLimits.unlimited(), "poll": PollPolicy(interval=1.0)}
SENT = "doubao-seedance-1-5-pro-251215"
OTHER = "doubao-seedance-1-5-pro-260101"


def renamed(answer: WireResponse) -> WireResponse:
    """The gateway shows another dated model than it was asked for."""
    return evolve(answer, body=answer.body.replace(SENT.encode(), OTHER.encode()))


@pytest.mark.asyncio
@pytest.mark.looptime
class TestOnALoop:
    """The whole way of a submit whose answer is lost."""

    async def test_a_renamed_model_is_not_another_task_while_it_runs(self) -> None:
        """A record of five fields says another model: the fingerprint comes later, and decides then."""
        async with Simulator(work_seconds=300.0) as sim:
            async with SeedanceSession(KEY, sim.base_url, transport=Retelling(renamed), **FREE) as session:
                await session.submit("witness", **CHEAP)
                sim.add_fault(LOST)
                with pytest.raises(SubmitUncertain) as caught:
                    await session.submit("lost", **CHEAP)
            assert [entry.prompt for entry in sim.ledger] == ["witness", "lost"]
            assert [task.id for task in caught.value.candidates] == [sim.ledger[1].id]

    async def test_a_channel_that_drops_the_fingerprint_is_no_proof(self) -> None:
        """Another channel shows fingerprints, so the server gives them back; ours came without, and our task
        stays a candidate.
        """
        gateway = Dropping()
        async with Simulator(work_seconds=5.0) as sim:
            async with SeedanceSession(KEY, sim.base_url, transport=gateway, **FREE) as session:
                await session.submit("witness", **CHEAP)
                gateway.second = True
                sim.add_fault(LOST)
                with pytest.raises(SubmitUncertain) as caught:
                    await session.submit("lost", **CHEAP)
            assert [entry.prompt for entry in sim.ledger] == ["witness", "lost"]
            assert [task.id for task in caught.value.candidates] == [sim.ledger[1].id]

    @pytest.mark.parametrize(
        ("status", "message"),
        [
            (504, ""),
            (524, ""),
            (408, ""),
            (499, ""),
            (500, "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
        ],
    )
    async def test_a_gateway_that_stopped_waiting_is_waited_for(self, status: int, message: str) -> None:
        """It answers after a minute, its upstream makes the task half a minute later: found, and not ordered
        again.
        """
        gateway = Impatient(status, message)
        async with Simulator(work_seconds=5.0) as sim:
            async with SeedanceSession(KEY, sim.base_url, transport=gateway, **FREE) as session:
                await session.submit("witness", **CHEAP)
                gateway.armed = True
                task = await session.submit("mine", **CHEAP)
                assert gateway.late is not None
                await asyncio.wait({gateway.late})
            assert [entry.prompt for entry in sim.ledger] == ["witness", "mine"]
            assert sim.ledger[1].id == task.id


MARK = BAND[7]
DONE, RUNS = TaskStatus.SUCCEEDED, TaskStatus.RUNNING


@pytest.mark.parametrize(
    ("fingerprint", "shown", "model", "status", "expected"),
    [
        (MARK, MARK, SENT, DONE, Agreement.AGREES),
        (MARK, MARK, OTHER, DONE, Agreement.SILENT),
        (MARK, MARK + 1, SENT, RUNS, Agreement.CONTRADICTS),
        (MARK, DEFAULT_EXPIRY, SENT, DONE, Agreement.SILENT),
        (MARK, 86_400, SENT, DONE, Agreement.SILENT),
        (MARK, DEFAULT_EXPIRY, OTHER, RUNS, Agreement.CONTRADICTS),
        (MARK, None, OTHER, RUNS, Agreement.BARE),
        (MARK, None, OTHER, DONE, Agreement.CONTRADICTS),
        (None, None, OTHER, RUNS, Agreement.CONTRADICTS),
    ],
)
def test_what_a_record_says(
    fingerprint: int | None, shown: int | None, model: str, status: TaskStatus, expected: Agreement
) -> None:
    """Only another fingerprint, or another fact once no fingerprint is to come any more, rules a task out."""
    intent = Intent(key="mine", fingerprint=fingerprint, facts={"model": SENT})
    task = VideoTask(id="t", model=model, status=status, execution_expires_after=shown)
    assert compare(intent, task) is expected


def test_the_callers_own_expiry_can_be_dropped_too() -> None:
    """The caller chose 7200 and the record shows the default: that is no other task; one with 3600 is."""
    intent = Intent(key="mine", facts={"model": SENT, "execution_expires_after": 7200})
    said = [
        compare(intent, VideoTask(id="t", model=SENT, status=DONE, execution_expires_after=shown))
        for shown in (7200, DEFAULT_EXPIRY, 3600)
    ]
    assert said == [Agreement.LIKELY, Agreement.SILENT, Agreement.CONTRADICTS]
