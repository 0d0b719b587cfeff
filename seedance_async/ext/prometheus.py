"""Metrics for Prometheus, made from what a session tells its observer (extra ``prometheus``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seedance_async.errors import MissingExtra
from seedance_async.events import (
    BreakerOpened,
    DownloadFinished,
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

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from seedance_async.outcomes import Outcome

__all__ = ["PrometheusObserver"]

_ENDS = {SubmitAccepted: "accepted", SubmitAdopted: "adopted", SubmitLost: "lost", SubmitAbsent: "absent"}
_WAITS = (1, 5, 15, 60, 300, 900, 3600)


def _client() -> Any:
    """Import the client library, or say what to install."""
    try:
        import prometheus_client
    except ImportError as error:
        raise MissingExtra("PrometheusObserver", extra="prometheus") from error
    return prometheus_client


class PrometheusObserver:
    """An observer that counts; pass it as ``SeedanceSession(observer=PrometheusObserver())``.

    One serves any number of sessions. No label holds an id or a key, so there are few time series.

    Args:
        registry: where the metrics are registered; None takes the client library's own.

    Raises:
        MissingExtra: the extra ``prometheus`` is not installed.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        client = _client()
        place = {"registry": registry or client.REGISTRY}

        def counter(name: str, text: str, *labels: str) -> Any:
            return client.Counter(f"seedance_{name}", text, labels, **place)

        requests = "seconds that a request to the API took"
        self._requests = client.Histogram("seedance_request_seconds", requests, ("route", "status"), **place)
        slots = "seconds that a submit waited for its slot"
        self._slots = client.Histogram("seedance_slot_wait_seconds", slots, buckets=_WAITS, **place)
        self._retries = counter("retries", "repeats of calls", "route")
        self._submits = counter("submits", "submits by how they ended", "end")
        self._brakes = counter("brakes", "times the server said slow down or stop", "event", "code")
        self._tasks = counter("tasks_ended", "tasks seen to end", "status")
        self._bytes = counter("download_bytes", "bytes of videos that landed")
        self._outcomes = counter("outcomes", "prompts by what became of them", "kind")
        self._tokens = counter("tokens", "tokens billed", "model")

    def __call__(self, event: Event) -> None:
        """Take one event."""
        match event:
            case RequestSent():
                self._requests.labels(event.route, str(event.status or "none")).observe(event.seconds)
            case SlotWaited():
                self._slots.observe(event.seconds)
            case RetryScheduled():
                self._retries.labels(event.route).inc()
            case SubmitAccepted() | SubmitAdopted() | SubmitLost() | SubmitAbsent():
                self._submits.labels(_ENDS[type(event)]).inc()
            case PaceLowered() | BreakerOpened():
                self._brakes.labels(type(event).__name__, event.code).inc()
            case TaskChanged() if event.after.is_terminal:
                self._tasks.labels(event.after.value).inc()
            case DownloadFinished():
                self._bytes.inc(event.size)
            case _:
                pass

    def note(self, outcome: Outcome) -> None:
        """Count what became of a prompt, and the tokens that it billed; events know neither.

        Args:
            outcome: what ``run_many`` or ``run`` gave.
        """
        self._outcomes.labels(outcome.kind.value).inc()
        if outcome.task is not None and outcome.task.usage is not None:
            self._tokens.labels(outcome.task.model or "").inc(outcome.task.usage.completion_tokens)
