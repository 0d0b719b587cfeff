"""Error answers in the server's own words (api docs 1299023; live samples of messages)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from random import Random

_ZEROS = "0" * 20
_ADDRESS = "ffffc0a87832"

TYPES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    413: "RequestEntityTooLarge",
    429: "TooManyRequests",
}
"""The `type` of an error by its status; anything else is `InternalServerError`."""


@frozen(kw_only=True)
class Refusal(Exception):
    """The server says no.

    Args:
        status: HTTP status.
        code: `error.code`, e.g. `InvalidParameter`.
        message: `error.message` without the request id.
        param: `error.param`; often empty even for parameter errors (live).
        error_code: Value of the header `x-error-code`, seen on auth errors.
        retry_after: Seconds the caller is told to wait, where the behaviour sends `Retry-After`.
        kind: `error.type` where it is not the one that belongs to the status.
    """

    status: int
    code: str
    message: str
    param: str = ""
    error_code: str = ""
    retry_after: float | None = None
    kind: str = ""

    @property
    def type(self) -> str:
        """The value of `error.type`."""
        return self.kind or TYPES.get(self.status, "InternalServerError")


def request_id(wall: float, random: Random) -> str:
    """53 characters: `02`, the unix millisecond, zeros, an address, six random hex digits (live sample)."""
    return f"02{int(wall * 1000):013d}{_ZEROS}{_ADDRESS}{random.getrandbits(24):06x}"


def invalid(param: str, message: str, *, code: str = "InvalidParameter") -> Refusal:
    """A 400 about one field, with the message as given."""
    return Refusal(status=400, code=code, message=message, param=param)


def not_valid(param: str, why: str) -> Refusal:
    """A 400 in the server's usual sentence."""
    return invalid(param, f"The parameter `{param}` specified in the request is not valid: {why}.")


def missing(param: str) -> Refusal:
    """A 400 for a field that has to be there."""
    message = f"The request failed because it is missing `{param}` parameter."
    return Refusal(status=400, code="MissingParameter", message=message, param=param)


def must_be_empty(param: str, model: str, mode: str) -> Refusal:
    """The strict refusal of a field that a model does not know (live)."""
    message = (
        f"the specified parameter `{param}` is not supported for model {model} in {mode}, must be empty."
    )
    return invalid(param, message)


def not_valid_for(param: str, model: str, mode: str) -> Refusal:
    """The refusal of a value that a model does not take in this mode (live)."""
    return invalid(
        param, f"The parameter `{param}` specified in the request is not valid for model {model} in {mode}."
    )
