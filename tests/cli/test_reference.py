"""The page about the command line says what the command line does."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from seedance_async import TaskStatus, Usage, VideoTask
from seedance_async.cli import exits
from seedance_async.cli.app import COMMANDS
from seedance_async.cli.exits import CODES, worst
from seedance_async.cli.records import error_record, outcome_record, task_record
from seedance_async.errors import SubmitUncertain
from seedance_async.outcomes import Outcome, OutcomeKind
from tests.checkout import ROOT

PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
TASK = VideoTask(id="cgt-1", status=TaskStatus.SUCCEEDED, usage=Usage(completion_tokens=1))


def rows(title: str) -> list[tuple[str, str]]:
    """Give the two columns of the first table whose header begins with a title."""
    table = PAGE.split(f"\n| {title} | ", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = [line.strip("| ").split(" | ", 1) for line in table]
    return [(first, second) for first, second in cells]


def documented(after: str) -> set[str]:
    """Give the keys that the table after some words documents."""
    text = PAGE.split(after, 1)[1].split("\n\n")[1]
    return {
        name for line in text.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split(" | ", 1)[0])
    }


def test_the_exit_codes_are_those_of_the_page() -> None:
    """A script may rely on the table, to the word."""
    assert {int(code): meaning for code, meaning in rows("code")} == CODES


def test_the_order_of_care_is_that_of_the_page() -> None:
    """Which code counts among several is as the page tells."""
    told = PAGE.split("needs most care counts: ", 1)[1].split(".", 1)[0]
    order = [int(number) for number in re.findall(r"\d+", told)]
    assert order == list(vars(exits)["_CARE"])
    for place, code in enumerate(order):
        assert worst([*order[place:], 0]) == code


def test_the_commands_are_those_of_the_page() -> None:
    """Every command is told of in the words of the help."""
    assert {name.strip("`"): text for name, text in rows("command")} == {
        name: text for name, (_, text) in COMMANDS.items()
    }


@pytest.mark.parametrize(
    ("after", "record"),
    [
        (
            "one object for each prompt:",
            outcome_record(Outcome(key="k", kind=OutcomeKind.SUCCEEDED, task=TASK)),
        ),
        ("one object for each task:", task_record(TASK, urls=True)),
    ],
)
def test_the_keys_are_those_of_the_page(after: str, record: dict[str, Any]) -> None:
    """Every key that is written is documented, and every documented key is written."""
    assert documented(after) == set(record)


def test_what_reconcile_wants_is_in_the_record() -> None:
    """The record of an uncertain order holds all that is needed to look for its task later."""
    error = SubmitUncertain("lost", key="k", sent_at=1.0, until=2.0, fingerprint=172801, candidates=[TASK])
    record = error_record(error)
    wanted = {"key": "k", "sent_at": 1.0, "until": 2.0, "fingerprint": 172801, "candidates": ["cgt-1"]}
    assert wanted.items() <= record.items()
    assert record["billed"] == "maybe"


def test_the_profile_of_the_page_is_one() -> None:
    """The example can be copied into a file."""
    example = PAGE.split("```toml\n", 1)[1].split("```", 1)[0]
    assert tomllib.loads(example)["studio"]["base_url"] == "ark"
