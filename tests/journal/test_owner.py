"""One process owns a journal: the next is told who, and a crashed owner is no obstacle."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seedance_async.errors import JournalError, JournalLocked
from seedance_async.ledger._mounts import file_system_of, refuse_network
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.lock import OwnerLock
from seedance_async.ledger.rows import JobState, PlannedRow
from tests.journal.jobs import bring, intent

HOLDER = Path(__file__).with_name("holder.py")


def _hold(path: Path, facts: int = 3) -> subprocess.Popen[bytes]:
    """Start a process that owns the journal, and wait until it has told of some facts."""
    command = [sys.executable, str(HOLDER), str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": str(HOLDER.parents[2])})
    assert process.stdout is not None
    for _ in range(facts):
        process.stdout.readline()
    return process


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process the way a power button does."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.asyncio
async def test_another_process_is_named_and_a_killed_one_is_taken_over(tmp_path: Path) -> None:
    """The owner is told by id and host; once it is killed, its journal and its facts are there at once."""
    path = tmp_path / "run.db"
    process = _hold(path)
    try:
        with pytest.raises(
            JournalLocked, match=f"process {process.pid} on {platform.node()} since 2"
        ) as caught:
            async with Journal.open(path):
                pass
        assert str(process.pid) in caught.value.owner
    finally:
        _kill(process)
    async with Journal.open(path) as journal:
        assert sum((await journal.counts()).values()) >= 1


@pytest.mark.asyncio
async def test_two_journals_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    """Two batches in one process cannot share a file by accident, nor by another name of it."""
    path = tmp_path / "run.db"
    link = tmp_path / "link.db"
    async with Journal.open(path) as journal:
        link.symlink_to(path)
        for name in (path, link):
            with pytest.raises(JournalLocked):
                async with Journal.open(name):
                    pass
        await journal.plan([PlannedRow(key="a")])
    async with Journal.open(link) as journal:
        assert await journal.states(["a"]) == {"a": JobState.PLANNED}


@pytest.mark.asyncio
async def test_a_journal_of_several_names_is_refused(tmp_path: Path) -> None:
    """A hard link would have a lock of its own: nobody writes under either name until it is gone."""
    path, link = tmp_path / "run.db", tmp_path / "hard.db"
    async with Journal.open(path) as journal:
        await journal.plan([PlannedRow(key="a")])
    os.link(path, link)
    for name in (path, link):
        with pytest.raises(JournalError, match=r"has 2 names \(hard links\)"):
            async with Journal.open(name):
                pass
    async with Journal.open(link, read_only=True) as reader:
        assert await reader.states(["a"]) == {"a": JobState.PLANNED}
    link.unlink()
    async with Journal.open(path) as journal:
        assert await journal.states(["a"]) == {"a": JobState.PLANNED}


@pytest.mark.asyncio
async def test_a_reader_needs_no_lock_and_may_not_write(tmp_path: Path) -> None:
    """A second process may look beside the owner, sees what is on disk, and every write is refused."""
    path = tmp_path / "run.db"
    async with Journal.open(path) as owner, Journal.open(path, read_only=True) as reader:
        await bring(owner, "a", JobState.UNCERTAIN)
        assert await reader.states(["a"]) == {"a": JobState.UNCERTAIN}
        assert await reader.find("a") == intent("a")
        for write in (reader.sending(intent("b")), reader.absent("a"), reader.plan([]), reader.reset("a")):
            with pytest.raises(JournalError, match="read-only"):
                await write
        assert reader.commits == 0


def test_the_lock_names_its_owner_and_survives_rubbish(tmp_path: Path) -> None:
    """The owner is readable as JSON while it owns; what a crash left in the file does not matter."""
    path = tmp_path / "run.db.lock"
    path.write_text('{"pid": 1, "host": "gone", "since": "1970"} and a long rest of somebody else')
    lock = OwnerLock(path)
    lock.acquire(journal=tmp_path / "run.db", since=0.0)
    owner = json.loads(path.read_text())
    assert owner == {"pid": os.getpid(), "host": platform.node(), "since": "1970-01-01T00:00:00+00:00"}
    path.write_text("being written")
    with pytest.raises(JournalLocked, match="in use by another process"):
        OwnerLock(path).acquire(journal=tmp_path / "run.db", since=0.0)
    lock.release()
    lock.release()
    OwnerLock(path).acquire(journal=tmp_path / "run.db", since=0.0)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 warns where threads run
def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    """A worker that was forked off and outlives the owner does not keep the journal locked."""
    lock = OwnerLock(tmp_path / "run.db.lock")
    lock.acquire(journal=tmp_path / "run.db", since=0.0)
    until, from_parent = os.pipe()
    ready, from_child = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(from_parent)
        os.write(from_child, b"x")
        os.read(until, 1)
        os._exit(0)
    os.read(ready, 1)
    try:
        # As when the owner dies: its own descriptor goes, the child's copy would stay.
        lock.forget()
        OwnerLock(lock.path).acquire(journal=tmp_path / "run.db", since=0.0)
        assert os.waitpid(child, os.WNOHANG) == (0, 0), "the child ended, so this shows nothing"
    finally:
        for descriptor in (from_parent, until, ready, from_child):
            os.close(descriptor)
        os.waitpid(child, 0)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 warns where threads run
@pytest.mark.asyncio
async def test_a_forked_child_is_told_to_open_its_own(tmp_path: Path) -> None:
    """A journal carried into a forked child raises there instead of waiting for a thread it has not."""
    async with Journal.open(tmp_path / "run.db") as journal:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                asyncio.run(journal.sending(intent("a")))
            except JournalError as error:
                code = 0 if "parent process" in str(error) else 2
            finally:
                os._exit(code)
        status = os.waitpid(child, 0)[1]  # noqa: ASYNC222 - the child lives for milliseconds
        assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.asyncio
async def test_another_loop_is_told_to_open_its_own(tmp_path: Path) -> None:
    """A journal used from a second event loop raises instead of mixing two loops' futures."""
    async with Journal.open(tmp_path / "run.db") as journal:

        def elsewhere() -> None:
            asyncio.run(journal.sending(intent("a")))

        with pytest.raises(JournalError, match="another event loop"):
            await asyncio.to_thread(elsewhere)


