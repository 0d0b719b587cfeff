"""What lies already where a video is to land: whose it is, and whether it may be believed."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

import pytest

from seedance_async.errors import Billed, DownloadFailed, RequestRefused
from seedance_async.media.download import Landed
from seedance_async.media.found import beside, found_in_store, found_on_disk, taking
from seedance_async.media.sidecar import sidecar, write_sidecar
from seedance_async.media.storage import Store
from seedance_async.models import VideoTask

if TYPE_CHECKING:
    from pathlib import Path

VIDEO = b"a video"
LANDED = Landed(path="cat.mp4", size=len(VIDEO), sha256=hashlib.sha256(VIDEO).hexdigest())
describe = partial(sidecar, "cat.mp4", request={}, task=VideoTask(id="cgt-1"))


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    """Put a video with its sidecar on disk."""
    path = tmp_path / "cat.mp4"
    path.write_bytes(VIDEO)
    write_sidecar(path, request={}, task=VideoTask(id="cgt-1"), landed=LANDED)
    return path


def test_what_is_there_whole_is_believed(cat: Path) -> None:
    """The sidecar names the task and the checksum holds: path, size and hash are those of the file."""
    found = found_on_disk(cat, "cgt-1")
    assert found == Landed(path=cat, size=len(VIDEO), sha256=LANDED.sha256)


def test_another_tasks_video_is_left_alone(cat: Path) -> None:
    """The error names the field, the place, both tasks and a way out, and says that money was spent."""
    both = "save_to leads to .*cat.mp4.* of task cgt-1.* task cgt-2"
    with pytest.raises(DownloadFailed, match=both) as caught:
        found_on_disk(cat, "cgt-2")
    assert caught.value.task_id == "cgt-2"
    assert "{key}" in caught.value.advice


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"7", b'{"task": 7}', b'{"task": {}}', b"\xff"])
def test_a_sidecar_that_says_nothing_vouches_for_nothing(cat: Path, text: bytes) -> None:
    """Whatever lies there under the name of a sidecar: the file may be anybody's, and is not written over."""
    cat.with_name("cat.mp4.json").write_bytes(text)
    with pytest.raises(DownloadFailed, match=r"cat.mp4.*no sidecar tells of.*task cgt-1 does not") as caught:
        found_on_disk(cat, "cgt-1")
    assert caught.value.billed is Billed.YES
    assert "Move it away" in caught.value.advice
    assert found_on_disk(cat, "cgt-1", sole=True) is None


def test_what_is_not_the_video_any_more_is_fetched(cat: Path) -> None:
    """A file that was changed, or taken away, is not believed; a sidecar alone keeps no place."""
    cat.write_bytes(b"a videO")
    assert found_on_disk(cat, "cgt-1") is None
    cat.unlink()
    assert found_on_disk(cat, "cgt-1") is None
    assert found_on_disk(cat, "cgt-2") is None


@pytest.mark.asyncio
async def test_an_object_is_believed_by_its_size() -> None:
    """It appears whole or not at all; without a sidecar, or with another size, it is fetched again."""
    pytest.importorskip("obstore")
    store = Store("memory://")
    assert await found_in_store(store, "cat.mp4", "cgt-1") is None
    await store.put("cat.mp4", VIDEO)
    assert await found_in_store(store, "cat.mp4", "cgt-1") is None
    await store.put("cat.mp4.json", describe(landed=LANDED))
    found = await found_in_store(store, "cat.mp4", "cgt-1")
    assert found == Landed(path="memory://cat.mp4", size=len(VIDEO), sha256=LANDED.sha256)
    with pytest.raises(DownloadFailed, match="task cgt-1"):
        await found_in_store(store, "cat.mp4", "cgt-2")
    await store.put("cat.mp4", VIDEO[:-1])
    assert await found_in_store(store, "cat.mp4", "cgt-1") is None


def test_a_place_is_kept_until_its_sidecar_is_there() -> None:
    """Two landings at once under one name: the second is refused, and later another one may come."""
    with taking("out/cat.mp4", "cgt-1"):
        with pytest.raises(DownloadFailed, match="of task cgt-1"), taking("out/cat.mp4", "cgt-2"):
            pass
        with taking("out/dog.mp4", "cgt-2"):
            pass
    with taking("out/cat.mp4", "cgt-2"):
        pass


def test_what_fails_beside_a_video_names_the_video() -> None:
    """Path, status and cause are kept: a full disk stays one, and a refusal keeps its number."""
    where = "The video is at cat.mp4, but its last frame did not land: .*no"
    frame = beside(LANDED, "its last frame did not land", "cgt-1")
    with pytest.raises(DownloadFailed, match=where) as caught, frame:
        raise RequestRefused("no", status=404)
    assert (caught.value.path, caught.value.status) == ("cat.mp4", 404)
    full = OSError(28, "No space left on device")
    with pytest.raises(DownloadFailed) as caught, beside(LANDED, "its sidecar was not written", "cgt-1"):
        raise DownloadFailed("full", advice="Make room.") from full
    assert caught.value.__cause__ is full
    assert caught.value.advice == "Make room."
