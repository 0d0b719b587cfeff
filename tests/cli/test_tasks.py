"""Commands about tasks that are at the server already, against a simulated server in another process."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from urllib.request import urlopen

import pytest

from seedance_async.cli.doctor import findings
from seedance_async.ledger.intents import Intent
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import PlannedRow
from seedance_async.settings import KKIAI
from tests.cli.helpers import KEY, Ran, invoke, start, write_lines
from tests.cli.terminal import on_terminal

SMALL = ("--resolution", "480p", "--duration", "4")


def ordered(capsys: pytest.CaptureFixture[str], prompt: str = "a cat") -> str:
    """Order a video without waiting for it, and give the task's id."""
    ran = invoke(capsys, "generate", prompt, "--no-wait", "-q", *SMALL)
    assert ran.code == 0, ran.err
    assert ran.records[0]["file"] is None
    task_id: str = ran.records[0]["id"]
    return task_id


def accepted(address: str) -> int:
    """Ask the server's ledger how many orders it took."""
    with urlopen(f"{address.removesuffix('/api/v3')}/_sim/ledger") as answer:  # noqa: S310 - loopback
        return len(json.load(answer))


def no_secret(ran: Ran) -> bool:
    """Whether the key is in nothing that was written."""
    return KEY not in ran.out + ran.err


@pytest.mark.usefixtures("server")
def test_wait_saves_what_another_process_ordered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The id alone is enough to wait for a task and to save its video."""
    task_id = ordered(capsys)
    ran = invoke(capsys, "wait", task_id, "--out", f"{tmp_path}/")
    assert (ran.code, ran.records[0]["status"]) == (0, "succeeded"), ran.err
    assert Path(ran.records[0]["file"]).read_bytes()[4:8] == b"ftyp"


@pytest.mark.usefixtures("server")
def test_a_name_without_an_ending_is_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`out = "videos"` serves every command: no video takes the name that a batch's folder needs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEDANCE_OUT", "videos")
    for number in range(2):
        assert invoke(capsys, "generate", f"cat {number}", *SMALL).code == 0
    assert invoke(capsys, "wait", ordered(capsys)).code == 0
    assert (
        invoke(capsys, "batch", str(write_lines(Path("p.jsonl"), {"prompt": "a dog", "duration": 4}))).code
        == 0
    )
    assert len(list(Path("videos").glob("*.mp4"))) == 4


@pytest.mark.usefixtures("queue")
def test_wait_tells_a_deadline_from_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """A deadline that passes has its own code, and the record says that the task is still queued."""
    ran = invoke(capsys, "wait", ordered(capsys), "--timeout", "0.2")
    assert (ran.code, ran.records[0]["status"]) == (8, "queued")
    assert ran.records[0]["error"]["billed"] == "maybe"


@pytest.mark.usefixtures("server")
def test_wait_says_that_the_server_does_not_know_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    """An id that nobody knows is doubted for a while, and who waits is told; a download looks once."""
    ran = invoke(capsys, "wait", "cgt-20260101000000-aaaaa", "--timeout", "0.5")
    told = "The server does not know task cgt-20260101000000-aaaaa yet; it is asked again for 0.5 s.\n"
    assert ran.err.count(told) == 1
    assert "does not know" not in invoke(capsys, "download", "cgt-20260101000000-aaaaa").err
    assert "does not know" not in invoke(capsys, "wait", "-q", "cgt-1", "--timeout", "0.5").err


@pytest.mark.usefixtures("queue")
def test_generate_that_runs_out_of_time_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """After a deadline the message holds the very command that fetches the video later."""
    ran = invoke(capsys, "generate", "a cat", "--timeout", "0.2", *SMALL)
    (record,) = ran.records
    assert (ran.code, record["status"]) == (8, "queued")
    assert f"seedance wait {record['id']} --out ." in ran.err


@pytest.mark.usefixtures("server")
def test_status_of_some_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    """Each id gets its record, and one that is not known hurts no other."""
    task_id = ordered(capsys)
    ran = invoke(capsys, "status", "cgt-nowhere", task_id)
    assert ran.code == 4
    assert [record["id"] for record in ran.records] == ["cgt-nowhere", task_id]
    assert ran.records[0]["error"]["type"] == "TaskNotFound"
    assert ran.records[1]["status"] in {"queued", "running", "succeeded"}


@pytest.mark.usefixtures("server")
def test_signed_addresses_are_shown_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has the signed address has the video, so it stays out of logs unless somebody wants it."""
    task_id = ordered(capsys)
    invoke(capsys, "wait", task_id)
    assert "Signature" not in invoke(capsys, "status", task_id).out
    assert "Signature" in invoke(capsys, "status", task_id, "--urls").records[0]["video_url"]


