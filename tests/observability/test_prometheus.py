"""The Prometheus observer, judged by what a scrape gets."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from seedance_async import MissingExtra
from seedance_async.events import PaceLowered, RetryScheduled, SlotWaited
from seedance_async.ext.prometheus import PrometheusObserver
from seedance_async.simulator import Fault
from tests.checkout import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from seedance_async import SeedanceSession
    from seedance_async.ext.stand import SeedanceSettings
    from seedance_async.simulator import Simulator


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry for one test."""
    return CollectorRegistry()


@pytest.fixture
def observer(registry: CollectorRegistry) -> PrometheusObserver:
    """The observer of this test."""
    return PrometheusObserver(registry)


@pytest.fixture
def seedance_settings(seedance_settings: SeedanceSettings, observer: PrometheusObserver) -> SeedanceSettings:
    """Let the sessions of these tests be observed."""
    return seedance_settings.but(session={"observer": observer})


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_the_figures_are_those_of_the_server(
    registry: CollectorRegistry,
    observer: PrometheusObserver,
    seedance_session: SeedanceSession,
    seedance_sim: Simulator,
    tmp_path: Path,
) -> None:
    """Requests, ends, tokens and bytes are what server and disk say; no label holds an id."""
    seedance_sim.add_fault(Fault("reset", when="after"))
    async for outcome in seedance_session.run_many(["a cat surfing", "a dog surfing"], save_to=tmp_path):
        observer.note(outcome)
    value = registry.get_sample_value
    model = {"model": "doubao-seedance-1-5-pro-251215"}
    assert value("seedance_tokens_total", model) == sum(one.tokens for one in seedance_sim.ledger)
    assert value("seedance_outcomes_total", {"kind": "succeeded"}) == 2
    assert value("seedance_tasks_ended_total", {"status": "succeeded"}) == 1  # the other was adopted ended
    assert value("seedance_submits_total", {"end": "lost"}) == 1
    assert value("seedance_submits_total", {"end": "adopted"}) == 1
    assert value("seedance_download_bytes_total") == sum(one.stat().st_size for one in tmp_path.glob("*.mp4"))
    assert value("seedance_request_seconds_count", {"route": "create", "status": "none"}) == 1
    assert b"cgt-" not in generate_latest(registry)


def test_brakes_and_waits_are_counted(registry: CollectorRegistry, observer: PrometheusObserver) -> None:
    """An operator sees when the account is told to slow down, and how long submits wait."""
    observer(PaceLowered(per_minute=60.0, hold=2.0, code="RateLimit"))
    observer(SlotWaited(key="k", seconds=20.0))
    observer(RetryScheduled(route="get", attempt=1, wait=0.5, error="502"))
    value = registry.get_sample_value
    assert value("seedance_brakes_total", {"event": "PaceLowered", "code": "RateLimit"}) == 1
    assert value("seedance_slot_wait_seconds_bucket", {"le": "15.0"}) == 0
    assert value("seedance_slot_wait_seconds_bucket", {"le": "60.0"}) == 1
    assert value("seedance_retries_total", {"route": "get"}) == 1


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_the_page_tells_every_metric_with_its_labels(
    registry: CollectorRegistry,
    observer: PrometheusObserver,
    seedance_session: SeedanceSession,
    tmp_path: Path,
) -> None:
    """Who writes a query by the how-to finds the series: names, kinds and labels are those of a scrape."""
    observer(PaceLowered(per_minute=60.0, hold=2.0, code="RateLimit"))
    observer(RetryScheduled(route="get", attempt=1, wait=0.5, error="502"))
    async for outcome in seedance_session.run_many(["a cat surfing"], save_to=tmp_path):
        observer.note(outcome)
    scraped = {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            {label for sample in family.samples for label in sample.labels} - {"le"},
        )
        for family in registry.collect()
    }
    page = (ROOT / "docs" / "howto" / "observability.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `seedance_")]
    assert {
        row[1].strip("` "): (row[2].strip(), set(re.findall(r"`(\w+)`", row[3])) - {"none"}) for row in rows
    } == scraped


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lacks the client library learns the name of the extra."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtra, match=r"seedance-async\[prometheus\]"):
        PrometheusObserver()
