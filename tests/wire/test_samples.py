"""Recorded answers judge the client: each sample names its source, and what must be read from it."""

from __future__ import annotations

import json
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import errors
from seedance_async._wire.exchange import WireResponse
from seedance_async._wire.folding import to_task
from seedance_async._wire.protocol import read_created, read_deleted, read_page, read_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from seedance_async.models import VideoTask

SAMPLES = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in (Path(__file__).parents[1] / "samples").glob("*.json")
}
GOOD = sorted(name for name, sample in SAMPLES.items() if "expect" in sample)
BAD = sorted(name for name, sample in SAMPLES.items() if "error" in sample)


def read_task(response: WireResponse) -> VideoTask:
    """Read a record and make a value of it."""
    return to_task(read_record(response))


READERS: dict[str, Callable[[WireResponse], Any]] = {
    "create": read_created,
    "get": read_task,
    "list": read_page,
    "delete": read_deleted,
}


def read(sample: dict[str, Any]) -> Any:
    """Give a sample's answer to the protocol."""
    body = json.dumps(sample["body"]).encode()
    return READERS[sample["route"]](WireResponse(status=sample["status"], body=body))


def test_every_sample_names_its_source() -> None:
    """A recording without a source proves nothing."""
    assert len(SAMPLES) >= 25
    assert all(len(sample["source"]) > 10 for sample in SAMPLES.values())
    assert sorted(SAMPLES) == sorted([*GOOD, *BAD])


def test_fields_that_only_the_sdk_documents_are_read_too() -> None:
    """`file_url`, `fileformat` and `subdivisionlevel` come through by their wire names."""
    said = {
        "id": "cgt-1",
        "content": {"file_url": "https://h/f"},
        "fileformat": "glb",
        "subdivisionlevel": "low",
    }
    task = to_task(said)
    assert (task.file_url, task.fileformat, task.subdivisionlevel) == ("https://h/f", "glb", "low")
    assert "https://h/f" not in repr(task)


@pytest.mark.parametrize("answer", [True, 1.5, ["cgt-1"], {"id": "cgt-1"}, "  "])
def test_what_can_be_no_id_is_no_acceptance(answer: Any) -> None:
    """A create answer whose id is neither a word nor a number is unreadable, and may have cost money."""
    body = json.dumps({"id": answer}).encode()
    with pytest.raises(errors.AnswerUnreadable) as caught:
        read_created(WireResponse(status=200, body=body))
    assert caught.value.billed is errors.Billed.MAYBE


@pytest.mark.parametrize("name", [name for name in GOOD if SAMPLES[name]["route"] in {"create", "get"}])
def test_a_recorded_task_is_read_field_by_field(name: str) -> None:
    """Every field of the sample that we model has the recorded value, and the record stays in `raw`."""
    sample = SAMPLES[name]
    task = read(sample)
    for field, expected in sample["expect"].items():
        value = attrgetter(field)(task)
        assert (value.value if field == "status" else value) == expected, field
    if "data" not in sample["body"]:
        assert task.raw == sample["body"]


@pytest.mark.parametrize("name", [name for name in GOOD if SAMPLES[name]["route"] == "list"])
def test_a_recorded_page_is_read(name: str) -> None:
    """Total and ids of a recorded page come out."""
    records, total = read(SAMPLES[name])
    assert total == SAMPLES[name]["expect"]["total"]
    assert [record["id"] for record in records] == SAMPLES[name]["expect"]["ids"]


def test_a_recorded_delete_is_a_success() -> None:
    """`{}` and an empty body both mean that it was done."""
    assert read(SAMPLES["delete"]) is None
    assert READERS["delete"](WireResponse(status=200, body=b"")) is None


@pytest.mark.parametrize("name", BAD)
def test_a_recorded_error_is_the_right_error(name: str) -> None:
    """Class, code, message and request id of a recorded error survive."""
    sample = SAMPLES[name]
    with pytest.raises(errors.SeedanceError) as caught:
        read(sample)
    error = caught.value
    assert type(error).__name__ == sample["error"]
    for field, expected in sample["facts"].items():
        assert getattr(error, field) == expected, field
    doubtful = sample["route"] == "create" and sample["error"] == "ServerFailed"
    assert error.billed is (errors.Billed.MAYBE if doubtful else errors.Billed.NO)