@pytest.mark.usefixtures("server")
def test_list_of_all_pages(capsys: pytest.CaptureFixture[str]) -> None:
    """`--all` goes through the pages until there are no more, and a filter is passed on."""
    mine = {ordered(capsys, f"cat {number}") for number in range(3)}
    for task_id in mine:
        invoke(capsys, "wait", task_id, "-q")
    ran = invoke(capsys, "list", "--all", "--page-size", "2", "--status", "succeeded")
    assert mine <= {record["id"] for record in ran.records}
    assert len(invoke(capsys, "list", "--page-size", "2").records) == 2


@pytest.mark.usefixtures("server")
def test_the_line_for_the_next_page_keeps_what_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below the table stands the command for the next page, with the size and the filters of this one."""
    for number in range(5):
        ordered(capsys, f"cat {number}")
    words = ("list", "--page-size", "2", "--model", "doubao-seedance-1-5-pro-251215")
    shown = on_terminal(200, *words, "--page", "2", folder=tmp_path, code=0).splitlines()
    (line,) = [
        number for number, text in enumerate(shown) if text.startswith("There are more, with --all or: ")
    ]
    assert shown[line].strip() == f"There are more, with --all or: seedance {' '.join(words)} --page 3"
    assert sum(text.startswith("cgt-") for text in shown[:line]) == 2


@pytest.mark.usefixtures("queue")
def test_cancel_is_only_for_queued_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    """A queued task is cancelled and bills nothing."""
    task_id = ordered(capsys)
    ran = invoke(capsys, "cancel", task_id)
    assert (ran.code, ran.records[0]["result"], ran.records[0]["billed"]) == (0, "cancelled", "no")


@pytest.mark.usefixtures("server")
def test_cancel_of_a_finished_task_erases_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """What had ended is told as such, with a code of its own, and its record is still there."""
    task_id = ordered(capsys)
    invoke(capsys, "wait", task_id)
    ran = invoke(capsys, "cancel", task_id)
    assert (ran.code, ran.records[0]["result"], ran.records[0]["billed"]) == (4, "ended", "yes")
    assert invoke(capsys, "status", task_id).code == 0


@pytest.mark.usefixtures("server")
def test_delete_asks_first(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --yes and without a person nothing is erased; with it the record is gone."""
    task_id = ordered(capsys)
    invoke(capsys, "wait", task_id)
    assert invoke(capsys, "delete", task_id).code == 2
    assert invoke(capsys, "status", task_id).code == 0
    assert invoke(capsys, "delete", task_id, "--yes").code == 0
    assert invoke(capsys, "status", task_id).code == 4


@pytest.mark.usefixtures("server")
def test_download_of_several_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several videos go into a folder, and one file name for all of them is refused."""
    ids = [ordered(capsys, f"cat {number}") for number in range(2)]
    invoke(capsys, "wait", *ids)
    assert invoke(capsys, "download", *ids, "--out", str(tmp_path / "one.mp4")).code == 2
    counted = invoke(capsys, "download", *ids, "--out", str(tmp_path / "v{index}.mp4"), "--overwrite")
    assert (counted.code, "{task_id}" in counted.err, list(tmp_path.iterdir())) == (2, True, [])
    assert invoke(capsys, "download", *ids, "--out", str(tmp_path / "both")).code == 0
    assert {path.stem for path in (tmp_path / "both").glob("*.mp4")} == set(ids)


@pytest.mark.usefixtures("queue")
def test_download_of_an_unfinished_task(capsys: pytest.CaptureFixture[str]) -> None:
    """`download` does not wait: a task that still runs is told as such."""
    ran = invoke(capsys, "download", ordered(capsys))
    assert ran.code == 8
    assert "has not ended, last seen queued" in ran.err


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("words", [("download",), ("wait", "--timeout", "0.3")], ids=["download", "wait"])
def test_a_task_that_never_was_does_not_go_on_at_the_server(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """A mistyped id is told as one, with the exit code of `status`, and not as a task that takes longer."""
    ran = invoke(capsys, *words, "cgt-20260101000000-aaaaa")
    assert ran.code == invoke(capsys, "status", "cgt-20260101000000-aaaaa").code == 4
    assert ran.records[0]["error"]["type"] == "TaskNotFound"
    assert "goes on" not in ran.err


def test_a_batch_goes_on_where_it_was_stopped(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same command twice orders each prompt once, and the journal knows them all."""
    before = accepted(server)
    file = write_lines(tmp_path / "p.jsonl", *({"key": f"k{n}", "prompt": f"cat {n}"} for n in range(4)))
    words = ("batch", str(file), "--out", str(tmp_path / "out"), *SMALL)
    first = start(*words)
    assert first.stdout is not None
    first.stdout.readline()
    first.send_signal(2)
    _, err = first.communicate(timeout=30)
    assert first.returncode == 130, err
    assert f"Resume with: seedance batch {file}" in err
    ran = invoke(capsys, *words)
    assert ran.code == 0, ran.err
    assert {record["key"] for record in ran.records} == {"k0", "k1", "k2", "k3"}
    assert accepted(server) - before == 4
    shown = invoke(capsys, "journal", "show", str(tmp_path / "out" / "journal.db"))
    assert [record["state"] for record in shown.records] == ["saved"] * 4


