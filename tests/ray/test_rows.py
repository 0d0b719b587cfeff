"""Rows in and rows out, arguments, and folders that must be shared: what needs no cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from seedance_async import Outcome, OutcomeKind, VideoRequest, VideoTask
from seedance_async.errors import InvalidRequest, MissingExtra, SeedanceError, TaskFailed
from seedance_async.ext.ray import generate_videos
from seedance_async.ext.ray.library import load_ray
from seedance_async.ext.ray.meeting import check_shared
from seedance_async.ext.ray.pipeline import pool_of
from seedance_async.ext.ray.rows import COLUMNS, Result, check_columns, read_row, refusal, result_of

if TYPE_CHECKING:
    from pathlib import Path


def test_columns_named_like_fields_are_taken() -> None:
    """Other columns belong to the caller; None is not set, and defaults fill in."""
    row = {"key": "cat", "prompt": "a cat", "duration": 5, "seed": None, "source": "book", "ratio": None}
    asked = read_row(row, fields=None, defaults={"ratio": "16:9", "duration": 4})
    assert (asked.key, asked.request) == ("cat", VideoRequest(prompt="a cat", duration=5, ratio="16:9"))


def test_columns_can_be_mapped() -> None:
    """With a mapping only the columns that it names count."""
    row = {"id": "cat", "text": "a cat", "prompt": "old", "duration": 5}
    asked = read_row(row, fields={"key": "id", "prompt": "text", "seed": "none"}, defaults={})
    assert (asked.key, asked.request) == ("cat", VideoRequest(prompt="a cat"))


def test_a_row_without_a_key_is_named_by_its_request() -> None:
    """The same request has the same key on every machine and in every run."""
    first = read_row({"prompt": "a cat", "note": 1}, fields=None, defaults={})
    second = read_row({"prompt": "a cat", "note": 2}, fields=None, defaults={})
    other = read_row({"prompt": "a dog"}, fields=None, defaults={})
    assert first.key == second.key != other.key


@pytest.mark.parametrize(
    "row",
    [{"prompt": "a", "duration": 99}, {"note": 1}, {"prompt": "a", "key": ""}, {"prompt": "a", "key": 7}],
)
def test_a_bad_row_is_refused(row: dict[str, Any]) -> None:
    """What no video can be made of is an error before anything is sent."""
    with pytest.raises(InvalidRequest):
        read_row(row, fields=None, defaults={})


def test_a_mapping_with_a_misspelt_field_is_refused() -> None:
    """Before anything is paid for, not in every row."""
    assert check_columns(None) is None
    assert check_columns({"key": "id", "prompt": "text"}) == {"key": "id", "prompt": "text"}
    with pytest.raises(InvalidRequest, match="promt"):
        check_columns({"promt": "text"})


def test_results_say_what_became_of_a_row(tmp_path: Path) -> None:
    """A success names its video, a failure its reason, a refusal has no task."""
    done = VideoTask(id="cgt-1")
    local = result_of(Outcome(key="a", kind=OutcomeKind.SUCCEEDED, task=done, path=tmp_path / "a b.mp4"))
    assert (local.state, local.task_id, local.uri) == ("succeeded", "cgt-1", f"{tmp_path.as_uri()}/a%20b.mp4")
    stored = result_of(Outcome(key="a", kind=OutcomeKind.SUCCEEDED, task=done, path="s3://b/a.mp4"))
    assert stored.uri == "s3://b/a.mp4"
    failed = result_of(Outcome(key="a", kind=OutcomeKind.FAILED, task=done, error=TaskFailed(done)))
    assert failed.error is not None
    assert failed.error.startswith("TaskFailed: ")
    refused = refusal(None, InvalidRequest(field="prompt", value="", limit="must not be empty"))
    assert (refused.key, refused.state, refused.task_id) == (None, "refused", None)
    assert tuple(refused.columns()) == COLUMNS == tuple(Result(state="failed").columns())


@pytest.mark.asyncio
async def test_a_folder_that_is_not_shared_is_refused(tmp_path: Path) -> None:
    """Two machines whose folders only have the same name must not both claim jobs there."""
    words = dict[str, str]()

    async def meet(place: str, word: str) -> str:
        return words.setdefault(place, word)

    claims = (tmp_path / "one" / "claims").as_uri()
    for _ in range(3):
        await check_shared(claims, meet)
    assert len(list((tmp_path / "one" / "claims" / "meeting").iterdir())) == 1
    (tmp_path / "one").rename(tmp_path / "two")
    with pytest.raises(InvalidRequest, match="share"):
        await check_shared(claims, meet)
    await check_shared("s3://bucket/claims", meet)
    assert len(words) == 1


@pytest.mark.asyncio
async def test_a_folder_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    """It becomes the rows' error, and does not end the dataset."""
    (tmp_path / "claims").write_text("a file")

    async def meet(_: str, word: str) -> str:
        return word

    with pytest.raises(SeedanceError, match="cannot be used"):
        await check_shared((tmp_path / "claims").as_uri(), meet)


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("claims", {"save_to": None}),
        ("claims", {"save_to": "out", "claims": "memory://"}),
        ("api_key", {"save_to": "out", "api_key": "sk-1"}),
        ("fields", {"save_to": "out", "fields": {"promt": "text"}}),
        ("concurrency", {"save_to": "out", "concurrency": 0}),
        ("batch_size", {"save_to": "out", "batch_size": True}),
    ],
)
def test_bad_arguments_are_refused_at_once(field: str, arguments: dict[str, Any]) -> None:
    """Before a cluster is asked for anything; and the key's value is not repeated."""
    with pytest.raises(InvalidRequest) as refused:
        generate_videos(object(), **arguments)
    assert refused.value.field == field
    assert "sk-1" not in str(refused.value)


def test_without_ray_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""

    def missing(name: str, *_: Any, **__: Any) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("seedance_async.ext.ray.library.import_module", missing)
    with pytest.raises(MissingExtra, match=r"seedance-async\[ray\]"):
        load_ray()


def test_both_ways_to_say_how_many_calls_an_actor_takes() -> None:
    """Ray 2.60 warns of the older way, and Ray 2.50 does not know the newer one."""

    def older(*, size: int, max_tasks_in_flight_per_actor: int) -> tuple[int, ...]:
        return size, max_tasks_in_flight_per_actor

    def newer(
        *, size: int, max_tasks_in_flight_per_actor: int, max_concurrent_calls_per_actor: int
    ) -> tuple[int, ...]:
        return size, max_tasks_in_flight_per_actor, max_concurrent_calls_per_actor

    assert pool_of(older, size=2, calls=9) == ((2, 10), {"max_concurrency": 9})
    assert pool_of(newer, size=2, calls=9) == ((2, 10, 9), {})
