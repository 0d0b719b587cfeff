"""Lint and type-check the Python blocks of all pages like the package: ``python -m tests.docs.check``.

The blocks of a page become one file with the same line numbers, so that a complaint about line 17 of
``howto_batches.py`` is about line 17 of ``docs/howto/batches.md``.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.checkout import ROOT
from tests.docs.blocks import Block, blocks, pages

FUTURE: Final = "from __future__ import annotations; from tests.docs.given import *"
PAGE: Final = (
    "async def page(session: SeedanceSession, sim: Simulator, requests: list[VideoRequest],"
    " prompts: Any, jobs: Any) -> None:"
)
# Each block of this page is a test file of its own, with fixtures that users seldom annotate.
UNTYPED: Final = "howto_test_without_paying"
MYPY: Final = ("mypy", "--disable-error-code=no-redef", "--no-error-summary")
# A page is no module: it imports where it needs, shows values, and its text is around the blocks.
LAX: Final = "ASYNC240,B007,B018,D,E402,F704,F811,F841,I002,INP001,PLE1142,PLR2004,S101,T201,TID251"
GIVEN: Final = '["session", "sim", "prompts", "requests", "jobs"]'


def laid_out(found: list[Block], *, indent: str = "") -> list[str]:
    """Put blocks where they stand on their page, with nothing between them."""
    lines: list[str] = []
    for block in found:
        lines += [""] * (block.line - 1 - len(lines))
        lines += textwrap.indent(block.source, indent).splitlines()
    return lines


def as_function(found: list[Block]) -> str:
    """Give a page as a coroutine, for type checkers: there ``await`` is at home."""
    lines = laid_out(found, indent="    ")
    assert not any(lines[:2]), "a page begins with its title"
    return "\n".join([FUTURE, PAGE, *lines[2:], ""])


def as_module(found: list[Block]) -> str:
    """Give a page as a module, for linters: there imports are at home."""
    return "\n".join([*laid_out(found), ""])


def write(folder: Path) -> None:
    """Write every page twice: for the type checker and for the linter."""
    for kind in ("typed", "linted"):
        (folder / kind).mkdir()
    for page in pages():
        found = blocks(page)
        if not found:
            continue
        name = "_".join(page.relative_to(ROOT).with_suffix("").parts).removeprefix("docs_").replace("-", "_")
        (folder / "linted" / f"{name}.py").write_text(as_module(found), encoding="utf-8")
        if name != UNTYPED:
            (folder / "typed" / f"{name}.py").write_text(as_function(found), encoding="utf-8")
            continue
        for block in found:
            text = FUTURE + "\n" + "\n".join(laid_out([block])[1:]) + "\n"
            (folder / "typed" / f"{name}_{block.line}.py").write_text(text, encoding="utf-8")


def checks(folder: Path) -> list[list[str]]:
    """Give the command lines of the checkers."""
    typed = sorted(map(str, (folder / "typed").iterdir()))
    ruff = [
        "ruff",
        "check",
        "--quiet",
        "--output-format",
        "concise",
        "--config",
        str(ROOT / "pyproject.toml"),
    ]
    lax = [
        "--ignore",
        LAX,
        "--config",
        f"builtins = {GIVEN}",
        "--per-file-ignores",
        f"{UNTYPED}.py:ANN,{UNTYPED}.py:S310",
    ]
    return [
        [*ruff, *lax, f"{folder}/linted"],
        [*MYPY, *(path for path in typed if UNTYPED not in path)],
        [
            *MYPY,
            "--allow-untyped-defs",
            "--allow-untyped-calls",
            *(path for path in typed if UNTYPED in path),
        ],
    ]


def main() -> int:
    """Run the checkers over all pages; give the worst of their exit codes."""
    with TemporaryDirectory() as made:
        write(Path(made))
        ends = [
            subprocess.run([sys.executable, "-m", *check], cwd=ROOT, check=False)
            for check in checks(Path(made))
        ]
    return max(end.returncode for end in ends)


if __name__ == "__main__":
    sys.exit(main())
