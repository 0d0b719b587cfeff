"""Exit codes: one per family of errors, so that a script can decide what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seedance_async import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seedance_async.outcomes import Outcome

__all__ = [
    "CODES",
    "DOWNLOAD",
    "INTERRUPTED",
    "OK",
    "TERMINATED",
    "UNEXPECTED",
    "UNREAD",
    "code_in_batch",
    "code_of",
    "code_of_outcome",
    "worst",
]

OK: Final = 0
ENDED: Final = 1
INVALID: Final = 2
KEY: Final = 3
REFUSED: Final = 4
MONEY: Final = 5
UNCERTAIN: Final = 6
UNREACHABLE: Final = 7
DEADLINE: Final = 8
DOWNLOAD: Final = 9
JOURNAL: Final = 10
EXTRA: Final = 11
UNEXPECTED: Final = 70
INTERRUPTED: Final = 130
UNREAD: Final = 141
TERMINATED: Final = 143

CODES: Final[dict[int, str]] = {
    OK: "everything that was asked for is done",
    ENDED: "a task ended without a video, or at least one prompt of a batch did not succeed",
    INVALID: "the command or its input is not valid; nothing was sent",
    KEY: "no key, or the server does not accept it",
    REFUSED: "the server said no; nothing is billed",
    MONEY: "stop: quota, spend limit or budget is used up",
    UNCERTAIN: "a task may exist and bill; reconcile, do not send again",
    UNREACHABLE: "the server could not be reached, failed, or asked to come later; nothing was ordered",
    DEADLINE: "the deadline passed; the task goes on at the server",
    DOWNLOAD: "the video is paid for and not on disk yet; download it again",
    JOURNAL: "the journal cannot be used",
    EXTRA: "an optional part is not installed",
    UNEXPECTED: "a bug: please report it with the output of --debug",
    INTERRUPTED: "stopped with Ctrl-C, or by a button of the board",
    UNREAD: "the reader of the output went away",
    TERMINATED: "stopped with SIGTERM",
}
"""Exit code -> what it means; ``docs/reference/cli.md`` holds the same table."""

_FAMILIES: Final[tuple[tuple[type[errors.SeedanceError], int], ...]] = (
    (errors.InvalidRequest, INVALID),
    (errors.MissingApiKey, KEY),
    (errors.MissingExtra, EXTRA),
    (errors.AuthenticationFailed, KEY),
    (errors.QuotaExhausted, MONEY),
    (errors.BudgetExceeded, MONEY),
    (errors.RateLimited, UNREACHABLE),
    (errors.RequestRefused, REFUSED),
    (errors.SubmitUncertain, UNCERTAIN),
    (errors.WaitTimeout, DEADLINE),
    (errors.DownloadFailed, DOWNLOAD),
    (errors.TaskEnded, ENDED),
    (errors.JournalError, JOURNAL),
    (errors.SeedanceError, UNREACHABLE),
)

_CARE: Final = (UNCERTAIN, DOWNLOAD, DEADLINE, KEY, MONEY, JOURNAL, UNREACHABLE, REFUSED, INVALID, ENDED)


def code_of(error: errors.SeedanceError) -> int:
    """Give the exit code of an error."""
    return next(code for family, code in _FAMILIES if isinstance(error, family))


def worst(codes: Iterable[int]) -> int:
    """Give the code of several that needs most care."""
    found = set(codes)
    return next((code for code in _CARE if code in found), OK)


def code_of_outcome(outcome: Outcome) -> int:
    """Give the exit code of one prompt, alone or of a batch."""
    error, kind = outcome.error, outcome.kind.value
    if kind == "uncertain" and not isinstance(error, errors.WaitTimeout):
        return UNCERTAIN
    if isinstance(error, errors.SeedanceError):
        return code_of(error)
    return OK if kind == "succeeded" else ENDED


def code_in_batch(outcome: Outcome) -> int:
    """Give the exit code of one prompt among several."""
    code = code_of_outcome(outcome)
    # One that was left because of another says nothing of the server, and the others were sent.
    left = outcome.kind.value == "skipped" and code == UNREACHABLE
    return ENDED if left or code == INVALID else code
