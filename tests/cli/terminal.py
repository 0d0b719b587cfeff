"""Running the command line on a terminal, for tests of what only a person sees."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
from typing import TYPE_CHECKING

from tests.cli.helpers import program

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["on_terminal"]


def on_terminal(columns: int, *words: str, folder: Path, code: int = 1) -> str:
    """Run the command line on a pseudo-terminal of this width and give all that it wrote."""
    # The size is the terminal's own: those who run tests side by side set these variables for their workers.
    # And what asyncio says in development mode about a slow machine is no part of the view.
    foreign = {"COLUMNS", "LINES", "PYTHONASYNCIODEBUG", "PYTHONDEVMODE"}
    env = {name: value for name, value in os.environ.items() if name not in foreign}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        program(*words),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**env, "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        shown = bytearray()
        # Linux ends a pseudo-terminal whose other side is closed with an error, other systems with nothing.
        with contextlib.suppress(OSError):
            while block := os.read(ours, 65536):
                shown += block
    os.close(ours)
    assert process.returncode == code, shown.decode()
    return shown.decode()
