"""What a batch asks for: counted as one by one, with what decides about it told apart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from seedance_async import InvalidRequest, VideoRequest, estimate
from seedance_async.planning import Load
from seedance_async.prices import CNY, cost

_MIXED: list[dict[str, Any]] = [
    {"prompt": f"prompt {number}", "duration": 4 + number % 3, "ratio": ("16:9", "9:16")[number % 2], **more}
    for number in range(60)
    for more in ({}, {"service_tier": "flex"}, {"model": "doubao-seedance-2-0-260128", "resolution": "480p"})
]


def test_counting_by_shape_loses_nothing() -> None:
    """Tokens and money are the sums of the estimates of each request."""
    load = Load.of(_MIXED)
    requests = [VideoRequest(**fields) for fields in _MIXED]
    counts = [estimate(request).tokens for request in requests]
    assert load.prompts == len(_MIXED)
    assert load.tokens == sum(counts)
    amounts = [cost(count, request, CNY) for count, request in zip(counts, requests, strict=True)]
    assert load.cost == sum((amount or Decimal(0) for amount in amounts), Decimal(0))
    assert load.unpriced == 0


def test_only_what_may_go_to_flex_is_flexible() -> None:
    """A tier that was written stays, and models and fields that flex does not take stay out of it."""
    cases: list[tuple[dict[str, Any], bool]] = [
        ({"prompt": "open"}, True),
        ({"prompt": "written", "service_tier": "default"}, False),
        ({"prompt": "draft", "draft": True, "resolution": "480p"}, False),
        ({"prompt": "2.0", "model": "doubao-seedance-2-0-260128"}, False),
        ({"prompt": "unknown", "model": "ep-20260101-abcde"}, False),
    ]
    for fields, flexible in cases:
        (shape,) = Load.of([fields]).shapes
        assert (shape.flexible, fields["prompt"]) == (flexible, fields["prompt"])


def test_a_command_in_the_words_is_read() -> None:
    """A prompt whose words change the size is not counted like its neighbour."""
    plain, commanded = VideoRequest(prompt="a cat"), VideoRequest(prompt="a cat --rs 1080p")
    both = Load.of([{"prompt": "a cat"}, {"prompt": "a cat --rs 1080p"}])
    assert both.tokens == estimate(plain).tokens + estimate(commanded).tokens
    assert both.tokens > 2 * estimate(plain).tokens


def test_moving_to_flex_moves_money_and_nothing_else() -> None:
    """Half of the price is saved for what is moved; prompts and tokens stay what they were."""
    load = Load.of([{"prompt": f"prompt {number}"} for number in range(10)])
    (shape,) = load.shapes
    moved = load.moved({shape: 4})
    assert (moved.prompts, moved.tokens) == (load.prompts, load.tokens)
    assert moved.tier("flex").prompts == 4
    assert moved.cost == load.cost * Decimal("0.8")


def test_a_bad_job_is_named() -> None:
    """A job that cannot be sent is no part of a plan: the error is that of the job."""
    with pytest.raises(InvalidRequest, match="duration"):
        Load.of([{"prompt": "fine"}, {"prompt": "too long", "duration": 99}])
    with pytest.raises(InvalidRequest, match="at least one"):
        Load.of([])
