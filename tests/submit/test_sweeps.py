"""Reading a list back to a moment: complete must mean that nothing was missed, whatever the
server's habits.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

import looptime
import pytest
from attrs import define, field
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seedance_async.errors import AuthenticationFailed, RequestRefused, SeedanceError, ServerFailed
from seedance_async.ledger.sweeps import Sweep, Sweeps
from seedance_async.models import VideoTask

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

T = TypeVar("T")
SINCE = 1000.0


@define(kw_only=True)
class Shelf:
    """A list as a pure function: what is on it, and how it is served."""

    ages: list[int]
    newest_first: bool = True
    cap: int = 500
    total: bool = True
    turns_pages: bool = True
    arriving: bool = False
    asked: list[tuple[int, int]] = field(factory=list[tuple[int, int]])
    failures: list[SeedanceError] = field(factory=list[SeedanceError])

    async def __call__(
        self, *, service_tier: str | None, page_num: int, page_size: int
    ) -> tuple[Sequence[VideoTask], int | None]:
        """Serve one page a second; where tasks are arriving, one more has come by the next."""
        assert service_tier in {None, "flex"}
        self.asked.append((page_num, page_size))
        await asyncio.sleep(1.0)
        if self.failures:
            raise self.failures.pop(0)
        tasks = [VideoTask(id=f"t{place}", created_at=age) for place, age in enumerate(sorted(self.ages))]
        if self.arriving:
            self.ages.append(max(self.ages, default=0) + 1)
        if self.newest_first:
            tasks.reverse()
        size = min(self.cap, page_size)
        first = (page_num - 1) * size if self.turns_pages else 0
        return tasks[first : first + size], len(tasks) if self.total else None


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run on a loop whose clock jumps over every sleep."""
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0.0)) as runner:
        return runner.run(main)


def swept(shelf: Shelf, since: float = SINCE) -> Sweep:
    """Read the shelf once."""
    return run(Sweeps(shelf).look(None, since=since))


@example(ages=[900, 1000], cap=1, newest_first=False, total=True, turns_pages=False, arriving=False)
@example(
    ages=[900, 900, 900, 900, 901, 1000],
    cap=5,
    newest_first=False,
    total=True,
    turns_pages=False,
    arriving=False,
)
@example(ages=[1000, 1000], cap=1, newest_first=True, total=True, turns_pages=False, arriving=True)
@given(
    ages=st.lists(st.integers(900, 1100), max_size=60),
    cap=st.integers(1, 25),
    newest_first=st.booleans(),
    total=st.booleans(),
    turns_pages=st.booleans(),
    arriving=st.booleans(),
)
@settings(max_examples=100)
def test_complete_means_that_nothing_since_the_moment_was_missed(
    ages: list[int], cap: int, *, newest_first: bool, total: bool, turns_pages: bool, arriving: bool
) -> None:
    """Pages capped, oldest first, no total, page numbers ignored, tasks arriving: never a false
    "complete".
    """
    shelf = Shelf(
        ages=list(ages), cap=cap, newest_first=newest_first, total=total, turns_pages=turns_pages,
        arriving=arriving,
    )  # fmt: skip
    wanted = {f"t{place}" for place, age in enumerate(sorted(ages)) if age >= SINCE}
    sweep = swept(shelf)
    if sweep.complete:
        assert wanted <= sweep.tasks.keys()


@given(
    ages=st.lists(st.integers(900, 1100), min_size=1, max_size=60, unique=True),
    cap=st.integers(2, 25),
    newest_first=st.booleans(),
    total=st.booleans(),
    arriving=st.booleans(),
)
def test_an_honest_list_is_read_completely(
    ages: list[int], cap: int, *, newest_first: bool, total: bool, arriving: bool
) -> None:
    """Whatever its order and page size, also while tasks arrive: absence can be proven in the end."""
    shelf = Shelf(ages=list(ages), cap=cap, newest_first=newest_first, total=total, arriving=arriving)
    if arriving and not newest_first and not total:
        return  # one more task for every page: such a list has no end that could be read
    assert swept(shelf).complete


def test_a_long_list_is_not_read_to_its_end() -> None:
    """A week of tasks stays unread when only the last minutes matter: two pages of fifty."""
    shelf = Shelf(ages=list(range(-4000, 1050)), cap=50)
    sweep = swept(shelf)
    assert sweep.complete
    assert len(shelf.asked) == 2


