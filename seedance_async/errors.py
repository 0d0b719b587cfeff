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
    │   └── JournalLocked                another process owns the journal
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

import enum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.models import VideoTask

__all__ = [
    "AnswerLost",
    "AnswerUnreadable",
    "AuthenticationFailed",
    "Billed",
    "BudgetExceeded",
    "ConnectionFailed",
    "ContentRejected",
    "DownloadFailed",
    "InvalidRequest",
    "JournalError",
    "JournalLocked",
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


class Billed(enum.Enum):
    """Whether the call that raised may cost money."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


def _revive(cls: type[SeedanceError], args: tuple[Any, ...], state: dict[str, Any]) -> SeedanceError:
    """Rebuild a pickled error without running its keyword-only constructor."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class SeedanceError(Exception):
    """Root of all errors of this library.

    Attributes:
        billed: whether the call may have cost money.
        advice: one sentence that says what to do next; may be empty.
        transient: whether the same call may pass a moment later.
    """

    billed: Billed = Billed.NO
    advice: str = ""
    transient: bool = False

    def __init__(self, message: str, *, billed: Billed | None = None, advice: str | None = None) -> None:
        super().__init__(message)
        if billed is not None:
            self.billed = billed
        if advice is not None:
            self.advice = advice

    @property
    def message(self) -> str:
        """The sentence without the advice."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors travel between processes (executors, clusters); the default would call __init__ with args
        # only.
        return _revive, (type(self), self.args, self.__dict__)


class InvalidRequest(SeedanceError, ValueError):
    """The input is wrong whatever the server says; nothing was sent.

    Attributes:
        field: name of the argument or body field.
        value: the value that was given (long ones are cut in the message).
        limit: what would be accepted, in words.
    """

    def __init__(self, message: str = "", *, field: str, value: object = None, limit: str = "") -> None:
        self.field = field
        self.value = value
        self.limit = limit
        text = message or f"{field}={_shorten(value)} is not valid"
        super().__init__(f"{text}: {limit}" if limit else text)


def _shorten(value: object) -> str:
    """Give a repr that fits in a message; media bytes and data URIs are long."""
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"  # noqa: PLR2004 - width of a line


class MissingApiKey(SeedanceError):
    """No API key was given and none is in the environment."""

    advice = (
        "Pass SeedanceSession(api_key=...) or set the environment variable SEEDANCE_API_KEY (or ARK_API_KEY)."
    )

    def __init__(self, message: str = "No API key.") -> None:
        super().__init__(message)


class MissingExtra(SeedanceError, ImportError):
    """An optional dependency is not installed.

    Attributes:
        extra: name of the extra to install.
    """

    def __init__(self, what: str, *, extra: str) -> None:
        self.extra = extra
        super().__init__(
            f"{what} needs the extra '{extra}'.", advice=f'Install it: pip install "seedance-async[{extra}]"'
        )


class SessionClosed(SeedanceError):
    """The session is closed, or was never opened in this event loop."""


class BudgetExceeded(SeedanceError):
    """A submit would pass the budget; it was refused before anything was sent.

    Attributes:
        unit: ``"tokens"`` or the currency of the budget.
        needed: what this submit may cost at most.
        left: what is left of the budget.
    """

    def __init__(self, *, unit: str, needed: object, left: object) -> None:
        self.unit = unit
        self.needed = needed
        self.left = left
        super().__init__(f"This submit may cost {needed} {unit}, and {left} {unit} of the budget are left.")


class JournalError(SeedanceError):
    """The journal cannot be opened, read or written."""


class JournalLocked(JournalError):
    """Another process owns the journal.

    Attributes:
        owner: what is known of the owner (process id, host, since when).
    """

    def __init__(self, message: str, *, owner: str = "") -> None:
        self.owner = owner
        super().__init__(message)


class ConnectionFailed(SeedanceError):
    """The server was never reached (DNS, refused, connect timeout, TLS): surely not sent, safe to repeat."""

    transient = True


class AnswerLost(SeedanceError):
    """The request was sent and no whole answer came back (reset, end of file, timeout)."""

    transient = True


class AnswerUnreadable(SeedanceError):
    """A success status whose body is not what the route answers.

    Attributes:
        status: the HTTP status.
        body: the first 500 characters of the body.
    """

    transient = True

    def __init__(self, message: str, *, status: int, body: str = "", billed: Billed | None = None) -> None:
        self.status = status
        self.body = body
        super().__init__(message, billed=billed)


class _Answered(SeedanceError):
    """What an error answer of the server carries."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        billed: Billed | None = None,
        advice: str | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.server_message = message
        self.request_id = request_id
        self.retry_after = retry_after
        super().__init__(_answer_text(status, code, message, request_id), billed=billed, advice=advice)


def _answer_text(status: int, code: str, message: str, request_id: str) -> str:
    """Put status, code, message and request id of an answer into one sentence."""
    head = f"HTTP {status} {code}".rstrip()
    text = f"{head}: {message}" if message else head
    return text if not request_id or request_id in text else f"{text} (request id {request_id})"


class ServerFailed(_Answered):
    """408, 499 or a 5xx: the server may have done the work or not.

    Attributes:
        status: HTTP status.
        code: the server's error code, may be empty.
        server_message: the server's own words.
        request_id: the server's id of this request, may be empty.
        retry_after: seconds the server asked to wait, or None.
    """

    transient = True


class RequestRefused(_Answered):
    """The server said no; nothing was created and nothing is billed.

    Attributes:
        status: HTTP status.
        code: the server's error code (api docs 1299023), may be empty.
        server_message: the server's own words.
        request_id: the server's id of this request, may be empty.
        retry_after: seconds the server asked to wait, or None.
    """


class AuthenticationFailed(RequestRefused):
    """401 or 403: the key is missing, wrong, or not allowed to do this."""

    advice = "Check the key, its region and project, and that the model is opened for the account."


class ContentRejected(RequestRefused):
    """The prompt or the media were refused by moderation."""

    advice = "Change the prompt or the media; the same input will be refused again."


class RateLimited(RequestRefused):
    """429 that means slow down: refused for now, safe to repeat after a wait."""

    transient = True


class QueueFull(RateLimited):
    """429: too many tasks of the account wait or run; room comes when one ends."""


class QuotaExhausted(RequestRefused):
    """The account must not go on: spend limit, arrears, free trial or plan quota used up."""

    advice = "Top up, raise the limit in the console, or wait for the plan's next period."


class TaskNotFound(RequestRefused):
    """The server knows no such task for this key (erased, older than 7 days, or another account's)."""


class TaskRunning(RequestRefused):
    """A running task cannot be deleted or cancelled (409); it will finish and bill."""


class SubmitUncertain(SeedanceError):
    """A submit was sent, its answer is unknown, and nothing proves that the task was not created.

    Attributes:
        key: the submit's key; ``session.reconcile(key)`` or ``session.reconcile(error)`` goes on looking.
        sent_at: Unix seconds (our wall clock) when the request went out.
        until: Unix seconds until which the request may have been accepted.
        fingerprint: the ``execution_expires_after`` that was sent, or None.
        candidates: tasks of the server that could be this one.
    """

    billed = Billed.MAYBE

    def __init__(
        self,
        message: str,
        *,
        key: str,
        sent_at: float = 0.0,
        until: float = 0.0,
        fingerprint: int | None = None,
        candidates: Sequence[VideoTask] = (),
    ) -> None:
        self.key = key
        self.sent_at = sent_at
        self.until = until
        self.fingerprint = fingerprint
        self.candidates = tuple(candidates)
        advice = f"Do not submit again; go on with: await session.reconcile({key!r})"
        super().__init__(message, advice=advice)


class TaskEnded(SeedanceError):
    """A task reached a terminal status without a usable video.

    Attributes:
        task: the last record of the task.
        code: the server's error code, may be empty.
    """

    verb: ClassVar[str] = "ended"

    def __init__(self, task: VideoTask, message: str = "") -> None:
        self.task = task
        self.code = task.error.code if task.error else ""
        why = task.error.text if task.error else ""
        text = message or f"Task {task.id} {self.verb}"
        super().__init__(f"{text}: {why}" if why else f"{text}.")


class TaskFailed(TaskEnded):
    """The server gave up on the task; failed tasks are not billed (api docs 1544106)."""

    verb = "failed"


class TaskExpired(TaskEnded):
    """The task waited longer than its ``execution_expires_after``; not billed."""

    verb = "expired at the server"


class TaskCancelled(TaskEnded):
    """The task was cancelled while it was queued; not billed."""

    verb = "was cancelled"


class ResultMissing(TaskEnded):
    """The task succeeded, and is billed, but its record holds no video URL."""

    billed = Billed.YES
    verb = "succeeded without a video URL"


class WaitTimeout(SeedanceError, TimeoutError):
    """The caller's deadline passed; the task goes on at the server and may still bill.

    Attributes:
        task_id: id to wait for again, from any process.
        task: the last record seen, or None.
        waited: seconds waited.
    """

    billed = Billed.MAYBE

    def __init__(
        self, task_id: str, *, waited: float, task: VideoTask | None = None, phase: str = ""
    ) -> None:
        self.task_id = task_id
        self.task = task
        self.waited = waited
        status = f", last seen {task.status.value}" if task is not None else ""
        limit = f" {phase}" if phase else ""
        super().__init__(
            f"Task {task_id} did not end within {waited:.0f} s{limit}{status}; it goes on at the server.",
            advice=f"Wait again with: await wait_for(session, {task_id!r})",
        )


class DownloadFailed(SeedanceError):
    """The video is paid for and could not be brought to disk.

    Attributes:
        task_id: the task whose video it is; "" when only a URL was given.
        status: HTTP status of the last answer, or None.
    """

    billed = Billed.YES

    def __init__(
        self, message: str, *, task_id: str = "", status: int | None = None, advice: str | None = None
    ) -> None:
        self.task_id = task_id
        self.status = status
        super().__init__(message, advice=advice)
