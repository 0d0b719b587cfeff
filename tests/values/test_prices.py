"""Estimates err to the dear side and say what they assumed; prices follow the dated tables."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async.catalog import RATIOS, SPECS, pixels, tokens
from seedance_async.errors import InvalidRequest
from seedance_async.prices import CNY, USD, PriceTable, Rate, cost, estimate
from seedance_async.request import VideoRequest

IMAGE = "https://example.com/a.png"
VIDEO = "https://example.com/a.mp4"
V25 = "doubao-seedance-2-5-260628"
V20 = "doubao-seedance-2-0-260128"
V15 = "doubao-seedance-1-5-pro-251215"
PRO = "doubao-seedance-1-0-pro-250528"
I2V = "doubao-seedance-1-0-lite-i2v-250428"

ESTIMATES: list[tuple[str, dict[str, Any], int, tuple[str, ...]]] = [
    ("2.0 bill", {"model": V20, "ratio": "16:9", "duration": 5}, 108_900, ()),
    ("1.0 text defaults", {"model": PRO}, 246_840, ()),
    ("1.0 image is adaptive", {"model": PRO, "image": IMAGE}, tokens(1920, 1088, 5), ("ratio",)),
    ("lite references", {"model": I2V, "reference_images": [IMAGE]}, tokens(1248, 704, 5), ()),
    ("1.5 defaults", {"model": V15}, tokens(1112, 834, 5), ("ratio",)),
    ("2.5 defaults", {"model": V25}, tokens(1112, 834, 30), ("ratio", "duration")),
    ("model's choice", {"model": V15, "ratio": "1:1", "duration": -1}, tokens(960, 960, 12), ("duration",)),
    ("frames", {"model": PRO, "frames": 289, "duration": 2}, tokens(1920, 1088, 289 / 24), ()),
    (
        "video in, length unknown",
        {"model": V20, "ratio": "16:9", "reference_videos": [VIDEO]},
        tokens(1280, 720, 5, 15),
        ("input_seconds",),
    ),
    (
        "video in and out, 30 s each",
        {"model": V25, "ratio": "16:9", "duration": 30, "reference_videos": [VIDEO]},
        1_296_900,
        ("input_seconds",),
    ),
    (
        "silent draft",
        {"model": V15, "draft": True, "resolution": "480p", "ratio": "16:9", "generate_audio": False},
        -(-tokens(864, 496, 5) * 7 // 10),
        (),
    ),
    (
        "draft",
        {"model": V15, "draft": True, "ratio": "16:9"},
        -(-tokens(864, 496, 5) * 6 // 10),
        ("resolution",),
    ),
    (
        "2.5 draft costs the same",
        {"model": V25, "draft": True, "ratio": "16:9", "duration": 5},
        48_437,
        ("resolution",),
    ),
    (
        "finishing a 1.5 draft",
        {"model": V15, "draft_task": "cgt-1", "prompt": None},
        tokens(1112, 834, 12),
        ("ratio", "duration"),
    ),
    (
        "finishing a 2.5 draft",
        {"model": V25, "draft_task": "cgt-1", "prompt": None},
        tokens(2206, 946, 30, 30),
        ("ratio", "duration", "input_seconds"),
    ),
    (
        "text commands of 1.x",
        {"model": V15, "prompt": "a cat --dur 12", "duration": 4},
        tokens(2206, 946, 12),
        ("resolution", "ratio", "duration", "text_commands"),
    ),
    ("no text commands in 2.x", {"model": V20, "prompt": "a cat --dur 12", "ratio": "16:9"}, 108_900, ()),
    (
        "past the checks",
        {"model": V15, "ratio": "1:1", "extra_body": {"duration": 60}},
        tokens(960, 960, 60),
        (),
    ),
    (
        "a word from the future",
        {"model": V20, "ratio": "16:9", "extra_body": {"resolution": "8k"}},
        tokens(3840, 2160, 5),
        ("resolution",),
    ),
    ("unknown model", {"model": "ep-1"}, tokens(1112, 834, 30), ("model", "ratio", "duration")),
    (
        "unknown model, all said",
        {"model": "ep-1", "resolution": "480p", "duration": 4, "ratio": "1:1"},
        38_800,
        ("model",),
    ),
]


def test_an_estimate_takes_what_a_submit_takes() -> None:
    """A prompt or a mapping of fields is as good as a request, and anything else is refused by name."""
    request = VideoRequest(prompt="a cat")
    assert estimate("a cat") == estimate({"prompt": "a cat"}) == estimate(request)
    with pytest.raises(InvalidRequest, match="request=5"):
        estimate(cast("Any", 5))


@pytest.mark.parametrize(
    ("fields", "count", "assumed"), [pytest.param(*row[1:], id=row[0]) for row in ESTIMATES]
)
def test_estimate(fields: dict[str, Any], count: int, assumed: tuple[str, ...]) -> None:
    """An estimate counts what was said, takes the dearest of what was not, and lists its guesses."""
    around: dict[str, Any] = {"prompt": "a cat", **fields}
    result = estimate(VideoRequest(**around))
    assert result.tokens == count
    assert result.assumed == assumed


def test_the_length_of_input_videos_may_be_given() -> None:
    """A known input length replaces the assumed maximum, but not the server's minimum for short ones."""
    request = VideoRequest(prompt="a", model=V20, ratio="16:9", duration=5, reference_videos=[VIDEO])
    assert estimate(request, seconds_in=10).tokens == tokens(1280, 720, 5, 10)
    assert estimate(request, seconds_in=10).assumed == ()
    assert estimate(request, seconds_in=2).tokens == tokens(1280, 720, 5, 4)


