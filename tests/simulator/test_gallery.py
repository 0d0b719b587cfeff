"""The scenarios that come with the package keep what their lines promise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from seedance_async.simulator import (
    AfterLooks,
    AfterSeconds,
    ByHand,
    Scenario,
)
from seedance_async.simulator.faults import KINDS
from seedance_async.simulator.scenario_files import gallery, load_scenario, scenario_names
from tests.simulator.playing import Player, playing, story

if TYPE_CHECKING:
    from collections.abc import Callable

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
