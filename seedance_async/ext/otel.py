"""Traces and metrics of OpenTelemetry, made from what a session tells its observer (extra ``otel``).

A session without this observer imports nothing of OpenTelemetry and pays nothing.  Neither prompts nor URLs
nor keys of the API are in any event, so none can get into a span.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any, Final

from seedance_async.errors import MissingExtra
from seedance_async.events import (
    BreakerOpened,
    DownloadFinished,
    DownloadStarted,
    Event,
    PaceLowered,
    RequestSent,
    RetryScheduled,
    SlotWaited,
    SubmitAbsent,
    SubmitAccepted,
    SubmitAdopted,
    SubmitLost,
    TaskChanged,
)
from seedance_async.models import TaskStatus

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from seedance_async.outcomes import Outcome

__all__ = ["OtelObserver"]

_NAME: Final = "seedance_async"
_MOST_OPEN: Final = 10_000
"""Spans kept open at most: tasks that nobody waits for never end, and their spans must not pile up."""


def _opentelemetry() -> tuple[Any, Any]:
    """Import the two parts of the API, or say what to install."""
    try:
        from opentelemetry import metrics, trace
    except ImportError as error:
        raise MissingExtra("OtelObserver", extra="otel") from error
    return metrics, trace


class OtelObserver:
    """An observer that makes spans and metrics; pass it as ``SeedanceSession(observer=OtelObserver())``.

    A task is one span ``seedance.task``, from the moment its id is known to its end at the server, a child of
    the span that was current where it was submitted, with an event for each status. A landing is one span
    ``seedance.download``. The page about observability lists all attributes and metrics.

    Args:
        tracer_provider: where spans go; None takes the global one.
        meter_provider: where metrics go; None takes the global one.

    Raises:
        MissingExtra: the extra ``otel`` is not installed.
    """

    def __init__(
        self, *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        metrics, self._trace = _opentelemetry()
        self._tracer = self._trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
        self._requests = meter.create_histogram("seedance.request.duration", unit="s")
        self._retries = meter.create_counter("seedance.retries", unit="{retry}")
        self._submits = meter.create_counter("seedance.submits", unit="{submit}")
        self._slots = meter.create_histogram("seedance.slot.wait", unit="s")
        self._brakes = meter.create_counter("seedance.brakes", unit="{brake}")
        self._alive = meter.create_up_down_counter("seedance.tasks.alive", unit="{task}")
        self._ended = meter.create_counter("seedance.tasks.ended", unit="{task}")
        self._bytes = meter.create_counter("seedance.download.size", unit="By")
        self._downloads = meter.create_histogram("seedance.download.duration", unit="s")
        self._outcomes = meter.create_counter("seedance.outcomes", unit="{prompt}")
        self._tokens = meter.create_counter("seedance.tokens", unit="{token}")
        self._tasks: OrderedDict[str, Span] = OrderedDict()
        self._landings: OrderedDict[str, Span] = OrderedDict()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._take(event)

    def note(self, outcome: Outcome) -> None:
        """Count what became of a prompt, and the tokens that it billed; events know neither.

        Args:
            outcome: what ``run_many`` or ``run`` gave.
        """
        self._outcomes.add(1, {"seedance.outcome": outcome.kind.value})
        task = outcome.task
        if task is None:
            return
        if task.usage is not None:
            self._tokens.add(task.usage.completion_tokens, {"seedance.model": task.model or ""})
        if task.is_terminal and task.id in self._tasks:
            # It had ended when it was adopted, so no look saw it change.
            self._take(TaskChanged(task_id=task.id, before=None, after=task.status))

    def close(self) -> None:
        """End the spans of tasks that go on at the server and of landings that never came to their end."""
        for spans in (self._tasks, self._landings):
            while spans:
                self._leave(spans)

    @singledispatchmethod
    def _take(self, event: Event) -> None:
        """Make nothing of an event that is of no interest here."""

    @_take.register
    def _(self, event: RequestSent) -> None:
        told = {"seedance.route": event.route, "http.response.status_code": event.status or 0}
        self._requests.record(event.seconds, told)

    @_take.register
    def _(self, event: RetryScheduled) -> None:
        self._retries.add(1, {"seedance.route": event.route})

    @_take.register
    def _(self, event: SlotWaited) -> None:
        self._slots.record(event.seconds)

    @_take.register
    def _(self, event: PaceLowered | BreakerOpened) -> None:
        self._brakes.add(1, {"seedance.event": type(event).__name__, "seedance.code": event.code})

    @_take.register
    def _(self, event: SubmitLost | SubmitAbsent) -> None:
        self._submits.add(1, {"seedance.end": "lost" if isinstance(event, SubmitLost) else "absent"})

    @_take.register
    def _(self, event: SubmitAccepted | SubmitAdopted) -> None:
        self._submits.add(1, {"seedance.end": "accepted" if isinstance(event, SubmitAccepted) else "adopted"})
        self._begin(event.task_id, key=event.key)

    @_take.register
    def _(self, event: TaskChanged) -> None:
        span = self._begin(event.task_id)
        span.add_event(event.after.value)
        if not event.after.is_terminal:
            return
        span.set_attribute("seedance.status", event.after.value)
        if event.after is not TaskStatus.SUCCEEDED:
            span.set_status(self._trace.StatusCode.ERROR, event.after.value)
        self._tasks.pop(event.task_id).end()
        self._alive.add(-1)
        self._ended.add(1, {"seedance.status": event.after.value})

    @_take.register
    def _(self, event: DownloadStarted) -> None:
        span = self._landings.get(event.task_id)
        if span is None:
            span = self._span("seedance.download", event.task_id)
            self._keep(self._landings, event.task_id, span)
        span.add_event("bytes", {"seedance.offset": event.offset})

    @_take.register
    def _(self, event: DownloadFinished) -> None:
        self._bytes.add(event.size)
        self._downloads.record(event.seconds)
        span = self._landings.pop(event.task_id, None)
        if span is not None:
            span.set_attribute("seedance.size", event.size)
            span.end()

    def _begin(self, task_id: str, *, key: str = "") -> Span:
        """Begin the span of a task that is alive."""
        span = self._tasks.get(task_id)
        if span is None:
            span = self._span("seedance.task", task_id)
            self._keep(self._tasks, task_id, span)
            self._alive.add(1)
        if key:
            span.set_attribute("seedance.key", key)
        return span

    def _span(self, name: str, task_id: str) -> Span:
        """Start a span about a task."""
        span: Span = self._tracer.start_span(name, attributes={"seedance.task_id": task_id})
        return span

    def _keep(self, spans: OrderedDict[str, Span], task_id: str, span: Span) -> None:
        """Keep a span until its end is seen; the oldest makes room."""
        spans[task_id] = span
        if len(spans) > _MOST_OPEN:
            self._leave(spans)

    def _leave(self, spans: OrderedDict[str, Span]) -> None:
        """End the oldest span without an end of its task."""
        _, span = spans.popitem(last=False)
        span.set_attribute("seedance.left", value=True)
        span.end()
        if spans is self._tasks:
            self._alive.add(-1)
