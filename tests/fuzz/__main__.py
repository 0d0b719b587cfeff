"""``python -m tests.fuzz COUNT [TARGET...]``: spoiled inputs for every parser, many of them.

With the fuzzer atheris installed (it is no part of the development set) inputs are found by coverage, each
target in a process of its own; without it they are spoiled samples from a seeded chance. It prints a line for
each target, and ends with 1 at the first input that a parser does not stand, which it shows.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.corpus import seeds
from tests.fuzz.mutations import spoiled
from tests.fuzz.targets import TARGETS, WORDS

_GUIDED = "--guided"
_LONGEST_WORD = 64  # libFuzzer gives up at a longer one


def by_chance(target: str, count: int) -> None:
    """Run spoiled samples."""
    starts, chance = seeds(target), Random(1)
    for _ in range(count):
        given = spoiled(chance.choice(starts), chance, starts)
        try:
            TARGETS[target](given)
        except Exception:
            print(f"{target}: {given!r}")
            raise
    print(f"{target}: {count:,} spoiled samples, all read or refused")


def by_coverage(target: str, count: int) -> None:
    """Run atheris in a process of its own: it never gives one back."""
    with tempfile.TemporaryDirectory() as folder:
        for number, start in enumerate(seeds(target)):
            (Path(folder) / str(number)).write_bytes(start)
        words = Path(folder) / "words.dict"
        short = [word for word in WORDS if len(word) <= _LONGEST_WORD]
        escaped = ["".join(f"\\x{byte:02x}" for byte in word.encode("utf-8", "replace")) for word in short]
        words.write_text("".join(f'"{word}"\n' for word in escaped), encoding="ascii")
        kept = [f"-dict={words}", f"-artifact_prefix={folder}/"]
        command = [sys.executable, "-m", "tests.fuzz", _GUIDED, target, *kept, f"-runs={count}"]
        command += ["-max_len=4096", "-seed=1", folder]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    last = [line for line in done.stderr.splitlines() if line.strip()][-12:]
    if done.returncode:
        raise SystemExit("\n".join([f"{target} fell:", *last]))
    print(f"{target}: {last[-1]}")


def guided(target: str, options: list[str]) -> None:
    """Be the process that atheris takes over."""
    atheris: Any = import_module("atheris")
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *options], TARGETS[target])
    atheris.Fuzz()


def main(arguments: list[str]) -> None:
    """Run what was asked for."""
    if arguments and arguments[0] == _GUIDED:
        guided(arguments[1], arguments[2:])
        return
    count = int(arguments[0]) if arguments else 10_000
    run = by_coverage if find_spec("atheris") else by_chance
    for target in arguments[1:] or TARGETS:
        run(target, count)


if __name__ == "__main__":
    main(sys.argv[1:])
