"""What the library knows of each model against what the simulator does: two readers of the same page."""

from __future__ import annotations

import pytest

from seedance_async.catalog import SPECS
from seedance_async.simulator.capabilities import MODELS

PLAYED = {f"{model.stem}-{model.date}": model for model in MODELS}
ONE_WORD = (
    "resolutions", "default_resolution", "default_duration", "first_frame", "last_frame", "audio_alone",
    "frames", "camera_fixed", "flex", "draft", "web_search", "omni", "text_commands",
)  # fmt: skip
TWO_WORDS = {
    "pixel_family": "pixels",
    "auto_duration": "picks_duration",
    "text_to_video": "text_only",
    "max_images": "images",
    "max_videos": "videos",
    "max_audios": "audios",
    "audio": "sound",
}


def test_both_know_the_same_models() -> None:
    """A model that is added to one table alone could be ordered and not be played, or the other way."""
    assert SPECS.keys() == PLAYED.keys()


@pytest.mark.parametrize("name", SPECS)
def test_both_read_the_same_of_a_model(name: str) -> None:
    """The tables were written apart, so a slip in one is a difference: sizes, lengths, inputs, quotas."""
    spec, model = SPECS[name], PLAYED[name]
    fields = {**dict(zip(ONE_WORD, ONE_WORD, strict=True)), **TWO_WORDS}
    known = {ours: getattr(spec, ours) for ours in fields}
    assert known == {ours: getattr(model, theirs) for ours, theirs in fields.items()}
    assert (spec.min_duration, spec.max_duration) == model.seconds
    assert (spec.enterprise.creates_per_minute, spec.enterprise.running) == (model.requests, model.slots)
