"""Errors of one exchange with the server: never reached, lost, unreadable, failed, refused."""

from __future__ import annotations

from seedance_async.errors.base import Billed, SeedanceError

__all__ = [
    "AnswerLost",
    "AnswerUnreadable",
    "AuthenticationFailed",
    "ConnectionFailed",
    "ContentRejected",
    "QueueFull",
    "QuotaExhausted",
    "RateLimited",
    "RequestRefused",
    "ServerFailed",
    "TaskNotFound",
    "TaskRunning",
]


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

    advice = (
        "Check the id and the key: a task is known to the account that ordered it, for 7 days. Before you"
        " order it anew, see in the console whether it ran: then it bills."
    )


class TaskRunning(RequestRefused):
    """A running task cannot be deleted or cancelled (409); it will finish and bill."""
