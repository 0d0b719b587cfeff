"""Submit, wait, fetch, look, list, cancel, delete, and many at once: the session as its user sees it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from seedance_async import (
    AccountLimits,
    Billed,
    CancelResult,
    DownloadFailed,
    InvalidRequest,
    OutcomeKind,
    RetryPolicy,
    SeedanceError,
    TaskFailed,
    TaskNotFound,
    TaskStatus,
    VideoRequest,
    wait_for,
)
from seedance_async.events import RequestSent, SlotWaited
from seedance_async.simulator import Behaviour, ByHand, Fault, Quotas
from tests.submit.helpers import standing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

CHEAP: dict[str, Any] = {"duration": 4, "resolution": "480p"}


async def test_the_documented_example_is_sent_exactly_so() -> None:
    """The request of the gateway's page reaches the server as the JSON value that the page shows."""
    body = {
        "model": "doubao-seedance-1-5-pro-251215",
        "content": [
            {
                "type": "text",
                "text": "The girl is holding a fox. She opens her eyes and looks at the camera.",
            },
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
    retry = RetryPolicy(fingerprint=False)
    async with standing(prefix="kkiai", session={"retry": retry}) as stand:
        await stand.session.submit(
            body["content"][0]["text"],  # type: ignore[index]
            model="doubao-seedance-1-5-pro-251215",
            image=body["content"][1]["image_url"]["url"],  # type: ignore[index]
            ratio="adaptive",
            duration=4,
            watermark=False,
        )
        assert stand.sim.ledger[0].body == body


async def test_the_fingerprint_is_the_only_field_that_is_added() -> None:
    """With the default policy the body holds one more field, and nothing else differs."""
    request = VideoRequest(prompt="a cat", **CHEAP)
    async with standing() as stand:
        await stand.session.submit(request)
        sent: dict[str, Any] = dict(stand.sim.ledger[0].body)
        assert 172_801 <= sent.pop("execution_expires_after") <= 216_000
        assert sent == request.to_body()


async def test_run_brings_a_playable_file(tmp_path: Path) -> None:
    """One call submits, waits and downloads; the file is whole and under the name that was asked for."""
    async with standing() as stand:
        video = await stand.session.run("a cat surfing", save_to=tmp_path / "cat.mp4", **CHEAP)
        assert (tmp_path / "cat.mp4").read_bytes()[4:8] == b"ftyp"
        assert video.path == tmp_path / "cat.mp4"
        assert video.task is not None
        assert video.task.status is TaskStatus.SUCCEEDED
        assert video.task.tokens == 40_594
        assert [path.name for path in tmp_path.iterdir()] == ["cat.mp4"]
        assert not stand.sim.leaks


@pytest.mark.parametrize("place", ["cat.mp4", "{nothing}.mp4", "cat.mp4/below/dog.mp4"])
async def test_run_pays_for_nothing_that_cannot_land(place: str, tmp_path: Path) -> None:
    """A name that is taken, a template that is none, a folder that cannot be: refused before the order."""
    (tmp_path / "cat.mp4").write_bytes(b"mine")
    async with standing() as stand:
        with pytest.raises(InvalidRequest):
            await stand.session.run("a cat surfing", save_to=tmp_path / place, **CHEAP)
        assert stand.sim.accepted == 0
    assert (tmp_path / "cat.mp4").read_bytes() == b"mine"


@pytest.mark.parametrize("seconds", [-1, float("nan"), "5"])
async def test_run_pays_for_nothing_that_cannot_be_waited_for(seconds: Any) -> None:
    """A timeout that is none is refused before the order, not when the wait begins."""
    async with standing() as stand:
        with pytest.raises(InvalidRequest, match="timeout") as caught:
            await stand.session.run("a cat surfing", timeout=seconds, **CHEAP)
        assert (caught.value.field, caught.value.billed) == ("timeout", Billed.NO)
        assert stand.sim.accepted == 0


async def test_of_two_runs_to_one_place_one_is_refused_before_it_is_paid(tmp_path: Path) -> None:
    """Only one video can have the name; the other one's prompt is not ordered, and the name is free later."""
    async with standing() as stand:
        runs = [
            stand.session.run(name, save_to=tmp_path / "cat.mp4", **CHEAP) for name in ("first", "second")
        ]
        first, second = await asyncio.gather(*runs, return_exceptions=True)
        assert isinstance(second, InvalidRequest)
        assert (second.field, second.billed) == ("save_to", Billed.NO)
        assert [entry.prompt for entry in stand.sim.ledger] == ["first"]
        assert not isinstance(first, BaseException)
        assert first.path == tmp_path / "cat.mp4"
        (tmp_path / "cat.mp4").unlink()
        await stand.session.run("third", save_to=tmp_path / "cat.mp4", **CHEAP)


async def test_two_runs_into_one_folder_are_not_in_each_others_way(tmp_path: Path) -> None:
    """There each video is named after its task."""
    async with standing() as stand:
        runs = [stand.session.run(name, save_to=tmp_path, **CHEAP) for name in ("first", "second")]
        paths = {outcome.path for outcome in await asyncio.gather(*runs)}
        assert paths == {tmp_path / f"{entry.id}.mp4" for entry in stand.sim.ledger}


@pytest.mark.parametrize("trouble", ["a key that may not look", "closing"])
async def test_run_says_which_task_it_leaves_at_the_server(trouble: str) -> None:
    """However the wait ends before the task does, the error says that it may bill, and its id."""
    no = [Fault(kind="status", route=name, status=403, times=None) for name in ("get", "list")]
    async with standing(faults=no if trouble != "closing" else []) as stand:
        running = asyncio.create_task(stand.session.run("a cat", **CHEAP))
        if trouble == "closing":
            await asyncio.sleep(2.0)
            await stand.session.close()
        with pytest.raises(SeedanceError) as caught:
            await running
        assert caught.value.billed is Billed.MAYBE
        assert f"wait_for(session, '{stand.sim.ledger[0].id}')" in str(caught.value)


async def test_run_says_which_video_could_not_land(tmp_path: Path) -> None:
    """A file that came meanwhile is not written over; the video is paid for, and the error says which."""
    async with standing() as stand:
        running = asyncio.create_task(stand.session.run("a cat", save_to=tmp_path / "cat.mp4", **CHEAP))
        await asyncio.sleep(2.0)
        (tmp_path / "cat.mp4").write_bytes(b"mine")
        with pytest.raises(DownloadFailed, match="another name") as caught:
            await running
        assert (caught.value.billed, caught.value.task_id) == (Billed.YES, stand.sim.ledger[0].id)


async def test_a_run_whose_task_failed_says_that_it_is_free() -> None:
    """The end of the task is the server's word, and nothing is added to it."""
    async with standing(behaviour=Behaviour(progression=ByHand())) as stand:
        running = asyncio.create_task(stand.session.run("a cat", **CHEAP))
        await asyncio.sleep(2.0)
        stand.sim.fail(stand.sim.ledger[0].id)
        with pytest.raises(TaskFailed) as caught:
            await running
        assert (caught.value.billed, caught.value.advice) == (Billed.NO, TaskFailed.advice)


async def test_a_paid_video_that_finds_its_name_taken_is_told_as_paid_for(tmp_path: Path) -> None:
    """A download that cannot have its name says that the task bills, which it is, and what to do."""
    (tmp_path / "cat.mp4").write_bytes(b"mine")
    async with standing() as stand:
        done = await wait_for(stand.session, await stand.submit())
        with pytest.raises(DownloadFailed, match=r"cat\.mp4.*exists already.*another name") as caught:
            await stand.session.download(done, tmp_path / "cat.mp4")
        assert (caught.value.billed, caught.value.task_id) == (Billed.YES, done.id)
        assert (await stand.session.download(done.id, tmp_path / "dog.mp4")).stat().st_size
    assert (tmp_path / "cat.mp4").read_bytes() == b"mine"


async def test_wait_for_takes_an_id_of_another_process() -> None:
    """The id alone is enough: nothing of the submitting session is needed."""
    async with standing() as stand, standing() as other:
        del other
        task_id = await stand.submit()
        done = await wait_for(stand.session, task_id)
        assert done.status is TaskStatus.SUCCEEDED


async def test_a_failed_task_raises_with_its_record() -> None:
    """The error carries code, message and the record, and says that nothing is billed."""
    async with standing(behaviour=Behaviour(progression=ByHand())) as stand:
        task_id = await stand.submit()
        stand.sim.fail(task_id, "OutputVideoSensitiveContentDetected", "The output may be sensitive.")
        with pytest.raises(TaskFailed) as caught:
            await wait_for(stand.session, task_id)
        assert caught.value.code == "OutputVideoSensitiveContentDetected"
        assert caught.value.task.id == task_id
        assert stand.sim.billed == 0


async def test_get_and_list_show_tasks() -> None:
    """`get` gives one record; `list` filters by ids and pages, with the total over all pages."""
    async with standing() as stand:
        ids = [await stand.submit(str(number)) for number in range(5)]
        assert (await stand.session.get(ids[0])).id == ids[0]
        page = await stand.session.list(page_size=2)
        assert (len(page.items), page.total, page.has_more) == (2, 5, True)
        chosen = await stand.session.list(task_ids=ids[:3], page_size=100)
        assert {task.id for task in chosen.items} == set(ids[:3])
        assert not chosen.has_more


@pytest.mark.parametrize("task_id", ["", "  ", "..", ".", "a\nb", "x" * 300, None, 5])
async def test_an_id_that_can_never_be_one_is_refused(task_id: Any) -> None:
    """Nothing is sent for an id that could reach another route."""
    async with standing() as stand:
        with pytest.raises(InvalidRequest):
            await stand.session.get(task_id)
        assert not stand.told(RequestSent)


async def test_an_id_with_a_path_in_it_stays_an_id() -> None:
    """`../../models?x=` is quoted whole, and the server looks for a task of that name."""
    async with standing() as stand:
        with pytest.raises(TaskNotFound):
            await stand.session.get("../../models?x=")
        assert [seen.route for seen in stand.sim.requests] == ["get"]


async def test_list_takes_a_status_as_word_or_as_value() -> None:
    """`TaskStatus.QUEUED` filters like the word `queued`."""
    async with standing(behaviour=Behaviour(progression=ByHand())) as stand:
        await stand.submit("a cat")
        for status in ("queued", TaskStatus.QUEUED):
            assert (await stand.session.list(status=status)).total == 1
        assert (await stand.session.list(status=TaskStatus.FAILED)).total == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", 5),
        ("status", ""),
        ("model", 5),
        ("service_tier", True),
        ("task_ids", "cgt-1"),
        ("task_ids", None),
        ("task_ids", 5),
    ],
)
async def test_a_filter_that_can_never_be_one_is_refused_by_name(name: str, value: Any) -> None:
    """Nothing is sent, above all not one id taken for a list of letters."""
    async with standing() as stand:
        with pytest.raises(InvalidRequest) as caught:
            await stand.session.list(**{name: value})
        assert caught.value.field == name
        assert not stand.told(RequestSent)


