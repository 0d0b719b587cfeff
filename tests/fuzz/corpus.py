"""Where fuzzing starts: the recorded samples, our own videos and pictures, and small files of each kind."""

from __future__ import annotations

import json
from pathlib import Path

from attrs import evolve

from seedance_async.ledger.claims.claim import Claim, Owner, write_claim
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.rows import JobState, JournalRow
from seedance_async.media.download import Landed
from seedance_async.media.sidecar import sidecar as write
from seedance_async.models import TaskStatus, VideoTask
from tests.checkout import PACKAGE, ROOT

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
_DEEP = b"[" * 1200
_TABLE = b'key,prompt,reference_images\ncat,a cat,"[""https://a.b/c.png""]"\ndog,a dog,' + _DEEP + b"\n"
_NOTE = b'["cgt-1", "cat", 2]'
_PART = (
    b'{"version": 1, "task_id": "cgt-1", "validator": "\\"e-1\\"", "size": 11, "offset": 7, "sha256": "ab"}'
)
_HOLDER = b'{"pid": 7, "host": "desk", "since": "2026-11-22T10:00:00+00:00"}'


def claims() -> list[bytes]:
    """Give claims as they are written: planned, open, accepted, and saved with a record."""
    owner = Owner(id="ab" * 12, host="desk", pid=7, lease=30.0)
    intent = Intent(key="cat", fingerprint=172_801, facts={"seed": 7}, sent_at=1000.5, until=1060.5)
    planned = JournalRow(position=0, key="cat", state=JobState.PLANNED, planned_at=1000.0)
    sending = evolve(planned, state=JobState.SENDING, attempts=1, fingerprint=172_801, sent_at=1000.5)
    saved = evolve(sending, state=JobState.SAVED, task_id="cgt-1", record={"id": "cgt-1"}, size=7)
    rows = [(planned, None), (sending, intent), (saved, intent)]
    made = [Claim(row=row, version=at, owner=owner, intent=sent) for at, (row, sent) in enumerate(rows, 1)]
    return [write_claim(claim).encode() for claim in made]


def sidecars() -> list[bytes]:
    """Give a sidecar as it is written, and one with numbers beyond all bounds."""
    done = VideoTask(id="cgt-1", status=TaskStatus.SUCCEEDED, created_at=1000, updated_at=1060, seed=7)
    body = {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": "a cat"}]}
    whole = Landed(path=Path("cat.mp4"), size=7, sha256="ab" * 32, resumed_from=0)
    written = write("cat.mp4", request=body, task=done, landed=whole)
    beyond = b'{"task": {"created_at": 0, "updated_at": ' + b"9" * 400 + b'}, "tokens": ' + b"9" * 4000 + b"}"
    return [written, beyond, _DEEP]


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
        "table": [_TABLE, _JOBS, _JOBS.decode().encode("utf-8-sig")],
        "lines": [_REQUEST + b'\n# a remark\n"a dog"\n', b"[" * 2000],
        "request": [_REQUEST],
        "name": [b"cgt-20261122-abcde" + b"key of a job", "猫".encode() * 30, b"../../etc", b"CON"],
        "template": [b"{index:05d}-{key}", b"{task_id}", b"a/{key}", b"{key!r:>9}"],
        "claim": [*claims(), _DEEP],
        "note": [_NOTE, _DEEP],
        "order": [_REQUEST, _DEEP],
        "part": [_PART, _PART.replace(b"11", b"11e9900"), _PART.replace(b"e-1", b"\\n"), _DEEP],
        "landed": sidecars(),
        "sidecar": sidecars(),
        "holder": [_HOLDER, _DEEP],
        "scenario": [path.read_bytes() for path in _scenarios()],
    }[target]


def _scenarios() -> list[Path]:
    """List the gallery's files."""
    return sorted((PACKAGE / "simulator" / "scenarios").glob("*.toml"))
