"""The requests of the watcher: which way each look takes, and what its answer means."""

from __future__ import annotations

import math
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from seedance_async._wire.clock import monotonic
from seedance_async.errors import AuthenticationFailed, InvalidRequest, SessionClosed, TaskNotFound
from seedance_async.events import LookFailed
from seedance_async.watching.group import ALONE, LOOKING
from seedance_async.watching.routes import ListRoute, Route
from seedance_async.watching.within import within

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from typing import Any

    from seedance_async._wire.pages import Page
    from seedance_async.events import Observer
    from seedance_async.settings import AccountLimits, PollPolicy
    from seedance_async.watching.flight import Flight
    from seedance_async.watching.group import Group
    from seedance_async.watching.looks import Looks
    from seedance_async.watching.register import Register
    from seedance_async.watching.schedule import Schedule

__all__ = ["Looking"]

_TYPICAL_WIDTH = 42  # an id of Ark in the URL of a list
_SINGLE_UP_TO = 2  # so few ids are cheaper looked at by themselves: GETs are allowed 20 times as often
_PROBES = 20  # after a list that shows nothing, as many GETs find out whether it can be believed
_UNAUTHORIZED = 401
_piece = attrgetter("piece")


class Looking:
    """Begins requests and reads their answers.

    Args:
        looks: how the server is read.
        schedule: what is due.
        register: what hears the news.
        poll: how often, and how long a list that fails is left alone.
        limits: the account's quotas.
        emit: hears LookFailed and ListUnusable.
        over: called when a request is over.
    """

    def __init__(
        self,
        looks: Looks,
        schedule: Schedule,
        register: Register,
        *,
        poll: PollPolicy,
        limits: AccountLimits,
        emit: Observer,
        over: Callable[[], None],
    ) -> None:
        self._looks = looks
        self._schedule = schedule
        self._register = register
        self._limits = limits
        self._emit = emit
        self._over = over
        self._gets = Route(poll, rate=limits.gets_per_second, least=2, most=64)
        self._lists = ListRoute(
            poll, emit, rate=limits.lists_per_second, gets=limits.gets_per_second, least=2, most=8
        )
        self._under_way: set[asyncio.Task[None]] = set()

    def call_off(self) -> None:
        """Cancel the requests that are under way; a look changes nothing at the server."""
        for look in self._under_way:
            look.cancel()

    def begin(self, group: asyncio.TaskGroup, now: float) -> None:
        """Begin as many looks as are due and allowed."""
        gets, lists, schedule = self._gets, self._lists, self._schedule
        listing = lists.open(now)
        schedule.stretch(self._capacity(listing=listing))
        while schedule.has_single() and gets.free and gets.open(now):
            self._spawn(group, gets, self._look_at(schedule.take_single()))
        while listing and lists.free and (chunk := schedule.take(now, most=lists.page, room=lists.room)):
            self._begin_list(group, chunk, now)
        while not listing and gets.free and gets.open(now) and (chunk := schedule.take(now, most=1, room=1)):
            self._begin_gets(group, _flights_of(chunk))

    def _capacity(self, *, listing: bool) -> float:
        """How many tasks the quotas let one look at in a second."""
        if not listing:
            return self._limits.gets_per_second
        return self._limits.lists_per_second * min(self._lists.room // _TYPICAL_WIDTH, self._lists.page)

    def _begin_list(self, group: asyncio.TaskGroup, chunk: list[Group], now: float) -> None:
        """Look at many tasks with one list, or at very few by themselves."""
        asked = _flights_of(chunk)
        if len(asked) <= _SINGLE_UP_TO and self._gets.free and self._gets.open(now):
            self._begin_gets(group, asked)
        else:
            self._spawn(group, self._lists, self._look_at_all(chunk, asked))

    def _begin_gets(self, group: asyncio.TaskGroup, asked: dict[str, Flight]) -> None:
        """Look at each task by itself."""
        for flight in asked.values():
            flight.leave(ALONE)
            self._spawn(group, self._gets, self._look_at(flight))

    def _spawn(self, group: asyncio.TaskGroup, route: Route, look: Coroutine[Any, Any, None]) -> None:
        """Begin one request."""
        route.running += 1
        task = group.create_task(look)
        self._under_way.add(task)
        task.add_done_callback(partial(self._looked, route))

    def _looked(self, route: Route, task: asyncio.Task[None]) -> None:
        """Count one request out."""
        route.running -= 1
        self._under_way.discard(task)
        self._over()

    def next_turn(self, now: float) -> float:
        """When there is something to do if nothing else happens before; a finished look rings the bell."""
        times = [math.inf]
        gets, lists = self._gets, self._lists
        due = self._schedule.next_due()
        if lists.open(now):
            if lists.free:
                times.append(due)
        else:
            times.append(lists.resumes())
            if gets.free:
                times.append(max(due, gets.resumes()))
        if gets.free and self._schedule.has_single():
            times.append(gets.resumes())
        return min(times)

    async def _look_at(self, flight: Flight) -> None:
        """Look at one task."""
        try:
            record = await within(self._gets.patience, self._looks.get(flight.id))
        except TaskNotFound as error:
            self._gets.worked()
            self._register.miss(flight, error, monotonic())
        except InvalidRequest as error:
            # Nothing was sent, and it says nothing of other looks.
            self._trouble("get", error)
            self._register.miss(flight, error, monotonic())
        except (AuthenticationFailed, SessionClosed) as error:
            self._locked_out(flight, error)
        except Exception as error:  # noqa: BLE001 - no bad look ends a wait
            self._trouble("get", error)
            self._gets.failed(error, monotonic())
            self._register.settle(flight, monotonic())
        else:
            self._gets.worked()
            if flight.unlisted:
                flight.unlisted = False
                self._lists.disproved(monotonic())
            self._learn("get", flight, record, monotonic())

    def _locked_out(self, flight: Flight, error: AuthenticationFailed | SessionClosed) -> None:
        """End the wait for a task that the key may not see; no key, or no way to the server, ends all."""
        self._trouble("get", error)
        if isinstance(error, SessionClosed) or error.status == _UNAUTHORIZED:
            self._register.fail_all(error)
        else:
            self._register.fail(flight, error)

    async def _look_at_all(self, chunk: list[Group], asked: dict[str, Flight]) -> None:
        """Look at many tasks of one tier with one list."""
        request = self._looks.look([*asked], service_tier=chunk[0].tier, page_size=len(asked))
        try:
            page = await within(self._lists.patience, request)
            self._read_page(chunk, asked, page)
        except Exception as error:  # noqa: BLE001 - no bad look ends a wait
            self._list_failed([*asked.values()], error)

    def _list_failed(self, chunk: list[Flight], error: Exception) -> None:
        """Look again at the tasks of a failed list: at once, by a list of another shape or by GETs."""
        now = monotonic()
        self._trouble("list", error)
        if isinstance(error, SessionClosed):
            self._register.fail_all(error)
            return
        if isinstance(error, InvalidRequest):
            # Nothing was sent because of one of them: each is asked for by itself, and that one alone fails.
            self._single_out(chunk)
            return
        self._lists.refused(error, now, asked=len(chunk))
        self._look_again(chunk, now)

    def _read_page(self, chunk: list[Group], asked: dict[str, Flight], page: Page) -> None:
        """Take in what a list shows, and find out about what it does not show."""
        now = monotonic()
        # Most looks find nothing new: of those no step in here is made for each task by itself.
        shown, news = page.compare(dict(zip(map(_piece, asked.values()), asked, strict=True)))
        self._lists.worked()
        for record, piece in news:
            # A task that is shown twice was looked at once.
            if (task_id := record["id"]) not in shown and task_id in asked:
                self._learn("list", asked[task_id], record, now, piece=piece)
            shown.add(task_id)
        hidden = [] if asked.keys() <= shown else sorted(asked.keys() - shown)
        if missing := [asked[task_id] for task_id in hidden if asked[task_id].place is LOOKING]:
            self._read_gaps(asked, missing, page, shown)
        else:
            self._lists.showed_all()
        for some in chunk:
            self._schedule.rest_together(some, now)

    def _read_gaps(
        self, asked: dict[str, Flight], missing: list[Flight], page: Page, shown: set[str]
    ) -> None:
        """Find out why a list leaves out tasks that it was asked for."""
        now = monotonic()
        if shown - asked.keys():
            self._lists.ignores_filter(now)
            self._look_again(missing, now)
        elif not shown:
            self._read_nothing(missing, now)
        elif self._lists.showed_some(now, asked=len(asked), shown=len(shown), total=page.total):
            self._look_again(missing, now)
        else:
            self._single_out(missing)

    def _single_out(self, flights: list[Flight]) -> None:
        """Look at each task by itself."""
        for flight in flights:
            if flight.place is LOOKING:
                self._schedule.single_out(flight)

    def _look_again(self, flights: list[Flight], now: float) -> None:
        """Look at tasks again at once."""
        for flight in flights:
            flight.again = True
            self._register.settle(flight, now)

    def _read_nothing(self, chunk: list[Flight], now: float) -> None:
        """Ask for some tasks by themselves: either they are gone, or the list shows nothing at all."""
        self._lists.showed_none()
        for flight in chunk[:_PROBES]:
            flight.unlisted = True
            self._schedule.single_out(flight)
        for flight in chunk[_PROBES:]:
            # A last look must see something: a list that shows nothing has not looked.
            if flight.finals:
                self._schedule.single_out(flight)
            else:
                self._register.settle(flight, now)

    def _learn(
        self, route: str, flight: Flight, record: dict[str, Any], now: float, *, piece: bytes | None = None
    ) -> None:
        """Take in one record; one that cannot be read is a failed look of its task alone."""
        try:
            self._register.learn(flight, record, now, piece=piece)
        except Exception as error:  # noqa: BLE001 - no bad look ends a wait
            self._trouble(route, error)
            self._register.settle(flight, now)

    def _trouble(self, route: str, error: Exception) -> None:
        """Say that a look failed."""
        self._emit(LookFailed(route=route, error=str(error) or type(error).__name__))


def _flights_of(chunk: list[Group]) -> dict[str, Flight]:
    """Gather the flights of some groups by id, as they are now; who leaves later stays in it."""
    flights = chunk[0].flights.copy()
    for group in chunk[1:]:
        flights |= group.flights
    return flights
