"""What time it is at the server: its Date header compared with our wall clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define

from seedance_async._wire.refusals import date_of

if TYPE_CHECKING:
    from seedance_async._wire.exchange import WireResponse

__all__ = ["ServerClock"]

_SLOW_SECONDS = 5.0
_HALF_A_SECOND = 0.5  # the Date header cuts the fraction off (RFC 9110 section 5.6.7)


@define
class ServerClock:
    """Keeps how far the server's clock is ahead of ours, in seconds; 0 until an answer carried a Date."""

    offset: float = 0.0
    known: bool = False

    def note(self, response: WireResponse) -> None:
        """Learn from one answer; one that took long says when it began, and we know when it ended."""
        if self.known and response.seconds > _SLOW_SECONDS:
            return
        date = date_of(response.headers.get("date"))
        if date is not None:
            self.offset = date + _HALF_A_SECOND - response.received_at
            self.known = True
