"""Landing in a batch: everything paid for comes home, whatever breaks, and rescue finds what is missing."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import define, evolve

from seedance_async import AccountLimits, InvalidRequest, OutcomeKind, RetryPolicy
from seedance_async.batch import rescue
from seedance_async.errors import AuthenticationFailed, DownloadFailed
from seedance_async.events import DownloadFinished, Event, RetryScheduled
from seedance_async.in_process import InProcess
from seedance_async.landing import frame_name
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from seedance_async.media.targets import aim_of
from seedance_async.simulator import Fault, Simulator
from tests.batch.stand import client, digest, job, jobs, kinds, rows, run, run_for, served, states

if TYPE_CHECKING:
    from seedance_async import Outcome, SeedanceSession
    from seedance_async.carrier import WireResponse

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

OK = OutcomeKind.SUCCEEDED


async def saved(session: SeedanceSession, **how: Any) -> dict[str, Outcome]:
    """Rescue, and give what was found by key."""
    return {outcome.key: outcome async for outcome in rescue(session, **how)}


async def test_a_video_that_could_not_land_lands_in_the_next_run(tmp_path: Path) -> None:
    """The task is not paid again: the row stays succeeded until the video is on disk."""
    how = {"journal": tmp_path / "run.db", "save_to": tmp_path / "out"}
    broken = Fault(kind="status", route="video", status=500, times=None)
    async with Simulator(faults=[broken]) as sim:
        async with client(sim, retry=RetryPolicy(attempts=2)) as session:
            outcomes = await run(session, jobs(2), **how)
            assert kinds(outcomes) == [OutcomeKind.FAILED] * 2
            assert isinstance(outcomes["job-0"].error, DownloadFailed)
        assert set((await states(how["journal"])).values()) == {JobState.SUCCEEDED}
        sim.clear_faults()
        async with client(sim) as session:
            assert kinds(await run(session, jobs(2), **how)) == [OK] * 2
        assert sim.accepted == 2


async def test_a_paid_video_lands_in_the_next_run_at_the_only_attempt(tmp_path: Path) -> None:
    """A row keeps its URL without the signature: a fresh one is asked for, at no attempt and no wait."""
    path, told = tmp_path / "run.db", list[Event]()
    async with Simulator() as sim:
        async with client(sim) as session:
            await run(session, jobs(2), journal=path)
        async with client(sim, retry=RetryPolicy(attempts=1), observer=told.append) as session:
            assert kinds(await run(session, jobs(2), journal=path, save_to=tmp_path / "out")) == [OK] * 2
        assert sim.accepted == 2
    assert set((await states(path)).values()) == {JobState.SAVED}
    assert not [event for event in told if isinstance(event, RetryScheduled)]


async def test_a_crash_between_the_file_and_its_record_repairs_itself(tmp_path: Path) -> None:
    """A video that landed without a note in the journal is noted; a sidecar alone brings its video."""
    how = {"journal": tmp_path / "run.db", "save_to": tmp_path / "out"}
    async with Simulator() as sim:
        async with client(sim) as session:
            await run(session, jobs(1), journal=how["journal"])
            copy = tmp_path / "copy.db"
            shutil.copy(how["journal"], copy)
            assert kinds(await run(session, jobs(1), **how)) == [OK]
            fetched = sim.counts["video"]
            assert kinds(await run(session, jobs(1), **{**how, "journal": copy})) == [OK]
            assert sim.counts["video"] == fetched
            assert (await states(copy))["job-0"] is JobState.SAVED
            (tmp_path / "out" / "job-0.mp4").unlink()
            assert (await saved(session, **how))["job-0"].kind is OK
        row = (await rows(how["journal"]))["job-0"]
        assert digest(row.file) == row.sha256 == await served(sim, str(row.task_id))
        assert sim.accepted == 1


@pytest.mark.parametrize("when", ["before the resume", "while the batch waits"])
async def test_a_file_without_a_sidecar_is_not_written_over(tmp_path: Path, when: str) -> None:
    """It may be a paid video of `session.download`: ours is FAILED, says the way out, and lands by it."""
    how = {"journal": tmp_path / "run.db", "save_to": tmp_path / "out"}
    place = tmp_path / "out" / "job-0.mp4"
    async with Simulator(work_seconds=30) as sim, client(sim) as session:
        other = (await session.run("mine", duration=4, resolution="480p")).task
        assert other is not None
        batch = (
            run_for(5.0, session, jobs(1), **how)
            if when == "before the resume"
            else run(session, jobs(1), **how)
        )
        batching = asyncio.create_task(batch)
        await asyncio.sleep(10)
        await session.download(other, place)
        there = place.stat()
        await batching
        outcome = (await run(session, jobs(1), **how))["job-0"]
        assert (outcome.kind, type(outcome.error)) == (OutcomeKind.FAILED, DownloadFailed)
        assert "no sidecar tells of" in str(outcome.error)
        assert (place.stat().st_ino, place.stat().st_mtime_ns) == (there.st_ino, there.st_mtime_ns)
        assert not place.with_name("job-0.mp4.json").exists()
        place.rename(tmp_path / "mine.mp4")
        assert kinds(await run(session, jobs(1), **how)) == [OK]
        assert sim.accepted == 2


async def test_a_name_with_the_tasks_id_is_its_own(tmp_path: Path) -> None:
    """There a file without a sidecar is what `session.download` brought of this very task."""
    how = {"journal": tmp_path / "run.db", "save_to": tmp_path / "{task_id}"}
    async with Simulator() as sim, client(sim) as session:
        task = (await run(session, jobs(1), journal=how["journal"]))["job-0"].task
        assert task is not None
        path = await session.download(task, f"{tmp_path}/")
        outcome = (await run(session, jobs(1), **how))["job-0"]
        assert (outcome.kind, outcome.path) == (OK, path)
        assert path.with_name(f"{path.name}.json").exists()


async def test_a_video_is_not_written_over_by_anothers(tmp_path: Path) -> None:
    """Where a new first line shifts the index, the place of the older job is kept, and the new one unpaid."""
    path, out = tmp_path / "run.db", tmp_path / "out"
    async with Simulator(work_seconds=30) as sim, client(sim) as session:
        await run_for(5.0, session, jobs(2), journal=path, save_to=out / "{index:03d}.mp4")
        wanted = [job("new"), *jobs(2)]
        first = await run(session, wanted, journal=path, save_to=out / "{index:03d}.mp4")
        assert kinds(first) == [OK, OK, OutcomeKind.REFUSED]
        assert "is the place of job 'job-0'" in str(first["new"].error)
        assert sim.accepted == 2
        again = await run(session, wanted, journal=path, save_to=out / "{key}.mp4")
        assert [str(again[key].path) for key in ("job-0", "job-1", "new")] == [
            str(out / name) for name in ("000.mp4", "001.mp4", "new.mp4")
        ]
        for outcome in again.values():
            facts = json.loads((out / f"{outcome.path}.json").read_text())
            assert outcome.task is not None
            assert facts["task"]["id"] == outcome.task.id
        assert sim.accepted == 3


async def test_a_frame_that_fails_takes_no_video_away(tmp_path: Path) -> None:
    """The outcome says where the video is and what is missing; the next run fetches that alone."""
    how = {"journal": tmp_path / "run.db", "save_to": tmp_path / "out"}
    wanted = [job("a", return_last_frame=True)]
    gone = Fault(kind="status", route="video", status=400, nth=(2, 3))
    told = list[Event]()
    async with Simulator(faults=[gone]) as sim, client(sim, observer=told.append) as session:
        for _ in range(2):
            (outcome,) = (await run(session, wanted, **how)).values()
            assert (outcome.kind, outcome.path) == (OutcomeKind.FAILED, tmp_path / "out" / "a.mp4")
            assert "last frame did not land" in str(outcome.error)
        (outcome,) = (await run(session, wanted, **how)).values()
        assert (outcome.kind, sim.accepted) == (OK, 1)
        landed = [Path(event.path).name for event in told if isinstance(event, DownloadFinished)]
        assert landed == ["a.mp4", "a.last.png"]
        assert sorted(one.name for one in how["save_to"].iterdir()) == ["a.last.png", "a.mp4", "a.mp4.json"]
        assert digest(outcome.path) == await served(sim, sim.ledger[0].id)


async def test_a_sidecar_that_fails_takes_no_video_away(tmp_path: Path) -> None:
    """It waits as a part, whole, and the outcome says what is in the way; rescue goes on from there."""
    path, out = tmp_path / "run.db", tmp_path / "out"
    (out / "job-0.mp4.json").mkdir(parents=True)
    async with Simulator() as sim, client(sim) as session:
        (outcome,) = (await run(session, jobs(1), journal=path, save_to=out)).values()
        assert (outcome.kind, type(outcome.error)) == (OutcomeKind.FAILED, DownloadFailed)
        assert "job-0.mp4.json" in str(outcome.error)
        assert digest(out / "job-0.mp4.part") == await served(sim, sim.ledger[0].id)
        (outcome,) = (await saved(session, journal=path, save_to=out)).values()
        assert (outcome.kind, outcome.path) == (OutcomeKind.FAILED, None)
        (out / "job-0.mp4.json").rmdir()
        (outcome,) = (await saved(session, journal=path, save_to=out)).values()
        assert (outcome.kind, outcome.path, sim.accepted) == (OK, out / "job-0.mp4", 1)
        assert digest(outcome.path) == await served(sim, sim.ledger[0].id)


async def test_downloads_hold_no_slot_and_are_few(tmp_path: Path) -> None:
    """While slow videos come in, the account's slots go to new tasks, and at most eight download at once."""
    slow = Fault(kind="slow_body", route="video", seconds=50.0, times=None)
    async with Simulator(faults=[slow], work_seconds=10) as sim:
        async with client(sim, limits=AccountLimits(max_alive=4)) as session:
            await run_for(
                45.0, session, jobs(30), journal=tmp_path / "run.db", save_to=tmp_path / "out", concurrency=30
            )
        # Four slots of ten seconds give sixteen tasks in forty seconds, though no download has ended.
        assert sim.accepted >= 12
        assert sim.counts["video"] == 8


