"""The key of a request: the same wherever and however the same thing is asked for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from seedance_async.errors import InvalidRequest
from seedance_async.request import VideoRequest

if TYPE_CHECKING:
    from pathlib import Path

V20 = "doubao-seedance-2-0-260128"


def test_digest_is_stable() -> None:
    """The digest is the SHA-256 of the sorted JSON body, the same in every process and version."""
    request = VideoRequest(prompt="猫", model=V20, seed=0)
    text = '{"content":[{"text":"\\u732b","type":"text"}],"model":"doubao-seedance-2-0-260128","seed":0}'
    assert request.digest() == hashlib.sha256(text.encode()).hexdigest()
    assert request.digest() == VideoRequest(seed=0, model=V20, prompt="猫").digest()
    assert request.digest() != request.evolve(seed=1).digest()


def test_digest_looks_at_the_content_of_media(tmp_path: Path) -> None:
    """The same picture gives the same key as path, bytes or data URI; another picture another one."""
    picture = tmp_path / "a.png"
    picture.write_bytes(b"ABC")
    same: list[str | Path | bytes] = [str(picture), picture, b"ABC", "data:image/png;base64,QUJD"]
    digests = {VideoRequest(prompt="a", image=image).digest() for image in same}
    assert len(digests) == 1
    assert VideoRequest(prompt="a", image=b"ABD").digest() not in digests
    assert VideoRequest(prompt="a", first_frame=b"ABC").digest() not in digests
    url = VideoRequest(prompt="a", image="https://example.com/a.png").digest()
    assert url not in digests | {VideoRequest(prompt="a", image="https://example.com/b.png").digest()}
    odd = VideoRequest(prompt="a", image="data:image/png;base64,*").digest()
    assert odd != VideoRequest(prompt="a", image="data:image/png;base64,**").digest()


def test_digest_of_a_missing_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that cannot be read has no key: the error names the field and the path."""
    monkeypatch.chdir(tmp_path)  # a long path would be cut in the message
    with pytest.raises(InvalidRequest, match=r"nothing\.png") as caught:
        VideoRequest(prompt="a", image="nothing.png").digest()
    assert caught.value.field == "image"