@pytest.mark.parametrize("task", [None, 5, {"id": "cgt-1"}])
async def test_a_download_of_no_task_is_refused_by_name(task: Any, tmp_path: Path) -> None:
    """What is neither a task nor an id is an error that says so."""
    async with standing() as stand:
        with pytest.raises(InvalidRequest, match="task"):
            await stand.session.download(task, tmp_path)


async def test_cancel_says_what_happened_at_each_status() -> None:
    """Queued is cancelled and free, running goes on and bills, an ended one is left as it is."""
    async with standing(behaviour=Behaviour(progression=ByHand())) as stand:
        queued, running, done = [await stand.submit(name) for name in ("queued", "running", "done")]
        stand.sim.advance(running)
        stand.sim.finish(done)
        results = [await stand.session.cancel(task_id) for task_id in (queued, running, done)]
        assert [item.result for item in results] == [
            CancelResult.CANCELLED,
            CancelResult.RUNNING,
            CancelResult.ENDED,
        ]
        assert "bills" in str(results[1])
        assert stand.sim.counts["delete"] == 1
        assert (await stand.session.get(done)).status is TaskStatus.SUCCEEDED
        assert stand.sim.billed == 2


async def test_delete_erases_only_what_has_ended() -> None:
    """An explicit delete of a live task is refused here; of an ended one it erases the record."""
    async with standing(behaviour=Behaviour(progression=ByHand())) as stand:
        task_id = await stand.submit()
        with pytest.raises(InvalidRequest, match="cancel"):
            await stand.session.delete(task_id)
        stand.sim.finish(task_id)
        await stand.session.delete(task_id)
        with pytest.raises(TaskNotFound, match="Check the id and the key"):
            await stand.session.get(task_id)