async def test_the_sidecar_tells_the_story_without_secrets(tmp_path: Path) -> None:
    """Request, task, tokens and checksum are in it, also after a resume; signatures and the key are not."""
    how = {"journal": tmp_path / "run.db", "save_to": tmp_path / "out"}
    async with Simulator(work_seconds=30) as sim:
        async with client(sim) as session:
            await run_for(10.0, session, [job("a", seed=7)], **how)
        async with client(sim) as session:
            await run(session, [job("a", seed=7)], **how)
        text = (tmp_path / "out" / "a.mp4.json").read_text()
        facts = json.loads(text)
        assert facts["request"]["seed"] == 7
        assert facts["task"]["id"] == sim.ledger[0].id
        assert facts["tokens"] == sim.ledger[0].tokens
        assert facts["sha256"] == digest(tmp_path / "out" / "a.mp4")
        assert "sk-test" not in text
        assert "ignature" not in text


async def test_names_follow_the_template(tmp_path: Path) -> None:
    """Index, key and task id can be in the name; the index of a resumed job is that of its first run."""
    path, out = tmp_path / "run.db", tmp_path / "out"
    async with Simulator(work_seconds=30) as sim:
        async with client(sim) as session:
            await run_for(10.0, session, jobs(3), journal=path, save_to=out / "{index:03d}-{key}.mp4")
            await run(session, reversed(jobs(3)), journal=path, save_to=out / "{index:03d}-{key}.mp4")
        assert sorted(one.name for one in out.glob("*.mp4")) == [f"00{n}-job-{n}.mp4" for n in range(3)]


