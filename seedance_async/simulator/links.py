"""Signed video URLs, as object storage makes them: they expire, cannot be forged, and take no API key."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

from attrs import frozen

from seedance_async.simulator.refusals import Refusal

if TYPE_CHECKING:
    from seedance_async.simulator.exchange import SimRequest

_NUMBER = re.compile(r"[0-9]{1,11}")
VIDEO_PREFIX = "/video/"


@frozen
class Signer:
    """Makes and checks URLs.

    Args:
        secret: Key of the signatures.
    """

    secret: bytes

    def url(self, origin: str, name: str, *, signed_at: float, seconds: int) -> str:
        """The URL of a file such as `cgt-….mp4`, valid for `seconds` from the unix second `signed_at`."""
        date = int(signed_at)
        signature = self._sign(name, date, seconds)
        query = f"X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Date={date}&X-Tos-Expires={seconds}"
        return f"{origin}{VIDEO_PREFIX}{name}?{query}&X-Tos-Signature={signature}"

    def check(self, request: SimRequest, name: str, wall: float) -> int:
        """Check a request for a file.

        Returns:
            The unix second at which the URL was signed.

        Raises:
            Refusal: 403 for a wrong signature or an expired URL.
        """
        date, seconds = _digits(request.param("X-Tos-Date")), _digits(request.param("X-Tos-Expires"))
        given = request.param("X-Tos-Signature") or ""
        if not hmac.compare_digest(given.encode(), self._sign(name, date, seconds).encode()):
            raise Refusal(status=403, code="SignatureDoesNotMatch", message="The signature does not match.")
        if wall > date + seconds:
            raise Refusal(status=403, code="AccessDenied", message="Request has expired.")
        return date

    def _sign(self, name: str, date: int, seconds: int) -> str:
        return hmac.digest(self.secret, f"{name}\n{date}\n{seconds}".encode(), "sha256").hex()


def _digits(value: str | None) -> int:
    """A query number; 0 for anything else, which no signature fits."""
    return int(value) if value and _NUMBER.fullmatch(value) else 0
