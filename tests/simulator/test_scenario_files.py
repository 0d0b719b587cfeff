"""Scenarios as files: what is written comes back, and bad files say what is wrong."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from seedance_async.simulator import AtOnce, Behaviour, Fault, Moderation, Quotas, Scenario
from seedance_async.simulator.data import BadSetting, scenario_from
from seedance_async.simulator.scenario_files import gallery, load_scenario, scenario_names
from seedance_async.simulator.writing import dump_scenario

if TYPE_CHECKING:
    from pathlib import Path

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(about=texts, word=texts, message=texts)
def test_any_text_survives_a_file(about: str, word: str, message: str) -> None:
    """Words and messages with quotes, control characters or Chinese come back as they were."""
    scenario = Scenario(
        about=about,
        moderation=Moderation(fail={word: "InternalServiceError"}),
        faults=[Fault("status", message=message)],
    )
    assert scenario_from(tomllib.loads(dump_scenario(scenario))) == scenario


EVERYTHING = Scenario(
    name="everything",
    behaviour=Behaviour(
        mounts={"/x/v1": "newapi"},
        models_not_open=frozenset({"b", "a"}),
        assets=frozenset(),
        list_page_cap=3,
        list_hides_flex=False,
    ),
    quotas=Quotas(max_queued=4),
    faults=[
        Fault("status", nth=(1, 3), retry_after="soon"),
        Fault("late", probability=0.25, times=None, seconds=1e-5),
        Fault("switched", route="any", switches={"progression": AtOnce(), "assets": frozenset({"x"})}),
        Fault("forged", times=3),
    ],
)


@pytest.mark.parametrize("scenario", [*gallery(), EVERYTHING], ids=[*scenario_names(), "everything"])
def test_a_scenario_survives_a_file(scenario: Scenario, tmp_path: Path) -> None:
    """Written to a file and loaded again, a scenario is the same; the file says only what is special."""
    path = tmp_path / "own.toml"
    path.write_text(dump_scenario(scenario), encoding="utf-8")
    assert load_scenario(path) == load_scenario(str(path)) == scenario
    assert "url_seconds" not in dump_scenario(load_scenario("storm"))


def test_none_cannot_be_written() -> None:
    """A switch that a fault sets to None has no TOML form, which is said."""
    scenario = Scenario(faults=[Fault("switched", switches={"list_page_cap": None})])
    with pytest.raises(ValueError, match="cannot say None"):
        dump_scenario(scenario)


def test_a_file_without_a_name_is_called_like_the_file(tmp_path: Path) -> None:
    """The stem of the file is the name, unless the file has another."""
    path = tmp_path / "mine.toml"
    path.write_text("", encoding="utf-8")
    assert load_scenario(path) == Scenario(name="mine")


def test_quotas_of_a_file_begin_with_none() -> None:
    """A limit that a file does not name is no limit; a preset gives the published ones."""
    own = scenario_from({"quotas": {"max_queued": 3}})
    preset = scenario_from({"quotas": {"preset": "individual", "max_queued": 3}})
    assert own.quotas == evolve(Quotas.off(), max_queued=3)
    assert preset.quotas == evolve(Quotas.individual(), max_queued=3)


BAD_FILES = [
    ("[behaviour", "Expected ']' at the end of a table declaration"),
    ("colour = 1", "unknown field 'colour' of Scenario; known: name, about"),
    ("[behaviour]\nlist_page_cap = 2.5", "Behaviour.list_page_cap: expected int or null, got 2.5"),
    ("[quotas]\nmax_running = -1", "Quotas: max_running must be at least 0, got -1"),
    (
        '[[faults]]\nkind = "eof"\n[[faults]]\nkind = "explode"',
        "Scenario.faults, number 2: Fault.kind: expected",
    ),
    ('[[faults]]\nkind = "eof"\nprobability = 7', "probability must be within 0 and 1, got 7"),
    ('[[faults]]\nkind = "eof"\nstatus = 99', "status must be within 200 and 599, got 99"),
    ('[[faults]]\nkind = "eof"\nnth = [0]', "nth must be numbers of at least 1, got (0,)"),
    ('[[faults]]\nkind = "eof"\nnth = []', "nth must be numbers of at least 1, got ()"),
    ('[[faults]]\nkind = "forged"\nroute = "get"', "route must be callback for the kind forged, got 'get'"),
    ('[[faults]]\nkind = "switched"', "switches must be given for the kind switched and no other"),
    (
        '[[faults]]\nkind = "eof"\nswitches = {list_empty = true}',
        "switches must be given for the kind switched",
    ),
    (
        '[[faults]]\nkind = "switched"\nswitches = {list_emty = true}',
        "unknown field 'list_emty' of Behaviour",
    ),
    ('[[faults]]\nkind = "switched"\nswitches = 1', "Fault.switches: expected an object, got 1"),
    ('name = "' + "x" * 1_000_000 + '"', "a scenario has at most 1000000 bytes, this file has 1000009"),
]


@pytest.mark.parametrize(("content", "words"), BAD_FILES)
def test_a_bad_file_says_what_is_wrong(content: str, words: str, tmp_path: Path) -> None:
    """The error names the file, and the field with its value and limit."""
    path = tmp_path / "bad.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadSetting) as caught:
        load_scenario(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are an error with the file's name."""
    path = tmp_path / "bad.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadSetting, match=r"bad\.toml: .*utf-8"):
        load_scenario(path)


def test_an_unknown_name_offers_the_nearest() -> None:
    """A misspelt name is answered with the name that was meant, and all others."""
    with pytest.raises(
        BadSetting, match=r"'strom' \(did you mean storm\?\): neither a file nor one of arrears, "
    ):
        load_scenario("strom")


def test_switches_given_in_python_are_checked_too() -> None:
    """A misspelt switch of a fault is an error where the fault is made."""
    with pytest.raises(ValueError, match="switches has the unknown switch 'list_emty'; known: mounts"):
        Fault("switched", switches={"list_emty": True})
    with pytest.raises(ValueError, match="list_lag_seconds must be at least 0, got -1"):
        Fault("switched", switches={"list_lag_seconds": -1})
