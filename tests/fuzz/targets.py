"""All that reads what others wrote, as functions of bytes: each may only say no in the project's own way.

A target returns when the input was read or refused by a `SeedanceError`, and raises whatever else comes out,
or an AssertionError where an answer is read as what it does not say.
"""

from __future__ import annotations

import io
import json
import tempfile
import tomllib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from seedance_async._wire.exchange import WireResponse
from seedance_async._wire.folding import to_task
from seedance_async._wire.protocol import read_created, read_deleted, read_page, read_record
from seedance_async._wire.refusals import date_of, retry_after_of
from seedance_async.asked import as_request
from seedance_async.batch import read_jobs
from seedance_async.batch.tables import read_csv
from seedance_async.callbacks import _task_id as id_of_callback  # pyright: ignore[reportPrivateUsage]
from seedance_async.canonical import digest_of
from seedance_async.errors import SeedanceError
from seedance_async.ledger.claims.claim import read_claim, read_note, read_request, write_claim
from seedance_async.ledger.lock import _read_owner as owner_of_lock  # pyright: ignore[reportPrivateUsage]
from seedance_async.media.gallery.cards import card
from seedance_async.media.gallery.folder import read_video
from seedance_async.media.gallery.pricing import Pricer
from seedance_async.media.mp4 import StreamedBoxes
from seedance_async.media.names import MAX_BYTES, file_name
from seedance_async.media.part import _saved as saved_of_part  # pyright: ignore[reportPrivateUsage]
from seedance_async.media.sidecar import told_by
from seedance_async.media.sniff import audio_format, image_format, image_size
from seedance_async.simulator.data import BadSetting, scenario_from

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

STATUSES = (200, 200, 200, 200, 201, 400, 401, 403, 404, 409, 429, 500, 502, 503, 302, 100)
"""What the first byte of an answer stands for; half of them let the body be read as success."""


def answer(data: bytes) -> WireResponse:
    """Make an answer: a byte for the status, the rest is the body."""
    status = STATUSES[data[0] % len(STATUSES)] if data else 200
    return WireResponse(status=status, headers={"content-type": "application/json"}, body=data[1:])


def created(data: bytes) -> None:
    """An answer to a paid create: a task is read only from a 2xx answer that carries its id."""
    response = answer(data)
    with suppress(SeedanceError):
        task = read_created(response)
        assert 200 <= response.status < 300
        assert task.id
        assert json.dumps(task.id)[1:-1].encode() in response.body or task.id.encode() in response.body


def record(data: bytes) -> None:
    """An answer to a look at one task."""
    with suppress(SeedanceError):
        to_task(read_record(answer(data)))


def page(data: bytes) -> None:
    """A page of a list."""
    with suppress(SeedanceError):
        for one in read_page(answer(data))[0]:
            to_task(one)


def deleted(data: bytes) -> None:
    """An answer to a cancel or delete."""
    with suppress(SeedanceError):
        read_deleted(answer(data))


def headers(data: bytes) -> None:
    """The dates and waiting times of headers: a number is finite, and no wait is negative."""
    text = data.decode("latin-1")
    date_of(text)
    wait = retry_after_of(text, 1_700_000_000.0)
    assert wait is None or 0 <= wait < float("inf")


def film(data: bytes) -> None:
    """The boxes of an MP4: the verdict does not depend on how the network cuts the stream."""
    assert _verdict(data, len(data) or 1) == _verdict(data, 7)


def _verdict(data: bytes, size: int) -> bool:
    """Tell whether a stream in pieces of some size is a whole film."""
    boxes = StreamedBoxes()
    try:
        for start in range(0, len(data), size):
            boxes.feed(data[start : start + size])
        boxes.conclude()
    except SeedanceError:
        return False
    return True


def media(data: bytes) -> None:
    """Pictures and sounds that a caller hands in: no side of a picture is below nothing."""
    audio_format(data)
    kind = image_format(data)
    with suppress(ValueError):  # documented: the header is cut off or makes no sense
        size = image_size(data, kind) if kind else None
        assert size is None or (size[0] >= 0 and size[1] >= 0)


def callback(data: bytes) -> None:
    """What anybody may post to a callback address."""
    found = id_of_callback(data)
    assert found is None or isinstance(found, str)


def table(data: bytes) -> None:
    """A CSV of jobs."""
    with suppress(SeedanceError):
        for number, fields, problem in read_csv(io.BytesIO(data), name="jobs.csv", delimiter=","):
            assert number >= 1
            assert fields is not None or problem


