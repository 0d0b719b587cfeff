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

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "generate": ("generate", "Make one video."),
    "batch": ("batch", "Make many videos from a file of prompts."),
    "wait": ("fetching", "Wait for tasks, and save their videos."),
    "download": ("fetching", "Save the videos of tasks that succeeded."),
    "status": ("tasks", "Look at tasks once."),
    "list": ("tasks", "List the tasks of the last 7 days."),
    "cancel": ("tasks", "Cancel tasks that are still queued."),
    "delete": ("tasks", "Erase the records of tasks that ended."),
    "reconcile": ("reconciling", "Look for the task of an order whose answer got lost."),
    "gallery": ("galleries", "Write a page that shows the videos of a folder."),
    "report": ("reports", "Draw the figures of a batch from its journal."),
    "rescue": ("rescuing", "Fetch paid videos that are not on disk."),
    "journal": ("journals", "Look at what is on record about a batch."),
    "estimate": ("estimating", "Say what a prompt or a file may cost."),
    "plan": ("planning", "Say when a file of prompts would be done, and its cost."),
    "models": ("estimating", "List the models, and what each accepts."),
    "demo": ("demo", "Turn a file of prompts into videos, without a key."),
    "simulate": ("simulating", "Run a simulated server."),
    "doctor": ("doctor", "Check key, address and installation."),
    "completion": ("completing", "Print the completion script of a shell."),
}
"""Command -> the module that holds it as ``<name>_command``, and what it does."""


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
        home = import_module(f"seedance_async.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(home, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


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
        result = seedance.main(words, prog_name="seedance", standalone_mode=False, obj=words)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx is not None else error.message)
        return 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit as error:
        # Of its own accord click leaves so when the reader of the output has gone, or after a completion.
        if error.code != 1 or "_SEEDANCE_COMPLETE" in os.environ:
            raise
        raise BrokenPipeError from None
    return result if isinstance(result, int) else 0
