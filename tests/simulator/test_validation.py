"""Create bodies: what the server takes, what it refuses, and in which words (api docs 1520757)."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from random import Random
from typing import Any

import pytest

from seedance_async.simulator import Behaviour, Moderation
from seedance_async.simulator.refusals import Refusal
from seedance_async.simulator.validation import Examiner
from tests.simulator.helpers import LITE_I2V, LITE_T2V, PRO_10, PRO_15, V20, V25, medium, order, text

FAST = "doubao-seedance-2-0-fast-260128"
MINI = "dreamina-seedance-2-0-mini-260615"
PRO_FAST = "seedance-1-0-pro-fast-251015"


def read(body: object, prefix: str = "/api/v3", **behaviour: Any) -> Any:
    """The order of a body."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    examiner = Examiner(
        behaviour=Behaviour(**behaviour),
        moderation=Moderation(),
        random=Random(1),
        find_draft=lambda _: None,
    )
    return examiner.read(raw, prefix)


def png(width: int, height: int) -> str:
    """A data URI whose header says so many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + head
        + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    )
    return "data:image/png;base64," + base64.b64encode(data).decode()


def jpeg(width: int, height: int) -> str:
    """A JPEG header with a comment segment before the frame."""
    data = b"\xff\xd8\xff\xfe\x00\x05abc\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03"
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


GIF = "data:image/gif;base64," + base64.b64encode(b"GIF89a" + struct.pack("<HH", 600, 800)).decode()
FIRST = medium("image", "first_frame")
LAST = medium("image", "last_frame")
REF = medium("image", "reference_image")
VIDEO = medium("video", "reference_video", "https://example.com/a.mp4")
AUDIO = medium("audio", "reference_audio", "https://example.com/a.mp3")


TAKEN: list[tuple[str, dict[str, object], dict[str, object]]] = [
    ("page example", order(text(), medium("image"), ratio="adaptive", duration=4), {"seconds": 4}),
    ("nulls are absent", order(seed=None, draft=None, frames=None, tools=None), {"draft": False}),
    ("unknown names are ignored", order(framespersecond=999, nonsense={"a": 1}), {"seconds": 5}),
    ("defaults of 1.5", order(), {"resolution": "720p", "ratio": "16:9", "seconds": 5, "sound": True}),
    ("defaults of 1.0", order(model=PRO_10), {"resolution": "1080p", "ratio": "16:9", "sound": False}),
    ("first and last", order(FIRST, LAST), {"mode": "flf2v"}),
    ("frame without text", order(FIRST), {"mode": "i2v", "prompt": ""}),
    ("references of 2.0", order(text(), REF, VIDEO, AUDIO, model=V20), {"mode": "r2v", "seconds_in": 5}),
    ("audio alone on 2.5", order(text(), AUDIO, model=V25), {"mode": "r2v"}),
    ("many items", order(text(), *[REF] * 7, model=V20), {"mode": "r2v"}),
    ("inline audio", order(text(), medium("audio", "reference_audio", "data:audio/mp3;base64,AA"), model=V25),
     {"mode": "r2v"}),
    ("adaptive follows a GIF", order(medium("image", url=GIF)), {"ratio": "3:4"}),
    ("unread format", order(medium("image", url="data:image/webp;base64,AAAA")), {"ratio": "16:9"}),
    ("JPEG, no frame", order(medium("image", url="data:image/jpeg;base64,/9j/2Q==")), {"ratio": "16:9"}),
    ("2.5 frame", order(FIRST, model=V25, ratio="adaptive"), {"doom": None}),
    ("edit", order(text("replace the hat"), VIDEO, model=V25, omni_reference_task_type="edit"),
     {"doom": None}),
    ("extension", order(text("extend it"), VIDEO, model=V25, omni_reference_task_type="extend", duration=9),
     {"doom": None, "seconds": 9}),
    ("lite reference images", order(text(), *[REF] * 4, model=LITE_I2V), {"mode": "r2v"}),
    ("resolution in capitals", order(resolution="480P"), {"resolution": "480p"}),
    ("4k on 2.0", order(model=V20, resolution="4k"), {"resolution": "4k"}),
    ("frames beat duration", order(model=PRO_10, frames=29, duration=5), {"frames": 29, "seconds": 1}),
    ("seed 0", order(seed=0), {"seed": 0}),
    ("seed of 32 bits", order(seed=4_294_967_295), {"seed": 4_294_967_295}),
    ("short expiry on 2.0", order(model=V20, execution_expires_after=60), {"expires_after": 60}),
    ("priority has no effect on 1.0", order(model=PRO_10, priority=9), {"priority": 9}),
    ("web search", order(model=V20, tools=[{"type": "web_search"}]), {"web_search": True}),
    ("mov on 2.5", order(model=V25, output_format="mov"), {"output_format": "mov"}),
    ("draft", order(draft=True), {"draft": True, "resolution": "480p"}),
    ("flex", order(service_tier="flex"), {"flex": True}),
    ("tier default on 2.0", order(model=V20, service_tier="default"), {"flex": False}),
    ("endpoint id", order(model="ep-2026-abc"), {"model_id": PRO_15}),
    ("BytePlus id", order(model=MINI), {"model_id": MINI}),
    ("adaptive follows a wide PNG", order(medium("image", url=png(2100, 900))), {"ratio": "21:9"}),
    ("adaptive follows a tall JPEG", order(medium("image", url=jpeg(900, 1600))), {"ratio": "9:16"}),
    ("adaptive on 1.0", order(medium("image", url=png(400, 400)), model=PRO_10), {"ratio": "1:1"}),
    ("text commands", order(text("a cat --rs 480p --dur 8 --seed 5 --wm true"), model=PRO_10),
     {"prompt": "a cat", "resolution": "480p", "seconds": 8, "seed": 5, "watermark": True}),
    ("unreadable commands fall back", order(text("a --dur long --fps 24")), {"prompt": "a", "seconds": 5}),
    ("text commands are plain text on 2.0", order(text("a --dur 99"), model=V20), {"prompt": "a --dur 99"}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "wanted"), [row[1:] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_taken(body: dict[str, object], wanted: dict[str, object]) -> None:
    """What the documents allow is accepted, with the documented defaults."""
    found = read(body)
    assert {name: getattr(found, name) for name in wanted} == wanted


BAD, BAD_URL = "InvalidParameter", "InvalidImageURL.InvalidFormat"
REFUSED: list[tuple[str, object, str, str]] = [
    ("no JSON", b"{", BAD, "not a valid JSON object"),
    ("a list", [], BAD, "not a valid JSON object"),
    ("deep nesting", b'{"a":' + b"[" * 100_000, BAD, "not a valid JSON object"),
    ("no model", {"content": [text()]}, "MissingParameter", "`model`"),
    ("null model", {"model": None, "content": [text()]}, "MissingParameter", "`model`"),
    ("number as model", order(model=15), BAD, "`model`"),  # type: ignore[arg-type]
    ("unknown model", order(model="gpt-9"), "InvalidEndpointOrModel.NotFound", "gpt-9"),
    ("undated model", order(model="doubao-seedance-2.0"), "InvalidEndpointOrModel.NotFound", "not exist"),
    ("no content", {"model": PRO_15}, "MissingParameter", "`content`"),
    ("empty content", {"model": PRO_15, "content": []}, "MissingParameter", "`content`"),
    ("string as item", {"model": PRO_15, "content": ["hi"]}, BAD, "content[0]"),
    ("unknown item", order({"type": "file"}), BAD, "supported values are text, image_url"),
    ("blank text", order(text("  ")), BAD, "text content must contain a prompt description"),
    ("number as text", order({"type": "text", "text": 5}), "MissingParameter", "content[0].text"),
    ("bare image string", order({"type": "image_url", "image_url": "https://a/b"}), BAD, "image_url"),
    ("empty image URL", order(medium("image", url="")), "InvalidImageURL.EmptyURL", "empty"),
    ("file URL", order(medium("image", url="file:///etc/passwd")), BAD_URL, "URL"),
    ("upper-case format", order(medium("image", url="data:image/PNG;base64,AAAA")), BAD_URL, ""),
    ("not base64", order(medium("image", url="data:image/png;base64,**")), BAD_URL, ""),
    ("tiny image", order(medium("image", url=png(200, 400))), BAD, "300 and 6000"),
    ("strip of an image", order(medium("image", url=png(3000, 400))), BAD, "aspect ratio"),
    ("text as audio", order(text(), medium("audio", "reference_audio", "data:text/plain,a"), model=V25),
     BAD, "data:audio"),
    ("unknown code", order(text("[refuse:Weird.Thing]")), "Weird.Thing", "The request failed: Weird.Thing."),
    ("inline video", order(text(), medium("video", "reference_video", "data:video/mp4;base64,A"), model=V20),
     BAD, "base64 is not supported"),
    ("video without role", order(text(), medium("video"), model=V20), BAD, "reference_video"),
    ("wrong image role", order(medium("image", "middle_frame")), BAD, "invalid role specified"),
    ("two images without roles", order(medium("image"), medium("image")), BAD,
     "role must be specified for image contents"),
    ("two first frames", order(FIRST, FIRST), BAD,
     "expected at most one first frame image content but got 2 instead"),
    ("last frame alone", order(LAST), BAD, "requires a first frame"),
    ("mixture", order(FIRST, REF, model=V20), BAD,
     "first/last frame content cannot be mixed with reference media content"),
    ("frame and video", order(FIRST, VIDEO, model=V20), BAD, "cannot be mixed"),
    ("references on 1.5", order(text(), REF), BAD, "task_type r2v does not support model"),
    ("last frame on pro fast", order(FIRST, LAST, model=PRO_FAST), BAD, "task_type flf2v"),
    ("frame on lite t2v", order(FIRST, model=LITE_T2V), BAD, "task_type i2v"),
    ("text on lite i2v", order(text(), model=LITE_I2V), BAD, "task_type t2v"),
    ("ten references on 2.0", order(text(), *[REF] * 10, model=V20), BAD, "at most 9 reference_image"),
    ("five references on lite", order(text(), *[REF] * 5, model=LITE_I2V), BAD, "at most 4"),
    ("four videos on 2.0", order(text(), *[VIDEO] * 4, model=V20), BAD, "at most 3 reference_video"),
    ("audio alone on 2.0", order(text(), AUDIO, model=V20), BAD,
     "reference_audio cannot be the only reference input"),
    ("sound on 1.0", order(model=PRO_10, generate_audio=True), BAD,
     "the specified parameter `generate_audio` is not supported for model doubao-seedance-1-0-pro in t2v"),
    ("explicit false", order(model=V20, camera_fixed=False), BAD, "`camera_fixed` is not supported"),
    ("camera_fixed with references", order(text(), REF, model=LITE_I2V, camera_fixed=True), BAD,
     "must be empty"),
    ("frames on 1.5", order(frames=29), BAD, "`frames` is not supported"),
    ("draft on 2.0", order(model=V20, draft=True), BAD, "`draft` is not supported"),
    ("priority on 1.5", order(priority=1), BAD, "`priority` is not supported"),
    ("tools on 1.5", order(tools=[]), BAD, "`tools` is not supported"),
    ("output_format on 2.0", order(model=V20, output_format="mp4"), BAD, "`output_format`"),
    ("omni on 2.0", order(model=V20, omni_reference_task_type="auto"), BAD, "`omni_reference_task"),
    ("flex on 2.0", order(model=V20, service_tier="flex"), BAD, "must be empty"),
    ("unknown tier", order(service_tier="gold"), BAD, "expected default or flex"),
    ("flex with priority", order(model=PRO_10, service_tier="flex", priority=3), BAD, "priority"),
    ("priority 10", order(model=V20, priority=10), BAD, "within 0 and 9"),
    ("1080p on fast", order(model=FAST, resolution="1080p"), BAD,
     "`resolution` specified in the request is not valid for model doubao-seedance-2-0-fast in t2v"),
    ("4k on 2.5", order(model=V25, resolution="4k"), BAD, "`resolution`"),
    ("1080p references on lite", order(text(), REF, model=LITE_I2V, resolution="1080p"), BAD, "r2v"),
    ("unknown ratio", order(ratio="5:4"), BAD, "`ratio`"),
    ("adaptive on 1.0 text", order(model=PRO_10, ratio="adaptive"), BAD, "`ratio`"),
    ("duration 3 on 1.5", order(duration=3), BAD, "`duration`"),
    ("duration 16 on 2.0", order(model=V20, duration=16), BAD, "`duration`"),
    ("duration 31 on 2.5", order(model=V25, duration=31), BAD, "`duration`"),
    ("duration -1 on 1.0", order(model=PRO_10, duration=-1), BAD, "`duration`"),
    ("duration as text", order(duration="5"), BAD, "expected an integer"),
    ("true as duration", order(duration=True), BAD, "expected an integer"),
    ("frames between steps", order(model=PRO_10, frames=30), BAD, "`frames`"),
    ("frames below", order(model=PRO_10, frames=25), BAD, "`frames`"),
    ("seed -2", order(seed=-2), BAD, "within -1 and 4294967295"),
    ("text as watermark", order(watermark="no"), BAD, "expected a boolean"),
    ("number as sound", order(generate_audio=1), BAD, "expected a boolean"),
    ("short expiry on 1.5", order(execution_expires_after=3599), BAD, "within 3600 and 259200"),
    ("long expiry", order(model=V20, execution_expires_after=259_201), BAD, "259200"),
    ("draft in 720p", order(draft=True, resolution="720p"), BAD, "`resolution`"),
    ("draft with last frame", order(draft=True, return_last_frame=True), BAD, "return_last_frame"),
    ("draft on flex", order(draft=True, service_tier="flex"), BAD, "flex"),
    ("long identifier", order(safety_identifier="x" * 65), BAD, "at most 64"),
    ("unknown format", order(model=V25, output_format="avi"), BAD, "mp4 or mov"),
    ("unknown omni type", order(model=V25, omni_reference_task_type="x"), BAD, "auto, reference"),
    ("unknown tool", order(model=V20, tools=[{"type": "code"}]), BAD, "web_search"),
    ("callback to nowhere", order(callback_url="ftp://a"), BAD, "callback_url"),
    ("callback to no host", order(callback_url="http://["), BAD, "callback_url"),
    ("draft among others", order(text(), {"type": "draft_task", "draft_task": {"id": "x"}}), BAD,
     "draft_task must be the only content"),
    ("draft without id", order({"type": "draft_task", "draft_task": {}}), "MissingParameter", "draft_task"),
    ("unknown draft", order({"type": "draft_task", "draft_task": {"id": "x"}}), BAD, "not found"),
    ("2.5 frame with ratio", order(FIRST, model=V25, ratio="16:9"), "InvalidParameter.TaskTypeConstraint",
     "the output ratio follows the first-frame image"),
    ("explicit edit with duration",
     order(text("edit the hat"), VIDEO, model=V25, omni_reference_task_type="edit", ratio="1:1", duration=5),
     "InvalidParameter.TaskTypeConstraint",
     "Issues: ratio must be adaptive; duration must be -1."),
    ("explicit edit without a video", order(text("edit"), model=V25, omni_reference_task_type="edit"),
     "InvalidParameter.TaskTypeMismatch", "reference video"),
    ("explicit extend of nothing", order(text("a cat"), VIDEO, model=V25, omni_reference_task_type="extend"),
     "InvalidParameter.TaskTypeMismatch", "extend"),
    ("refused words", order(text("a [refuse:InputTextSensitiveContentDetected]")),
     "InputTextSensitiveContentDetected", "the input text may contain sensitive information"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused(body: object, code: str, words: str) -> None:
    """What the documents forbid is refused with the code and words of the server."""
    with pytest.raises(Refusal) as caught:
        read(body)
    assert caught.value.code == code
    assert words in caught.value.message
    assert caught.value.status in (400, 404)


def test_images_over_30_mb_are_refused() -> None:
    """An inline image of 31 MB is refused by its size."""
    uri = "data:image/png;base64," + "A" * (42 * 1024 * 1024)
    with pytest.raises(Refusal, match="over 30 MB") as refused:
        read(order(medium("image", url=uri)))
    assert refused.value.code == "InvalidParameter.OversizeImage"


def test_switches_change_what_is_refused() -> None:
    """Points that no document settles are switches: explicit false, expiry, assets, open models, commands."""
    assert read(order(model=V20, camera_fixed=False), refuses_explicit_false=False).camera_fixed is False
    assert read(order(text("a --dur 8"), duration=5), text_commands_win=False).seconds == 5
    assert read(order(text("a --dur 8"), duration=5)).seconds == 8
    asset = order(medium("image", url="asset://a1"))
    assert read(asset).mode == "i2v"
    assert read(asset, assets=frozenset({"a1"})).mode == "i2v"
    with pytest.raises(Refusal, match="asset a1 is not found"):
        read(asset, assets=frozenset())
    with pytest.raises(Refusal) as refused:
        read(order(execution_expires_after=172_801), refuses_expires_after=True)
    assert refused.value.param == "execution_expires_after"
    with pytest.raises(Refusal) as closed:
        read(order(), models_not_open=frozenset({PRO_15}))
    assert (closed.value.status, closed.value.code) == (404, "ModelNotOpen")


def test_late_classification_dooms_the_task() -> None:
    """Where the server has to guess the task type, a wrong one is accepted and fails with the same words."""
    found = read(order(text("edit the hat"), VIDEO, model=V25, ratio="1:1"))
    assert found.doom[0] == "InvalidParameter.TaskTypeConstraint"
    assert read(order(text("a hat"), VIDEO, model=V25, ratio="1:1")).doom is None
    frame = read(order(FIRST, model=V25, ratio="16:9"), ratio_rule="task")
    assert frame.doom[0] == "InvalidParameter.TaskTypeConstraint"


def test_plan_prefix_takes_undated_names_only() -> None:
    """Under /api/plan/v3 the undated ids are known and the dated ones are UnsupportedModel."""
    assert (
        read(order(model="doubao-seedance-2.0-fast"), "/api/plan/v3").model_id == "doubao-seedance-2.0-fast"
    )
    with pytest.raises(Refusal) as refused:
        read(order(model=V20), "/api/plan/v3")
    assert (refused.value.status, refused.value.code) == (404, "UnsupportedModel")


def test_model_picks_a_length_within_its_range() -> None:
    """A duration of -1 becomes a real length of the model's range; 2.5 picks by default."""
    for model, low, high in ((PRO_15, 4, 12), (V20, 4, 15), (V25, 4, 30)):
        assert low <= read(order(model=model, duration=-1)).seconds <= high
    assert read(order(model=V25)).seconds != -1
