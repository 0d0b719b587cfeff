"""Each cell of the capability table (api docs 1520757): accepted where it says so, refused elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest

from seedance_async.catalog import SPECS
from seedance_async.errors import InvalidRequest
from seedance_async.request import VideoRequest

IMAGE = "https://example.com/a.png"
VIDEO = "https://example.com/a.mp4"
SOUND = "https://example.com/a.mp3"

V25 = "doubao-seedance-2-5-260628"
V20 = "doubao-seedance-2-0-260128"
FAST = "doubao-seedance-2-0-fast-260128"
MINI = "doubao-seedance-2-0-mini-260615"
V15 = "doubao-seedance-1-5-pro-251215"
PRO = "doubao-seedance-1-0-pro-250528"
PRO_FAST = "doubao-seedance-1-0-pro-fast-251015"
T2V = "doubao-seedance-1-0-lite-t2v-250428"
I2V = "doubao-seedance-1-0-lite-i2v-250428"
MEDIA = {"image", "first_frame", "last_frame", "reference_images", "reference_videos", "reference_audios"}
EVERY = (V25, V20, FAST, MINI, V15, PRO, PRO_FAST, T2V, I2V)

# What is asked for -> the models that take it and the field that the others complain about.
TABLE: list[tuple[str, dict[str, Any], tuple[str, ...], str]] = [
    ("text", {}, (V25, V20, FAST, MINI, V15, PRO, PRO_FAST, T2V), "prompt"),
    ("image", {"image": IMAGE}, (V25, V20, FAST, MINI, V15, PRO, PRO_FAST, I2V), "image"),
    ("first", {"first_frame": IMAGE}, (V25, V20, FAST, MINI, V15, PRO, PRO_FAST, I2V), "first_frame"),
    ("both", {"image": IMAGE, "last_frame": IMAGE}, (V25, V20, FAST, MINI, V15, PRO, I2V), "last_frame"),
    ("4 images", {"reference_images": [IMAGE] * 4}, (V25, V20, FAST, MINI, I2V), "reference_images"),
    ("9 images", {"reference_images": [IMAGE] * 9}, (V25, V20, FAST, MINI), "reference_images"),
    ("30 images", {"reference_images": [IMAGE] * 30}, (V25,), "reference_images"),
    ("31 images", {"reference_images": [IMAGE] * 31}, (), "reference_images"),
    ("3 videos", {"reference_videos": [VIDEO] * 3}, (V25, V20, FAST, MINI), "reference_videos"),
    ("10 videos", {"reference_videos": [VIDEO] * 10}, (V25,), "reference_videos"),
    ("11 videos", {"reference_videos": [VIDEO] * 11}, (), "reference_videos"),
    (
        "3 sounds",
        {"reference_videos": [VIDEO], "reference_audios": [SOUND] * 3},
        (V25, V20, FAST, MINI),
        "reference_videos",
    ),
    ("10 sounds", {"reference_audios": [SOUND] * 10}, (V25,), "reference_audios"),
    ("11 sounds", {"reference_audios": [SOUND] * 11}, (), "reference_audios"),
    ("sound alone", {"reference_audios": [SOUND]}, (V25,), "reference_audios"),
    ("audio", {"generate_audio": True}, (V25, V20, FAST, MINI, V15), "generate_audio"),
    ("480p", {"resolution": "480p"}, EVERY, "resolution"),
    ("720p", {"resolution": "720P"}, EVERY, "resolution"),
    ("1080p", {"resolution": "1080p"}, (V25, V20, V15, PRO, PRO_FAST, T2V, I2V), "resolution"),
    ("4k", {"resolution": "4K"}, (V20,), "resolution"),
    ("1 s", {"duration": 1}, (), "duration"),
    ("2 s", {"duration": 2}, (PRO, PRO_FAST, T2V, I2V), "duration"),
    ("3 s", {"duration": 3}, (PRO, PRO_FAST, T2V, I2V), "duration"),
    ("4 s", {"duration": 4}, EVERY, "duration"),
    ("12 s", {"duration": 12}, EVERY, "duration"),
    ("15 s", {"duration": 15}, (V25, V20, FAST, MINI), "duration"),
    ("30 s", {"duration": 30}, (V25,), "duration"),
    ("31 s", {"duration": 31}, (), "duration"),
    ("0 s", {"duration": 0}, (), "duration"),
    ("-1 s", {"duration": -1}, (V25, V20, FAST, MINI, V15), "duration"),
    ("29 frames", {"frames": 29}, (PRO, PRO_FAST, T2V, I2V), "frames"),
    ("289 frames", {"frames": 289}, (PRO, PRO_FAST, T2V, I2V), "frames"),
    ("25 frames", {"frames": 25}, (), "frames"),
    ("30 frames", {"frames": 30}, (), "frames"),
    ("293 frames", {"frames": 293}, (), "frames"),
    ("fixed camera", {"camera_fixed": True}, (V15, PRO, PRO_FAST, T2V, I2V), "camera_fixed"),
    ("flex", {"service_tier": "flex"}, (V15, PRO, PRO_FAST, T2V, I2V), "service_tier"),
    ("draft", {"draft": True, "resolution": "480p"}, (V25, V15), "draft"),
    ("draft 720p", {"draft": True, "resolution": "720p"}, (), ""),
    ("web search", {"tools": [{"type": "web_search"}]}, (V25, V20, FAST, MINI), "tools"),
    ("priority", {"priority": 9}, (V25, V20, FAST, MINI, PRO, PRO_FAST, T2V, I2V), "priority"),
    ("priority 10", {"priority": 10}, (), "priority"),
    ("priority -1", {"priority": -1}, (), "priority"),
    ("omni", {"omni_reference_task_type": "reference"}, (V25,), "omni_reference_task_type"),
    ("mov", {"output_format": "mov"}, EVERY, ""),
    ("last frame back", {"return_last_frame": True}, EVERY, ""),
    ("watermark", {"watermark": True}, EVERY, ""),
    ("seed 0", {"seed": 0}, EVERY, ""),
    ("seed -1", {"seed": -1}, EVERY, ""),
    ("largest seed", {"seed": 2**32 - 1}, EVERY, ""),
    ("seed too large", {"seed": 2**32}, (), "seed"),
    ("seed too small", {"seed": -2}, (), "seed"),
    ("expires soon", {"execution_expires_after": 3600}, EVERY, ""),
    ("expires late", {"execution_expires_after": 259_200}, EVERY, ""),
    ("expires at once", {"execution_expires_after": 3599}, (V25, V20, FAST, MINI), "execution_expires_after"),
    ("expires never", {"execution_expires_after": 259_201}, (), "execution_expires_after"),
    ("64 characters", {"safety_identifier": "x" * 64}, EVERY, ""),
    ("65 characters", {"safety_identifier": "x" * 65}, (), "safety_identifier"),
]
CELLS = [
    pytest.param(model, fields, model in takers, field, id=f"{model[16:]}: {name}")
    for name, fields, takers, field in TABLE
    for model in EVERY
]


def asked(model: str, fields: dict[str, Any]) -> VideoRequest:
    """Ask for one thing, with the least around it that the model needs."""
    around: dict[str, Any] = {"prompt": "a cat", "model": model}
    if model == I2V and fields and not MEDIA & fields.keys():
        around["image"] = IMAGE
    return VideoRequest(**{**around, **fields})


@pytest.mark.parametrize(("model", "fields", "taken", "field"), CELLS)
def test_cell(model: str, fields: dict[str, Any], taken: bool, field: str) -> None:  # noqa: FBT001 - a column
    """A capability passes for the models that have it and is refused, by field name, for all others."""
    if taken:
        asked(model, fields).to_body()
        return
    with pytest.raises(InvalidRequest) as caught:
        asked(model, fields)
    if field:
        assert caught.value.field == field
    assert caught.value.limit


def test_every_model_of_the_catalog_has_its_column() -> None:
    """What a new model takes and refuses is written down from the docs, and not only in the catalog."""
    assert {model.removeprefix("doubao-") for model in EVERY} == set(SPECS)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("adaptive 1.0 text", {"model": PRO, "ratio": "adaptive"}, "ratio"),
    (
        "1080p lite references",
        {"model": I2V, "reference_images": [IMAGE], "resolution": "1080p"},
        "resolution",
    ),
    (
        "fixed camera, references",
        {"model": I2V, "reference_images": [IMAGE], "camera_fixed": True},
        "camera_fixed",
    ),
    ("ratio of a 2.5 first frame", {"model": V25, "image": IMAGE, "ratio": "16:9"}, "ratio"),
    (
        "ratio of 2.5 frames",
        {"model": V25, "first_frame": IMAGE, "last_frame": IMAGE, "ratio": "1:1"},
        "ratio",
    ),
    ("edit without video", {"model": V25, "omni_reference_task_type": "edit"}, "omni_reference_task_type"),
    (
        "extend without video",
        {"model": V25, "omni_reference_task_type": "extend"},
        "omni_reference_task_type",
    ),
    (
        "edit of 5 s",
        {"model": V25, "omni_reference_task_type": "edit", "reference_videos": [VIDEO], "duration": 5},
        "duration",
    ),
    (
        "extend to 16:9",
        {"model": V25, "omni_reference_task_type": "extend", "reference_videos": [VIDEO], "ratio": "16:9"},
        "ratio",
    ),
    ("flex draft", {"model": V15, "draft": True, "service_tier": "flex"}, "service_tier"),
    ("last frame of a draft", {"model": V15, "draft": True, "return_last_frame": True}, "return_last_frame"),
    ("flex with priority", {"model": PRO, "service_tier": "flex", "priority": 1}, "priority"),
    ("draft of 2.5 at 1080p", {"model": V25, "draft": True, "resolution": "1080p"}, "resolution"),
]


@pytest.mark.parametrize(("fields", "field"), [pytest.param(f, field, id=name) for name, f, field in REFUSED])
def test_combination_is_refused(fields: dict[str, Any], field: str) -> None:
    """Two fields that each pass alone are refused where the documents exclude them together."""
    with pytest.raises(InvalidRequest) as caught:
        VideoRequest(prompt="a cat", **fields)
    assert caught.value.field == field


PASSED: list[tuple[str, dict[str, Any]]] = [
    ("adaptive 1.0 image", {"model": PRO, "image": IMAGE, "ratio": "adaptive"}),
    (
        "adaptive lite references, unconfirmed",
        {"model": I2V, "reference_images": [IMAGE], "ratio": "adaptive"},
    ),
    ("720p lite references", {"model": I2V, "reference_images": [IMAGE], "resolution": "720p"}),
    ("adaptive 2.5 first frame", {"model": V25, "image": IMAGE, "ratio": "adaptive"}),
    ("fixed ratio of 2.5 text", {"model": V25, "ratio": "16:9"}),
    (
        "edit",
        {
            "model": V25,
            "omni_reference_task_type": "edit",
            "reference_videos": [VIDEO],
            "duration": -1,
            "ratio": "adaptive",
        },
    ),
    ("auto on an old model", {"model": V15, "omni_reference_task_type": "auto"}),
    ("silent 1.0", {"model": PRO, "generate_audio": False}),
    ("no draft on 2.0", {"model": V20, "draft": False, "camera_fixed": False, "priority": 0}),
    ("default tier on 2.0", {"model": V20, "service_tier": "default"}),
    ("frames beat duration", {"model": PRO, "frames": 121, "duration": 5}),
    ("priority 0 in flex", {"model": PRO, "service_tier": "flex", "priority": 0}),
    ("2.5 draft may return its frame", {"model": V25, "draft": True, "return_last_frame": True}),
    ("a draft without a resolution", {"model": V15, "draft": True}),
    ("unseen words", {"model": V20, "service_tier": "turbo", "extra_body": {"ratio": "5:4"}}),
    ("text commands", {"model": PRO, "prompt": "a cat --rs 720p --dur 5"}),
    ("all kinds at once", {"model": V20, "reference_images": [IMAGE] * 9, "reference_videos": [VIDEO] * 3}),
]


@pytest.mark.parametrize("fields", [pytest.param(fields, id=name) for name, fields in PASSED])
def test_unconfirmed_passes(fields: dict[str, Any]) -> None:
    """What may be right, is unconfirmed, or asks for nothing goes to the server."""
    given: dict[str, Any] = {"prompt": "a cat", **fields}
    request = VideoRequest(**given)
    body = request.to_body()
    for name in fields.keys() & body.keys():
        assert body[name] == fields[name]


@pytest.mark.parametrize("ratio", ["16x9", "16:10", "16/9", "5:4"])
@pytest.mark.parametrize("model", EVERY)
def test_a_ratio_that_no_model_takes_is_refused(model: str, ratio: str) -> None:
    """A slip in the ratio of a known model ends here, with what is allowed, not at the server."""
    with pytest.raises(
        InvalidRequest, match=re.escape(f"{ratio!r} is not valid: must be 16:9, 4:3")
    ) as caught:
        asked(model, {"ratio": ratio})
    assert caught.value.field == "ratio"


@pytest.mark.parametrize("resolution", ["720", "8k", "hd", "1080i"])
@pytest.mark.parametrize("model", EVERY)
def test_a_resolution_that_no_model_takes_is_refused(model: str, resolution: str) -> None:
    """A slip in the resolution of a known model ends here, with what is allowed and where newer words go."""
    with pytest.raises(InvalidRequest, match=f"'{resolution}'.* must be 480p or 720p.*extra_body") as caught:
        asked(model, {"resolution": resolution})
    assert caught.value.field == "resolution"


def test_an_unknown_model_takes_anything_of_the_right_type() -> None:
    """An endpoint id says nothing about its model, so ranges and counts are the server's business."""
    request = VideoRequest(
        prompt="a cat",
        model="ep-20260101-abcde",
        duration=600,
        seed=-7,
        priority=50,
        resolution="16k",
        ratio="16x9",
        reference_images=[IMAGE] * 60,
        reference_videos=["data:video/mp4;base64,AAAA"],
        service_tier="flex",
        camera_fixed=True,
    )
    assert request.to_body()["duration"] == 600