def test_a_budget_stops_a_batch(server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not fit into --max-tokens is not sent, and the code says that it is about money."""
    before = accepted(server)
    file = write_lines(tmp_path / "p.jsonl", '"one"', '"two"')
    words = ("batch", str(file), "--out", str(tmp_path / "out"), "--max-tokens", "50000")
    ran = invoke(capsys, *words, *SMALL)
    assert ran.code == 5, ran.err
    assert sorted(record["status"] for record in ran.records) == ["skipped", "succeeded"]
    assert accepted(server) - before == 1


@pytest.mark.usefixtures("server")
def test_the_journal_as_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A spreadsheet can read what became of each prompt."""
    file = write_lines(tmp_path / "p.jsonl", {"key": "=a", "prompt": "x"})
    invoke(capsys, "batch", str(file), "--out", str(tmp_path / "out"), *SMALL)
    journal = str(tmp_path / "out" / "journal.db")
    head, row = invoke(capsys, "journal", "export", journal, "--format", "csv").out.splitlines()
    assert head.startswith("position,key,state,task_id,tokens")
    assert row.startswith("1,'=a,saved,cgt-")
    (record,) = invoke(capsys, "journal", "export", journal).records
    assert record["request"]["content"] == [{"type": "text", "text": "x"}]


@pytest.mark.usefixtures("server")
def test_a_missing_journal_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Looking at a journal with a misspelt name is a mistake, not a new empty journal."""
    missing = tmp_path / "run.db"
    for words in (("journal", "show"), ("reconcile", "--journal"), ("rescue", "--journal")):
        assert invoke(capsys, *words, str(missing)).code == 2
    assert not missing.exists()


@pytest.mark.usefixtures("server")
def test_rescue_fetches_what_is_not_on_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A paid video that nobody saved is found in the account's list and saved, under a name of its own."""
    task_id = ordered(capsys)
    invoke(capsys, "wait", task_id)
    counted = invoke(capsys, "rescue", "--out", str(tmp_path / "v{index}.mp4"))
    assert (counted.code, "{task_id}" in counted.err, list(tmp_path.iterdir())) == (2, True, [])
    ran = invoke(capsys, "rescue", "--out", str(tmp_path))
    assert ran.code == 0, ran.err
    assert (tmp_path / f"{task_id}.mp4").exists()
    assert invoke(capsys, "rescue", "--out", str(tmp_path)).out == ""


@pytest.mark.usefixtures("server")
def test_reconcile_without_a_journal_says_what_it_cannot_know(capsys: pytest.CaptureFixture[str]) -> None:
    """An order that left no trace stays uncertain, with its code, as long as nothing proves its absence."""
    words = ("reconcile", "video", "--sent-at", "1", "--fingerprint", "172811", "--look-seconds", "0.2")
    ran = invoke(capsys, *words)
    assert (ran.code, ran.records[0]["result"]) == (6, "uncertain")


def left_uncertain(path: Path, server: str, *keys: str) -> None:
    """Leave a journal in which nobody knows what became of some orders."""

    async def leave() -> None:
        async with Journal.open(path, account=server) as journal:
            await journal.plan([PlannedRow(key=key) for key in keys])
            for key in keys:
                await journal.sending(Intent(key=key, fingerprint=172_811, sent_at=1.0))

    asyncio.run(leave())


def test_what_a_person_found_out_settles_an_order(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--task takes a task that is there, once; --absent plans the order anew; what is settled is refused."""
    left_uncertain(tmp_path / "run.db", server, "found", "none", "twin")
    journal, task_id = ("--journal", str(tmp_path / "run.db")), ordered(capsys)
    assert invoke(capsys, "reconcile", "found", *journal, "--task", "cgt-nowhere").code == 4
    ran = invoke(capsys, "reconcile", "found", *journal, "--task", task_id)
    assert (ran.code, ran.records[0]["id"], ran.records[0]["result"]) == (0, task_id, "found"), ran.err
    assert invoke(capsys, "reconcile", "twin", *journal, "--task", task_id).code == 10
    ran = invoke(capsys, "reconcile", "none", *journal, "--absent")
    assert (ran.code, ran.records[0]["result"]) == (0, "absent")
    shown = invoke(capsys, "journal", "show", journal[1]).records
    assert {row["key"]: row["state"] for row in shown} == {
        "found": "accepted",
        "none": "planned",
        "twin": "sending",
    }
    for words in (("none", "--absent"), ("twin", "--absent", "--task", "cgt-1"), ("--absent",)):
        assert invoke(capsys, "reconcile", *words, *journal).code == 2


@pytest.mark.usefixtures("server")
def test_doctor_finds_nothing_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """With a good key and address every check passes, and the key is not shown."""
    ran = invoke(capsys, "doctor")
    assert (ran.code, [record["ok"] for record in ran.records]) == (0, [True] * len(ran.records))
    assert {"key", "address", "access", "list", "clock"} <= {record["check"] for record in ran.records}
    assert no_secret(ran)


@pytest.mark.asyncio
async def test_a_key_of_ark_at_the_default_address_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands say where the key goes as long as nobody has said that it is meant to; doctor warns of it."""
    for name in ("SEEDANCE_BASE_URL", "SEEDANCE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ARK_API_KEY", KEY)
    for given, word in ((None, "ARK_API_KEY"), (KKIAI, None)):
        # Left before anything is sent.
        async with aclosing(findings({"base_url": given})) as coming:
            found = await anext(one async for one in coming if one.check == "address")
        assert (found.detail, found.error) == (KKIAI, None)
        assert (word or "") in (found.warning or "")
        assert (found.warning is None) == (word is None)
        assert ("ARK_API_KEY" in capsys.readouterr().err) == (word is not None)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("lost", ["/api/v3", "/v3"])
def test_doctor_is_not_content_with_any_404(
    lost: str, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An address without its path is the finding: the 404 there speaks of the address, not of the task."""
    ran = invoke(capsys, "doctor", "--base-url", server.removesuffix(lost))
    assert ran.code == 2
    assert (ran.records[-1]["check"], ran.records[-1]["ok"]) == ("access", False)
    assert "path" in ran.records[-1]["advice"]


@pytest.mark.usefixtures("server")
def test_an_order_at_an_address_without_its_path_says_so(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who was told that there is no such path is told what to look for, as doctor does."""
    ran = invoke(capsys, "generate", "a cat", "--base-url", server.removesuffix("/api/v3"), *SMALL)
    assert ran.code == 4
    assert "Look for a missing path: an address ends before /contents/generations/tasks." in ran.err
    assert "Look for a missing path" in ran.records[0]["error"]["advice"]


@pytest.mark.parametrize(("given", "shown"), [("foo", True), (KEY, False)])
def test_what_is_no_address_is_told_what_is(
    given: str, *, shown: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short names are named, and so is the value, unless it may be a key."""
    monkeypatch.setenv("SEEDANCE_API_KEY", "another")
    ran = invoke(capsys, "list", "--base-url", given)
    assert ran.code == 2
    assert "must start with https:// or http://, or be one of kkiai, ark, byteplus" in ran.err
    assert (given in ran.err) == shown


def test_doctor_without_a_server(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An address where nobody listens is the finding, with the code of an unreachable server."""
    monkeypatch.setenv("SEEDANCE_BASE_URL", "http://127.0.0.1:9/api/v3")
    monkeypatch.setenv("SEEDANCE_API_KEY", KEY)
    ran = invoke(capsys, "doctor")
    assert ran.code == 7
    assert ran.records[-1]["check"] == "access"
