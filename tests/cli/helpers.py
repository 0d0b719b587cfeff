"""What the tests of the command line share: running it in this process and as a program."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from attrs import frozen

from seedance_async.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = ["KEY", "QUICK", "Ran", "invoke", "program", "start", "write_lines"]

QUICK = ("--simulate", "--work-seconds", "0.1", "--resolution", "480p", "--duration", "4")
KEY = "sk-never-to-be-shown-0123456789"


@frozen
class Ran:
    """What a command left: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The objects on standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def invoke(capsys: pytest.CaptureFixture[str], *words: str) -> Ran:
    """Run a command in this process."""
    code = run(words)
    captured = capsys.readouterr()
    return Ran(code, captured.out, captured.err)


def program(*words: str, code: str = "from seedance_async.cli import main; main()") -> list[str]:
    """Give the words that start the command line as a process of its own."""
    return [sys.executable, "-c", code, *words]


def start(*words: str) -> subprocess.Popen[str]:
    """Start the command line as a process of its own."""
    return subprocess.Popen(
        program(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def write_lines(path: Path, *lines: str | dict[str, Any]) -> Path:
    """Write a file of prompts."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path
