"""Whatever a server answers, it becomes a value or an error of ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async._wire.exchange import WireResponse
from seedance_async._wire.folding import to_task
from seedance_async._wire.protocol import read_created, read_deleted, read_page, read_record
from seedance_async.errors import Billed, RequestRefused, SeedanceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from seedance_async.models import VideoTask

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
known_names = st.sampled_from(
    ["id", "task_id", "status", "code", "message", "data", "error", "items", "total", "content", "usage",
     "seed", "created_at", "ResponseMetadata", "fail_reason", "tools"]
)  # fmt: skip
likely_objects = st.dictionaries(known_names, json_values, max_size=8)
bodies = st.one_of(
    likely_objects.map(lambda value: json.dumps(value).encode()),
    json_values.map(lambda value: json.dumps(value).encode()),
    likely_objects.map(lambda value: json.dumps(value).encode()[:-3]),
    st.just(b""),
    st.just(b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    st.binary(max_size=60),
    st.just(b"[" * 100_000),
)
headers = st.dictionaries(
    st.sampled_from(["retry-after", "date", "x-request-id", "content-type"]), st.text(max_size=20), max_size=3
)


def read_task(response: WireResponse) -> VideoTask:
    """Read a record and make a value of it."""
    return to_task(read_record(response))


def error_of(read: Callable[[WireResponse], object], response: WireResponse) -> SeedanceError | None:
    """Give what reading raises, or None; anything but an error of ours fails the test by itself."""
    try:
        read(response)
    except SeedanceError as error:
        return error
    return None


@pytest.mark.parametrize(
    "read",
    [read_created, read_record, read_page, read_deleted, read_task],
    ids=["create", "get", "list", "delete", "task"],
)
@given(status=st.integers(100, 599), body=bodies, named=headers)
def test_any_answer_is_a_value_or_an_error_of_ours(
    read: Callable[[WireResponse], object], status: int, body: bytes, named: dict[str, str]
) -> None:
    """Status 100 to 599 with any body and headers: no ValueError, KeyError or crash comes through."""
    error = error_of(read, WireResponse(status=status, headers=named, body=body))
    assert error is not None or 200 <= status < 300
    assert error is None or str(error)
    assert not isinstance(error, RequestRefused) or error.billed is Billed.NO


@given(status=st.integers(100, 599), body=bodies)
def test_a_create_says_whether_it_may_bill(status: int, body: bytes) -> None:
    """An answer to the paid POST is a task with an id, a refusal, or money in doubt: nothing in between."""
    response = WireResponse(status=status, body=body)
    error = error_of(read_created, response)
    if error is None:
        assert read_created(response).id
    elif isinstance(error, RequestRefused):
        assert status < 500
    else:
        assert error.billed is Billed.MAYBE


UNCLEAR = [*range(100, 200), *range(300, 400), 408, 409, 418, 425, 499, *range(500, 600)]


@pytest.mark.parametrize("status", UNCLEAR)
def test_a_status_that_proves_nothing_leaves_the_create_in_doubt(status: int) -> None:
    """Only a status that says "looked at and not done" counts as refused; all others may have cost money."""
    moved = {301, 307, 308}
    with pytest.raises(SeedanceError) as caught:
        read_created(WireResponse(status=status, body=b"nobody knows"))
    assert caught.value.billed is (Billed.NO if status in moved else Billed.MAYBE)
