"""A text that must not be shown: tracebacks with local variables, debuggers and reprs print three stars."""

from __future__ import annotations

__all__ = ["Secret"]


class Secret(str):
    """A string like any other, but for its repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"
