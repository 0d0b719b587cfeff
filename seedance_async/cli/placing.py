"""The option ``--out`` of the commands that save single videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedance_async.cli.commands import setting

if TYPE_CHECKING:
    from collections.abc import Callable

    import click

__all__ = ["out_option"]


def out_option(
    words: str, *, default: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command its ``--out``; ``words`` say in the help what it is for."""
    return setting(
        "-o",
        "--out",
        metavar="DIR|FILE",
        default=default,
        show_default=default is not None,
        callback=_as_folder,
        help=words,
    )


def _as_folder(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Take a name without an ending for a folder, as batches do: of a file the ending tells what it is."""
    if value is None or "{" in value or Path(value).suffix or Path(value).is_file():
        return value
    return value if value.endswith("/") else f"{value}/"
