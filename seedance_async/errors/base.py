"""The root of the tree: what every error says."""

from __future__ import annotations

import enum
from typing import Any

__all__ = [
    "Billed",
    "SeedanceError",
]


class Billed(enum.StrEnum):
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
