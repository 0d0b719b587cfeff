"""The Authorization header (api docs 1298459; live 401 bodies)."""

from __future__ import annotations

import hmac
import re

from seedance_async.simulator.refusals import Refusal

_KEY = re.compile(r"[\x21-\x7e]+$")
_NO_HEADER = "AuthN_MissOrInvalidAuthorizationHeader"
_WRONG = "AuthN_AuthenticationError"
SHOWN = "Bearer ***"
"""What the request log shows of any key."""


def _refused(message: str, error_code: str) -> Refusal:
    return Refusal(status=401, code="AuthenticationError", message=message, error_code=error_code)


def check_key(header: str | None, api_key: str | None) -> None:
    """Check a header against the key; any well-formed key will do where `api_key` is None.

    Raises:
        Refusal: 401.
    """
    if not header:
        raise _refused("the API key or AK/SK in the request is missing or invalid.", _NO_HEADER)
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not _KEY.match(key):
        raise _refused("The API key format is incorrect.", _WRONG)
    if api_key is not None and not hmac.compare_digest(key.encode(), api_key.encode()):
        raise _refused("The API key doesn't exist.", _WRONG)