async def test_a_bare_submit_beyond_the_limit_waits_until_a_task_ends() -> None:
    """Nobody waits for the tasks alive, and still the next submit gets its slot: they are watched for it."""
    limits = AccountLimits(max_alive=2, creates_per_minute=float("inf"))
    async with standing(work_seconds=30.0, session={"limits": limits}) as stand:
        for number in range(5):
            await stand.submit(str(number))
        assert stand.sim.billed == 5
        assert len(stand.told(SlotWaited)) >= 2
        assert asyncio.get_running_loop().time() >= 60.0


async def test_the_callers_limit_holds_at_the_server() -> None:
    """However many submit at once, no more than `max_alive` tasks are alive."""
    limits = AccountLimits(max_alive=3, creates_per_minute=float("inf"))
    alive: list[int] = []
    async with standing(work_seconds=5.0, session={"limits": limits}) as stand:

        async def one(number: int) -> None:
            task = await stand.session.submit(f"prompt {number}", **CHEAP)
            alive.append(
                sum(not item.is_terminal for item in (await stand.session.list(page_size=100)).items)
            )
            await wait_for(stand.session, task)

        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(one(number))
        assert stand.sim.billed == 12
        assert max(alive) <= 3


async def test_run_many_yields_each_outcome_and_no_neighbour_is_hurt() -> None:
    """Good, refused, failed and unreadable jobs each get their own outcome."""
    jobs: list[Any] = ["fine", {"prompt": "also fine", "duration": 5}, {"duration": 99, "prompt": "x"}, 17]
    fault = Fault(kind="status", status=400, code="SensitiveContentDetected", when="before", nth=(2,))
    async with standing(faults=[fault]) as stand:
        outcomes = [outcome async for outcome in stand.session.run_many(jobs, concurrency=1)]
        kinds = [outcome.kind for outcome in outcomes]
        assert kinds.count(OutcomeKind.SUCCEEDED) == 1
        assert kinds.count(OutcomeKind.REFUSED) == 3
        assert len({outcome.key for outcome in outcomes}) == 4
        assert stand.sim.billed == 1


