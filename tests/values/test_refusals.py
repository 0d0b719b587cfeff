"""What a request refuses whatever the model, and what it leaves to the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedance_async.errors import InvalidRequest
from seedance_async.request import VideoRequest

IMAGE = "https://example.com/a.png"
VIDEO = "https://example.com/a.mp4"
SOUND = "asset://asset-1"
V25 = "doubao-seedance-2-5-260628"
V20 = "doubao-seedance-2-0-260128"

WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "prompt"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": "  \n"}, "prompt"),
    ({"prompt": 5}, "prompt"),
    ({"prompt": b"a cat"}, "prompt"),
    ({"prompt": "half an emoji \ud83d"}, "prompt"),
    ({"prompt": "a", "model": ""}, "model"),
    ({"prompt": "a", "model": 15}, "model"),
    ({"prompt": "a", "image": ""}, "image"),
    ({"prompt": "a", "image": b""}, "image"),
    ({"prompt": "a", "image": 5}, "image"),
    ({"prompt": "a", "image": "file:///tmp/a.png"}, "image"),
    ({"prompt": "a", "image": "data:audio/mp3;base64,AAAA"}, "image"),
    ({"prompt": "a", "image": IMAGE, "first_frame": IMAGE}, "first_frame"),
    ({"prompt": "a", "last_frame": IMAGE}, "last_frame"),
    ({"prompt": "a", "image": IMAGE, "reference_images": [IMAGE], "model": V20}, "reference_images"),
    ({"prompt": "a", "first_frame": IMAGE, "reference_videos": [VIDEO], "model": V20}, "reference_videos"),
    ({"prompt": "a", "image": IMAGE, "reference_audios": [SOUND], "model": "ep-1"}, "reference_audios"),
    ({"prompt": "a", "reference_images": IMAGE, "model": V20}, "reference_images"),
    ({"prompt": "a", "reference_images": 5, "model": V20}, "reference_images"),
    ({"prompt": "a", "reference_images": 0, "model": V20}, "reference_images"),
    ({"prompt": "a", "reference_images": "", "model": V20}, "reference_images"),
    ({"prompt": "a", "reference_images": [IMAGE, None], "model": V20}, "reference_images[1]"),
    ({"prompt": "a", "reference_videos": ["a.mp4"], "model": "ep-1"}, "reference_videos[0]"),
    ({"prompt": "a", "reference_videos": [Path("a.mp4")], "model": V20}, "reference_videos[0]"),
    ({"prompt": "a", "reference_videos": [b"\0\0\0\x18ftyp"], "model": V20}, "reference_videos[0]"),
    ({"prompt": "a", "reference_videos": ["data:video/mp4;base64,AA"], "model": V20}, "reference_videos[0]"),
    ({"prompt": "a", "reference_audios": ["data:image/png;base64,AA"], "model": V25}, "reference_audios[0]"),
    ({"draft_task": "", "model": V25}, "draft_task"),
    ({"draft_task": "cgt-1", "prompt": "a", "model": "ep-1"}, "draft_task"),
    ({"prompt": "a", "duration": 5.0}, "duration"),
    ({"prompt": "a", "duration": "5"}, "duration"),
    ({"prompt": "a", "duration": True}, "duration"),
    ({"prompt": "a", "seed": False}, "seed"),
    ({"prompt": "a", "watermark": 0}, "watermark"),
    ({"prompt": "a", "generate_audio": "true"}, "generate_audio"),
    ({"prompt": "a", "ratio": 1.78}, "ratio"),
    ({"prompt": "a", "ratio": ""}, "ratio"),
    ({"prompt": "a", "tools": {"type": "web_search"}}, "tools"),
    ({"prompt": "a", "tools": ["web_search"]}, "tools"),
    ({"prompt": "a", "extra_body": ["x"]}, "extra_body"),
    ({"prompt": "a", "extra_body": {"x": {1, 2}}}, "extra_body.x"),
    ({"prompt": "a", "extra_body": {"x": [float("nan")]}}, "extra_body.x[0]"),
    ({"prompt": "a", "extra_body": {5: 1}}, "extra_body"),
    ({"prompt": "a", "extra_body": {"x": "half \ud83d"}}, "extra_body.x"),
    ({"prompt": "a", "extra_body": {"half \ud83d": 1}}, "extra_body"),
    ({"content": [{"type": "text", "text": "half \ud83d"}]}, "content[0].text"),
    ({"prompt": "a", "extra_body": {"model": "x"}}, "extra_body.model"),
    ({"prompt": "a", "extra_body": {"content": []}}, "extra_body.content"),
    ({"prompt": "a", "seed": 1, "extra_body": {"seed": 2}}, "extra_body.seed"),
    ({"prompt": "a", "model": V20, "tools": [], "extra_body": {"tools": []}}, "extra_body.tools"),
    ({"content": []}, "content"),
    ({"content": "a cat"}, "content"),
    ({"content": {"prompt": "a cat"}}, "content"),
    ({"content": ["a cat"]}, "content"),
    ({"content": [{"type": "text", "text": "a"}], "prompt": "a"}, "content"),
    ({"content": [{"type": "text", "text": "a"}], "image": IMAGE}, "content"),
    ({"content": [{"type": "image_url", "image_url": IMAGE}]}, "content[0].image_url"),
]


@pytest.mark.parametrize(("fields", "field"), WRONG)
def test_always_wrong_is_refused(fields: dict[str, Any], field: str) -> None:
    """What no server takes is refused at construction, naming field, value and limit."""
    with pytest.raises(InvalidRequest) as caught:
        VideoRequest(**fields)
    assert caught.value.field == field
    assert caught.value.limit
    assert field in str(caught.value)


def part(kind: str, role: str | None = None) -> dict[str, Any]:
    """Make an item of raw content."""
    item: dict[str, Any] = {"type": kind, kind: {"url": IMAGE}}
    return item if role is None else {**item, "role": role}


TEXT = {"type": "text", "text": "a cat"}
RAW_WRONG: list[tuple[str, list[dict[str, Any]]]] = [
    ("two plain images", [part("image_url"), part("image_url")]),
    ("plain beside a last frame", [part("image_url"), part("image_url", "last_frame")]),
    ("two first frames", [part("image_url", "first_frame"), part("image_url", "first_frame")]),
    ("two last frames", [part("image_url", "last_frame"), part("image_url", "last_frame")]),
    ("only a last frame", [TEXT, part("image_url", "last_frame")]),
    ("mixed scenes", [part("image_url", "first_frame"), part("image_url", "reference_image")]),
    ("sound alone", [TEXT, part("audio_url", "reference_audio")]),
    ("ten images", [part("image_url", "reference_image")] * 10),
    ("draft and text", [TEXT, {"type": "draft_task", "draft_task": {"id": "cgt-1"}}]),
]


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in RAW_WRONG])
def test_raw_content_is_checked_for_known_models_only(content: list[dict[str, Any]]) -> None:
    """Raw content that breaks a rule of the scenes is refused for known models and left to unknown ones."""
    with pytest.raises(InvalidRequest) as caught:
        VideoRequest(content=content, model=V20)
    assert caught.value.field == "content"
    assert VideoRequest(content=content, model="ep-1").to_body()["content"] == content


def test_raw_content_of_a_newer_kind_passes() -> None:
    """An item type or a role that this version has not seen goes to the server, for known models too."""
    content = [TEXT, {"type": "model_3d", "url": "https://example.com/a.glb"}, part("image_url", "style")]
    assert VideoRequest(content=content, model=V20, duration=99).to_body()["content"] == content
