"""Scenarios as files: the gallery keeps its promises, and bad files say what is wrong."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

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
)
from seedance_async.simulator.data import BadSetting, scenario_from
from seedance_async.simulator.faults import KINDS
from seedance_async.simulator.scenario_files import gallery, load_scenario, scenario_names
from seedance_async.simulator.writing import dump_scenario
from tests.simulator.playing import Player, playing, story

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from seedance_async.simulator import SimAnswer

NAMES = scenario_names()


def code(answer: SimAnswer) -> str:
    """`error.code` of an answer."""
    return str(json.loads(answer.body)["error"]["code"])


def task_id(player: Player) -> str:
    """The id of the newest task."""
    return player.server.world.ledger[-1].id


@pytest.mark.parametrize("scenario", gallery(), ids=NAMES)
def test_a_scenario_says_in_one_line_what_it_is(scenario: Scenario) -> None:
    """Each file of the gallery is named like its scenario and has one line that fits a terminal."""
    assert scenario.name in NAMES
    assert scenario.about.endswith(".")
    assert "\n" not in scenario.about
    assert len(scenario.name) <= 20
    assert 30 <= len(scenario.about) <= 100


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_plays_the_same_story(name: str) -> None:
    """Two servers with one seed give the same answers and ledger to the last byte; another seed does not."""
    first, again, other = (story(load_scenario(name), seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_faults_of_a_seed_do_not_depend_on_other_chance() -> None:
    """Which creates lose their answer is the same though more ids were drawn in between."""

    def lost(reads: int) -> list[str]:
        player = playing(load_scenario("lost-answers"), 5)
        endings: list[str] = []
        for _ in range(60):
            answer = player.create()
            endings.append(f"{answer.status} {answer.fate.ending}")
            for _ in range(reads):
                player.list()
        return endings

    assert lost(0) == lost(3)
    assert len(set(lost(0))) >= 4


WANTED: dict[str, Callable[[Scenario], bool]] = {
    "progression after seconds": lambda it: isinstance(it.behaviour.progression, AfterSeconds),
    "progression after looks": lambda it: isinstance(it.behaviour.progression, AfterLooks),
    "progression by hand": lambda it: isinstance(it.behaviour.progression, ByHand),
    "late": lambda it: any(fault.kind == "late" for fault in it.faults),
    "lost before acceptance": lambda it: any(
        (one.kind, one.when) == ("reset", "before") for one in it.faults
    ),
    "lost after acceptance": lambda it: any((one.kind, one.when) == ("reset", "after") for one in it.faults),
    "stale list": lambda it: it.behaviour.list_stale_seconds > 0,
    "list missing": lambda it: not it.behaviour.list_supported,
    "list ignoring filters": lambda it: it.behaviour.list_ignores_filters,
    "list capped": lambda it: it.behaviour.list_page_cap is not None,
    "bare records": lambda it: it.behaviour.bare_records == "until_end",
    "clock skew": lambda it: it.behaviour.clock_skew != 0,
    "quotas": lambda it: it.quotas.creates_per_minute is not None,
    "queue length": lambda it: it.quotas.max_queued is not None,
    "arrears": lambda it: it.quotas.arrears,
    "moderation": lambda it: bool(it.moderation.refuse and it.moderation.fail),
    "duplicate callbacks": lambda it: it.behaviour.callback_copies > 1,
}


@pytest.mark.parametrize("wish", WANTED)
def test_the_gallery_has_something_of_everything(wish: str) -> None:
    """Whatever the simulator can do wrong has a scenario that does it."""
    assert any(WANTED[wish](scenario) for scenario in gallery())


def test_every_kind_of_fault_has_a_scenario() -> None:
    """No kind of fault is without an example."""
    assert set(KINDS) - {fault.kind for scenario in gallery() for fault in scenario.faults} == set()


REFUSALS = [
    ("queue-full", 6, 429, "QuotaExceeded"),
    ("rate-limited", 6, 429, "ModelAccountRpmRateLimitExceeded"),
    ("stampede", 3, 429, "RequestBurstTooFast"),
    ("spend-limit", 6, 429, "SetLimitExceeded"),
    ("free-trial", 4, 429, "QuotaExceeded"),
    ("arrears", 1, 403, "AccountOverdueError"),
    ("gateway-byteplus", 1, 404, "ModelNotOpen"),
]


@pytest.mark.parametrize(("name", "nth", "status", "word"), REFUSALS)
def test_the_nth_create_is_refused(name: str, nth: int, status: int, word: str) -> None:
    """Creates of a scenario with limits are accepted up to the limit that its line names, then refused."""
    player = playing(load_scenario(name))
    answers = [player.create() for _ in range(nth)]
    assert [answer.status for answer in answers] == [200] * (nth - 1) + [status]
    assert code(answers[-1]) == word


def test_calm_is_calm() -> None:
    """In `calm` everything is accepted, listed and can be fetched."""
    player = playing(load_scenario("calm"))
    player.create()
    player.now += 20
    assert json.loads(player.list().body)["total"] == 1
    assert player.fetch(player.url(task_id(player))).footage is not None
    assert {told.status for told in player.told} == {200}


@pytest.mark.parametrize("name", ["no-list", "gateway-newapi", "gateway-crazyrouter"])
def test_gateways_without_a_list(name: str) -> None:
    """A list that is not there answers 404 (new-api: 400), never an empty page."""
    player = playing(load_scenario(name))
    player.create()
    assert player.list().status in (400, 404)


def test_lists_that_mislead() -> None:
    """`empty-list` answers {}, `capped-list` ten of a hundred, `unfiltered-list` what was not asked for."""
    empty, capped, open_ = (
        playing(load_scenario(f"{word}-list")) for word in ("empty", "capped", "unfiltered")
    )
    for player in (empty, capped, open_):
        for _ in range(12):
            player.create()
    assert empty.list().body == b"{}"
    assert len(json.loads(capped.list("page_size=100").body)["items"]) == 10
    assert json.loads(open_.list("filter.task_ids=none&filter.status=failed").body)["total"] == 12


def test_expiry_fields_that_tell_nothing() -> None:
    """`no-echo` leaves `execution_expires_after` out of records; `refuses-expiry` answers it with 400."""
    silent, strict = playing(load_scenario("no-echo")), playing(load_scenario("refuses-expiry"))
    silent.create(execution_expires_after=172_900)
    silent.now += 20
    assert "execution_expires_after" not in json.loads(silent.get(task_id(silent)).body)
    assert strict.create(execution_expires_after=172_900).status == 400
    assert strict.create().status == 200


def test_lost_answers_cost_money() -> None:
    """In `lost-answers` more tasks are billed than ids were answered; in `lossy-reads` as many."""
    for name, lost in (("lost-answers", True), ("lossy-reads", False)):
        player = playing(load_scenario(name))
        good = [player.create() for _ in range(200)]
        whole = sum(answer.status == 200 and answer.fate.ending == "send" for answer in good)
        assert (whole < player.server.world.accepted) == lost
        assert player.server.world.accepted == 200


def test_storm_loses_on_both_sides() -> None:
    """In `storm` some creates are accepted without an answer, and some are not accepted."""
    player = playing(load_scenario("storm"), 3)
    good = sum(b'"id"' in player.create().body for _ in range(500))
    assert 0 < player.server.world.accepted < 500
    assert good != player.server.world.accepted


def test_tasks_that_never_make_it() -> None:
    """`queue-expiry` and `failing-tasks` accept everything and bill nothing; `by-hand` stands still."""
    ends = {}
    for name in ("queue-expiry", "failing-tasks", "by-hand"):
        player = playing(load_scenario(name))
        player.create()
        player.server.world.advance(200_000 if name == "queue-expiry" else 1000)
        ends[name] = (player.server.world.ledger[0].status, player.server.world.billed)
    assert ends == {"queue-expiry": ("expired", 0), "failing-tasks": ("failed", 0), "by-hand": ("queued", 1)}


def test_a_gateway_behind_its_upstream() -> None:
    """In `slow-gateway` a success shows 15 s late, large pages are 400, and ten minutes are the end."""
    player = playing(load_scenario("slow-gateway"))
    player.create()
    seen: list[str] = []
    for _ in range(3):
        player.now += 9
        seen.append(json.loads(player.get(task_id(player)).body)["status"])
    assert seen == ["queued", "running", "succeeded"]
    assert (player.list("page_size=100").status, player.list("page_size=101").status) == (200, 400)
    player.server.behave(evolve(player.server.world.behaviour, progression=ByHand()))
    player.create()
    player.server.world.advance(player.now + 600)
    assert (player.server.world.ledger[1].status, player.server.world.billed) == ("failed", 1)


def test_urls_that_die() -> None:
    """In `expired-urls` the first two downloads meet a dead URL, and so does every one after a minute."""
    player = playing(load_scenario("expired-urls"))
    player.create()
    player.now += 20
    url = player.url(task_id(player))
    answers = [player.fetch(url) for _ in range(3)]
    player.now += 61
    answers += [player.fetch(url), player.fetch(player.url(task_id(player)))]
    assert [answer.status for answer in answers] == [403, 403, 200, 403, 200]
    assert b"Request has expired" in answers[0].body


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


@pytest.mark.parametrize("scenario", [*gallery(), EVERYTHING], ids=[*NAMES, "everything"])
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
