"""What every command has: the common options, settings from the environment and from a profile."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SeedanceCommand", "Setting", "setting"]


class Setting(click.Option):
    """An option that can also come from the environment, as ``SEEDANCE_<NAME>``; the help says so."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.envvar is None:
            self.envvar = f"SEEDANCE_{(self.name or '').upper()}"
        self.show_envvar = True


def setting(*names: str, **how: Any) -> Callable[[Any], Any]:
    """Decorate a command with a :class:`Setting`."""
    return click.option(*names, cls=Setting, **how)


def _debug(_context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - given by click
    """Log everything to standard error; the key is in no record."""
    if value:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger = logging.getLogger("seedance_async")
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
