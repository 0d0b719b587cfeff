"""Shards: every key in exactly one part, its chain with it, and all parts together within the limits."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async import AccountLimits, InvalidRequest, OutcomeKind
from seedance_async.batch import Job, shots
from seedance_async.batch.sharding import Shard, refuse_split, shard
from seedance_async.simulator import Simulator
from tests.batch.stand import client, job, jobs, kinds, run

if TYPE_CHECKING:
    from pathlib import Path


def _keys(wanted: list[Job], number: int, count: int) -> list[str]:
    """Give the keys of a part."""
    return [str(part[0]) for part in shard(wanted, number, count) if isinstance(part, tuple)]


@given(count=st.integers(1, 12), size=st.integers(0, 60))
def test_every_key_is_in_one_part(count: int, size: int) -> None:
    """The parts together hold every job once, twins with derived keys included, and in their order."""
    wanted: list[Job] = [*jobs(size), "the same", {"prompt": "the same"}, "the same", "another"]
    parts = [_keys(wanted, number, count) for number in range(1, count + 1)]
    together = [key for part in parts for key in part]
    whole = _keys(wanted, 1, 1)
    assert len(whole) == size + 4
    assert sorted(together) == sorted(whole)
    assert all(part == [key for key in whole if key in set(part)] for part in parts)


def test_the_split_is_the_same_for_ever() -> None:
    """A part is told by the key alone; another version or machine must not move it, or it is paid twice."""
    homes = [next(n for n in range(1, 5) if Shard(n, 4).holds(f"job-{index}")) for index in range(12)]
    assert homes == [2, 1, 1, 1, 4, 1, 3, 1, 1, 1, 1, 2]


def test_parts_are_of_a_size() -> None:
    """Eight parts of ten thousand jobs differ by chance only."""
    sizes = [sum(Shard(number, 8).holds(str(index)) for index in range(10_000)) for number in range(1, 9)]
    assert sum(sizes) == 10_000
    assert all(1100 < size < 1400 for size in sizes)


def test_a_chain_stays_together() -> None:
    """A link can be carried out only where the job before it is."""
    wanted: list[Job] = []
    for film in range(20):
        wanted.extend(shots(f"film-{film}", [job(f"{film}-{scene}")[1] for scene in range(4)]))
    parts = [_keys(wanted, number, 3) for number in (1, 2, 3)]
    films = [{key.rsplit(".", 1)[0] for key in part} for part in parts]
    assert sum(len(part) for part in parts) == 80
    assert films[0].isdisjoint(films[1] | films[2])
    assert films[1].isdisjoint(films[2])


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_key_given_twice_is_ordered_once() -> None:
    """The second job of a key is refused by the first part, also where the first job is in another part."""
    twice: list[Job] = [
        *jobs(8),
        *(job(f"job-{index}", seed=7) for index in range(8)),
        {"prompt": "x", "duration": 99},
    ]
    ends: list[OutcomeKind] = []
    async with Simulator() as sim, client(sim) as session:
        for number in range(1, 5):
            ends.extend(kinds(await run(session, shard(twice, number, 4))))
        assert sim.accepted == 8
    assert sorted(end.value for end in ends) == ["refused"] * 9 + ["succeeded"] * 8


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_shards_beside_each_other_pay_once(tmp_path: Path) -> None:
    """Four processes' worth of shards, run twice, make one task for each job within the account's creates."""
    wanted = jobs(40)
    whole = AccountLimits(creates_per_minute=60, max_alive=10)

    async def part(number: int, sim: Simulator) -> None:
        one = Shard(number, 4)
        async with client(sim, limits=one.limits(whole)) as session:
            found = await run(session, shard(wanted, number, 4), journal=one.journal(tmp_path / "run.db"))
            assert all(outcome.kind is OutcomeKind.SUCCEEDED for outcome in found.values())

    async with Simulator(work_seconds=5) as sim:
        for _ in range(2):
            async with asyncio.TaskGroup() as group:
                for number in range(1, 5):
                    group.create_task(part(number, sim))
        assert sim.accepted == 40
        posts = [seen.at for seen in sim.requests if seen.route == "create"]
        assert max(sum(at <= other < at + 60 for other in posts) for at in posts) <= 61


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 60])
def test_the_shares_are_fair_and_whole(count: int) -> None:
    """No task alive is lost or given twice, and a minute of all parts holds one create more at most."""
    whole = AccountLimits.enterprise()
    shares = [Shard(number, count).limits(whole) for number in range(1, count + 1)]
    assert sum(share.max_alive for share in shares) == 100
    assert max(share.max_alive for share in shares) - min(share.max_alive for share in shares) <= 1
    assert sum(share.creates_per_minute + 1 for share in shares) <= 601.0001
    assert sum(share.lists_per_second for share in shares) == pytest.approx(1.0)
    assert math.isinf(Shard(1, count).limits(AccountLimits.unlimited()).max_alive)


def test_more_parts_than_tasks_are_refused() -> None:
    """A part that may have no task alive would wait for ever."""
    with pytest.raises(InvalidRequest, match="max_alive"):
        Shard(1, 31).limits(AccountLimits.individual())


@pytest.mark.parametrize("text", ["", "3", "0/8", "9/8", "3/0", "a/b", "3/8/9", "-1/8", "1/1001"])
def test_a_part_that_does_not_exist_is_refused(text: str) -> None:
    """The error names the option before anything is read."""
    with pytest.raises(InvalidRequest, match="shard"):
        Shard.parse(text)


def test_another_split_of_a_begun_batch_is_refused(tmp_path: Path) -> None:
    """A job that would now be in another part's journal is unknown there and would be ordered twice."""
    path = tmp_path / "run.db"
    assert Shard(3, 8).journal(path) == tmp_path / "run-3-of-8.db"
    (tmp_path / "run-3-of-8.db").touch()
    assert Shard(4, 8).journal(path) == tmp_path / "run-4-of-8.db"
    for again in (lambda: Shard(1, 9).journal(path), lambda: refuse_split(path)):
        with pytest.raises(InvalidRequest, match="ordered twice"):
            again()
    (tmp_path / "other.db").touch()
    refuse_split(tmp_path / "other.db")
    with pytest.raises(InvalidRequest, match="ordered twice"):
        Shard(1, 2).journal(tmp_path / "other.db")
