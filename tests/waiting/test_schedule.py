"""The queues behind the watcher: nothing is lost, nothing comes twice, the order is right."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async.models import TaskStatus
from seedance_async.settings import PollPolicy
from seedance_async.watching.cadence import band_of, spread, waits
from seedance_async.watching.deadlines import Deadlines
from seedance_async.watching.flight import Flight, tier_of, width_of
from seedance_async.watching.group import GONE, Group, Place
from seedance_async.watching.listeners import Listener, Tap, WaitLimits
from seedance_async.watching.schedule import Schedule

STEPS = st.lists(
    st.tuples(st.sampled_from(["rest", "hurry", "drop", "take", "single"]), st.integers(0, 9)), max_size=60
)


def flight(number: int, *, status: TaskStatus = TaskStatus.RUNNING) -> Flight:
    """Make a flight that nobody waits for."""
    task_id = f"t{number}"
    tier = "flex" if number % 3 == 0 else None
    return Flight(id=task_id, tier=tier, width=20, since=0.0, status=status)


def flights_of(chunk: list[Group]) -> list[Flight]:
    """Give those that one list looks at."""
    return [one for group in chunk for one in group.flights.values()]


def queued(*, looked: float) -> tuple[Schedule, list[Flight]]:
    """Make three tasks of the queue that were looked at together then, and wait."""
    schedule = Schedule(PollPolicy(interval=1.0))
    flights = [flight(number, status=TaskStatus.QUEUED) for number in (1, 2, 4)]
    for one in flights:
        schedule.rest(one, looked=looked, now=looked)
    return schedule, flights


def tap(of: Flight, limits: WaitLimits) -> Tap:
    """Make a listener."""
    return Tap(of, limits, 0.0, news=asyncio.Queue(), ends_only=True)


@given(STEPS, st.integers(1, 5))
def test_every_flight_is_taken_exactly_once(steps: list[tuple[str, int]], most: int) -> None:
    """Whatever moves between the queues, a flight that waits is taken once, and one that left never."""
    schedule = Schedule(PollPolicy(interval=1.0))
    flights = [flight(number) for number in range(10)]
    now = 0.0
    for what, number in steps:
        now += 0.3
        one = flights[number]
        if what == "rest" and one.place in {Place.NOWHERE, Place.LOOKING}:
            schedule.rest(one, looked=now, now=now)
        elif what == "hurry" and one.place is Place.LANE:
            schedule.hurry(one)
        elif what == "single" and one.place is Place.LOOKING:
            schedule.single_out(one)
        elif what == "drop":
            one.leave(GONE)
        elif what == "take" and schedule.next_due() <= now:
            chunk = flights_of(schedule.take(now, most=most, room=1000))
            assert 1 <= len(chunk) <= most
            assert len({one.tier for one in chunk}) == 1
            assert all(one.place is Place.LOOKING for one in chunk)
    waiting = {one.id for one in flights if one.place in {Place.LANE, Place.URGENT}}
    singles = {one.id for one in flights if one.place is Place.SINGLE}
    taken: list[str] = []
    while schedule.next_due() < math.inf:
        taken += [one.id for one in flights_of(schedule.take(1e6, most=most, room=1000))]
    while schedule.has_single():
        taken.append(schedule.take_single().id)
    assert sorted(taken) == sorted(waiting | singles)


def test_urgent_comes_first_then_running_then_queued() -> None:
    """In one list the hinted task stands before the running ones, and those before the queued ones."""
    schedule = Schedule(PollPolicy(interval=1.0))
    queued = flight(1, status=TaskStatus.QUEUED)
    running = flight(2)
    urgent = flight(4)
    for one in (queued, running, urgent):
        schedule.rest(one, looked=0.0, now=60.0)
    schedule.hurry(urgent)
    assert flights_of(schedule.take(70.0, most=3, room=1000)) == [urgent, running, queued]


def test_tiers_take_turns_where_both_are_urgent() -> None:
    """A flood of new ids in one tier does not hold back the new ones of the other."""
    schedule = Schedule(PollPolicy(interval=1.0))
    for number in range(12):
        schedule.hurry(flight(number))
    tiers: list[str | None] = []
    while chunk := schedule.take(0.0, most=2, room=1000):
        tiers.append(chunk[0].tier)
        if len(tiers) < 4:
            schedule.hurry(flight(12 + 3 * len(tiers)))  # the flood in the first tier goes on
    assert tiers[:4] == ["flex", None, "flex", None]


def test_a_list_takes_what_fits_and_one_at_least() -> None:
    """The room of the URL is kept, but an id wider than all of it is still taken."""
    schedule = Schedule(PollPolicy(interval=1.0))
    for number in (1, 2, 4):
        schedule.rest(flight(number), looked=0.0, now=0.0)
    assert len(flights_of(schedule.take(9.0, most=9, room=45))) == 2
    assert len(flights_of(schedule.take(9.0, most=9, room=5))) == 1


def test_a_list_is_filled_to_the_last_sign_from_several_groups() -> None:
    """Groups that were looked at one after the other make one list, which takes what fits of the last one."""
    schedule = Schedule(PollPolicy(interval=1.0))
    for looked, numbers in ((0.0, (1, 2)), (0.2, (4, 5, 7)), (0.4, (8, 10, 11))):
        for number in numbers:
            schedule.rest(flight(number), looked=looked, now=looked)
    chunk = schedule.take(9.0, most=9, room=120)
    assert len(flights_of(chunk)) == 6
    assert sum(group.width for group in chunk) == 120
    assert len(flights_of(schedule.take(9.0, most=9, room=40))) == 2
    assert schedule.next_due() == math.inf


def test_a_list_of_several_groups_keeps_to_its_page() -> None:
    """What is taken of a later group counts together with all of the earlier ones."""
    schedule = Schedule(PollPolicy(interval=1.0))
    for looked, numbers in ((0.0, (1, 2)), (0.2, (4, 5, 7))):
        for number in numbers:
            schedule.rest(flight(number), looked=looked, now=looked)
    assert [one.id for one in flights_of(schedule.take(9.0, most=4, room=1000))] == ["t1", "t2", "t4", "t5"]


def test_who_does_not_fit_is_passed_by_nobody() -> None:
    """A wide id waits for the next list, and so do all that were looked at after it."""
    schedule, flights = queued(looked=0.0)
    flights[1].group.width += 40
    flights[1].width += 40
    assert flights_of(schedule.take(9.0, most=9, room=50)) == flights[:1]
    assert flights[2].group.width == 80
    assert flights_of(schedule.take(9.0, most=9, room=90)) == flights[1:]


def test_what_is_nearly_due_is_taken_and_what_is_not_waits() -> None:
    """A twentieth of its wait early is early enough for a look, and nothing is looked at before that."""
    schedule, one = Schedule(PollPolicy(interval=1.0)), flight(1)
    schedule.rest(one, looked=0.0, now=0.0)
    assert schedule.take(0.94, most=9, room=1000) == []
    assert flights_of(schedule.take(0.96, most=9, room=1000)) == [one]


def test_a_rare_look_that_is_nearly_due_brings_no_other_forward() -> None:
    """A twentieth of a long wait is much of a short one: who is looked at often waits for its own moment."""
    schedule = Schedule(PollPolicy(interval=3.0, max_interval=60.0))
    often, rarely = flight(1), flight(2, status=TaskStatus.QUEUED)
    schedule.rest(rarely, looked=0.0, now=4000.0)
    schedule.rest(often, looked=20.4, now=20.4)
    assert schedule.next_due() == pytest.approx(23.4)
    assert schedule.take(23.0, most=9, room=1000) == []
    assert flights_of(schedule.take(23.3, most=9, room=1000)) == [often, rarely]


def test_who_grows_old_among_the_young_is_looked_at_less_often() -> None:
    """A group that took others in is parted when the first of them belongs to another band."""
    schedule = Schedule(PollPolicy(interval=1.0))
    old, young = flight(1, status=TaskStatus.QUEUED), [flight(2), flight(4)]
    schedule.rest(old, looked=27.0, now=27.0)
    for one in young:
        schedule.rest(one, looked=27.5, now=27.5)
    (group,) = schedule.take(29.0, most=9, room=1000)
    schedule.rest_together(group, 29.0)
    assert {one.group.band for one in (old, *young)} == {0}
    (group,) = schedule.take(31.0, most=9, room=1000)
    schedule.rest_together(group, 31.0)
    assert [one.group.band for one in (old, *young)] == [1, 0, 0]


def test_a_part_of_a_group_grows_old_as_the_whole_does() -> None:
    """A list takes no more than its page, and whom it took is looked at less often when the time comes."""
    schedule, flights = queued(looked=27.0)
    (group,) = schedule.take(28.0, most=2, room=1000)
    assert len(group.flights) == 2
    schedule.rest_together(group, 31.0)
    assert {one.group.band for one in group.flights.values()} == {1}
    assert flights_of(schedule.take(31.0, most=2, room=1000)) == flights[2:]


def test_a_group_that_changes_together_stays_together() -> None:
    """Tasks that all come to run are in one list again, and none is looked at apart."""
    schedule, flights = queued(looked=0.0)
    (group,) = schedule.take(60.0, most=9, room=1000)
    for one in flights:
        one.status, one.since, group.until = TaskStatus.RUNNING, 60.0, -math.inf
    schedule.rest_together(group, 60.0)
    assert {one.group for one in flights} == {group}
    assert (group.band, group.until, schedule.next_due()) == (0, 660.0, 61.0)


def test_queues_take_turns_in_the_order_of_being_due() -> None:
    """A list goes back to a queue that it has left for another one whose task was due before."""
    schedule = Schedule(PollPolicy(interval=1.0))
    first, third = flight(1), flight(2)
    second = flight(4, status=TaskStatus.QUEUED)
    for one, looked in ((first, 100.0), (second, 99.2), (third, 100.4)):
        schedule.rest(one, looked=looked, now=looked)
    assert flights_of(schedule.take(102.0, most=9, room=1000)) == [first, second, third]


def test_the_age_of_a_status_counts_from_its_beginning() -> None:
    """Who has been in the queue for ten seconds is looked at often, however long the program runs."""
    schedule = Schedule(PollPolicy(interval=1.0))
    young = flight(1, status=TaskStatus.QUEUED)
    young.since = 100.0
    schedule.rest(young, looked=110.0, now=110.0)
    assert schedule.next_due() == 111.0


def test_a_list_that_is_due_takes_those_that_have_waited_half_their_time() -> None:
    """It costs the same for one id and for many; who was looked at just now is left out."""
    schedule = Schedule(PollPolicy(interval=1.0))
    due, half, just = flight(1), flight(2), flight(4)
    for one, looked in ((due, 0.0), (half, 0.45), (just, 0.55)):
        schedule.rest(one, looked=looked, now=looked)
    assert flights_of(schedule.take(1.0, most=9, room=1000)) == [due, half]


def test_who_left_while_waiting_for_a_look_of_its_own_gets_none() -> None:
    """Nobody waits for it any more: no request of the account is spent on it."""
    schedule = Schedule(PollPolicy(interval=1.0))
    left, stays = flight(1), flight(2)
    for one in (left, stays):
        schedule.single_out(one)
    left.leave(GONE)
    assert schedule.has_single()
    assert schedule.take_single() is stays
    assert not schedule.has_single()


@pytest.mark.parametrize(("age", "wait"), [(0.0, 1.0), (60.0, 2.0), (900.0, 4.0), (7200.0, 8.0)])
def test_a_short_quota_stretches_every_wait_by_how_many_share_it(age: float, wait: float) -> None:
    """A hundred tasks of one band, of which the quota lets one look at in a second, come up in 100 s each."""
    schedule = Schedule(PollPolicy(interval=1.0))
    for number in range(1, 300, 3):
        schedule.rest(flight(number, status=TaskStatus.QUEUED), looked=age, now=age)
    assert schedule.next_due() == age + wait
    schedule.stretch(1.0)
    assert schedule.next_due() == age + 100.0


def test_who_has_moved_elsewhere_does_not_stretch_the_waits_of_the_rest() -> None:
    """A short quota is shared among those that wait now."""
    schedule = Schedule(PollPolicy(interval=1.0))
    moved = [flight(number) for number in range(1, 200, 3)]
    for one in moved:
        schedule.rest(one, looked=0.0, now=0.0)
        schedule.hurry(one)
    assert flights_of(schedule.take(0.0, most=1000, room=100_000)) == moved
    schedule.rest(flight(200), looked=1.0, now=1.0)
    assert schedule.next_due() == 2.0
    schedule.stretch(1.0)
    assert schedule.next_due() == 2.0


def test_who_is_looked_at_at_once_does_not_stretch_the_waits_of_the_rest() -> None:
    """Urgent tasks are many for one turn; the quota is shared by those that are looked at again and again."""
    schedule = Schedule(PollPolicy(interval=1.0))
    schedule.rest(flight(1), looked=0.0, now=0.0)
    for number in (2, 4, 5):
        schedule.hurry(flight(number))
    schedule.stretch(1.0)
    assert len(flights_of(schedule.take(0.0, most=9, room=1000))) == 3
    assert schedule.next_due() == 1.0


@pytest.mark.parametrize(
    ("status", "age", "band"),
    [
        (TaskStatus.RUNNING, 0.0, 0),
        (TaskStatus.RUNNING, 599.0, 0),
        (TaskStatus.RUNNING, 601.0, 1),
        (TaskStatus.RUNNING, 1e6, 2),
        (TaskStatus.QUEUED, 0.0, 0),
        (TaskStatus.QUEUED, 31.0, 1),
        (TaskStatus.QUEUED, 601.0, 2),
        (TaskStatus.QUEUED, 1e6, 3),
        (None, 0.0, 0),
    ],
)
def test_running_comes_before_queued_and_young_before_old(
    status: TaskStatus | None, age: float, band: int
) -> None:
    """Each status and age has its band, and the time to the next band is positive."""
    found, left = band_of(status, age)
    assert found == band
    assert left > 0.0


def test_waits_grow_to_their_ceiling_and_stretch_with_the_number() -> None:
    """No wait passes max_interval unless the quota is short, and then all stretch alike."""
    assert waits(PollPolicy(interval=3.0, max_interval=10.0)) == (3.0, 6.0, 10.0, 10.0)
    assert waits(PollPolicy(interval=5.0, max_interval=1.0)) == (5.0,) * 4
    assert spread([10, 0, 0, 0], [1.0] * 4, 100.0) == 1.0
    assert spread([1000, 1000, 0, 0], [1.0, 2.0, 4.0, 8.0], 150.0) == pytest.approx(10.0)
    assert spread([10**6, 0, 0, 0], [1.0] * 4, math.inf) == 1.0


@pytest.mark.parametrize(
    ("task_id", "said", "tier"),
    [
        ("cgt-2026-x", (), None),
        ("cgt-2026-x", ("default",), None),
        ("cgt-2026-x", (None, "flex"), "flex"),
        ("cgt-batch-2026-x", (), "flex"),
        ("cgt-batch-2026-x", ("default",), None),
    ],
)
def test_the_tier_is_what_was_said_or_what_the_id_tells(
    task_id: str, said: tuple[str | None, ...], tier: str | None
) -> None:
    """A known tier wins over the id's prefix."""
    assert tier_of(task_id, *said) == tier


