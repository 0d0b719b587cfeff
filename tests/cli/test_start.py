"""How the command line starts: at once, and with a clear word where it cannot."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click
import pytest

from seedance_async import errors
from seedance_async.batch import SubmitsHalted
from seedance_async.cli.app import COMMANDS
from seedance_async.cli.exits import CODES, code_in_batch, code_of, code_of_outcome, worst
from seedance_async.cli.records import error_record
from seedance_async.outcomes import Outcome, OutcomeKind
from tests.cli.helpers import KEY, QUICK, invoke, program

if TYPE_CHECKING:
    from pathlib import Path


def test_help_loads_neither_aiohttp_nor_attrs_nor_rich() -> None:
    """`seedance --help` answers at once because nothing heavy is imported for it."""
    code = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from seedance_async.cli import main; main()"
    )
    done = subprocess.run(program("--help", code=code), capture_output=True, text=True, check=True)
    assert "generate" in done.stdout
    assert not {"aiohttp", "attr", "asyncio", "rich", "tenacity"} & set(done.stderr.split())


@pytest.mark.parametrize("package", ["click"])
def test_a_missing_extra_is_named(package: str) -> None:
    """Without click the command says what to install instead of showing a traceback."""
    code = f"import sys; sys.modules[{package!r}] = None; from seedance_async.cli import main; main()"
    done = subprocess.run(program("demo", code=code), capture_output=True, text=True, check=False)
    assert done.returncode == 11
    assert done.stderr == (
        "The command seedance needs the extra 'cli'. Install it: pip install \"seedance-async[cli]\"\n"
    )


def test_a_broken_install_is_not_taken_for_a_missing_extra() -> None:
    """An import error of anything else is shown as what it is."""
    code = "import sys; sys.modules['tempfile'] = None; from seedance_async.cli import main; main()"
    done = subprocess.run(program("demo", code=code), capture_output=True, text=True, check=False)
    assert done.returncode not in {0, 11}
    assert "tempfile" in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_where_the_table_says(name: str) -> None:
    """The table of commands, read without importing them, agrees with the commands themselves."""
    command = vars(import_module(f"seedance_async.cli.{COMMANDS[name][0]}"))[f"{name}_command"]
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """`seedance` alone tells what there is."""
    ran = invoke(capsys)
    assert "Commands:" in ran.out + ran.err


def test_a_wrong_option_is_the_callers_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error ends with 2 and a hint, without a traceback."""
    ran = invoke(capsys, "demo", "--ouut", "x")
    assert ran.code == 2
    assert "--ouut" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("seconds", ["-1", "nan"])
