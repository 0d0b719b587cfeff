"""A page of a list is read as far as it is new, and never otherwise than it would be read as a whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async._wire.exchange import WireResponse
from seedance_async._wire.pages import page_of
from seedance_async._wire.protocol import read_page
from seedance_async.errors import AnswerUnreadable, RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING: dict[bytes | None, str] = {}
SPELLINGS = [(",", ":"), (", ", ": "), (",", ": "), (", ", ":")]
WORDS = st.sampled_from(["a", "b", 'a"},{"id":"b', "}]", '[{"id":', "\u2028é", ""])
VALUES = st.recursive(
    WORDS | st.integers(0, 3) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "x"]), inner),
    max_leaves=6,
)
RECORDS = st.dictionaries(st.sampled_from(["x", "status", "id"]), VALUES).flatmap(
    lambda rest: st.one_of(st.just(rest), WORDS.map(lambda task_id: {"id": task_id, **rest}))
)
FRAMES: st.SearchStrategy[Callable[[list[Any]], dict[str, Any]]] = st.sampled_from(
    [
        lambda items: {"items": items, "total": 3},
        lambda items: {"total": 3, "items": items, "more": [{"id": "z"}]},
        lambda items: {"more": [{"id": "z"}], "items": items},
        lambda items: {"data": {"items": items}, "code": 0},
        lambda items: {"code": 200, "message": "", "data": items},
        lambda items: {"items": ["*records*"], "more": items},
    ]
)


def answer(text: str, status: int = 200) -> WireResponse:
    """Make an answer."""
    return WireResponse(status=status, body=text.encode())


def listed(*records: dict[str, Any]) -> WireResponse:
    """Make the answer of a list as servers write it."""
    return answer(json.dumps({"items": records, "total": len(records)}, separators=(",", ":")))


def read(response: WireResponse) -> tuple[list[dict[str, Any]], int | None]:
    """Read it as a whole, and sort the records."""
    records, total = read_page(response)
    return sorted(records, key=repr), total


@given(st.lists(RECORDS, max_size=5), st.lists(RECORDS, max_size=5), FRAMES, st.sampled_from(SPELLINGS))
def test_nothing_is_read_otherwise_than_as_a_whole(
    before: list[dict[str, Any]],
    after: list[dict[str, Any]],
    frame: Callable[[list[Any]], Any],
    spelling: tuple[str, str],
) -> None:
    """Whatever was seen before, what is known and what is new are together the records of the answer."""
    first, second = (
        answer(json.dumps(frame(items), separators=spelling, ensure_ascii=False))
        for items in (before, [*before[:2], *after])
    )
    known, news = page_of(first).compare(NOTHING)
    assert known == set()
    assert sorted([record for record, _ in news], key=repr) == read(first)[0]
    # What was read the first time stands for what is known the second time.
    seen: dict[bytes | None, str] = {piece: repr(record) for record, piece in news if piece is not None}
    page = page_of(second)
    same, fresh = page.compare(seen)
    assert same | {repr(record) for record, _ in fresh} == {repr(record) for record in read(second)[0]}
    assert page.total == read(second)[1]


def test_a_record_that_was_seen_before_is_not_read_again() -> None:
    """Of a list of which one record has changed, that one alone is read."""
    quiet, moved = {"id": "a", "status": "running"}, {"id": "b", "status": "queued"}
    _, news = page_of(listed(quiet, moved)).compare(NOTHING)
    seen: dict[bytes | None, str] = {piece: record["id"] for record, piece in news if piece is not None}
    assert sorted(seen.values()) == ["a", "b"]
    moved["status"] = "running"
    same, fresh = page_of(listed(moved, quiet)).compare(seen)
    assert same == {"a"}
    assert [record for record, _ in fresh] == [moved]


@pytest.mark.parametrize("spelling", SPELLINGS[:2])
def test_both_common_spellings_are_cut(spelling: tuple[str, str]) -> None:
    """With and without a space behind the signs, each record comes with its bytes."""
    text = json.dumps({"items": [{"id": "a"}, {"id": "b"}], "total": 2}, separators=spelling)
    pieces = [piece for _, piece in page_of(answer(text)).compare(NOTHING)[1]]
    assert None not in pieces
    assert len({*pieces}) == 2


@pytest.mark.parametrize(
    "text",
    [
        '{"items":[{"id":"a","parts":[{"id":"b"},{"id":"c"}]},{"id":"d"}]}',
        '{"items":[{"id":"a","parts":[{"id":"b"},{"id":"c"}]}, {"id":"d"}]}',
        '{"items":[{"status":"queued","id":"a"},{"status":"queued","id":"b"}]}',
        '{\n  "items": [\n    {"id": "a"},\n    {"id": "b"}\n  ]\n}',
        '{"items":[{"id":"a"},null,{"id":"b"}]}',
        '{"items":[]}',
    ],
)
def test_what_cannot_be_cut_is_read_as_a_whole(text: str) -> None:
    """Records that hold records, or are written otherwise, are all read, and none is known again."""
    known, news = page_of(answer(text)).compare(NOTHING)
    assert known == set()
    assert [record for record, _ in news] == read_page(answer(text))[0]
    assert {piece for _, piece in news} <= {None}


def test_a_number_for_an_id_becomes_a_word() -> None:
    """A gateway that numbers its tasks is asked for them by the same words."""
    _, news = page_of(answer('{"items":[{"id":7,"status":"running"}]}')).compare(NOTHING)
    assert news[0][0] == {"id": "7", "status": "running"}


def test_a_record_that_is_no_json_spoils_the_page() -> None:
    """An answer that breaks off in the middle of a record is not half believed."""
    with pytest.raises(AnswerUnreadable):
        page_of(answer('{"items":[{"id":"a"},{"id":"b",}]}')).compare(NOTHING)
    with pytest.raises(AnswerUnreadable):
        page_of(answer('{"items":[{"id":"a"},{"id":"b"}'))


def test_an_error_is_raised_as_what_it_is() -> None:
    """A refusal that holds records beside its words is a refusal."""
    with pytest.raises(RateLimited):
        page_of(answer('{"error":{"code":"x"},"items":[{"id":"a"}]}', 429))


def test_a_refusal_that_looks_like_a_list_keeps_its_moment() -> None:
    """The date of a Retry-After counts from when the answer came, wherever brackets stand in its body."""
    headers = {"retry-after": "Thu, 01 Jan 2026 00:00:07 GMT"}
    body = b'{"error":{"code":"RateLimit","details":[{"id":"r1"}]}}'
    with pytest.raises(RateLimited) as caught:
        page_of(WireResponse(status=429, headers=headers, body=body, received_at=1767225600.0))
    assert caught.value.retry_after == pytest.approx(7.0)
