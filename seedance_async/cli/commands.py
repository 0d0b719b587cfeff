"""What every command has: the common options, settings from the environment and from a profile."""

from __future__ import annotations

import logging
import math
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from seedance_async.cli.profiles import take_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["LengthOfTime", "SeedanceCommand", "Setting", "command", "setting", "task_ids"]


class LengthOfTime(click.FloatRange):
    """A number from 0 up; nan is none, though no bound refuses it."""

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the number."""
        found = float(super().convert(value, param, ctx))
        if math.isnan(found):
            self.fail(f"{found} is not a number from 0 up.", param, ctx)
        return found


class Setting(click.Option):
    """An option that can also come from the environment, as ``SEEDANCE_<NAME>``; the help says so.

    Whatever takes a fraction (``type=float``) is a length of time, and is refused below 0.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.type is click.FLOAT:
            self.type = LengthOfTime()
        if self.envvar is None:
            self.envvar = f"SEEDANCE_{(self.name or '').upper()}"
        self.show_envvar = True


def setting(*names: str, **how: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a command with a :class:`Setting`."""
    return click.option(*names, cls=Setting, **how)


def _debug(context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - given by click
    """Log everything to standard error while the command runs; the key is in no record."""
    if value:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger = logging.getLogger("seedance_async")
        context.call_on_close(partial(logger.setLevel, logger.level))
        context.call_on_close(partial(logger.removeHandler, handler))
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)


def _common() -> Sequence[click.Parameter]:
    """Make the options that every command has."""
    return (
        Setting(
            ["--json/--text", "as_json"],
            default=None,
            envvar="SEEDANCE_JSON",
            help="One JSON object a line on standard output, or text. Default: text on a terminal.",
        ),
        Setting(["-q", "--quiet"], is_flag=True, help="No progress on standard error."),
        Setting(
            ["--config"],
            metavar="FILE",
            expose_value=False,
            help="TOML file with profiles. Default: config.toml in your settings folder.",
        ),
        Setting(
            ["--profile"],
            metavar="NAME",
            expose_value=False,
            help="Table of that file with settings, by the names of the options. Default: default.",
        ),
        Setting(
            ["--debug"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_debug,
            help="Log every request, and show where an error came from.",
        ),
    )


class SeedanceCommand(click.Command):
    """A command with the common options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *_common()]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the profile's settings as defaults before the options are looked at."""
        if not ctx.resilient_parsing and not {"-h", "--help"} & set(args):
            given, _, _ = self.make_parser(ctx).parse_args(list(args))
            config = given.get("config") or os.environ.get("SEEDANCE_CONFIG")
            profile = given.get("profile") or os.environ.get("SEEDANCE_PROFILE")
            take_profile(ctx, config=config, profile=profile)
        return super().parse_args(ctx, args)


def command(name: str) -> Callable[[Callable[..., int]], click.Command]:
    """Decorate a function that carries a command out and gives the exit code."""
    return click.command(name, cls=SeedanceCommand)


def task_ids(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the ids of tasks as its arguments; ``-`` reads them from standard input."""
    return click.argument("task_ids", metavar="ID...", nargs=-1, required=True, callback=_ids)(function)


def _ids(_context: click.Context, _argument: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Read the ids, each once and in order."""
    words = [word for item in value for word in (sys.stdin.read().split() if item == "-" else [item])]
    if not words:
        raise click.BadParameter("there is no id on standard input")
    return tuple(dict.fromkeys(words))
