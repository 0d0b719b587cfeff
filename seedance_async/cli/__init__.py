"""The command line: ``seedance``. Only this module may be imported without the extra ``cli``."""

from __future__ import annotations

import sys

from seedance_async.errors import MissingExtra

__all__ = ["main"]

_EXTRA = {"click", "rich"}


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from seedance_async.cli.app import run
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        missing = MissingExtra("The command seedance", extra="cli")
        sys.stderr.write(f"{missing}\n")
        sys.exit(11)
    sys.exit(run())
