"""The OpenTelemetry observer, judged by what the SDK's own exporters got."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from seedance_async import MissingExtra, TaskFailed, TaskStatus, wait_for
from seedance_async.events import DownloadFinished, DownloadStarted, SubmitAccepted, TaskChanged
from seedance_async.ext import otel
from seedance_async.ext.otel import OtelObserver
from seedance_async.simulator import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from seedance_async import SeedanceSession
    from seedance_async.ext.stand import SeedanceSettings
    from seedance_async.simulator import Simulator


def _figure(point: Any) -> float:
    """The sum of a counter, or how often a histogram was fed."""
    return float(point.value if hasattr(point, "value") else point.count)


class Backend:
    """A tracer and a meter that keep everything."""

    def __init__(self) -> None:
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.observer = OtelObserver(tracer_provider=self.tracers, meter_provider=meters)

    def spans(self) -> dict[str, ReadableSpan]:
        """The spans that ended, by name."""
        return {span.name: span for span in self._spans.get_finished_spans()}

    def figures(self) -> dict[tuple[str, str], float]:
        """Sum or count of each series, by the metric's name and its labels' values."""
        read: Any = self._reader.get_metrics_data()
        points = [
            (str(metric.name), point)
            for metric in read.resource_metrics[0].scope_metrics[0].metrics
            for point in metric.data.data_points
        ]
        return {
            (name, " ".join(map(str, point.attributes.values()))): _figure(point) for name, point in points
        }


@pytest.fixture
def backend() -> Backend:
    """A backend for one test."""
    return Backend()


@pytest.fixture
def seedance_settings(seedance_settings: SeedanceSettings, backend: Backend) -> SeedanceSettings:
    """Let the sessions of these tests be observed."""
    return seedance_settings.but(session={"observer": backend.observer})


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_prompt_is_a_span_below_the_callers(
    backend: Backend, seedance_session: SeedanceSession, tmp_path: Path
) -> None:
    """The life of a task is one span, child of the one that ordered it, and so is its landing."""
    with backend.tracers.get_tracer("caller").start_as_current_span("order") as order:
        outcome = await seedance_session.run("a cat surfing", key="cat", save_to=tmp_path)
    spans = backend.spans()
    task, landing = spans["seedance.task"], spans["seedance.download"]
    assert outcome.task is not None
    assert task.attributes == {
        "seedance.task_id": outcome.task.id,
        "seedance.key": "cat",
        "seedance.status": "succeeded",
    }
    assert [event.name for event in task.events][-1] == "succeeded"
    assert task.status.status_code is StatusCode.UNSET
    assert task.parent is not None
    assert task.parent.span_id == order.get_span_context().span_id
    assert (landing.attributes or {})["seedance.size"] == (tmp_path / f"{outcome.task.id}.mp4").stat().st_size


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_the_figures_are_those_of_the_server(
    backend: Backend, seedance_session: SeedanceSession, seedance_sim: Simulator
) -> None:
    """Requests, ends and tokens in the metrics are what the server counted; a lost answer is told of."""
    seedance_sim.add_fault(Fault("reset", when="after"))
    async for outcome in seedance_session.run_many(["a cat surfing", "a dog surfing"]):
        backend.observer.note(outcome)
    figures = backend.figures()
    assert figures["seedance.submits", "lost"] == figures["seedance.submits", "adopted"] == 1
    assert figures["seedance.submits", "accepted"] == 2
    assert figures["seedance.tasks.ended", "succeeded"] == figures["seedance.outcomes", "succeeded"] == 2
    assert figures["seedance.tasks.alive", ""] == 0
    assert figures["seedance.tokens", "doubao-seedance-1-5-pro-251215"] == sum(
        one.tokens for one in seedance_sim.ledger
    )
    creates = [count for (name, labels), count in figures.items() if "create" in labels and "request" in name]
    assert sum(creates) == seedance_sim.counts["create"] == 2


@pytest.mark.asyncio
@pytest.mark.looptime
@pytest.mark.seedance("failing-tasks")
async def test_a_failed_task_is_an_error(backend: Backend, seedance_session: SeedanceSession) -> None:
    """A dashboard of errors shows tasks that the server gave up on."""
    with pytest.raises(TaskFailed):
        await wait_for(seedance_session, await seedance_session.submit("a cat surfing"))
    assert backend.spans()["seedance.task"].status.status_code is StatusCode.ERROR


def test_what_never_ends_is_left_open_no_longer_than_there_is_room(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tasks that nobody waits for do not pile up, and closing ends what is open."""
    monkeypatch.setattr(otel, "_MOST_OPEN", 1)
    for number in (1, 2):
        backend.observer(SubmitAccepted(key="k", task_id=f"cgt-{number}", attempt=1))
        backend.observer(DownloadStarted(task_id=f"cgt-{number}", path="cat.mp4", offset=0))
    left = backend.spans()["seedance.task"]
    assert left.attributes == {"seedance.task_id": "cgt-1", "seedance.key": "k", "seedance.left": True}
    backend.observer.close()
    assert (backend.spans()["seedance.download"].attributes or {})["seedance.task_id"] == "cgt-2"
    assert backend.figures()["seedance.tasks.alive", ""] == 0


def test_a_task_of_another_process_has_a_span_too(backend: Backend) -> None:
    """What was submitted elsewhere and only waited for here begins with the first look."""
    backend.observer(TaskChanged(task_id="cgt-1", before=None, after=TaskStatus.RUNNING))
    backend.observer(TaskChanged(task_id="cgt-1", before=TaskStatus.RUNNING, after=TaskStatus.EXPIRED))
    backend.observer(DownloadFinished(task_id="cgt-1", path="cat.mp4", size=1, seconds=1.0))
    assert [event.name for event in backend.spans()["seedance.task"].events] == ["running", "expired"]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lacks OpenTelemetry learns the name of the extra."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtra, match=r"seedance-async\[otel\]"):
        OtelObserver()


def test_a_session_without_it_imports_nothing_of_it() -> None:
    """Off by default: neither package nor session load OpenTelemetry or Prometheus."""
    program = (
        "import sys; from seedance_async import SeedanceSession; SeedanceSession('key');"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'prometheus'))])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
