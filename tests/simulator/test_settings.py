"""Settings of the simulator: refused with field, value and limit; and as data, forth and back."""

from __future__ import annotations

import math

import pytest

from seedance_async.simulator import (
    AfterLooks,
    AfterSeconds,
    AtOnce,
    Behaviour,
    ByHand,
    Fault,
    Moderation,
    Quotas,
    Scenario,
    Simulator,
)
from seedance_async.simulator.data import BadSetting, changed, fault_from, scenario_from, to_data
from seedance_async.simulator.jsons import as_object


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "explode"}, "kind must be one of"),
        ({"kind": "reset", "route": "home"}, "route must be one of"),
        ({"kind": "reset", "when": "during"}, "when must be one of"),
        ({"kind": "reset", "times": 0}, "times must be at least 1, got 0"),
        ({"kind": "reset", "probability": 1.5}, "probability must be within 0 and 1, got 1.5"),
        ({"kind": "reset", "probability": math.nan}, "probability must be within 0 and 1, got nan"),
        ({"kind": "late", "seconds": -1}, "seconds must be at least 0, got -1"),
    ],
)
def test_bad_faults_name_the_field(settings: dict[str, object], words: str) -> None:
    """A fault that cannot be is refused with field, value and limit."""
    with pytest.raises(ValueError, match=words):
        Fault(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mounts": {"/x/v1": "klingon"}}, "must be one of ark, .*, got 'klingon'"),
        ({"list_lag_seconds": -1}, "list_lag_seconds must be at least 0, got -1"),
        ({"callback_attempts": 0}, "callback_attempts must be at least 1, got 0"),
    ],
)
def test_bad_behaviour_names_the_field(settings: dict[str, object], words: str) -> None:
    """A behaviour that cannot be is refused with field, value and limit."""
    with pytest.raises(ValueError, match=words):
        Behaviour(**settings)  # type: ignore[arg-type]


def test_a_length_of_work_that_is_no_number_is_refused() -> None:
    """Tasks that run for NaN seconds would never end, and never be found late."""
    with pytest.raises(ValueError, match="run must be at least 0, got nan"):
        Simulator(work_seconds=math.nan)


def test_bad_quota_names_the_field() -> None:
    """A negative limit is refused by name."""
    with pytest.raises(ValueError, match="max_running must be at least 0, got -1"):
        Quotas(max_running=-1)


FULL = Scenario(
    name="full",
    about="every kind of value",
    behaviour=Behaviour(
        mounts={"/x/v1": "newapi"},
        progression=AfterLooks(looks=5),
        models_not_open=frozenset({"m"}),
        list_page_cap=3,
    ),
    quotas=Quotas(max_queued=4),
    faults=(Fault("status", nth=(1, 3), retry_after="soon"), Fault("late", probability=0.25, times=None)),
    moderation=Moderation(refuse={"cat": "InputTextSensitiveContentDetected"}),
)


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(),
        FULL,
        *(
            Scenario(behaviour=Behaviour(progression=one))
            for one in (AtOnce(), ByHand(), AfterSeconds(queue=1, run=2, jitter=0.5))
        ),
    ],
)
def test_scenarios_survive_as_data(scenario: Scenario) -> None:
    """A scenario written as data and read again is the same scenario."""
    data = as_object(to_data(scenario))
    assert data is not None
    assert scenario_from(data) == scenario


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"behavior": {}}, "unknown field 'behavior' of Scenario; known: name"),
        ({"behaviour": {"list_suported": True}}, "unknown field 'list_suported' of Behaviour"),
        ({"behaviour": {"list_supported": "yes"}}, "Behaviour.list_supported: expected bool, got 'yes'"),
        (
            {"behaviour": {"list_order": "up"}},
            "Behaviour.list_order: expected 'newest' or 'oldest', got 'up'",
        ),
        ({"behaviour": {"url_seconds": 1.5}}, "Behaviour.url_seconds: expected int, got 1.5"),
        ({"behaviour": {"url_seconds": True}}, "Behaviour.url_seconds: expected int, got True"),
        ({"behaviour": {"mounts": {"/a": 1}}}, "Behaviour.mounts: expected"),
        ({"behaviour": {"assets": [1]}}, "Behaviour.assets: expected"),
        ({"behaviour": {"progression": {"kind": "fast"}}}, "progression.kind: expected one of at_once"),
        ({"behaviour": {"progression": {"kind": "after_looks", "looks": -1}}}, "looks must be at least 0"),
        (
            {"faults": [{"kind": "reset", "seconds": "long"}]},
            "Fault.seconds: expected a finite number, got 'long'",
        ),
        (
            {"behaviour": {"clock_skew": float("nan")}},
            "Behaviour.clock_skew: expected a finite number, got nan",
        ),
        ({"faults": {"kind": "reset"}}, "Scenario.faults: expected a list of objects"),
        ({"faults": ["reset"]}, "Scenario.faults, number 1: expected an object, got 'reset'"),
        ({"faults": [{"kind": "eof"}, {"kind": "no"}]}, "Scenario.faults, number 2: Fault.kind: expected"),
        ({"faults": [{"kind": "eof", "times": "never"}]}, "Fault.times: expected int or null, got 'never'"),
        ({"quotas": {"preset": "huge"}}, "Scenario.quotas.preset: expected one of off, enterprise"),
        ({"quotas": {"max_running": -1}}, "Quotas: max_running must be at least 0"),
    ],
)
def test_bad_data_names_the_field(data: dict[str, object], words: str) -> None:
    """Data that is no scenario is refused with the field and what was expected."""
    with pytest.raises(BadSetting, match=words):
        scenario_from(data)


def test_fault_without_kind_is_refused() -> None:
    """A fault needs its kind."""
    with pytest.raises(BadSetting, match="kind"):
        fault_from({"route": "get"})


def test_changed_keeps_the_rest() -> None:
    """A partial change leaves every other switch as it was."""
    before = Behaviour(list_empty=True, clock_skew=5)
    assert changed(before, {"clock_skew": -3}) == Behaviour(list_empty=True, clock_skew=-3.0)


def test_simulator_must_be_entered() -> None:
    """Using a simulator that was not started says how to start it."""
    with pytest.raises(RuntimeError, match="async with Simulator"):
        _ = Simulator().accepted
