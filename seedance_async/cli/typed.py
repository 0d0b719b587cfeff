"""The command as it was typed: what a person is given to copy is that, with a word more or less."""

from __future__ import annotations

import click

__all__ = ["typed", "without"]


def typed() -> list[str]:
    """Give the words of the running command."""
    return ["seedance", *(click.get_current_context().obj or ())]


def without(words: list[str], option: str) -> list[str]:
    """Leave out an option with its value, in both ways of writing it."""
    left = list[str]()
    rest = iter(words)
    for word in rest:
        if word == option:
            next(rest, None)
        elif not word.startswith(f"{option}="):
            left.append(word)
    return left
