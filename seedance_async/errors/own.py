"""Errors found on this side: nothing was sent."""

from __future__ import annotations

from seedance_async.errors.base import SeedanceError

__all__ = [
    "BudgetExceeded",
    "ClaimHeld",
    "InvalidRequest",
    "JournalError",
    "JournalLocked",
    "LimiterUnavailable",
    "MissingApiKey",
    "MissingExtra",
    "SessionClosed",
]


_SHOWN, _HEAD, _TAIL = 120, 50, 50


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
    """Give a repr that fits in a message; of a long path the end says most, of a data URI the length."""
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    text = repr(value)
    if len(text) <= _SHOWN:
        return text
    return f"{text[:_HEAD]}...{text[-_TAIL:]} ({len(text)} characters)"


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


class ClaimHeld(JournalError):
    """Another machine works on this key, and is alive; or another call of this process does.

    Attributes:
        key: the key of the job.
        owner: what is known of who holds it (process id and host).
    """

    advice = "Leave the job to it, or call again when it has ended: a claim whose owner died is taken over."

    def __init__(self, *, key: str, owner: str) -> None:
        self.key = key
        self.owner = owner
        super().__init__(f"Job {key!r} is held by {owner}.")


class LimiterUnavailable(SeedanceError):
    """The limits that several machines share cannot be asked at the moment; nothing was sent."""

    transient = True