async def test_run_many_reads_its_input_only_as_far_as_there_is_room() -> None:
    """An endless input is fine: the reader stays a bounded number of jobs ahead of the outcomes taken."""
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield f"prompt {read}"

    async with standing(work_seconds=1.0) as stand:
        taken = 0
        outcomes = stand.session.run_many(endless(), concurrency=5)
        async for _ in outcomes:
            taken += 1
            assert read <= taken + 16
            if taken == 20:
                break
        await outcomes.aclose()
        assert len(asyncio.all_tasks()) < 20


async def test_run_many_takes_an_async_input() -> None:
    """Jobs may come from a queue or a database as they arrive."""

    async def arriving() -> AsyncIterator[tuple[str, str]]:
        for number in range(3):
            await asyncio.sleep(1.0)
            yield f"key-{number}", f"prompt {number}"

    async with standing() as stand:
        keys = {outcome.key async for outcome in stand.session.run_many(arriving())}
        assert keys == {"key-0", "key-1", "key-2"}
        assert stand.sim.billed == 3


async def test_events_hold_no_key_and_no_signature() -> None:
    """Everything an observer is told can be logged: neither the key nor a signed URL is in it."""
    async with standing(faults=[Fault(kind="reset", when="after")]) as stand:
        await stand.session.run("a cat", **CHEAP)
        told = json.dumps([str(event) for event in stand.events])
        assert "sk-test" not in told
        assert "Signature" not in told


async def test_a_full_queue_is_watched_until_a_task_ends() -> None:
    """Bare submits past the server's queue go on as soon as a task ends, though nobody waits for one."""
    quotas = evolve(Quotas.off(), max_running=1, max_queued=1)
    async with standing(work_seconds=4.0, quotas=quotas) as stand:
        begun = asyncio.get_running_loop().time()
        for number in range(4):
            await stand.submit(str(number))
        assert stand.sim.billed == 4
        assert asyncio.get_running_loop().time() - begun <= 3 * 4.0 + 10.0
