"""The asyncio client for Seedance video tasks: one prompt, one paid task, and nothing paid for is lost.

Names are looked up when they are first used (PEP 562), because aiohttp alone takes a third of a second to
import and ``seedance --help`` must not wait for it.  To add a public name: its line in ``_HOMES``, its line
in ``__all__`` and its import under ``TYPE_CHECKING``; ``tests/test_facade.py`` compares the three.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from seedance_async.batch import Action, StopSwitch, check_jobs, draft_then_final, read_jobs, shots
    from seedance_async.batch.sharding import Shard, shard
    from seedance_async.callbacks import CallbackReceiver
    from seedance_async.cancelling import Cancellation, CancelResult
    from seedance_async.errors import (
        AnswerLost,
        AnswerUnreadable,
        AuthenticationFailed,
        Billed,
        BudgetExceeded,
        ClaimHeld,
        ConnectionFailed,
        ContentRejected,
        DownloadFailed,
        InvalidRequest,
        JournalError,
        JournalLocked,
        LimiterUnavailable,
        MissingApiKey,
        MissingExtra,
        QueueFull,
        QuotaExhausted,
        RateLimited,
        RequestRefused,
        ResultMissing,
        SeedanceError,
        ServerFailed,
        SessionClosed,
        SubmitUncertain,
        TaskCancelled,
        TaskEnded,
        TaskExpired,
        TaskFailed,
        TaskNotFound,
        TaskRunning,
        WaitTimeout,
    )
    from seedance_async.estimates import Estimate, estimate
    from seedance_async.ledger.claims import Claims
    from seedance_async.ledger.journal import Journal
    from seedance_async.models import (
        TaskError,
        TaskPage,
        TaskStatus,
        Usage,
        VideoTask,
    )
    from seedance_async.outcomes import Outcome, OutcomeKind
    from seedance_async.pool import Account, AccountPool
    from seedance_async.progress import Progress
    from seedance_async.request import VideoRequest
    from seedance_async.session import SeedanceSession
    from seedance_async.settings import (
        ARK,
        BYTEPLUS,
        KKIAI,
        AccountLimits,
        Budget,
        PollPolicy,
        RetryPolicy,
        SharedLimiter,
        Timeouts,
    )
    from seedance_async.sharing import fulfil, settle_abandoned
    from seedance_async.waiting import as_completed, wait_for, watch

__all__ = [
    "ARK",
    "BYTEPLUS",
    "KKIAI",
    "Account",
    "AccountLimits",
    "AccountPool",
    "Action",
    "AnswerLost",
    "AnswerUnreadable",
    "AuthenticationFailed",
    "Billed",
    "Budget",
    "BudgetExceeded",
    "CallbackReceiver",
    "CancelResult",
    "Cancellation",
    "ClaimHeld",
    "Claims",
    "ConnectionFailed",
    "ContentRejected",
    "DownloadFailed",
    "Estimate",
    "InvalidRequest",
    "Journal",
    "JournalError",
    "JournalLocked",
    "LimiterUnavailable",
    "MissingApiKey",
    "MissingExtra",
    "Outcome",
    "OutcomeKind",
    "PollPolicy",
    "Progress",
    "QueueFull",
    "QuotaExhausted",
    "RateLimited",
    "RequestRefused",
    "ResultMissing",
    "RetryPolicy",
    "SeedanceError",
    "SeedanceSession",
    "ServerFailed",
    "SessionClosed",
    "Shard",
    "SharedLimiter",
    "StopSwitch",
    "SubmitUncertain",
    "TaskCancelled",
    "TaskEnded",
    "TaskError",
    "TaskExpired",
    "TaskFailed",
    "TaskNotFound",
    "TaskPage",
    "TaskRunning",
    "TaskStatus",
    "Timeouts",
    "Usage",
    "VideoRequest",
    "VideoTask",
    "WaitTimeout",
    "__version__",
    "as_completed",
    "check_jobs",
    "draft_then_final",
    "estimate",
    "fulfil",
    "read_jobs",
    "settle_abandoned",
    "shard",
    "shots",
    "wait_for",
    "watch",
]

__version__ = "0.1.0"

_HOMES: Final[dict[str, str]] = {
    "Action": "seedance_async.batch",
    "StopSwitch": "seedance_async.batch",
    "check_jobs": "seedance_async.batch",
    "draft_then_final": "seedance_async.batch",
    "read_jobs": "seedance_async.batch",
    "shots": "seedance_async.batch",
    "Shard": "seedance_async.batch.sharding",
    "shard": "seedance_async.batch.sharding",
    "Account": "seedance_async.pool",
    "AccountPool": "seedance_async.pool",
    "CallbackReceiver": "seedance_async.callbacks",
    "CancelResult": "seedance_async.cancelling",
    "Cancellation": "seedance_async.cancelling",
    "AnswerLost": "seedance_async.errors",
    "AnswerUnreadable": "seedance_async.errors",
    "AuthenticationFailed": "seedance_async.errors",
    "Billed": "seedance_async.errors",
    "BudgetExceeded": "seedance_async.errors",
    "ClaimHeld": "seedance_async.errors",
    "ConnectionFailed": "seedance_async.errors",
    "ContentRejected": "seedance_async.errors",
    "DownloadFailed": "seedance_async.errors",
    "InvalidRequest": "seedance_async.errors",
    "JournalError": "seedance_async.errors",
    "JournalLocked": "seedance_async.errors",
    "LimiterUnavailable": "seedance_async.errors",
    "MissingApiKey": "seedance_async.errors",
    "MissingExtra": "seedance_async.errors",
    "QueueFull": "seedance_async.errors",
    "QuotaExhausted": "seedance_async.errors",
    "RateLimited": "seedance_async.errors",
    "RequestRefused": "seedance_async.errors",
    "ResultMissing": "seedance_async.errors",
    "SeedanceError": "seedance_async.errors",
    "ServerFailed": "seedance_async.errors",
    "SessionClosed": "seedance_async.errors",
    "SubmitUncertain": "seedance_async.errors",
    "TaskCancelled": "seedance_async.errors",
    "TaskEnded": "seedance_async.errors",
    "TaskExpired": "seedance_async.errors",
    "TaskFailed": "seedance_async.errors",
    "TaskNotFound": "seedance_async.errors",
    "TaskRunning": "seedance_async.errors",
    "WaitTimeout": "seedance_async.errors",
    "Estimate": "seedance_async.estimates",
    "estimate": "seedance_async.estimates",
    "Claims": "seedance_async.ledger.claims",
    "Journal": "seedance_async.ledger.journal",
    "TaskError": "seedance_async.models",
    "TaskPage": "seedance_async.models",
    "TaskStatus": "seedance_async.models",
    "Usage": "seedance_async.models",
    "VideoTask": "seedance_async.models",
    "Outcome": "seedance_async.outcomes",
    "OutcomeKind": "seedance_async.outcomes",
    "Progress": "seedance_async.progress",
    "VideoRequest": "seedance_async.request",
    "SeedanceSession": "seedance_async.session",
    "ARK": "seedance_async.settings",
    "AccountLimits": "seedance_async.settings",
    "BYTEPLUS": "seedance_async.settings",
    "Budget": "seedance_async.settings",
    "KKIAI": "seedance_async.settings",
    "PollPolicy": "seedance_async.settings",
    "RetryPolicy": "seedance_async.settings",
    "SharedLimiter": "seedance_async.settings",
    "Timeouts": "seedance_async.settings",
    "fulfil": "seedance_async.sharing",
    "settle_abandoned": "seedance_async.sharing",
    "as_completed": "seedance_async.waiting",
    "wait_for": "seedance_async.waiting",
    "watch": "seedance_async.waiting",
}
"""Public name -> the module that defines it."""


def __getattr__(name: str) -> object:
    """Import the home of a public name at its first use and keep what it was."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names without importing their homes."""
    return sorted({*globals(), *_HOMES})