DRAFT = "cgt-20260809211822-9lklw"


@pytest.mark.parametrize("field", ["duration", "ratio", "seed", "generate_audio", "omni_reference_task_type"])
def test_finishing_a_newer_draft_takes_nothing_again(field: str) -> None:
    """What shaped a 2.5 draft cannot be given again when it is finished."""
    values: dict[str, Any] = {"duration": 5, "ratio": "adaptive", "seed": 1, "generate_audio": True}
    given: dict[str, Any] = {field: values.get(field, "auto")}
    with pytest.raises(InvalidRequest) as caught:
        VideoRequest(model=V25, draft_task=DRAFT, **given)
    assert caught.value.field == field


def test_finishing_a_draft() -> None:
    """A draft is finished by its id alone; 2.5 does it at 1080p, 1.5 may choose, other models cannot."""
    assert VideoRequest(model=V25, draft_task=DRAFT, resolution="1080p", watermark=True).to_body()[
        "content"
    ] == [{"type": "draft_task", "draft_task": {"id": DRAFT}}]
    assert VideoRequest(model=V15, draft_task=DRAFT, resolution="720p", seed=3).seed == 3
    refused: list[dict[str, Any]] = [
        {"model": V25, "resolution": "720p"},
        {"model": V20},
        {"model": V15, "prompt": "a cat"},
        {"model": V15, "image": IMAGE},
        {"model": V15, "draft": True},
    ]
    for fields in refused:
        with pytest.raises(InvalidRequest):
            VideoRequest(draft_task=DRAFT, **fields)
