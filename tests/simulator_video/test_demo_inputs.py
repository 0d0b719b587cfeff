"""The demo's prompts and pictures are legal, varied and small."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from PIL import Image

from seedance_async.request import VideoRequest

FOLDER = resources.files("seedance_async") / "demo"
LINES = [json.loads(line) for line in (FOLDER / "prompts.jsonl").read_text("utf-8").splitlines()]
IMAGE_FIELDS = ("image", "first_frame", "last_frame")
IMAGES = sorted({line[name] for line in LINES for name in IMAGE_FIELDS if name in line})


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(line["key"]))
def test_every_line_is_a_legal_request(line: dict[str, Any]) -> None:
    """A demo that the library itself refuses would be no demo."""
    fields = {name: value for name, value in line.items() if name != "key"}
    request = VideoRequest(**fields)
    assert request.prompt
    assert 4 <= line.get("duration", 5) <= 12


def test_the_lines_are_varied() -> None:
    """Every kind of input that the demo promises is there, under its own key."""
    assert len(LINES) >= 12
    assert len({line["key"] for line in LINES}) == len(LINES)
    assert {line.get("ratio") for line in LINES} >= {"16:9", "9:16", "21:9", "1:1", "4:3", "3:4", "adaptive"}
    assert {line.get("generate_audio") for line in LINES} >= {True, False}
    assert any("image" in line for line in LINES)
    assert any("first_frame" in line and "last_frame" in line for line in LINES)
    assert any(not line["prompt"].isascii() and "猫" in line["prompt"] for line in LINES)


def test_the_lines_are_quick() -> None:
    """Most lines ask for little, so that the demo ends soon."""
    assert sum(line.get("resolution") == "480p" for line in LINES) >= len(LINES) - 2
    assert max(line.get("duration", 5) for line in LINES) <= 6


@pytest.mark.parametrize("name", IMAGES)
def test_every_picture_is_within_the_limits(name: str) -> None:
    """Sides of 300 to 6000 pixels and a ratio of 0.4 to 2.5 (api docs 1520757)."""
    with (FOLDER / name).open("rb") as file, Image.open(file) as picture:
        assert all(300 <= side <= 6000 for side in picture.size)
        assert 0.4 <= picture.width / picture.height <= 2.5
        assert picture.format in {"PNG", "JPEG"}


def test_the_pictures_are_small() -> None:
    """The wheel carries less than 60 kB of them."""
    assert len(IMAGES) == 3
    assert sum(len((FOLDER / name).read_bytes()) for name in IMAGES) < 60_000