@pytest.mark.parametrize(
    ("option", "command"),
    [
        ("--timeout", ("generate", "a cat", *QUICK)),
        ("--timeout", ("wait", "cgt-1")),
        ("--interval", ("generate", "a cat", *QUICK)),
        ("--work-seconds", ("simulate",)),
    ],
)
def test_what_is_no_length_of_time_is_the_callers_mistake(
    option: str, command: tuple[str, ...], seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused with the words of the command line, before anything is sent or started."""
    ran = invoke(capsys, *command, option, seconds)
    assert (ran.code, ran.out) == (2, "")
    assert f"'{option}'" in ran.err
    assert seconds in ran.err


@pytest.mark.parametrize("command", [("generate", "a cat", *QUICK), ("status", "cgt-1")])
def test_an_interval_of_nothing_is_refused(
    command: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not taken for one that was left out, and nothing is sent."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEDANCE_API_KEY", KEY)
    ran = invoke(capsys, *command, "--interval", "0")
    assert (ran.code, ran.out) == (2, "")
    assert "interval=0.0 is not valid: must be " in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("simulate", "--port", "80900"), "'--port'"),
        (("demo", "-o", "taken/demo"), "no file can be written there"),
    ],
)
def test_a_plain_mistake_is_not_told_as_a_bug(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A port that is none and a folder that cannot be are the caller's, and the message says which."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    ran = invoke(capsys, *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "bug" not in ran.err


CODE_OF: dict[str, int] = {
    "SeedanceError": 7,
    "InvalidRequest": 2,
    "MissingApiKey": 3,
    "MissingExtra": 11,
    "SessionClosed": 7,
    "BudgetExceeded": 5,
    "JournalError": 10,
    "JournalLocked": 10,
    "ClaimHeld": 10,
    "LimiterUnavailable": 7,
    "ConnectionFailed": 7,
    "AnswerLost": 7,
    "AnswerUnreadable": 7,
    "ServerFailed": 7,
    "RequestRefused": 4,
    "AuthenticationFailed": 3,
    "ContentRejected": 4,
    "RateLimited": 7,
    "QueueFull": 7,
    "QuotaExhausted": 5,
    "TaskNotFound": 4,
    "TaskRunning": 4,
    "SubmitUncertain": 6,
    "TaskEnded": 1,
    "TaskFailed": 1,
    "TaskExpired": 1,
    "TaskCancelled": 1,
    "ResultMissing": 1,
    "WaitTimeout": 8,
    "DownloadFailed": 9,
}
"""Scripts rely on each of these."""


def test_every_error_ends_a_command_with_its_code() -> None:
    """A script can tell what to do next from the code, whatever went wrong; a new error says which it has."""
    found = {name: vars(errors)[name] for name in errors.__all__ if name != "Billed"}
    assert {name: code_of(kind.__new__(kind)) for name, kind in found.items()} == CODE_OF
    assert set(CODE_OF.values()) <= set(CODES)


def ended(kind: OutcomeKind, error: errors.SeedanceError | None = None) -> Outcome:
    """Make an outcome."""
    return Outcome(key="k", kind=kind, error=error)


GOOD = ended(OutcomeKind.SUCCEEDED)
LOST = ended(OutcomeKind.UNCERTAIN, errors.SubmitUncertain("lost", key="k"))
BAD = ended(OutcomeKind.REFUSED, errors.InvalidRequest(field="f"))
NO_KEY = ended(OutcomeKind.REFUSED, errors.AuthenticationFailed("no", status=401))
STOP = ended(OutcomeKind.REFUSED, errors.QuotaExhausted("no", status=403))
SAID_NO = ended(OutcomeKind.REFUSED, errors.ContentRejected("no", status=400))
UNREACHED = ended(OutcomeKind.REFUSED, errors.ConnectionFailed("no route"))
LEFT = ended(OutcomeKind.SKIPPED, SubmitsHalted(errors.ContentRejected("no", status=400)))
NOT_HERE = ended(OutcomeKind.FAILED, errors.DownloadFailed("full"))


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([], 0),
        ([GOOD, GOOD], 0),
        ([GOOD, BAD], 1),
        ([GOOD, SAID_NO, LEFT], 4),
        ([GOOD, UNREACHED, SAID_NO], 7),
        ([GOOD, LEFT], 1),
        ([BAD, NO_KEY], 3),
        ([BAD, STOP], 5),
        ([BAD, STOP, NOT_HERE], 9),
        ([BAD, STOP, NOT_HERE, LOST], 6),
    ],
)
def test_the_code_of_a_batch_is_that_of_its_worst_prompt(outcomes: list[Outcome], code: int) -> None:
    """What may have been paid for in vain weighs more than what was not paid for at all."""
    assert worst(code_in_batch(outcome) for outcome in outcomes) == code


GONE = errors.TaskNotFound("gone", status=404)


@pytest.mark.parametrize(
    ("outcome", "code", "billed"),
    [
        (ended(OutcomeKind.UNCERTAIN, GONE), 6, "maybe"),
        (ended(OutcomeKind.UNCERTAIN, errors.WaitTimeout("cgt-1", waited=1)), 8, "maybe"),
        (BAD, 2, "no"),
        (SAID_NO, 4, "no"),
    ],
)
def test_what_may_have_a_task_is_never_told_as_unbilled(outcome: Outcome, code: int, billed: str) -> None:
    """A task that cannot be looked at any more may run and bill; what was refused before does not."""
    assert code_of_outcome(outcome) == code
    record = error_record(outcome.error or GONE)
    assert record["billed"] == billed
    assert code != 6 or record["advice"]


def test_the_interpreter_alone_can_start_it() -> None:
    """`python -m seedance_async.cli` is the same program."""
    words = [sys.executable, "-m", "seedance_async.cli", "--version"]
    assert "seedance" in subprocess.run(words, capture_output=True, text=True, check=True).stdout
