"""How well a way of looking works: pauses after failures, and what an error says of the list."""

from __future__ import annotations

import pytest

from seedance_async.errors import (
    AnswerUnreadable,
    AuthenticationFailed,
    RateLimited,
    RequestRefused,
    ServerFailed,
)
from seedance_async.events import Event, ListUnusable
from seedance_async.settings import PollPolicy
from seedance_async.watching.routes import ListRoute, Route
from tests.waiting.helpers import broken

POLL = PollPolicy(interval=1.0, max_interval=10.0, list_retry=600.0)


def route(rate: float = 20.0) -> Route:
    """Make the way of single looks."""
    return Route(POLL, rate=rate, least=2, most=64)


def lists(told: list[Event] | None = None) -> ListRoute:
    """Make the way of lists."""
    return ListRoute(POLL, ([] if told is None else told).append, rate=1.0, gets=20.0, least=2, most=8)


def refused(status: int) -> RequestRefused:
    """Make a refusal."""
    return RequestRefused("no", status=status)


def test_pauses_double_up_to_the_longest_interval() -> None:
    """One interval after the first failure, max_interval in the end; an answer ends it all."""
    way, now, pauses = route(), 100.0, list[float]()
    assert way.open(now)
    for _ in range(6):
        way.failed(broken(), now)
        pauses.append(way.resumes() - now)
        assert not way.open(now)
        now = way.resumes()
    assert pauses == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    way.failed(broken(), now)
    way.worked()
    assert way.open(now)
    way.failed(broken(), now)
    assert way.resumes() - now == 1.0


def test_failures_of_requests_that_were_under_way_together_count_once() -> None:
    """Sixty looks that meet the same outage are no reason for a pause of minutes."""
    way = route()
    for _ in range(60):
        way.failed(broken(), 100.0)
    assert way.resumes() == 101.0


@pytest.mark.parametrize(("asked", "pause"), [(0.2, 1.0), (25.0, 25.0), (3600.0, 120.0)])
def test_retry_after_is_kept_within_reason(asked: float, pause: float) -> None:
    """The server's wish counts from our own pause up to two minutes."""
    way = route()
    way.failed(RateLimited("slow", status=429, retry_after=asked), 100.0)
    assert way.resumes() - 100.0 == pause


def test_retry_after_is_kept_whatever_other_looks_of_that_moment_bring() -> None:
    """An answer to a look that was under way does not take the server's wish back, nor does a failure."""
    way = route()
    way.failed(broken(), 100.0)
    way.failed(RateLimited("slow", status=429, retry_after=25.0), 100.5)
    way.worked()
    assert way.resumes() == 125.5
    way.failed(RateLimited("slow", status=429, retry_after=2.0), 101.0)
    assert way.resumes() == 125.5
    way.worked()
    assert way.open(125.5)


@pytest.mark.parametrize(("rate", "at_once"), [(0.5, 2), (20.0, 20), (1e9, 64)])
def test_as_many_go_side_by_side_as_fit_a_second_and_one_after_a_failure(rate: float, at_once: int) -> None:
    """Few, so that others get their turn; after a failure a single one finds out."""
    way = route(rate)
    way.running = at_once - 1
    assert way.free
    way.running = at_once
    assert not way.free
    way.failed(broken(), 0.0)
    way.running = 1
    assert not way.free
    way.running = 0
    assert way.free


@pytest.mark.parametrize("rate", [1.0, 20.0])
def test_a_look_has_time_for_its_turn_besides_its_thirty_seconds(rate: float) -> None:
    """Ten sharers of a quota may queue as many requests as we do before it is given up."""
    assert route(rate).patience == pytest.approx(30.0 + 10 * max(2.0, rate) / rate)


def test_a_list_has_less_time_because_there_is_another_way() -> None:
    """Its tasks could be looked at one by one meanwhile."""
    assert lists().patience == pytest.approx(10.0 + 10 * 2.0)


@pytest.mark.parametrize("status", [413, 414, 431])
def test_a_url_that_is_too_long_is_halved_until_it_is_short(status: int) -> None:
    """It may go again at once with half as much, down to some hundred characters; then there is no list."""
    told: list[Event] = []
    way, rooms = lists(told), list[int]()
    while not told:
        way.refused(refused(status), 50.0, asked=7)
        rooms.append(way.room)
    assert rooms == [3700, 1850, 925, 462, 231, 231]
    assert not way.open(649.9)
    assert way.open(650.0)


@pytest.mark.parametrize("status", [400, 422])
def test_a_long_page_that_is_refused_is_made_short(status: int) -> None:
    """Up to 100 an older note allows; a refusal of less is one of the list."""
    told: list[Event] = []
    way = lists(told)
    assert way.page == 500
    way.refused(refused(status), 50.0, asked=101)
    assert (way.page, told) == (100, [])
    way.refused(refused(status), 50.0, asked=100)
    assert (way.page, way.resumes()) == (100, 650.0)
    for _ in range(40):
        way.showed_all()
    assert way.page == 100, "what was refused is not tried again"


@pytest.mark.parametrize(
    "error",
    [
        *(refused(status) for status in (404, 405)),
        ServerFailed("not here", status=501),
        AuthenticationFailed("no", status=403),
    ],
    ids=lambda error: str(error.status),
)
def test_what_says_that_there_is_no_list_is_believed(error: RequestRefused | ServerFailed) -> None:
    """The list is tried again after list_retry, and it is said once."""
    told: list[Event] = []
    way = lists(told)
    for now in (50.0, 700.0):
        way.refused(error, now, asked=20)
        assert way.resumes() == now + 600.0
    assert told == [ListUnusable(why=str(error), seconds=600.0)]
    way.showed_all()
    way.refused(error, 2000.0, asked=20)
    assert len(told) == 2, "it had worked in between"


