"""The sidecar: everything worth knowing, nothing worth stealing."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seedance_async.errors import DownloadFailed
from seedance_async.media.download import Landed
from seedance_async.media.part import Part
from seedance_async.media.sidecar import sidecar, sidecar_path, write_sidecar
from seedance_async.models import TaskStatus, Usage, VideoTask

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNED = "https://me:pw@tos.example/v/cgt-1.mp4?X-Tos-Signature=SECRET#SECRET"
PICTURE = b"\x89PNG" + bytes(50_000)
TASK = VideoTask(
    id="cgt-1",
    status=TaskStatus.SUCCEEDED,
    model="doubao-seedance-1-5-pro-251215",
    video_url=SIGNED,
    last_frame_url=SIGNED.replace("mp4", "png"),
    usage=Usage(completion_tokens=108900, total_tokens=108900),
    seed=0,
    raw={"id": "cgt-1", "content": {"video_url": SIGNED}, "novel": [1, {"url": SIGNED}]},
)
REQUEST: dict[str, Any] = {
    "model": "doubao-seedance-1-5-pro-251215",
    "content": [
        {"type": "text", "text": "猫在冲浪 see http://example.org/?a=b for style"},
        {"type": "image_url", "image_url": {"url": SIGNED}},
        {
            "type": "image_url",
            "image_url": {"url": "data:image/png;base64," + base64.b64encode(PICTURE).decode()},
        },
    ],
    "callback_url": "https://me.example:8443/callbacks/SECRET-path",
    "seed": 0,
    "watermark": False,
    "Authorization": "Bearer SECRET",
    "api_key": "SECRET",
}


def written(folder: Path, request: Mapping[str, Any] = REQUEST) -> dict[str, Any]:
    """Write a sidecar and read it again."""
    landed = Landed(path=folder / "cat.mp4", size=5, sha256="ab" * 32)
    path = write_sidecar(folder / "cat.mp4", request=request, task=TASK, landed=landed)
    assert path == sidecar_path(folder / "cat.mp4") == folder / "cat.mp4.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def test_whoever_may_read_the_video_may_read_its_sidecar(tmp_path: Path) -> None:
    """The sidecar gets the rights that any new file gets here, as the video does."""
    part = Part(tmp_path / "cat.mp4", task_id="cgt-1")
    part.open()
    part.write([b"movie"])
    part.land(overwrite=False)
    written(tmp_path)
    modes = {path.name: path.stat().st_mode for path in tmp_path.iterdir()}
    assert modes["cat.mp4.json"] == modes["cat.mp4"]


def test_it_tells_request_task_tokens_and_hash(tmp_path: Path) -> None:
    """The sidecar holds what was asked, what the server said, the tokens and the file's hash."""
    facts = written(tmp_path)
    assert (facts["file"], facts["size"], facts["sha256"], facts["tokens"]) == (
        "cat.mp4",
        5,
        "ab" * 32,
        108900,
    )
    assert facts["request"]["content"][0] == REQUEST["content"][0]
    assert (facts["request"]["seed"], facts["request"]["watermark"]) == (0, False)
    assert (facts["task"]["id"], facts["task"]["status"], facts["task"]["seed"]) == ("cgt-1", "succeeded", 0)
    assert facts["raw"]["novel"][0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["cat.mp4.json"]


def test_it_tells_no_secret(tmp_path: Path) -> None:
    """No signature, password, callback path or key is in it; the URLs stay recognisable."""
    facts = written(tmp_path)
    text = json.dumps(facts)
    assert "SECRET" not in text
    assert "me:pw" not in text
    assert facts["task"]["video_url"] == "https://tos.example/v/cgt-1.mp4"
    assert facts["request"]["callback_url"] == "https://me.example:8443"


def test_media_are_named_by_their_hash(tmp_path: Path) -> None:
    """A picture sent as base64 appears as size and hash of the picture, not as its bytes."""
    url = written(tmp_path)["request"]["content"][2]["image_url"]["url"]
    digest = hashlib.sha256(PICTURE).hexdigest()
    assert url == f"data:image/png;base64,({len(PICTURE)} bytes, sha256 {digest})"


def test_it_takes_values_that_are_no_json() -> None:
    """Bytes, paths, enums, tuples and odd text in a request do not keep the sidecar from being written."""
    odd = {
        "image": b"abc",
        "path": Path("cat.png"),
        "kind": TaskStatus.QUEUED,
        "many": (1, None),
        "text": "\udcff",
    }
    landed = Landed(path="memory:///cat.mp4", size=1, sha256="00")
    facts = json.loads(sidecar("cat.mp4", request=odd, task=TASK, landed=landed))
    assert facts["request"]["image"] == f"(3 bytes, sha256 {hashlib.sha256(b'abc').hexdigest()})"
    assert (facts["request"]["kind"], facts["request"]["many"]) == ("queued", [1, None])
    assert facts["request"]["path"] == "cat.png"


def test_a_missing_folder_is_our_error(tmp_path: Path) -> None:
    """Where the file system refuses, the error is DownloadFailed with the path."""
    landed = Landed(path=tmp_path, size=1, sha256="00")
    with pytest.raises(DownloadFailed, match="none"):
        write_sidecar(tmp_path / "none" / "cat.mp4", request={}, task=TASK, landed=landed)
