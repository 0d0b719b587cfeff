"""Where fuzzing starts: the recorded samples, our own videos and pictures, and small files of each kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.checkout import PACKAGE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = ROOT / "tests" / "samples"
_JOBS = b'key,prompt,duration,ratio\ncat,a cat,5,16:9\ndog,"a, dog",4,9:16\n'
_CALLBACK = b'{"id": "cgt-20261122-abcde", "status": "running"}'
_REQUEST = b'{"prompt": "a cat", "duration": 5, "ratio": "16:9", "image": "https://a.b/c.png", "seed": 7}'
_DATES: tuple[bytes, ...] = (b"Sun, 22 Nov 2026 10:00:00 GMT", b"120", b"0.5", b"-1", b"nan", b"1e400")
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\2\0\0\0"
_JPEG = (
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x11\x08\0\x20\0\x20\3\1\x22\0\2\x11\1\3\x11\1"
)
_WEBP = b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\0\0\x3f\0\0"
_FILM = b"\0\0\0\x10ftypisom\0\0\2\0\0\0\0\x08free\0\0\0\x08mdat\0\0\0\x08moov"


def bodies() -> list[bytes]:
    """Give the recorded answers, as they are on the wire."""
    found = [json.loads(path.read_bytes()) for path in sorted(SAMPLES.glob("*.json"))]
    return [json.dumps(one.get("body", one)).encode() for one in found]


def seeds(target: str) -> list[bytes]:
    """Give what a target starts from."""
    if target in {"created", "record", "page", "deleted"}:
        return [b"\0" + body for body in bodies()] + [b"\x06" + body for body in bodies()]
    return {
        "headers": list(_DATES),
        "film": [_FILM],
        "media": [_PNG, _JPEG, _WEBP, b"GIF89a\1\0\1\0", b"BM" + bytes(30), b"ID3\4" + bytes(20)],
        "callback": [_CALLBACK, *bodies()],
        "table": [_JOBS, _JOBS.decode().encode("utf-8-sig")],
        "lines": [_REQUEST + b'\n# a remark\n"a dog"\n', b"[" * 2000],
        "request": [_REQUEST],
        "name": [b"cgt-20261122-abcde" + b"key of a job", "猫".encode() * 30, b"../../etc", b"CON"],
        "template": [b"{index:05d}-{key}", b"{task_id}", b"a/{key}", b"{key!r:>9}"],
        "scenario": [path.read_bytes() for path in _scenarios()],
    }[target]


def _scenarios() -> list[Path]:
    """List the gallery's files."""
    return sorted((PACKAGE / "simulator" / "scenarios").glob("*.toml"))
