"""Tasks that are accounted for: found by id and by POST, in order, and bounded in number and memory."""

from __future__ import annotations

import tracemalloc

from seedance_async.ledger.intents import Intent
from seedance_async.ledger.known import KnownTasks


def _intent(number: int, **facts: str) -> Intent:
    """Give the submit number so-and-so, one a second."""
    return Intent(key=f"key-{number}", sent_at=1_000_000.0 + number, facts=facts)


def _filled(number: int) -> KnownTasks:
    """Know this many tasks."""
    known = KnownTasks()
    for index in range(number):
        known.add(f"cgt-20251222155500-{index:07d}", _intent(index), now=1_000_000.0 + index)
    return known


def test_a_task_is_known_by_its_id_and_by_its_post_only() -> None:
    """The same key sent at another moment is another POST, and its task is not taken for this one's."""
    known = KnownTasks()
    known.add("cgt-1", _intent(1), now=5.0)
    assert "cgt-1" in known
    assert "cgt-2" not in known
    assert known.task_of(_intent(1)) == "cgt-1"
    assert known.task_of(Intent(key="key-1", sent_at=7.0)) is None


def test_tiers_are_kept_apart() -> None:
    """A witness of one tier says nothing of the other, and an unknown task has none."""
    known = KnownTasks()
    known.add("cgt-1", _intent(1), now=5.0)
    known.add("cgt-2", _intent(2, service_tier="flex"), now=6.0)
    assert [known.tier(name) for name in ("cgt-1", "cgt-2", "cgt-3")] == ["default", "flex", None]
    assert list(known.learned_between(0.0, 9.0, tier="flex")) == ["cgt-2"]
    assert list(known.learned_between(0.0, 9.0, tier="default")) == ["cgt-1"]


def test_tasks_are_given_youngest_first_across_generations() -> None:
    """A span of time that begins among the older half is given whole and in order."""
    known = _filled(50_010)
    found = list(known.learned_between(1_049_995.0, 1_050_005.0, tier="default"))
    assert found == [f"cgt-20251222155500-{index:07d}" for index in range(50_005, 49_994, -1)]


def test_the_oldest_are_forgotten_with_their_posts() -> None:
    """A POST never outlives its task nor the other way round: half of the pair would prove what is not so."""
    known = _filled(125_000)
    kept = [index for index in range(0, 125_000, 1000) if f"cgt-20251222155500-{index:07d}" in known]
    assert kept == [index for index in range(0, 125_000, 1000) if known.task_of(_intent(index)) is not None]
    assert kept == list(range(50_000, 125_000, 1000))


def test_a_task_that_is_told_twice_is_one_task() -> None:
    """Adopting tells of a task that taking it tells of again; it must not push others out."""
    known = KnownTasks()
    for _ in range(3):
        known.add("cgt-1", _intent(1), now=5.0)
    assert list(known.learned_between(0.0, 9.0, tier="default")) == ["cgt-1"]


def test_what_is_known_stays_small() -> None:
    """A known task takes less than 300 bytes, so 100,000 of them take less than 30 MB."""
    tracemalloc.start()
    try:
        known = _filled(10_000)
        assert tracemalloc.get_traced_memory()[0] < 300 * 10_000
        assert "cgt-20251222155500-0009999" in known
    finally:
        tracemalloc.stop()


def test_a_task_tells_when_it_was_created_only_when_it_was_learned_of_at_once() -> None:
    """One that was found minutes after its POST was created some time between: it measures no clock."""
    known = KnownTasks()
    for name, late in (("cgt-1", 3.0), ("cgt-2", 300.0), ("cgt-3", -300.0)):
        known.add(name, _intent(1), now=_intent(1).sent_at + late)
    assert known.created_about("cgt-1") == _intent(1).sent_at + 3.0
    assert [known.created_about(name) for name in ("cgt-2", "cgt-3", "cgt-4")] == [None, None, None]
