"""Which error is this answer? One table of codes and words, each with its source.

Sources: api docs 1299023 (Ark error codes), and the public sources of the new-api gateway
(https://github.com/QuantumNous/new-api) for the codes marked with it.
"""

from __future__ import annotations

import email.utils
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from attrs import frozen

from seedance_async import errors as e
from seedance_async._wire.shapes import as_object, decoded

if TYPE_CHECKING:
    from seedance_async._wire.exchange import WireResponse

__all__ = ["NO_PATH", "Said", "date_of", "error_of", "retry_after_of"]

_SHOWN = 500
_A_YEAR = 366 * 86_400.0  # hundreds of digits would be an endless wait
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _TOO_MANY = 401, 403, 404, 409, 429
_NO_ROUTE = {404, 405}
_NAMED_IN_A_BODY = ("model", "endpoint", "resourcenotfound", "asset", "task")
NO_PATH = "Look for a missing path: an address ends before /contents/generations/tasks."
_MOVED = {301, 307, 308}
_SUCCESS = range(200, 300)  # an error wrapper under a success status is the gateway's own no
# A server that answers one of these has looked at the request and not done it (RFC 9110 section 15.5).
_REFUSING = {
    400,
    401,
    402,
    403,
    404,
    405,
    406,
    410,
    411,
    413,
    414,
    415,
    416,
    417,
    422,
    426,
    428,
    429,
    431,
    451,
} | _MOVED

# Codes after which the account must not go on by itself (429 and 403 alike).
_STOP_CODES = (
    "SetLimitExceeded",  # the user's own spend limit, or safe-experience mode
    "AccountOverdueError",  # arrears
    "OperationDenied.ServiceOverdue",
    "InvalidSubscription",
    "QuotaExceeded.AgentPlanQuotaExceeded",
    "insufficient_user_quota",  # new-api: the gateway's own balance, checked before it dispatches
    "quota_not_enough",  # new-api
    "pre_consume_token_quota_failed",  # new-api
    "insufficient_quota",  # OpenAI-style gateways
)
_STOP_WORDS = (
    "free trial",
    "overdue",
    "arrear",
    "insufficient balance",
    "5-hour",
    "weekly",
    "monthly",
    "spend limit",
)
_QUEUE_CODES = ("QuotaExceeded", "InflightBatchsizeExceeded")
# new-api: it could not read or reach its upstream, which may have created the task all the same.
_LOST_CODES = (
    "do_request_failed",
    "read_response_body_failed",
    "invalid_response",
    "get_task_failed",
    "get_channel_failed",  # said of a second channel, after the first was tried (controller/relay.go)
)
# new-api: no channel was found, so nothing was dispatched to any upstream, whatever the HTTP status.
_NOT_DISPATCHED = ("model_not_found", "no_available_channel", "model_price_error")
_NOT_DISPATCHED_WORDS = ("no available channel", "无可用渠道")
_ONCE_MORE = ("retry", "重试")  # beside them: a channel was tried before, and its upstream may have a task
_MODERATION = ("SensitiveContent", "RiskDetection")
# Refused before anything was created, and likely to pass a moment later.
_FOR_NOW = ("ContentSecurityDetectionError",)
_REQUEST_ID = re.compile(r"request id:?\s*([0-9A-Za-z-]{8,})", re.IGNORECASE)


@frozen(kw_only=True)
class Said:
    """What an error answer says, whatever its shape."""

    status: int
    code: str = ""
    message: str = ""
    type: str = ""
    request_id: str = ""
    retry_after: float | None = None

    @classmethod
    def of(cls, response: WireResponse, payload: dict[str, Any] | None) -> Self:
        """Read code, message and request id out of any body: object, string, wrapper, HTML, nothing."""
        headers = response.headers
        facts = _facts(payload) if payload else {}
        code, kind = str(facts.get("code") or ""), str(facts.get("type") or "")
        message = str(facts.get("message") or "") or _plain(response.body)
        found = _REQUEST_ID.search(message)
        request_id = headers.get("x-request-id") or (found.group(1) if found else "")
        now = date_of(headers.get("date")) or response.received_at
        return cls(
            status=response.status,
            code=code,
            message=message[:_SHOWN],
            type=kind,
            request_id=request_id,
            retry_after=retry_after_of(headers.get("retry-after"), now),
        )


def _facts(payload: dict[str, Any]) -> dict[str, Any]:
    """Find the object that holds code and message."""
    if (error := as_object(payload.get("error"))) is not None:
        return error
    if isinstance(words := payload.get("error"), str) and words:
        return {"code": payload.get("code"), "message": words}
    metadata = as_object(payload.get("ResponseMetadata")) or {}
    if (inner := as_object(metadata.get("Error"))) is not None:
        return {"code": inner.get("Code"), "message": inner.get("Message")}
    return _relayed(payload) or payload