@pytest.mark.parametrize(
    "error",
    [broken(), RateLimited("slow", status=429), TimeoutError(), refused(402)],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_only_makes_a_pause(error: Exception) -> None:
    """Nothing is said of the list, which is asked again in the same way."""
    told: list[Event] = []
    way = lists(told)
    way.refused(error, 50.0, asked=20)
    assert (way.resumes(), told, way.page, way.room) == (51.0, [], 500, 7400)


def test_a_list_that_cannot_be_read_three_times_in_a_row_is_none() -> None:
    """Once or twice may pass; a gateway that answers a page for people has no list, and that is said once."""
    told: list[Event] = []
    way = lists(told)
    page = AnswerUnreadable("it is not a JSON object", status=200)
    for error in (page, page, broken(), page, page):
        way.refused(error, 50.0, asked=20)
    assert (way.resumes(), told) == (51.0, [])
    way.refused(page, 60.0, asked=20)
    assert (way.resumes(), len(told)) == (660.0, 1)
    way.refused(page, 660.0, asked=20)
    assert (way.resumes(), len(told)) == (1260.0, 1), "the next try tells at once"
    way.worked()
    way.showed_all()
    way.refused(page, 1260.0, asked=20)
    assert way.resumes() == 1261.0, "it had worked in between"


def test_a_page_size_grows_again_with_lists_that_show_all() -> None:
    """A page that was short by chance is doubled after each twenty lists in a row that were not."""
    way = lists()
    for _ in range(2):
        way.showed_some(0.0, asked=500, shown=60, total=None)
    assert way.page == 60
    for _ in range(19):
        way.showed_all()
    assert way.page == 60
    way.showed_all()
    assert way.page == 120
    for _ in range(19):
        way.showed_all()
    assert way.page == 120
    for _ in range(2):
        way.showed_some(0.0, asked=500, shown=100, total=None)
    way.showed_all()
    assert way.page == 100, "the row begins anew after a short page"


def test_without_a_total_two_short_pages_of_one_length_are_the_servers_own_size() -> None:
    """One alone may be tasks that are gone; with a total the first one tells."""
    way = lists()
    assert not way.showed_some(0.0, asked=500, shown=60, total=None)
    assert not way.showed_some(0.0, asked=500, shown=50, total=None)
    assert way.page == 500
    way.showed_all()
    assert not way.showed_some(0.0, asked=500, shown=50, total=None), "not in a row"
    assert way.showed_some(0.0, asked=500, shown=50, total=None)
    assert way.page == 50
    other = lists()
    assert not other.showed_some(0.0, asked=500, shown=30, total=30)
    assert other.showed_some(0.0, asked=500, shown=20, total=100)
    for _ in range(40):
        other.showed_all()
    assert other.page == 20


def test_pages_so_short_that_gets_see_more_are_left_alone() -> None:
    """Ten tasks a second by lists are fewer than twenty by GETs; the next try asks for a whole page again."""
    told: list[Event] = []
    way = lists(told)
    assert way.showed_some(50.0, asked=100, shown=20, total=100)
    assert (way.page, told) == (20, [])
    for now in (60.0, 700.0):
        assert way.showed_some(now, asked=20, shown=10, total=100)
        assert (way.resumes(), way.page) == (now + 600.0, 500)
    assert told == [ListUnusable(why="the list shows pages of 10 only", seconds=600.0)]


def test_a_list_of_few_teaches_no_page() -> None:
    """Two of three tasks that a list leaves out may be late in it, whatever total it says."""
    way = lists()
    for total in (None, None, 5000):
        assert not way.showed_some(50.0, asked=3, shown=1, total=total)
    assert (way.page, way.open(50.0)) == (500, True)


def test_a_list_that_shows_nothing_is_disbelieved_for_longer_each_time() -> None:
    """One blank page proves nothing; after that 30 s, a minute, two, until it shows something."""
    told: list[Event] = []
    way, now, pauses = lists(told), 0.0, list[float]()
    way.showed_none()
    way.disproved(now)
    assert way.open(now)
    for _ in range(6):
        way.showed_none()
        way.showed_none()
        way.disproved(now)
        pauses.append(way.resumes() - now)
        now = way.resumes()
    assert pauses == [30.0, 60.0, 120.0, 240.0, 480.0, 600.0]
    assert len(told) == 1
    way.showed_all()
    way.showed_none()
    way.disproved(now)
    assert way.open(now)
    way.showed_none()
    way.disproved(now)
    assert way.resumes() - now == 30.0


def test_blank_lists_count_in_a_row_only() -> None:
    """A list that showed something in between, or that was left alone since, begins anew."""
    way = lists()
    for show in (way.showed_all, lambda: way.showed_some(0.0, asked=500, shown=3, total=3)):
        way.showed_none()
        show()
        way.showed_none()
        way.disproved(0.0)
        assert way.open(0.0)
        way.showed_all()
    for _ in range(2):
        way.showed_none()
    way.disproved(0.0)
    way.showed_none()
    way.disproved(100.0)
    assert way.resumes() == 30.0


def test_a_list_that_ignores_its_filter_is_left_alone() -> None:
    """For as long as one that does not exist."""
    told: list[Event] = []
    way = lists(told)
    way.ignores_filter(50.0)
    assert way.resumes() == 650.0
    assert told == [ListUnusable(why="the list ignores filter.task_ids", seconds=600.0)]