@pytest.mark.parametrize(
    "wrong",
    [
        "out/{name}.mp4",
        "out/{key",
        "out/{key!r}.mp4",
        "out/v{{0}}.mp4",
        "s3://bucket/{0}.mp4",
        "s3://bucket/{{key}}",
    ],
)
async def test_a_wrong_template_is_refused_before_the_first_job(wrong: str) -> None:
    """A template that is none, or that gives all videos one name, costs nothing."""
    async with Simulator() as sim, client(sim) as session:
        with pytest.raises(InvalidRequest):
            await run(session, jobs(1), save_to=wrong)
        assert sim.accepted == 0


AIMS = [
    ("s3://bucket/folder", ("s3://bucket/folder", "{key}", "")),
    ("s3://bucket/folder/{task_id}.mov", ("s3://bucket/folder", "{task_id}.mov", ".mov")),
    ("/videos/", ("/videos", "{key}", "")),
    ("/videos/{index}-{key}", ("/videos", "{index}-{key}", "")),
    ("/{key}.mp4", ("/", "{key}.mp4", ".mp4")),
]


@pytest.mark.parametrize(("save_to", "read"), AIMS)
async def test_save_to_is_read(save_to: str, read: tuple[str, str, str]) -> None:
    """Folders, addresses and templates are told apart."""
    aim = aim_of(save_to)
    assert (aim.folder, aim.template, aim.suffix) == read