def test_raw_content_counts_like_keywords() -> None:
    """A reference video in raw content is seen, and content that cannot be told is taken to hold one."""
    raw = VideoRequest(
        content=[{"type": "video_url", "video_url": {"url": VIDEO}, "role": "reference_video"}],
        model=V20,
        ratio="16:9",
    )
    assert estimate(raw).tokens == tokens(1280, 720, 5, 15)
    strange = VideoRequest(content=[{"type": "hologram"}], model=V20, ratio="16:9")
    assert estimate(strange).tokens == tokens(1280, 720, 5, 15)


@given(
    model=st.sampled_from(sorted(SPECS)),
    ratio=st.sampled_from(RATIOS),
    resolution=st.sampled_from(["480p", "720p"]),
    seconds=st.integers(4, 12),
    image=st.booleans(),
)
def test_no_outcome_bills_more_than_the_estimate(
    model: str,
    ratio: str,
    resolution: str,
    seconds: int,
    image: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    """Whatever ratio and length the model picks, the bill stays within the estimate made without them."""
    spec = SPECS[model]
    fields: dict[str, Any] = {"image": IMAGE} if image and spec.first_frame else {}
    if not fields and not (spec.text_to_video and spec.adaptive_text):
        return
    duration = -1 if spec.auto_duration else seconds
    reserved = estimate(
        VideoRequest(prompt="a", model=model, resolution=resolution, duration=duration, **fields)
    )
    assert tokens(*pixels(spec, resolution, ratio), seconds) <= reserved.tokens


COSTS: list[tuple[str, dict[str, Any], PriceTable, str | None]] = [
    ("2.5 720p", {"model": V25}, CNY, "7.56"),
    ("2.5 720p in dollars", {"model": V25}, USD, "1.1556"),
    ("2.5 1080p", {"model": V25, "resolution": "1080p"}, CNY, "8.316"),
    ("2.5 with video", {"model": V25, "reference_videos": [VIDEO]}, CNY, "4.536"),
    ("2.5 with video in dollars", {"model": V25, "reference_videos": [VIDEO]}, USD, None),
    ("2.0 720p", {"model": V20}, CNY, "4.968"),
    ("2.0 4k", {"model": V20, "resolution": "4K"}, CNY, "2.808"),
    ("2.0 4k in dollars", {"model": V20, "resolution": "4k"}, USD, None),
    ("2.0 images are no video", {"model": V20, "reference_images": [IMAGE]}, CNY, "4.968"),
    ("fast", {"model": "doubao-seedance-2-0-fast-260128"}, CNY, "3.996"),
    ("mini", {"model": "doubao-seedance-2-0-mini-260615"}, CNY, "2.484"),
    ("1.5 with audio", {"model": V15}, CNY, "1.728"),
    ("1.5 silent", {"model": V15, "generate_audio": False}, CNY, "0.864"),
    ("1.5 silent flex", {"model": V15, "generate_audio": False, "service_tier": "flex"}, CNY, "0.432"),
    ("1.5 flex in dollars", {"model": V15, "service_tier": "flex"}, USD, "0.1296"),
    ("1.0 pro", {"model": PRO}, CNY, "1.62"),
    ("1.0 pro fast", {"model": "seedance-1-0-pro-fast-251015"}, CNY, "0.4536"),
    ("unknown", {"model": "ep-1"}, CNY, None),
]


@pytest.mark.parametrize(("fields", "table", "amount"), [pytest.param(*row[1:], id=row[0]) for row in COSTS])
def test_cost(fields: dict[str, Any], table: PriceTable, amount: str | None) -> None:
    """108,000 tokens cost what the list says for model, resolution, video input, sound and tier."""
    wanted = None if amount is None else Decimal(amount)
    assert cost(108_000, VideoRequest(prompt="a", **fields), table) == wanted


def test_own_prices() -> None:
    """A table of the user's own may name endpoint ids, and its first matching rate counts."""
    table = PriceTable(
        as_of=dt.date(2026, 1, 2),
        currency="EUR",
        source="contract",
        rates=[
            Rate(model="ep-1", resolutions=("1080p",), price=20),
            Rate(model="ep-1", price=0.1, flex="0.25"),
        ],
    )
    assert cost(1_000_000, VideoRequest(prompt="a", model="ep-1", resolution="1080P"), table) == Decimal(20)
    assert cost(1_000_000, VideoRequest(prompt="a", model="ep-1"), table) == Decimal("0.1")
    flex = VideoRequest(prompt="a", model="ep-1", service_tier="flex")
    assert cost(1_000_000, flex, table) == Decimal("0.025")


@pytest.mark.parametrize("price", [-1, "much", float("nan"), float("inf"), True])
def test_a_price_is_a_number(price: Any) -> None:
    """A price that is no amount of money is refused when the rate is made."""
    with pytest.raises(InvalidRequest) as caught:
        Rate(model="2.0", price=price)
    assert caught.value.field == "price"


@pytest.mark.parametrize("model", SPECS)
def test_every_model_has_a_price(model: str) -> None:
    """Each resolution that a model makes costs something by one of the tables: budgets count on it."""
    spec = SPECS[model]
    scene: dict[str, Any] = {"prompt": "a"} if spec.text_to_video else {"image": IMAGE}
    for resolution in spec.resolutions:
        request = VideoRequest(model=model, resolution=resolution, **scene)
        assert any(cost(1, request, table) for table in (CNY, USD)), resolution


def test_the_tables_say_where_they_come_from() -> None:
    """Each shipped table has a day and a source, and rates for known families only."""
    families = {spec.family for spec in SPECS.values()}
    for table in (CNY, USD):
        assert table.as_of == dt.date(2026, 11, 22)
        assert "1544106" in table.source
        assert {rate.model for rate in table.rates} <= families
