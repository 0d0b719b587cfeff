"""The command line as a whole: its commands, and what becomes of what they raise."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from seedance_async import __version__
from seedance_async.cli.reporting import report

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "run", "seedance"]

COMMANDS: Final[dict[str, str]] = {
    "generate": "Make one video.",
    "batch": "Make many videos from a file of prompts.",
    "demo": "Turn a file of prompts into videos, without a key.",
}
"""Command -> what it does; the command itself is the object of its name in the module of its name."""


class _Commands(click.Group):
    """A group that imports a command only when it is used: the list of commands must not wait for all."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the order in which they are told of."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"seedance_async.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="seedance")
def seedance() -> None:
    """Make Seedance videos: one prompt, one paid task, and nothing paid for is lost.

    Results go to standard output (JSON lines unless it is a terminal), progress to standard error. The key
    comes from SEEDANCE_API_KEY or ARK_API_KEY. Try everything without a key: seedance demo, or --simulate.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after ``seedance``; those of the process when None.

    Returns:
        The exit code; see :data:`seedance_async.cli.exits.CODES`.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    return report(lambda: _click(words), debug="--debug" in words or bool(os.environ.get("SEEDANCE_DEBUG")))


def _click(words: list[str]) -> int:
    """Let click choose the command; its own complaints are about the command line."""
    try:
        result = seedance.main(words, prog_name="seedance", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx is not None else error.message)
        return 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    return result if isinstance(result, int) else 0
