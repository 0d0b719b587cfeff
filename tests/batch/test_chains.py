"""Chains: jobs that start from another's result, resumable like the rest; a failure stops its own only."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import AccountLimits, InvalidRequest, OutcomeKind, VideoRequest
from seedance_async.batch import ChainBroken, Link, StopSwitch, draft_then_final, shots
from seedance_async.ledger.rows import JobState
from seedance_async.simulator import Fault, Simulator
from tests.batch.stand import CHEAP, client, job, kinds, rows, run, run_for, states

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

OK, SKIPPED = OutcomeKind.SUCCEEDED, OutcomeKind.SKIPPED


def film(key: str, number: int) -> list[Any]:
    """Give the shots of a film."""
    return list(shots(key, [{"prompt": f"{key}, shot {one}", **CHEAP} for one in range(1, number + 1)]))


async def test_a_draft_is_finished(tmp_path: Path) -> None:
    """The final names the draft's task, and nothing of the draft is sent again."""
    wanted = draft_then_final("film", VideoRequest(prompt="a cat", duration=4), resolution="1080p")
    async with Simulator() as sim, client(sim) as session:
        outcomes = await run(session, wanted, journal=tmp_path / "run.db")
        assert kinds(outcomes) == [OK] * 2
        draft, final = sim.ledger
        assert draft.body["draft"] is True
        assert final.body["content"] == [{"type": "draft_task", "draft_task": {"id": draft.id}}]
        assert (await rows(tmp_path / "run.db"))["film"].depends_on == "film.draft"


async def test_shots_start_from_the_last_frame_of_the_one_before(tmp_path: Path) -> None:
    """Each shot after the first carries the frame of its predecessor, which is landed beside the video."""
    out = tmp_path / "out"
    async with Simulator() as sim, client(sim) as session:
        outcomes = await run(session, film("film", 3), journal=tmp_path / "run.db", save_to=out)
        assert kinds(outcomes) == [OK] * 3
        bodies: list[Any] = [entry.body for entry in sim.ledger]
        assert [body.get("return_last_frame") for body in bodies] == [True, True, None]
        for before, body in zip(sim.ledger, bodies[1:], strict=False):
            frame = body["content"][-1]
            assert frame["role"] == "first_frame"
            assert before.id in frame["image_url"]["url"]
        assert (out / "film.1.last.png").read_bytes().startswith(b"\x89PNG")
        assert not (out / "film.3.last.png").exists()


async def test_a_failed_link_stops_its_own_chain_only(tmp_path: Path) -> None:
    """What comes after it is SKIPPED with the reason; the other chain is done; a retry repairs the first."""
    path = tmp_path / "run.db"
    blocked = Fault(kind="status", status=400, code="SensitiveContentDetected", when="before", nth=(3,))
    async with Simulator(faults=[blocked]) as sim:
        async with client(sim) as session:
            outcomes = await run(session, [*film("a", 3), *film("b", 3)], journal=path)
            broken = "a" if outcomes["a.2"].kind is OutcomeKind.REFUSED else "b"
            whole = "b" if broken == "a" else "a"
            assert outcomes[f"{broken}.2"].kind is OutcomeKind.REFUSED
            assert outcomes[f"{broken}.3"].kind is SKIPPED
            assert isinstance(outcomes[f"{broken}.3"].error, ChainBroken)
            assert f"{broken}.2" in str(outcomes[f"{broken}.3"].error)
            assert [outcomes[f"{whole}.{number}"].kind for number in (1, 2, 3)] == [OK] * 3
            again = await run(session, [*film("a", 3), *film("b", 3)], journal=path, retry_failed=True)
            assert kinds(again) == [OK] * 6
        assert sim.accepted == 6


@pytest.mark.parametrize("seconds", [3.0, 25.0, 35.0, 62.0])
async def test_a_chain_goes_on_where_it_was(seconds: float, tmp_path: Path) -> None:
    """Left at any link, the next run pays for the missing links only."""
    path = tmp_path / "run.db"
    async with Simulator(work_seconds=30) as sim:
        async with client(sim) as session:
            await run_for(seconds, session, film("film", 3), journal=path)
        async with client(sim) as session:
            assert kinds(await run(session, film("film", 3), journal=path)) == [OK] * 3
        assert sim.accepted == 3
        assert set((await states(path)).values()) == {JobState.SUCCEEDED}


async def test_waiting_links_hold_no_place_at_work(tmp_path: Path) -> None:
    """Many chains run side by side though few jobs are worked on at once."""
    wanted = [one for number in range(20) for one in film(f"film-{number:02}", 5)]
    async with Simulator(work_seconds=10) as sim, client(sim) as session:
        outcomes = await run(session, wanted, journal=tmp_path / "run.db", concurrency=20)
        assert kinds(outcomes) == [OK] * 100
        last = max(entry.accepted_at for entry in sim.ledger) - min(entry.accepted_at for entry in sim.ledger)
        assert last < 100


async def test_a_link_to_nothing_is_skipped() -> None:
    """A predecessor that is neither earlier in the input nor in the journal is named."""
    link = ("b", Link(after="nothing", fields={"prompt": "x", **CHEAP}))
    async with Simulator() as sim, client(sim) as session:
        outcomes = await run(session, [link, job("a")])
        assert [outcomes[key].kind for key in ("a", "b")] == [OK, SKIPPED]
        assert "'nothing'" in str(outcomes["b"].error)


async def test_a_predecessor_without_a_frame_is_an_error_of_the_link() -> None:
    """Forgetting return_last_frame is told, and the link costs nothing."""
    link = ("b", Link(after="a", fields={"prompt": "x", **CHEAP}))
    async with Simulator() as sim, client(sim) as session:
        outcomes = await run(session, [job("a"), link])
        assert outcomes["b"].kind is OutcomeKind.REFUSED
        assert "return_last_frame" in str(outcomes["b"].error)
        assert sim.accepted == 1


async def test_stopping_lets_links_go(tmp_path: Path) -> None:
    """Links that wait for their predecessor are left with the rest."""
    switch = StopSwitch(tell=lambda _: None)
    async with Simulator(work_seconds=60) as sim, client(sim, limits=AccountLimits(max_alive=3)) as session:
        asyncio.get_running_loop().call_later(5.0, switch.stop)
        outcomes = await run(session, film("film", 3), journal=tmp_path / "run.db", stop=switch)
        assert kinds(outcomes) == [SKIPPED] * 3


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"after": ""}, "after"),
        ({"after": "a", "takes": "seed"}, "takes"),
        ({"after": "a", "fields": {"duration": 99}}, "duration"),
        ({"after": "a", "fields": {"first_frame": "https://example.com/x.png"}}, "first_frame"),
        ({"after": "a", "fields": {"fps": 1}}, "fps"),
        ({"after": "a", "takes": "draft", "fields": {"prompt": "x"}}, ""),
    ],
)
async def test_a_wrong_link_is_refused_when_it_is_made(fields: dict[str, Any], named: str) -> None:
    """What no predecessor could make right is found before anything is paid for."""
    with pytest.raises(InvalidRequest) as caught:
        Link(**fields)
    assert named in str(caught.value)
