"""An observer of your own for OpenTelemetry; ``seedance_async.ext.otel`` has a complete one.

Without a configured SDK the API does nothing: set one up as for the rest of your program.
"""

from __future__ import annotations

import asyncio

from opentelemetry import metrics, trace

from seedance_async import SeedanceSession
from seedance_async.events import Event, RequestSent, SubmitAccepted, TaskChanged, log_event, together


class TaskSpans:
    """One span per task, from its acceptance to its end, and a histogram of requests."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("films")
        self._requests = metrics.get_meter("films").create_histogram("seedance.requests", unit="s")
        self._open: dict[str, trace.Span] = {}

    def __call__(self, event: Event) -> None:
        """Take one event; called on the event loop, so nothing here may block."""
        match event:
            case RequestSent():
                self._requests.record(event.seconds, {"route": event.route, "status": event.status or 0})
            case SubmitAccepted():
                about = {"seedance.key": event.key, "seedance.task_id": event.task_id}
                self._open[event.task_id] = self._tracer.start_span("video", attributes=about)
            case TaskChanged() if event.after.is_terminal and event.task_id in self._open:
                span = self._open.pop(event.task_id)
                span.set_attribute("seedance.status", event.after.value)
                span.end()
            case _:
                pass


async def main() -> None:
    """Make one video, watched by the observer and by the log."""
    async with SeedanceSession(observer=together(log_event, TaskSpans())) as session:
        outcome = await session.run("a cat surfing", save_to="traced.mp4")
        print(outcome.path)


if __name__ == "__main__":
    asyncio.run(main())
