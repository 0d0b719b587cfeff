"""``seedance completion``: words that a shell can complete."""

from __future__ import annotations

from typing import Any, Final

import click
from click.shell_completion import get_completion_class

from seedance_async.cli.commands import command
from seedance_async.cli.exits import OK
from seedance_async.cli.records import write_text

__all__ = ["completion_command"]

_SHELLS: Final = ("bash", "zsh", "fish")


@command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def completion_command(shell: str, **_options: Any) -> int:
    """Print the completion script of a shell.

    For bash, put this into ~/.bashrc: eval "$(seedance completion bash)"
    """
    from seedance_async.cli.app import seedance

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"this version of click knows no {shell}")
    write_text(found(seedance, {}, "seedance", "_SEEDANCE_COMPLETE").source())
    return OK
