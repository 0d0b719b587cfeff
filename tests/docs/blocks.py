"""The Python and shell blocks of every page, and how a block is run.

A block runs as it stands, those of one page one after the other with the names that the earlier ones left.
Top-level ``await`` works.  A page may use these names without making them: ``session`` (open, on a
simulator), ``sim``, ``prompts``, ``requests`` and ``jobs``; what else it needs stands in an invisible block::

    <!-- invisible-code: python
    done = await session.run("a cat surfing")
    -->

A page whose blocks are run by a test of their own says so: ``<!-- run by: tests/plugin/test_howto.py -->``.
"""

from __future__ import annotations
import __future__

import ast
import asyncio
import inspect
import re
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen
from sybil import Document
from sybil.parsers.markdown.codeblock import CodeBlockParser

from tests.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

FLAGS: Final = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | __future__.annotations.compiler_flag
_RUN_BY: Final = re.compile(r"^<!-- run by: (\S+) -->$", re.MULTILINE)


@frozen
class Block:
    """A block of a page.

    Attributes:
        line: where its first line of code stands, from 1.
        source: the code.
    """

    line: int
    source: str


def pages() -> list[Path]:
    """Every page: README.md and what is in docs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    """Name a page in tests and messages."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str = "python") -> list[Block]:
    """Give the blocks of a page in one language, invisible ones too."""
    parser = CodeBlockParser(language, evaluator=lambda _: None)
    document = Document.parse(str(page), parser)
    return [
        Block(example.line + example.parsed.line_offset + 1, str(example.parsed))
        for example in document.examples()
    ]


def run_by(page: Path) -> str | None:
    """Say which other test runs the blocks of a page, if one does."""
    found = _RUN_BY.search(page.read_text(encoding="utf-8"))
    return found[1] if found else None


async def run(block: Block, page: Path, names: dict[str, Any], swap: Callable[..., None]) -> None:
    """Run a block in the running loop; ``asyncio.run`` at its end means: in this loop, then."""
    begun: list[Coroutine[Any, Any, object]] = []
    swap(asyncio, "run", begun.append)
    code = compile("\n" * (block.line - 1) + block.source, str(page), "exec", FLAGS, dont_inherit=True)
    result: Awaitable[object] | None = eval(code, names)  # noqa: S307 - our own page
    if inspect.isawaitable(result):
        await result
    for program in begun:
        await program
