"""Requests that are cast from the one before: nobody can tell them from those that were checked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seedance_async import InvalidRequest
from seedance_async.asked import as_request
from seedance_async.batch.moulds import Moulds

TEXTS = st.sampled_from(
    ["a cat", "Ein Hünd", "日本語の猫 🐈", 'quotes " and \\', "mould://prompt", " ", "", "\ud83d"]
)
URLS = st.sampled_from(
    ["https://a.example/1.png", "http://a.example/2.png", "asset://x", "file:///a", "data:x"]
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "prompt": TEXTS | st.none() | st.integers(0, 1),
        "seed": st.sampled_from([-2, -1, 0, 7, (1 << 32) - 1, 1 << 32, True, "7", None]),
        "duration": st.sampled_from([4, 5, True, 4.0, 99, -1]),
        "watermark": st.sampled_from([True, False, 1, None]),
        "model": st.sampled_from(
            ["doubao-seedance-1-5-pro-251215", "doubao-seedance-1-0-pro-250528", "ep-1"]
        ),
        "image": URLS,
        "last_frame": URLS,
        "callback_url": TEXTS | URLS,
        "safety_identifier": st.sampled_from(["user-1", "u" * 64, "u" * 65, "mould://seed"]),
        "resolution": st.sampled_from(["480p", "4k"]),
        "reference_images": st.just(["https://a.example/3.png"]),
        "draft_task": st.just("cgt-1"),
        "nonsense": st.just(1),
    },
)


def _made(moulds: Moulds | None, fields: dict[str, Any]) -> object:
    """Give all that can be told of a request, or its error."""
    try:
        if moulds is None:
            request = as_request(fields)
            digest = request.digest()
        else:
            request, digest_of = moulds.make(fields)
            digest = digest_of()
    except InvalidRequest as error:
        return str(error)
    return request, repr(request), hash(request), request.to_body(), digest


@given(st.lists(FIELDS, min_size=2, max_size=6))
@example([{"prompt": "a", "duration": 4}, {"prompt": "b", "duration": True}])
@example([{"prompt": "a", "watermark": True}, {"prompt": "b", "watermark": 1}])
@example([{"prompt": "a", "safety_identifier": "mould://prompt"}, {"prompt": "b", "safety_identifier": "c"}])
def test_casting_makes_no_difference(rows: list[dict[str, Any]]) -> None:
    """Whatever rows come one after the other, each gives the request, digest or error that it gives alone."""
    moulds = Moulds()
    for fields in rows * 2:
        assert _made(moulds, fields) == _made(None, fields)


@pytest.mark.parametrize(
    "free",
    [
        {"prompt": "another"},
        {"seed": 8},
        {"image": "https://a.example/other.png"},
        {"last_frame": "asset://other"},
        {"callback_url": "https://b.example/hook"},
        {"safety_identifier": "user-2"},
    ],
)
def test_rows_that_differ_in_one_field_are_cast(
    free: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules run once for a shape: the second row of it costs no check, whatever free field changed."""
    base = {
        "prompt": "a cat",
        "seed": 7,
        "image": "https://a.example/1.png",
        "last_frame": "https://a.example/2.png",
        "callback_url": "https://a.example/hook",
        "safety_identifier": "user-1",
        "duration": 5,
    }
    moulds = Moulds()
    moulds.make(base)
    wanted = as_request({**base, **free})
    monkeypatch.setattr("seedance_async.request.check_request", _refuse)
    assert moulds.make({**base, **free})[0] == wanted


def _refuse(_: object) -> None:
    """Stand where a check would be that is not expected."""
    raise AssertionError