@define(eq=False)
class Offering(InProcess):
    """A way over a gateway that offers a last frame in every record, asked for or not."""

    async def carry(self, request: Any, **named: Any) -> WireResponse:
        """Add an address of a frame to what the server says."""
        answer = await super().carry(request, **named)
        record = json.loads(answer.body or b"{}")
        if "content" in record:
            record["content"]["last_frame_url"] = record["content"]["video_url"]
        return evolve(answer, body=json.dumps(record).encode())


async def test_a_frame_that_nobody_asked_for_is_not_fetched(tmp_path: Path) -> None:
    """A record may offer what it likes: only the request decides what lands, in rescue too."""
    how: dict[str, Any] = {"journal": tmp_path / "run.db", "save_to": tmp_path / "out"}
    async with Simulator() as sim, client(sim, transport=Offering(sim)) as session:
        outcomes = await run(session, [job("a"), job("b", return_last_frame=True)], **how)
        assert kinds(outcomes) == [OK, OutcomeKind.FAILED]
        assert "last_frame_url" in str(outcomes["b"].error)
        there = sorted(path.name for path in (tmp_path / "out").iterdir())
        assert there == ["a.mp4", "a.mp4.json", "b.mp4", "b.mp4.json"]
        (tmp_path / "out" / "a.mp4").unlink()
        assert (await saved(session, **how))["a"].kind is OK
        assert not (tmp_path / "out" / "a.last.png").exists()


async def test_a_frame_is_named_after_its_video() -> None:
    """The ending comes from the URL, because servers changed from PNG to JPEG."""
    assert frame_name("cat.mp4", "https://host/x.PNG?sig=1") == "cat.last.png"
    assert frame_name("cat.mov", "https://host/x.jpeg?sig=1.png") == "cat.last.jpg"


async def test_rescue_fetches_what_a_journal_misses(tmp_path: Path) -> None:
    """Ended meanwhile, never downloaded, deleted: all come home; what is there is not fetched again."""
    path, out = tmp_path / "run.db", tmp_path / "out"
    async with Simulator(work_seconds=30) as sim:
        async with client(sim) as session:
            await run(session, [job("deleted"), job("there")], journal=path, save_to=out)
            await run(session, [job("not-saved")], journal=path)
            await run_for(5.0, session, [job("left")], journal=path)
        (out / "deleted.mp4").unlink()
        async with client(sim) as session:
            early = await saved(session, save_to=out, journal=path)
            assert sorted(early) == ["deleted", "not-saved"]
            sim.finish((await rows(path))["left"].task_id or "")
            assert sorted(await saved(session, save_to=out, journal=path)) == ["left"]
            assert await saved(session, save_to=out, journal=path) == {}
        for row in (await rows(path)).values():
            assert row.state is JobState.SAVED
            assert digest(row.file) == row.sha256
        assert sim.accepted == 4


async def test_rescue_settles_submits_that_a_crash_left_open(tmp_path: Path) -> None:
    """A paid task that only the server knows is found, put on record and fetched."""
    path, out = tmp_path / "run.db", tmp_path / "out"
    silent = Fault(kind="late", when="after", seconds=500.0)
    async with Simulator(work_seconds=30, faults=[silent]) as sim:
        async with client(sim) as session:
            await run_for(2.0, session, [job("lost")], journal=path)
        assert (await states(path))["lost"] in {JobState.SENDING, JobState.UNCERTAIN}
        async with client(sim) as session:
            found = await saved(session, save_to=out, journal=path)
        assert found["lost"].kind is OK
        assert (out / "lost.mp4").exists()
        assert sim.accepted == 1


