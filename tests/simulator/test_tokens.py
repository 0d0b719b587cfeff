"""Pixels and tokens against the published live samples (api docs 1544106)."""

from __future__ import annotations

import pytest

from seedance_async.simulator.capabilities import BY_ID, MODELS
from seedance_async.simulator.order import Order
from seedance_async.simulator.pixels import RATIOS, nearest_ratio, size_of
from tests.simulator.helpers import PRO_10, PRO_15, V20, V25

SAMPLES = [
    (V20, "720p", "16:9", 5, 0, 108_900),
    (V20, "720p", "16:9", 10, 0, 216_900),
    (V25, "720p", "16:9", 30, 0, 648_900),
    (V25, "720p", "16:9", 30, 30, 1_296_900),
    (V20, "1080p", "16:9", 5, 0, 245_025),
    (V20, "480p", "16:9", 5, 0, 50_638),
    (V25, "480p", "16:9", 5, 0, 48_437),
    (PRO_15, "480p", "9:16", 4, 0, 40_594),
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_live_samples(sample: tuple[str, str, str, int, int, int]) -> None:
    """The formula gives the tokens of every published sample."""
    model, resolution, ratio, seconds, seconds_in, tokens = sample
    order = Order(
        model=BY_ID[model],
        model_id=model,
        resolution=resolution,
        ratio=ratio,
        seconds=seconds,
        seconds_in=seconds_in,
    )
    assert order.tokens() == tokens


def test_frames_count_instead_of_seconds() -> None:
    """A length in frames is billed by frames; the frame on top can be switched off."""
    order = Order(model=BY_ID[PRO_10], model_id=PRO_10, resolution="480p", frames=57, seconds=2)
    assert order.tokens(extra_frame=False) == 864 * 480 * 57 // 1024
    assert order.tokens() == 864 * 480 * 58 // 1024


@pytest.mark.parametrize(("sound", "share"), [(True, 0.6), (False, 0.7)])
def test_drafts_of_15_cost_less(sound: bool, share: float) -> None:  # noqa: FBT001 - a parameter of a table
    """A 1.5 draft counts 0.6 of the tokens with sound and 0.7 silent."""
    full = Order(model=BY_ID[PRO_15], model_id=PRO_15, resolution="480p", sound=sound)
    draft = Order(model=BY_ID[PRO_15], model_id=PRO_15, resolution="480p", sound=sound, draft=True)
    assert draft.tokens() == int(full.tokens() * share)


def test_every_model_has_pixels_for_every_ratio() -> None:
    """The pixel table covers all resolutions and ratios of every model, with even sides."""
    for model in MODELS:
        for resolution in model.resolutions:
            for ratio in RATIOS:
                width, height = size_of(resolution, ratio, model.pixels)
                assert width % 2 == height % 2 == 0
                assert nearest_ratio(width, height) == ratio