def _relayed(payload: dict[str, Any]) -> dict[str, Any] | None:
    """Unpack new-api's ``fail_to_fetch_task``, which carries its upstream's body as a string."""
    message = payload.get("message")
    if not isinstance(message, str) or not message.lstrip().startswith("{"):
        return None
    return as_object((as_object(decoded(message)) or {}).get("error"))


def _plain(body: bytes) -> str:
    """Make one readable line of a body that is no JSON."""
    text = re.sub(r"<[^>]*>", " ", body[: 4 * _SHOWN].decode(errors="replace"))
    return " ".join(text.split())[:_SHOWN]


@lru_cache(maxsize=16)
def date_of(value: str | None) -> float | None:
    """Read an HTTP date (RFC 9110 section 5.6.7) as Unix seconds; None when there is none.

    Kept for a while: all answers of one second carry the same one.
    """
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() if value else None
    except (ValueError, TypeError, OverflowError):
        return None


def retry_after_of(value: str | None, now: float) -> float | None:
    """Read ``Retry-After`` in seconds or as a date (RFC 9110 section 10.2.3); ``now`` is Unix seconds."""
    seconds = (value or "").strip()
    if seconds.isascii() and seconds.isdecimal():
        return min(float(seconds), _A_YEAR)
    date = date_of(value)
    return None if date is None else max(0.0, date - now)


def error_of(said: Said, *, paid: bool, by_id: bool) -> e.SeedanceError:
    """Give the typed error of an answer.

    Args:
        said: what the answer says.
        paid: whether the request was the paid POST, so that an unclear answer may have cost money.
        by_id: whether the request named one task, so that 404 and 409 speak of that task.
    """
    kind = _refusal(said, by_id=by_id)
    if kind is None:
        return _build(e.ServerFailed, said, billed=e.Billed.MAYBE if paid else e.Billed.NO)
    error = _build(kind, said)
    if paid and kind is e.RequestRefused and _speaks_of_the_address(said):
        error.advice = NO_PATH
    return error


def _speaks_of_the_address(said: Said) -> bool:
    """Tell a 404 that knows no such path from one that knows no such model, endpoint or material."""
    # An address that is repeated in the answer holds one of the words, too.
    words = f"{said.code} {said.message}".lower().replace("generations/tasks", "")
    return said.status in _NO_ROUTE and not any(thing in words for thing in _NAMED_IN_A_BODY)


def _refusal(said: Said, *, by_id: bool) -> type[e.RequestRefused] | None:
    """Decide which refusal this is, or None when it is not surely one."""
    words = said.message.lower()
    if said.code in _LOST_CODES:
        return None
    if _not_dispatched(said, words):
        return e.QuotaExhausted if said.code in _STOP_CODES else e.RequestRefused
    if said.status not in _REFUSING and said.status != _CONFLICT and said.status not in _SUCCESS:
        return None
    if said.code in _STOP_CODES or (
        said.status in {_TOO_MANY, _FORBIDDEN} and any(w in words for w in _STOP_WORDS)
    ):
        return e.QuotaExhausted
    return _by_status(said, by_id=by_id)


def _not_dispatched(said: Said, words: str) -> bool:
    """True when a gateway says by itself that it sent nothing on."""
    own = said.type == "new_api_error" or said.code in _STOP_CODES
    if own and said.code in (*_NOT_DISPATCHED, *_STOP_CODES):
        return True
    return any(w in words for w in _NOT_DISPATCHED_WORDS) and not any(w in words for w in _ONCE_MORE)


def _by_status(said: Said, *, by_id: bool) -> type[e.RequestRefused] | None:
    """Sort the plain refusals by status and code."""
    if said.status == _TOO_MANY:
        return e.QueueFull if said.code in _QUEUE_CODES else e.RateLimited
    if any(word in said.code for word in _MODERATION):
        return e.ContentRejected
    if said.status in {_UNAUTHORIZED, _FORBIDDEN}:
        return e.AuthenticationFailed
    if by_id and (said.status == _NOT_FOUND or said.code == "task_not_exist"):  # new-api says it with a 400
        return e.TaskNotFound
    if said.status == _CONFLICT:
        # Only a DELETE is known to answer 409; on a create nothing says that it was refused.
        return e.TaskRunning if by_id else None
    return e.RequestRefused


def _build(
    kind: type[e.RequestRefused | e.ServerFailed], said: Said, billed: e.Billed | None = None
) -> e.SeedanceError:
    """Make the error with everything that the answer said."""
    advice = (
        "The base_url redirects elsewhere; use the address it points to." if said.status in _MOVED else None
    )
    error = kind(
        said.message,
        status=said.status,
        code=said.code,
        request_id=said.request_id,
        retry_after=said.retry_after,
        billed=billed,
        advice=advice,
    )
    if said.code in _FOR_NOW:
        error.transient = True
    return error
