"""Every error this library raises, named for what the caller should do next.

Each error says in ``error.billed`` whether the call may have cost money, and in ``error.advice`` how to go
on::

    SeedanceError
    ├── InvalidRequest (ValueError)      change the input; nothing was sent
    ├── MissingApiKey                    give a key; nothing was sent
    ├── MissingExtra (ImportError)       install the named extra
    ├── SessionClosed                    open a new session; nothing was sent
    ├── BudgetExceeded                   raise the budget; nothing was sent
    ├── JournalError                     the journal cannot be used; the message says why
    │   ├── JournalLocked                another process owns the journal
    │   └── ClaimHeld                    another machine or call works on this job
    ├── LimiterUnavailable               the limits shared by several machines cannot be asked
    ├── ConnectionFailed                 the server was never reached; repeat freely
    ├── AnswerLost                       sent, and the answer got lost
    ├── AnswerUnreadable                 answered, and the answer cannot be read
    ├── ServerFailed                     408 or 5xx: the server may have done it or not
    ├── RequestRefused                   the server said no; nothing was billed
    │   ├── AuthenticationFailed         give another key, or open the model in the console
    │   ├── ContentRejected              change the prompt or the media
    │   ├── RateLimited                  slow down, then repeat
    │   │   └── QueueFull                wait until a task of the account ends
    │   ├── QuotaExhausted               stop: spend limit, arrears or quota used up
    │   ├── TaskNotFound                 no such task for this key
    │   └── TaskRunning                  a running task cannot be deleted
    ├── SubmitUncertain                  a task may exist and bill; reconcile, never repeat blindly
    ├── TaskEnded                        the task ended without a video
    │   ├── TaskFailed                   the server gave up on it; not billed
    │   ├── TaskExpired                  it waited longer than its own limit; not billed
    │   ├── TaskCancelled                somebody cancelled it; not billed
    │   └── ResultMissing                succeeded, billed, and no video URL
    ├── WaitTimeout (TimeoutError)       the caller's deadline; the task goes on
    └── DownloadFailed                   the video is paid for and not on disk yet
"""

from __future__ import annotations

from seedance_async.errors.answers import (
    AnswerLost,
    AnswerUnreadable,
    AuthenticationFailed,
    ConnectionFailed,
    ContentRejected,
    QueueFull,
    QuotaExhausted,
    RateLimited,
    RequestRefused,
    ServerFailed,
    TaskNotFound,
    TaskRunning,
)
from seedance_async.errors.base import (
    Billed,
    SeedanceError,
)
from seedance_async.errors.own import (
    BudgetExceeded,
    ClaimHeld,
    InvalidRequest,
    JournalError,
    JournalLocked,
    LimiterUnavailable,
    MissingApiKey,
    MissingExtra,
    SessionClosed,
)
from seedance_async.errors.tasks import (
    DownloadFailed,
    ResultMissing,
    SubmitUncertain,
    TaskCancelled,
    TaskEnded,
    TaskExpired,
    TaskFailed,
    WaitTimeout,
)

__all__ = [
    "AnswerLost",
    "AnswerUnreadable",
    "AuthenticationFailed",
    "Billed",
    "BudgetExceeded",
    "ClaimHeld",
    "ConnectionFailed",
    "ContentRejected",
    "DownloadFailed",
    "InvalidRequest",
    "JournalError",
    "JournalLocked",
    "LimiterUnavailable",
    "MissingApiKey",
    "MissingExtra",
    "QueueFull",
    "QuotaExhausted",
    "RateLimited",
    "RequestRefused",
    "ResultMissing",
    "SeedanceError",
    "ServerFailed",
    "SessionClosed",
    "SubmitUncertain",
    "TaskCancelled",
    "TaskEnded",
    "TaskExpired",
    "TaskFailed",
    "TaskNotFound",
    "TaskRunning",
    "WaitTimeout",
]
