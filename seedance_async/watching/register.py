"""Who waits for what, and what news does to them.  No requests are made here and nothing is awaited."""

from __future__ import annotations

import copy
import logging
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from seedance_async._wire.pages import record_of
from seedance_async.errors import WaitTimeout
from seedance_async.events import TaskChanged
from seedance_async.models import TaskStatus
from seedance_async.watching.deadlines import Deadlines
from seedance_async.watching.flight import Flight, tier_of, width_of
from seedance_async.watching.group import GONE, LANE, LOOKING
from seedance_async.watching.listeners import NO_LIMITS
from seedance_async.watching.submits import Submits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from seedance_async._wire.emitter import Emitter
    from seedance_async.errors import SeedanceError
    from seedance_async.models import VideoTask
    from seedance_async.settings import PollPolicy
    from seedance_async.watching.listeners import Listener
    from seedance_async.watching.looks import Looks
    from seedance_async.watching.schedule import Schedule

__all__ = ["Register"]

_URLLESS_BELIEVED = 2
# Six statuses, three tries each, doubled by a gateway: more is a flood (api docs 1520757, callback_url).
_HINTS_BELIEVED = 50


class Register:
    """Everything in flight.

    Args:
        schedule: where flights wait for their next look.
        poll: how long "no such task" is not believed.
        looks: reads a record.
        emit: hears of changes.
        ended: called once for every task seen terminal.
        gone: called with the id of a task that the server does not know any more.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        poll: PollPolicy,
        looks: Looks,
        emit: Emitter,
        ended: Callable[[VideoTask], None],
        gone: Callable[[str], None],
    ) -> None:
        self.flights: dict[str, Flight] = {}
        self.deadlines = Deadlines()
        self._schedule = schedule
        self._poll = poll
        self._looks = looks
        self._emit = emit
        self._ended = ended
        self._gone = gone
        self._submits = Submits()

    def submitted(self, task_id: str, service_tier: str | None, now: float) -> None:
        """Remember when and for which tier a task was accepted, until somebody waits for it."""
        self._submits.note(task_id, service_tier, now)

    def board(self, task_id: str, now: float, known: VideoTask | None = None) -> Flight:
        """Find the flight of a task, or begin one.

        A task of elsewhere is looked at at once; one submitted here waits one interval from the submit.
        """
        flight = self.flights.get(task_id)
        if flight is not None:
            return flight
        submit = self._submits.take(task_id)
        at, said = (submit.at, submit.tier) if submit else (now, None)
        flight = Flight(
            id=task_id,
            tier=tier_of(task_id, said, known.service_tier if known else None),
            width=width_of(task_id),
            since=now,
            status=known.status if known else None,
            known=known,
        )
        self.flights[task_id] = flight
        if submit is None or submit.hinted:
            self._schedule.hurry(flight)
        else:
            self._schedule.rest(flight, looked=at, now=now)
        return flight

    def attach(self, listener: Listener) -> None:
        """Let a listener hear of its flight from now on."""
        flight = listener.flight
        flight.listeners.append(listener)
        if listener.deadline != math.inf:
            self.deadlines.put(listener, listener.deadline)
        if listener.hears_changes and flight.record is not None and (task := self._last_seen(flight)):
            listener.changed(task)

    def detach(self, listener: Listener) -> None:
        """Let a listener go; a flight that nobody waits for is forgotten."""
        flight = listener.flight
        if listener in flight.listeners:
            flight.listeners.remove(listener)
            self.deadlines.release(listener)
            if not flight.listeners and not flight.surveyed:
                self._forget(flight)

    def survey(self, ids: Collection[str], now: float) -> None:
        """Watch these tasks, whoever else waits for them, and no others without listeners."""
        for task_id in ids:
            self.board(task_id, now).surveyed = True

    def end_survey(self) -> None:
        """Forget the flights that nobody waits for."""
        for flight in [flight for flight in self.flights.values() if flight.surveyed]:
            flight.surveyed = False
            if not flight.listeners:
                self._forget(flight)

    def expire(self, now: float) -> None:
        """Ask for one last look for everyone whose deadline has come; end those who had their time for it."""
        for listener in list(self.deadlines.due(now)):
            flight = listener.flight
            if listener.asked <= now:
                self._time_out(listener, now)
                continue
            listener.asked = now
            flight.finals += 1
            flight.piece = None
            self.deadlines.put(listener, now + listener.grace)
            self.hurry(flight)

    def hurry(self, flight: Flight) -> None:
        """Look at a flight soon; once more if a look is under way, because that one may be too early."""
        if flight.place is LOOKING:
            # Whatever the look shows is learnt: without a piece no record is one that was seen before.
            flight.again, flight.piece = True, None
        elif flight.place is LANE:
            self._schedule.hurry(flight)

    def hint(self, task_id: str) -> bool:
        """Look soon at the flight that a callback tells of; False when it changes nothing."""
        flight = self.flights.get(task_id)
        if flight is None:
            self._submits.hint(task_id)
            return False
        if flight.hints >= _HINTS_BELIEVED:
            return False
        flight.hints += 1
        self.hurry(flight)
        return True

    def learn(
        self, flight: Flight, record: dict[str, Any], now: float, *, piece: bytes | None = None
    ) -> None:
        """Take in one record of a flight that was looked at; ``piece`` is its bytes in a list."""
        if flight.place is not LOOKING:
            return
        flight.missed = math.inf
        status = self._looks.status(record)
        if not status.is_terminal:
            self._change(flight, status, record, now, piece)
            # Only now, and not for an end or before a further look: what was not believed is read again.
            flight.piece = None if flight.again or flight.finals else piece
            self.settle(flight, now)
            return
        task = self._value(flight, record)
        if not task.video_url and task.status is TaskStatus.SUCCEEDED and self._doubtful(flight):
            self.settle(flight, now)
        else:
            self._end(flight, task)

    def miss(self, flight: Flight, error: SeedanceError, now: float) -> None:
        """Take in "no such task", or that it cannot be asked for; believed when said for the time of grace.

        The time counts from the first "no such task", not from the last good look: after an outage that
        one is old for every task, and a single stray 404 would end the wait for a paid one.
        """
        flight.missed, flight.piece = min(flight.missed, now), None
        if flight.place is LOOKING and now - flight.missed >= self._poll.not_found_grace:
            self._gone(flight.id)
            self.fail(flight, error)
        else:
            self.settle(flight, now)

    def settle(self, flight: Flight, now: float) -> None:
        """Put a flight back after a look that was not its end; who waited for this last look times out."""
        if flight.finals and not flight.again:
            for listener in [listener for listener in flight.listeners if listener.asked != math.inf]:
                self._time_out(listener, now)
        if flight.place is not LOOKING:
            return
        if flight.again:
            flight.again = False
            self._schedule.hurry(flight)
        else:
            self._schedule.seen(flight, now)

    def fail(self, flight: Flight, error: BaseException) -> None:
        """End a flight without an end of the task."""
        for listener in self._land(flight):
            # One exception raised by many tasks would collect the tracebacks of all.
            listener.failed(copy.copy(error))

    def fail_all(self, error: BaseException) -> None:
        """End everything in flight."""
        for flight in list(self.flights.values()):
            self.fail(flight, error)

    def _doubtful(self, flight: Flight) -> bool:
        """Whether a success without a URL must be seen again, because it may only be late."""
        flight.urlless += 1
        return flight.urlless < _URLLESS_BELIEVED

    def _change(
        self, flight: Flight, status: TaskStatus, record: dict[str, Any], now: float, piece: bytes | None
    ) -> None:
        """Keep a new record, and tell of it when the status is another one or the first one seen."""
        news = flight.record is None or status is not flight.status
        hearers = [listener for listener in flight.listeners if listener.hears_changes] if news else []
        # Read before anything is noted: a record that cannot be read must not count as seen.
        task = self._value(flight, record) if hearers else None
        if status is not flight.status:
            flight.since = now
            flight.group.until = -math.inf
            self._tell(flight, status)
        flight.status, flight.record = status, record if piece is None else piece
        flight.learn_tier(record.get("service_tier"))
        if news:
            self.deadlines.reckon(flight, now)
        if task is not None:
            for listener in hearers:
                listener.changed(task)

    def _tell(self, flight: Flight, after: TaskStatus) -> None:
        """Tell of another status."""
        if self._emit.is_heard(logging.INFO):
            self._emit(TaskChanged(task_id=flight.id, before=flight.status, after=after))

    def _value(self, flight: Flight, record: dict[str, Any]) -> VideoTask:
        """Make a value of a record, under the id that it was asked for."""
        task = self._looks.read(record)
        return task if task.id == flight.id else task.evolve(id=flight.id)

    def _last_seen(self, flight: Flight) -> VideoTask | None:
        """Make the value of the last record for a display; one that cannot be read stops no watcher."""
        last = flight.record
        if last is None:
            return flight.known
        with suppress(Exception):
            return self._value(flight, record_of(last) if isinstance(last, bytes) else last)
        return None

    def _end(self, flight: Flight, task: VideoTask) -> None:
        """Hand a terminal task to everybody; the flight is over, so later news cannot overwrite it."""
        listeners = self._land(flight)
        try:
            self._tell(flight, task.status)
            self._ended(task)
        finally:
            # Whatever goes wrong with the books, nobody waits for a task that has ended.
            for listener in listeners:
                listener.ended(task)

    def _time_out(self, listener: Listener, now: float) -> None:
        """End one listener by its own deadline."""
        flight = listener.flight
        waited, task = now - listener.begun, self._last_seen(flight)
        # Made before the listener is out of reach: should this fail, the watcher still ends its wait.
        error = WaitTimeout(flight.id, waited=waited, task=task, phase=listener.phase)
        self.detach(listener)
        listener.failed(error)

    def _land(self, flight: Flight) -> tuple[Listener, ...]:
        """Take a flight and its listeners out."""
        listeners = tuple(flight.listeners)
        flight.listeners.clear()
        for listener in listeners:
            if listener.limits is not NO_LIMITS:
                self.deadlines.release(listener)
        self._forget(flight)
        return listeners

    def _forget(self, flight: Flight) -> None:
        """Strike a flight off."""
        flight.leave(GONE)
        # Somebody may have left while a look was out, and wait again: that is another flight.
        if self.flights.get(flight.id) is flight:
            del self.flights[flight.id]