@pytest.mark.asyncio
async def test_places_that_cannot_be(tmp_path: Path) -> None:
    """A missing directory, a directory in place of the file, and a missing copy are told in words."""
    for path, words in ((tmp_path / "no" / "run.db", "cannot be"), (tmp_path, "cannot be")):
        with pytest.raises(JournalError, match=words):
            async with Journal.open(path):
                pass
    with pytest.raises(JournalError, match="does not exist"):
        async with Journal.open(tmp_path / "ghost.db", read_only=True):
            pass
    assert not (tmp_path / "ghost.db").exists()


MOUNTS = r"""
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb /home/local xfs rw 0 0
//box/share /mnt/my\040share cifs rw 0 0
user@host:/x /mnt/ssh fuse.sshfs rw 0 0
overlay /mnt/over fuse.fuse-overlayfs rw 0 0
tmpfs /mnt/twice tmpfs rw 0 0
server:/y /mnt/twice nfs rw 0 0
odd
"""


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/data/run.db", "ext4", False),
        ("/home/me/run.db", "nfs4", True),
        ("/home/local/run.db", "xfs", False),
        ("/homestead/run.db", "ext4", False),
        ("/mnt/my share/run.db", "cifs", True),
        ("/mnt/ssh/run.db", "fuse.sshfs", True),
        ("/mnt/over/run.db", "fuse.fuse-overlayfs", False),
        ("/mnt/twice/run.db", "nfs", True),
    ],
)
def test_network_file_systems_are_refused_with_the_reason(
    tmp_path: Path, path: str, kind: str, *, network: bool
) -> None:
    """The nearest mount decides, and a network one is refused by name before a file is made there."""
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert file_system_of(Path(path), MOUNTS) == kind
    if network:
        with pytest.raises(JournalError, match=f"network file system \\({kind}\\)"):
            refuse_network(Path(path), mounts=mounts)
    else:
        refuse_network(Path(path), mounts=mounts)


def test_a_machine_without_a_mount_table_is_not_checked(tmp_path: Path) -> None:
    """Where there is no table of mounts (macOS, Windows) nothing can be told, and nothing is refused."""
    refuse_network(tmp_path / "run.db", mounts=tmp_path / "nowhere")
    assert file_system_of(Path("/x"), "") == ""


@pytest.mark.asyncio
async def test_a_journal_is_not_opened_on_a_network_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening one there to write is an error, and leaves neither journal nor lock behind."""
    mounts, place = tmp_path / "mounts", tmp_path.resolve() / "share"
    place.mkdir()
    mounts.write_text(f"server:/videos {place} nfs4 rw 0 0\n")
    monkeypatch.setitem(refuse_network.__kwdefaults__ or {}, "mounts", mounts)
    with pytest.raises(JournalError, match="nfs4"):
        async with Journal.open(place / "run.db"):
            pass
    assert list(place.iterdir()) == []
