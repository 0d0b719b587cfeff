"""What a fault makes of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import evolve

from seedance_async.simulator.exchange import JSON_HEADERS, Fate, SimAnswer
from seedance_async.simulator.jsons import encode
from seedance_async.simulator.refusals import TYPES

if TYPE_CHECKING:
    from seedance_async.simulator.faults import Fault

_CODES = {
    400: ("InvalidParameter", "The parameter specified in the request is not valid."),
    401: ("AuthenticationError", "The API key or AK/SK in the request is missing or invalid."),
    403: ("AccessDenied", "The request failed because you do not have access to the requested resource."),
    404: ("ResourceNotFound", "The requested resource does not exist or you do not have access to it."),
    408: ("RequestTimeout", "The request timed out."),
    429: (
        "ServerOverloaded",
        "The service is currently unable to handle additional requests due to server overload.",
    ),
}
_INTERNAL = ("InternalServiceError", "The service encountered an unexpected internal error.")
_PAGE = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body>\r\n</html>\r\n"
)


# every byte changed and the size kept: no reader can take it for the film
_SCRAMBLED = bytes(byte ^ 0x55 for byte in range(256))
_EXPIRED = ("AccessDenied", "Request has expired.")


def _error_body(fault: Fault, status: int, request_id: str) -> bytes:
    """The JSON error of a `status` or `expired_url` fault."""
    expired = fault.kind == "expired_url"
    code, message = _EXPIRED if expired else _CODES.get(status, _INTERNAL)
    text = f"{fault.message or message} Request id: {request_id}"
    error = {
        "code": fault.code or code,
        "message": text,
        "param": "",
        "type": TYPES.get(status, "InternalServerError"),
    }
    return encode({"error": error})


def _replaced(fault: Fault, answer: SimAnswer) -> tuple[int, str, bytes]:
    """Status, content type and body of the kinds that put another answer in place of the real one."""
    json_type = JSON_HEADERS["Content-Type"]
    if fault.kind == "html":
        status = fault.status or 502
        return status, "text/html", _PAGE.format(status).encode()
    if fault.kind == "list_body":
        return fault.status or 200, json_type, b"[" + (answer.body or b"{}") + b"]"
    if fault.kind == "string_error":
        return fault.status or 500, json_type, encode({"error": fault.message or "upstream error"})
    status = fault.status or (403 if fault.kind == "expired_url" else 500)
    return status, json_type, _error_body(fault, status, answer.headers.get("x-request-id", ""))


def _fate(fault: Fault) -> Fate:
    """The way of the answer for the kinds that spoil the way."""
    if fault.kind == "late":
        return Fate(delay=fault.seconds)
    if fault.kind == "slow_body":
        return Fate(ending="slow", seconds=fault.seconds)
    if fault.kind == "wrong_length":
        return Fate(ending="short")
    endings: dict[str, Literal["reset", "eof", "hang"]] = {"reset": "reset", "eof": "eof", "hang": "hang"}
    return Fate(ending=endings[fault.kind])


def spoil_body(kind: str, body: bytes) -> bytes:
    """The body after `truncated`, `bad_utf8` or `empty`; used once media are loaded as well."""
    if kind == "truncated":
        return body[: max(1, len(body) // 2)]
    if kind == "bad_utf8":
        middle = len(body) // 2
        return body[:middle] + b"\xff\xfe\x80" + body[middle:]
    return b""


def spoil_file(kind: str, data: bytes) -> bytes:
    """A stored file that is `short_file` or `corrupt_file`, before any range is cut out of it."""
    if kind == "short_file":
        return data[: len(data) * 2 // 3]
    return data.translate(_SCRAMBLED) if kind == "corrupt_file" else data


def spoil(fault: Fault, answer: SimAnswer) -> SimAnswer:
    """The answer as the client meets it.

    Media keep their footage here; whoever loads it spoils it as `SimAnswer.spoiled` says.
    """
    if fault.kind in ("truncated", "bad_utf8", "empty"):
        return evolve(answer, body=spoil_body(fault.kind, answer.body), spoiled=fault.kind)
    if fault.kind in ("short_file", "corrupt_file"):
        return evolve(answer, spoiled=fault.kind)
    if fault.kind in ("status", "html", "list_body", "string_error", "expired_url"):
        status, content_type, body = _replaced(fault, answer)
        headers = {**answer.headers, "Content-Type": content_type}
        if fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
        return evolve(answer, status=status, headers=headers, body=body, footage=None)
    return answer.with_fate(_fate(fault))