def lines(data: bytes) -> None:
    """A file of JSON Lines; it is read by its name, so it lies on disk."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file, suppress(SeedanceError):
        file.write(data)
        file.flush()
        assert all(one.job is not None or one.problem for one in read_jobs(file.name))


def request(data: bytes) -> None:
    """A request of a caller's JSON: what is accepted can be sent, and is told apart from any other."""
    try:
        fields: Any = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(fields, dict):
        return
    with suppress(SeedanceError):
        asked = as_request(cast("dict[str, Any]", fields))
        body = asked.to_body()
        assert json.loads(json.dumps(body)) == body
        assert digest_of(body) == digest_of(json.loads(json.dumps(body)))


def name(data: bytes) -> None:
    """A file's name: no folders, no odd characters, never too long."""
    text = data.decode("utf-8", "replace")
    with suppress(SeedanceError):
        made = file_name("{task_id}-{key}", task_id=text[:20], key=text[20:], index=1, suffix=".mp4")
        assert not set(made) & set('/\\:*?"<>|\0')
        assert len(made.encode()) <= MAX_BYTES
        assert made.strip(". ") not in {"", ".."}


def template(data: bytes) -> None:
    """A template of names, which comes from a user."""
    text = data.decode("utf-8", "replace")
    with suppress(SeedanceError):
        made = file_name(text, task_id="cgt-1", key="cat", index=7, suffix=".mp4")
        assert "/" not in made
        assert len(made.encode()) <= MAX_BYTES


def scenario(data: bytes) -> None:
    """A scenario of the simulator, in TOML."""
    try:
        told = tomllib.loads(data.decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    with suppress(BadSetting):
        scenario_from(told)


def claim(data: bytes) -> None:
    """A claim of a shared store: one that is read can be reckoned with, and its next version written."""
    with suppress(SeedanceError):
        read = read_claim(data)
        assert float("-inf") < 1_700_000_000.0 - (read.row.sent_at or 0.0) + read.owner.lease < float("inf")
        following = read.following(read.row, owner=read.owner)
        assert read_claim(write_claim(following)) == following


def note(data: bytes) -> None:
    """The note of a shared store that says whose task it is: of this task, or refused."""
    with suppress(SeedanceError):
        key, attempt = read_note(data, "cgt-1")
        assert isinstance(key, str)
        assert attempt + 1 > attempt


def order(data: bytes) -> None:
    """The request of a job in a shared store."""
    with suppress(SeedanceError):
        assert isinstance(read_request(data, "a"), dict)


@contextmanager
def _written(data: bytes, name: str = "cat.mp4.json") -> Generator[Path]:
    """Put an input into a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        yield path


def part(data: bytes) -> None:
    """A checkpoint beside an unfinished file: what is believed of it can be sent to the host."""
    with _written(data) as path:
        saved = saved_of_part(path, "cgt-1")
    assert saved is None or (saved.offset > 0 and saved.mark.validator.encode("ascii"))


def landed(data: bytes) -> None:
    """A sidecar, as a rescue and a landing ask it for its task."""
    found = told_by(data)
    assert found is None or all(isinstance(fact, str) for fact in (found.task_id, found.sha256))


def sidecar(data: bytes) -> None:
    """A sidecar, as the gallery shows it: the video is there whatever the sidecar says."""
    with _written(data) as path:
        video = path.with_suffix("")
        video.touch()
        assert card(read_video(video, video.parent, Pricer()), 0).count("<video ") == 1


def holder(data: bytes) -> None:
    """What a lock says of who holds it."""
    with _written(data) as path, path.open("rb") as file:
        assert isinstance(owner_of_lock(file.fileno()), str)


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one
    for one in (
        created, record, page, deleted, headers, film, media, callback, table, lines, request, name, template,
        scenario, claim, note, order, part, landed, sidecar, holder,
    )
}  # fmt: skip
WORDS = (
    '"id"', '"status"', '"items"', '"error"', '"code"', '"message"', '"content"', '"video_url"', '"usage"',
    '"data"', '"prompt"', '"duration"', '"seed"', "null", "true", "-1", "1e999", "NaN", "{}", "[]", '""',
    '"\\ud800"', "9" * 40, "cgt-20261122-abcde", "succeeded", "Retry-After", "moov", "ftyp", "mdat",
    '"size"', '"offset"', '"row"', '"owner"', '"version"', "[" * 1200, '{"a":' * 700,
)  # fmt: skip
"""Pieces that the formats are made of, for mutations that get past the first check."""