async def test_rescue_sweeps_the_account_without_a_journal(tmp_path: Path) -> None:
    """All succeeded tasks of both tiers come home once; a second sweep finds nothing to do."""
    out = tmp_path / "out"
    async with Simulator() as sim:
        async with client(sim) as session:
            await run(
                session,
                [*jobs(130), job("flex", service_tier="flex", model="doubao-seedance-1-0-pro-250528")],
            )
            await run(session, [job("by-key")], journal=tmp_path / "run.db", save_to=out)
        async with client(sim) as session:
            found = await saved(session, save_to=out)
            assert len(found) == 131
            assert {outcome.kind for outcome in found.values()} == {OK}
            assert len(list(out.glob("*.mp4"))) == 132
            assert await saved(session, save_to=out) == {}


async def test_rescue_says_that_it_may_not_look() -> None:
    """A key that may not list ends a sweep with the server's own refusal, and no group of errors."""
    no = Fault(kind="status", route="list", status=403, code="AccessDenied", times=None)
    async with Simulator(faults=[no]) as sim, client(sim) as session:
        with pytest.raises(AuthenticationFailed, match="AccessDenied"):
            await saved(session, save_to="out")


async def test_rescue_says_what_came_too_late(tmp_path: Path) -> None:
    """A video whose URL has died is FAILED with the reason, and the others come home."""
    out = tmp_path / "out"
    async with Simulator() as sim, client(sim, retry=RetryPolicy(attempts=2)) as session:
        await run(session, jobs(1), journal=tmp_path / "run.db")
        await asyncio.sleep(90_000)
        await run(session, [job("young")], journal=tmp_path / "run.db")
        found = await saved(session, save_to=out, journal=tmp_path / "run.db")
        assert found["young"].kind is OK
        assert found["job-0"].kind is OutcomeKind.FAILED
        assert isinstance(found["job-0"].error, DownloadFailed)


async def test_an_open_journal_can_be_shared(tmp_path: Path) -> None:
    """run_many and rescue take a journal that is open already, and leave it open."""
    async with Simulator() as sim, client(sim) as session, Journal.open(tmp_path / "run.db") as journal:
        await run(session, jobs(1), journal=journal)
        await saved(session, save_to=tmp_path / "out", journal=journal)
        counts = await journal.counts()
        assert counts[JobState.SAVED] == 1


async def test_a_full_disk_stops_submits_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a video finds no room no more are paid for; with room again the next run brings all home."""
    out = tmp_path / "out"

    def full(_handle: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with Simulator() as sim, Journal.open(tmp_path / "run.db") as journal:
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            async with client(sim) as session:
                outcomes = await run(session, jobs(5), journal=journal, save_to=out, concurrency=1)
        assert kinds(outcomes) == [OutcomeKind.FAILED, *[OutcomeKind.SKIPPED] * 4]
        assert "disk is full" in str(outcomes["job-0"].error)
        assert sim.accepted == 1
        async with client(sim) as session:
            assert kinds(await run(session, jobs(5), journal=journal, save_to=out)) == [OK] * 5
        assert sim.accepted == 5


async def test_videos_go_to_an_object_store(tmp_path: Path) -> None:
    """With an address for a folder, video, frame and sidecar are objects; resume and rescue know them."""
    pytest.importorskip("obstore")
    out = tmp_path / "bucket"
    how: dict[str, Any] = {"journal": tmp_path / "run.db", "save_to": f"{out.as_uri()}/{{key}}"}
    async with Simulator() as sim, client(sim) as session:
        first = await run(session, [job("a", return_last_frame=True)], **how)
        again = await run(session, [job("a", return_last_frame=True)], **how)
        assert first["a"].path == again["a"].path == f"{out.as_uri()}/a.mp4"
        assert sorted(one.name for one in out.iterdir()) == ["a.last.png", "a.mp4", "a.mp4.json"]
        assert digest(out / "a.mp4") == await served(sim, sim.ledger[0].id)
        (out / "a.mp4").unlink()
        assert sorted(await saved(session, **how)) == ["a"]
        assert await saved(session, **how) == {}
        assert sim.accepted == 1
