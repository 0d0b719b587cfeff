"""What a request sends, what it refuses whatever the model, and how it behaves as a value."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async.errors import InvalidRequest
from seedance_async.request import DEFAULT_MODEL, VideoRequest

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE = "https://example.com/a.png"
VIDEO = "https://example.com/a.mp4"
SOUND = "asset://asset-1"
V25 = "doubao-seedance-2-5-260628"
V20 = "doubao-seedance-2-0-260128"

PROMPT = (
    "The girl is holding a fox. She opens her eyes and looks at the camera; the fox leans on her arm.\n"
    "The camera draws back slowly while the wind moves her hair. 她微笑着，狐狸安静地看着镜头。"
)


def test_the_example_of_the_documents_comes_out_equal() -> None:
    """The published example of a first frame with four seconds is sent as exactly that JSON value."""
    request = VideoRequest(
        prompt=PROMPT,
        model="doubao-seedance-1-5-pro-251215",
        image="https://ark-project.tos-cn-beijing.volces.com/doc_image/i2v_foxrgirl.png",
        ratio="adaptive",
        duration=4,
        watermark=False,
    )
    published = {
        "model": "doubao-seedance-1-5-pro-251215",
        "content": [
            {"type": "text", "text": PROMPT},
            {
                "type": "image_url",
                "image_url": {
                    "url": "https://ark-project.tos-cn-beijing.volces.com/doc_image/i2v_foxrgirl.png"
                },
            },
        ],
        "ratio": "adaptive",
        "duration": 4,
        "watermark": False,
    }
    assert json.loads(json.dumps(request.to_body())) == published


def test_unset_is_not_sent_and_zero_is() -> None:
    """None leaves a field out, lists too; 0, False and -1 are values and are sent."""
    request = VideoRequest(
        prompt="a cat",
        model="seedance-1-5-pro",
        reference_images=None,
        ratio=None,
        tools=None,
        seed=0,
        watermark=False,
        duration=-1,
    )
    assert request.to_body() == {
        "model": "seedance-1-5-pro",
        "content": [{"type": "text", "text": "a cat"}],
        "watermark": False,
        "seed": 0,
        "duration": -1,
    }


def test_every_field_goes_by_its_wire_name() -> None:
    """Each body field of the create call reaches the body under its own name."""
    fields: dict[str, Any] = {
        "callback_url": "https://example.com/hook/abc",
        "return_last_frame": True,
        "service_tier": "default",
        "execution_expires_after": 172_900,
        "generate_audio": False,
        "draft": False,
        "camera_fixed": False,
        "watermark": True,
        "seed": 7,
        "resolution": "720p",
        "ratio": "16:9",
        "duration": 6,
        "frames": 121,
        "priority": 3,
        "safety_identifier": "user-1",
        "tools": [{"type": "web_search"}],
        "output_format": "mov",
        "omni_reference_task_type": "reference",
    }
    body = VideoRequest(prompt="a cat", model="ep-1", **fields).to_body()
    assert body == {"model": "ep-1", "content": [{"type": "text", "text": "a cat"}], **fields}


ROLES: list[tuple[dict[str, Any], list[str | None]]] = [
    ({"image": IMAGE}, [None]),
    ({"first_frame": IMAGE}, ["first_frame"]),
    ({"image": IMAGE, "last_frame": IMAGE}, ["first_frame", "last_frame"]),
    ({"first_frame": IMAGE, "last_frame": IMAGE}, ["first_frame", "last_frame"]),
    (
        {"reference_audios": [SOUND], "reference_images": [IMAGE, IMAGE], "reference_videos": [VIDEO]},
        ["reference_image", "reference_image", "reference_video", "reference_audio"],
    ),
]


@pytest.mark.parametrize(("fields", "roles"), ROLES)
def test_roles(fields: dict[str, Any], roles: list[str | None]) -> None:
    """One plain image goes without a role, every other input with the role that its field says."""
    content = VideoRequest(model=V20, **fields).to_body()["content"]
    assert [item.get("role") for item in content] == roles
    for item in content:
        assert set(item) - {"role"} == {"type", item["type"]}
        assert set(item[item["type"]]) == {"url"}


def test_extra_body_goes_last_and_drops_null() -> None:
    """Unknown fields are sent as they are; null, which the server reads as absent, is not."""
    request = VideoRequest(prompt="a", extra_body={"style": {"name": "noir", "level": None}, "other": None})
    assert request.to_body()["style"] == {"name": "noir"}
    assert "other" not in request.to_body()


def test_the_library_may_add_but_not_override() -> None:
    """An added field appears in the body; one that the caller set, by name or extra_body, is not replaced."""
    request = VideoRequest(prompt="a", extra_body={"execution_expires_after": 4000}, seed=3)
    assert request.to_body({"priority_hint": 1})["priority_hint"] == 1
    assert request.sets("execution_expires_after")
    assert request.sets("seed")
    assert request.sets("model")
    assert not request.sets("ratio")
    for name in ("execution_expires_after", "seed", "model"):
        with pytest.raises(InvalidRequest, match=name):
            request.to_body({name: 1})


@pytest.mark.parametrize("image", ["cat.png", Path("cat.png"), b"\x89PNG"])
def test_local_media_must_be_resolved_before_sending(image: str | bytes | Path) -> None:
    """A path or bytes never reach the wire: the error says which function turns them into a data URI."""
    request = VideoRequest(prompt="a", image=image)
    assert request.has_local_media
    with pytest.raises(InvalidRequest, match=r"seedance_async\.media\.inputs\.resolve"):
        request.to_body()


@pytest.mark.parametrize(
    ("image", "local"),
    [
        (IMAGE, False),
        ("asset://asset-1", False),
        ("http://127.0.0.1:80/a.png", False),
        ("data:image/png;base64,AAAA", True),
    ],
)
def test_what_a_server_understands_is_sent_as_it_is(image: str, local: bool) -> None:  # noqa: FBT001 - a column
    """URLs, asset ids and data URIs go out unchanged; only data URIs are looked at again, for their size."""
    request = VideoRequest(prompt="a", image=image)
    assert request.has_local_media is local
    assert request.to_body()["content"][1]["image_url"]["url"] == image
    assert VideoRequest(content=request.to_body()["content"]).has_local_media is local


def test_the_model_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """SEEDANCE_MODEL is the default model; empty or missing means 1.5 pro; an explicit model wins."""
    assert VideoRequest(prompt="a").model == DEFAULT_MODEL == "doubao-seedance-1-5-pro-251215"
    monkeypatch.setenv("SEEDANCE_MODEL", "")
    assert VideoRequest(prompt="a").model == DEFAULT_MODEL
    monkeypatch.setenv("SEEDANCE_MODEL", "ep-7")
    assert VideoRequest(prompt="a").model == "ep-7"
    assert VideoRequest(prompt="a", model=V20).model == V20


def test_what_the_caller_keeps_cannot_change_the_request() -> None:
    """Lists and dicts are copied on the way in and on the way out."""
    images = [IMAGE]
    tools: list[dict[str, Any]] = [{"type": "web_search"}]
    request = VideoRequest(prompt="a", model=V20, reference_images=images, tools=tools)
    before = request.to_body()
    images.append(IMAGE)
    tools[0]["type"] = "other"
    request.to_body()["tools"][0]["type"] = "other"
    request.to_body()["content"].clear()
    assert request.to_body() == before


def test_evolve_checks_anew() -> None:
    """A changed copy is checked like a new request and the first one stays as it was."""
    request = VideoRequest(prompt="a", model=V20, duration=15)
    assert request.evolve(duration=5).duration == 5
    assert request.duration == 15
    with pytest.raises(InvalidRequest):
        request.evolve(model=DEFAULT_MODEL)


def test_requests_are_values() -> None:
    """Equal requests are equal, hash alike also with raw dicts inside, and survive pickling."""
    make: list[Callable[[], VideoRequest]] = [
        lambda: VideoRequest(prompt="a", image=b"x" * 10, extra_body={"a": [1, {"b": 2}]}),
        lambda: VideoRequest(
            content=[{"type": "text", "text": "a"}], model=V20, tools=[{"type": "web_search"}]
        ),
    ]
    for one in make:
        assert one() == one()
        assert len({one(), one()}) == 1
        assert pickle.loads(pickle.dumps(one())) == one()  # noqa: S301 - our own bytes
    assert make[0]() != make[1]()


def test_repr_is_short_and_keeps_secrets() -> None:
    """A repr shows what is set, never megabytes of media, never the secret path of a callback URL."""
    data_uri = "data:image/png;base64," + "QUJD" * 100_000
    shown = repr(
        VideoRequest(
            prompt="a cat " * 1000,
            model=V20,
            reference_images=[data_uri, b"\x89PNG" * 100_000, f"{IMAGE}?X-Tos-Signature=SECRET"],
            callback_url="https://user:pw@example.com/hook/SECRET?token=SECRET",
            seed=0,
        )
    )
    assert len(shown) < 700
    assert "QUJD" not in shown
    assert "<400000 bytes>" in shown
    assert "data:image/png;base64" in shown
    assert IMAGE in shown
    assert "seed=0" in shown
    assert "duration" not in shown
    assert "https://example.com/..." in shown
    assert "SECRET" not in shown
    assert "pw" not in shown
    raw = repr(VideoRequest(content=[{"type": "image_url", "image_url": {"url": data_uri}}], model="ep-1"))
    assert len(raw) < 300


def test_errors_do_not_print_media() -> None:
    """The message of a refused data URI or of bytes stays short."""
    with pytest.raises(InvalidRequest) as caught:
        VideoRequest(prompt="a", image="data:audio/mp3;base64," + "QUJD" * 100_000)
    assert len(str(caught.value)) < 300


def nulls(value: object) -> bool:
    """Tell whether a JSON value holds a null anywhere."""
    if isinstance(value, dict):
        return any(nulls(item) for item in cast("dict[str, object]", value).values())
    if isinstance(value, list):
        return any(nulls(item) for item in cast("list[object]", value))
    return value is None


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip())
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
requests = st.fixed_dictionaries(
    {"prompt": words, "model": st.sampled_from(["ep-1", "gateway/model"])},
    optional={
        "image": st.sampled_from([IMAGE, "asset://a"]),
        "seed": st.integers(),
        "duration": st.integers(),
        "watermark": st.booleans(),
        "ratio": words,
        "resolution": words,
        "tools": st.lists(st.dictionaries(words, words, max_size=2), max_size=2),
        "extra_body": st.dictionaries(words.map(lambda word: f"x_{word}"), json_values, max_size=3),
    },
)


@given(requests)
def test_any_body_is_plain_json_without_null(fields: dict[str, Any]) -> None:
    """Whatever is set comes back from the JSON text unchanged, and null is nowhere in it."""
    request = VideoRequest(**fields)
    body = request.to_body()
    assert json.loads(json.dumps(body)) == body
    assert not nulls(body)
    for name in fields.keys() & {"seed", "duration", "watermark", "ratio", "resolution", "tools"}:
        assert body[name] == fields[name]
    assert set(body) == {"model", "content"} | (fields.keys() - {"prompt", "image", "extra_body"}) | {
        name for name, value in fields.get("extra_body", {}).items() if value is not None
    }
    assert VideoRequest(content=body["content"], model=body["model"]).to_body()["content"] == body["content"]