def test_the_width_of_an_id_counts_its_quoting() -> None:
    """An id that must be quoted takes the room of its quoted form."""
    assert width_of("abc") == len("&filter.task_ids=abc")
    assert width_of("a/b ä") == len("&filter.task_ids=a%2Fb%20%C3%A4")


@given(st.lists(st.tuples(st.integers(0, 4), st.one_of(st.none(), st.floats(0, 100))), max_size=40))
def test_the_last_deadline_set_is_the_one_that_counts(moves: list[tuple[int, float | None]]) -> None:
    """Moved and dropped deadlines never come up, and the others come up in order."""
    deadlines = Deadlines()
    listeners: list[Listener] = [tap(flight(number), WaitLimits()) for number in range(5)]
    expected: dict[int, float] = {}
    for number, when in moves:
        if when is None:
            deadlines.drop(listeners[number])
            expected.pop(number, None)
        else:
            deadlines.put(listeners[number], when)
            expected[number] = when
    assert len(deadlines) == len(expected)
    assert deadlines.next == min(expected.values(), default=math.inf)
    due = [listeners.index(listener) for listener in deadlines.due(1000.0)]
    assert sorted(due) == sorted(expected)
    assert [expected[number] for number in due] == sorted(expected.values())
    assert deadlines.next == math.inf


def test_short_waits_with_long_deadlines_do_not_pile_up() -> None:
    """A loop of short waits with a timeout of a day leaves no entries behind."""
    deadlines = Deadlines()
    one = flight(1)
    for _ in range(10_000):
        listener = tap(one, WaitLimits(total=86_400.0))
        deadlines.put(listener, listener.deadline)
        deadlines.drop(listener)
    assert len(deadlines._heap) < 200  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
