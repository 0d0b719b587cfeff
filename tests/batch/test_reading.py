"""Reading the input: keys that stay the same, chunks that wait for nobody, rows that give back a request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async import InvalidRequest, Outcome, OutcomeKind, VideoRequest
from seedance_async.batch.keys import Keys
from seedance_async.batch.outbox import Outbox
from seedance_async.batch.recall import request_of
from seedance_async.batch.source import Source
from seedance_async.ledger.rows import JobState, JournalRow
from seedance_async.simulator import Simulator
from tests.batch.stand import client, kinds, run, run_for
from tests.values.pictures import png

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from seedance_async.batch import Job

DIGESTS = st.lists(st.sampled_from(["a" * 64, "b" * 64, "a" * 16 + "c" * 48, "d" * 64]), max_size=30)


@given(DIGESTS, st.integers(0, 5))
def test_derived_keys_are_unique_and_the_same_in_every_run(digests: list[str], few: int) -> None:
    """Twins are counted apart, in memory as beyond it; reading the same input again gives the same keys."""
    runs = [Keys(), Keys()]
    first = [runs[0].derive(digest) for digest in digests]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seedance_async.batch.keys._FEW", few)
        second = [runs[1].derive(digest) for digest in digests]
    for keys in runs:
        keys.close()
    assert first == second
    assert len(set(first)) == len(first)


def test_a_given_key_cannot_pass_for_a_derived_one() -> None:
    """Copying a derived key into the input by hand does not make two jobs of one key."""
    keys = Keys()
    derived = [keys.derive("a" * 64), keys.derive("a" * 64)]
    assert [keys.claim(key) for key in derived] == [False, False]
    assert keys.claim("mine")
    keys.close()


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_slow_input_is_not_waited_for_in_chunks() -> None:
    """Two jobs that are there are given at once, though a chunk could hold ten and the third comes late."""

    async def arriving() -> AsyncIterator[Job]:
        yield "one"
        yield "two"
        await asyncio.sleep(3600)
        yield "three"

    async with Source(arriving()) as source:
        async with asyncio.timeout(1):
            assert [item.index for item in await source.chunk(10)] == [0, 1]
        assert [item.index for item in await source.chunk(10)] == [2]
        assert await source.chunk(10) == []


@pytest.mark.asyncio
async def test_an_input_is_left_in_the_middle_of_a_read() -> None:
    """Leaving while the next job is awaited ends that read; nothing keeps running."""
    left = asyncio.Event()

    async def arriving() -> AsyncIterator[Job]:
        try:
            yield "one"
            await asyncio.sleep(3600)
            yield "two"
        finally:
            left.set()

    async with Source(arriving()) as source:
        await source.chunk(10)
    assert left.is_set()


@pytest.mark.asyncio
@pytest.mark.parametrize("wrong", ["a prompt", b"bytes", 3, None])
async def test_what_is_no_input_is_refused(wrong: Any) -> None:
    """A single prompt is not taken for an iterable of letters, each of them paid for."""
    with pytest.raises(InvalidRequest, match="requests"):
        Source(wrong)


@pytest.mark.parametrize("wrong", [{"prompt": "a dog", "duration": 5}, {"dawn": "a dog", "dusk": "a cat"}])
def test_the_keys_of_a_mapping_are_not_ordered_as_prompts(wrong: Any) -> None:
    """One request outside a list, and .items() forgotten, are refused with both ways out."""
    with pytest.raises(InvalidRequest, match=r"requests=.*into a list.*\.items\(\)"):
        Source(wrong)


@pytest.mark.asyncio
async def test_an_outbox_holds_its_writer_up_and_ends() -> None:
    """A third outcome waits until one is taken; after close the rest is given, then the end."""
    outbox, one = Outbox(2), Outcome(key="a", kind=OutcomeKind.SUCCEEDED)
    await outbox.put(one)
    await outbox.put(one)
    third = asyncio.create_task(outbox.put(one))
    await asyncio.sleep(0)
    assert not third.done()
    assert await outbox.take() is one
    await third
    outbox.close()
    assert [await outbox.take() for _ in range(3)] == [one, one, None]


REQUESTS = [
    VideoRequest(prompt="a cat", duration=5, seed=0, watermark=False),
    VideoRequest(image="https://example.com/a.png", extra_body={"new_field": [1, {"a": None}]}),
    VideoRequest(draft_task="cgt-1", resolution="1080p"),
    VideoRequest(prompt="x", first_frame="data:image/png;base64,AAAA", return_last_frame=True),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_row_gives_back_the_request_that_was_planned(request_: VideoRequest) -> None:
    """What is rebuilt from a journal has the same body."""
    row = JournalRow(position=1, key="a", state=JobState.PLANNED, planned_at=0.0, request=request_.to_body())
    again = request_of(row)
    assert again is not None
    assert again.to_body() == request_.to_body()


@pytest.mark.parametrize("body", [None, {}, {"model": "m", "content": "no list"}, {"duration": 99}])
def test_a_row_that_cannot_be_read_gives_no_request(body: Any) -> None:
    """A row of another version is passed over, not an error."""
    row = JournalRow(position=1, key="a", state=JobState.PLANNED, planned_at=0.0, request=body)
    assert request_of(row) is None


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_local_pictures_are_part_of_the_key_and_of_the_record(tmp_path: Path) -> None:
    """The same picture from another path is the same job; its row holds what was sent, so the file may go."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png(640, 480))
    path = tmp_path / "run.db"
    async with Simulator(work_seconds=30) as sim:
        async with client(sim) as session:
            first = await run(session, [{"image": str(tmp_path / "a.png")}], journal=path)
            (tmp_path / "a.png").unlink()
            how: dict[str, Any] = {"journal": path, "save_to": tmp_path / "out"}
            second = await run(session, [{"image": str(tmp_path / "b.png")}], **how)
        assert list(first) == list(second)
        assert kinds(second) == [OutcomeKind.SUCCEEDED]
        assert sim.accepted == 1


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_picture_may_go_once_its_job_is_ordered(tmp_path: Path) -> None:
    """With a key of its own a job goes on without its picture; without one the refusal says how to go on."""
    picture, path = tmp_path / "a.png", tmp_path / "run.db"
    wanted: list[dict[str, Any]] = [{"image": str(picture)}, {"key": "mine", "image": str(picture)}]
    async with Simulator(work_seconds=30) as sim, client(sim) as session:
        picture.write_bytes(png(640, 480))
        await run_for(5.0, session, wanted, journal=path)
        picture.unlink()
        ended = await run(session, wanted, journal=path, save_to=tmp_path / "out")
        assert (kinds(ended), sim.accepted) == ([OutcomeKind.REFUSED, OutcomeKind.SUCCEEDED], 2)
    assert ended["mine"].path == tmp_path / "out" / "mine.mp4"
    assert "seedance rescue --journal" in str(ended["#0"].error)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_many_finished_jobs_are_passed_over_in_few_reads(tmp_path: Path) -> None:
    """Chunks grow while nothing is to be done, and the input is still read no further than needed."""
    read = 0

    def wanted(number: int) -> Iterator[Job]:
        nonlocal read
        for index in range(number):
            read += 1
            yield f"prompt {index}"

    path = tmp_path / "run.db"
    async with Simulator(work_seconds=1) as sim, client(sim) as session:
        await run(session, wanted(120), journal=path)
        read, taken = 0, 0
        async for _ in session.run_many(wanted(130), journal=path, concurrency=4):
            taken += 1
            assert read <= 2 * taken + 16
        assert taken == 130
        assert sim.accepted == 130
