"""Decoding: long answers are read by the fast reader, and mean the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seedance_async._wire.shapes import decoded

LONG = " " * 5000


@pytest.mark.parametrize(
    "text",
    ['{"id": "cgt-1", "seed": -7, "rate": 0.5, "error": null}', '{"a": NaN}', '{"a": "\\ud800"}', "[1, 2]"],
)
def test_a_long_answer_means_what_a_short_one_means(text: str) -> None:
    """Also what the fast reader refuses (NaN, lone surrogates) is read; padding changes no value."""
    short, long = decoded(text.encode()), decoded((text + LONG).encode())
    assert repr(short) == repr(long) == repr(json.loads(text))


@pytest.mark.parametrize("text", ["{", "[" * 200_000, '{"a": 1} x', "", "\x00"])
@pytest.mark.parametrize("padding", ["", LONG])
def test_what_is_no_json_is_nothing(text: str, padding: str) -> None:
    """A broken, endless or empty answer is None however long it is."""
    found: Any = decoded((text + padding).encode())
    assert found is None
