"""Events as log records, and several observers at once."""

from __future__ import annotations

import json
import logging
import re

import pytest
from attrs import fields

from seedance_async import TaskStatus, events
from seedance_async.events import (
    BreakerOpened,
    Event,
    SubmitAccepted,
    TaskChanged,
    facts_of,
    log_event,
    together,
)
from tests.checkout import ROOT

PAGE = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
KINDS = [
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind.__name__ in events.__all__
]
CHANGED = TaskChanged(task_id="cgt-1", before=None, after=TaskStatus.RUNNING)


def test_a_record_carries_the_facts_under_stable_names(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever filters logs by field finds name and facts as extra keys, fit for JSON."""
    with caplog.at_level(logging.INFO, "seedance_async"):
        log_event(CHANGED)
    [record] = caplog.records
    told = {name: value for name, value in vars(record).items() if name.startswith("seedance_")}
    assert json.loads(json.dumps(told)) == {
        "seedance_event": "TaskChanged",
        "seedance_task_id": "cgt-1",
        "seedance_before": None,
        "seedance_after": "running",
    }
    assert record.getMessage() == "TaskChanged task_id=cgt-1 before=None after=running"


def test_a_server_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """Line ends and escapes in a server's words are spelt out in the line; the fields keep them."""
    words = "stop\nINFO seedance_async SubmitAccepted task_id=cgt-forged\r\x1b[2J\x85\u2028"
    with caplog.at_level(logging.INFO, "seedance_async"):
        log_event(BreakerOpened(code="x", message=words, seconds=1.0))
    [record] = caplog.records
    assert record.getMessage().isprintable()
    assert r"stop\nINFO seedance_async" in record.getMessage()
    assert vars(record)["seedance_message"] == words


def test_a_quiet_logger_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Below the logger's level no record is made."""
    with caplog.at_level(logging.WARNING, "seedance_async"):
        log_event(CHANGED)
    assert caplog.records == []


def test_every_observer_sees_every_event() -> None:
    """One that raises keeps no event from the others, and its error is not swallowed."""
    seen: list[Event] = []

    def broken(event: Event) -> None:
        raise ValueError(type(event).__name__)

    with pytest.raises(ValueError, match="TaskChanged"):
        together(seen.append, broken, seen.append)(CHANGED)
    assert seen == [CHANGED, CHANGED]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not Event])
def test_every_event_is_on_the_page_with_its_fields_and_level(kind: type[Event]) -> None:
    """The table of events is what the code emits: a log filter may be built on it."""
    row = re.search(rf"^\| `{kind.__name__}` \| (\w+) \| ([^|]*) \|", PAGE, re.MULTILINE)
    assert row is not None, f"no row for {kind.__name__}"
    assert logging.getLevelNamesMapping()[row[1]] == object.__new__(kind).level
    assert re.findall(r"`(\w+)`", row[2]) == [item.name for item in fields(kind)]


def test_facts_are_plain() -> None:
    """No enum and no object gets into a record."""
    assert facts_of(SubmitAccepted(key="k", task_id="cgt-1", attempt=2)) == {
        "key": "k",
        "task_id": "cgt-1",
        "attempt": 2,
    }