def test_a_long_list_that_is_oldest_first_is_read_from_its_end() -> None:
    """One page tells the order, then the last pages are read backwards."""
    shelf = Shelf(ages=list(range(-4000, 1050)), cap=50, newest_first=False)
    sweep = swept(shelf)
    assert sweep.complete
    assert [number for number, _ in shelf.asked] == [1, 101, 100]


def test_the_page_size_shrinks_where_the_server_wants_smaller_ones() -> None:
    """A 400 to a page of 500 is no missing list: 100 is tried, and kept for later sweeps."""
    shelf = Shelf(ages=[1001], failures=[RequestRefused("page_size", status=400)])
    sweeps = Sweeps(shelf)
    first = run(sweeps.look(None, since=SINCE))
    assert (first.complete, first.error) == (True, None)
    assert [size for _, size in shelf.asked] == [500, 100]


@pytest.mark.parametrize("failures", [1, 2])
def test_a_page_that_fails_is_read_again(failures: int) -> None:
    """One bad answer among many pages does not lose the sweep."""
    errors: list[SeedanceError] = [ServerFailed("busy", status=500) for _ in range(failures)]
    sweep = swept(Shelf(ages=[1001, 1002], failures=errors))
    assert sweep.complete
    assert sweep.error is None


def test_a_refused_list_is_asked_once() -> None:
    """401 does not get better by asking again; it comes back as the sweep's error."""
    shelf = Shelf(ages=[1001], failures=[AuthenticationFailed("no", status=401)])
    sweep = swept(shelf)
    assert isinstance(sweep.error, AuthenticationFailed)
    assert (sweep.complete, len(shelf.asked)) == (False, 1)


def test_a_list_that_hangs_is_given_up() -> None:
    """Everybody who searches waits for the same sweep, so a hanging page ends it after a minute."""

    async def hang(**_: object) -> tuple[Sequence[VideoTask], int | None]:
        await asyncio.sleep(3600.0)
        return [], 0

    async def look() -> tuple[Sweep, float]:
        sweep = await Sweeps(hang).look(None, since=SINCE)
        return sweep, asyncio.get_running_loop().time()

    sweep, seconds = run(look())
    assert sweep.error is not None
    assert not sweep.complete
    assert seconds == pytest.approx(60.0)


@pytest.mark.parametrize("failing", [False, True])
def test_fifty_at_once_share_two_readings(*, failing: bool) -> None:
    """Who comes while a reading is under way shares the next one, also where the list fails."""
    broken: list[SeedanceError] = [AuthenticationFailed("no", status=401) for _ in range(100)]
    shelf = Shelf(ages=[1001], failures=broken if failing else [])

    async def fifty() -> None:
        sweeps = Sweeps(shelf)
        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(sweeps.look(None, since=SINCE - number))

    run(fifty())
    assert len(shelf.asked) == 2


def test_nobody_is_served_from_before_the_call() -> None:
    """A look that was begun before the question does not answer it: what it missed may have come since."""
    shelf = Shelf(ages=[1001])

    async def two() -> Sweep:
        sweeps = Sweeps(shelf)
        early = asyncio.create_task(sweeps.look(None, since=SINCE))
        await asyncio.sleep(0.5)
        late = await sweeps.look(None, since=SINCE)
        await early
        return late

    assert run(two()).started >= 0.5
    assert len(shelf.asked) == 2


def test_somebody_who_leaves_does_not_disturb_the_others() -> None:
    """A search that is cancelled while it reads lets the next one read."""
    shelf = Shelf(ages=[1001])

    async def leave() -> Sweep:
        sweeps = Sweeps(shelf)
        first = asyncio.create_task(sweeps.look(None, since=SINCE))
        await asyncio.sleep(0.5)
        second = asyncio.create_task(sweeps.look(None, since=SINCE))
        await asyncio.sleep(0.1)
        first.cancel()
        return await second

    assert run(leave()).complete


def test_a_reading_that_serves_nobody_any_more_is_let_go() -> None:
    """A list of a week's tasks does not stay in memory for the life of the session."""

    async def look() -> weakref.ref[Sweep]:
        kept.append(Sweeps(Shelf(ages=[900, 1100])))
        first, second = await asyncio.gather(*(kept[0].look(None, since=SINCE) for _ in range(2)))
        assert first.number == 1
        return weakref.ref(second)

    kept: list[Sweeps] = []
    last = run(look())
    gc.collect()
    assert last() is None
