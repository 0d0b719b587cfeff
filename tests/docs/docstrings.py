"""The Python blocks of docstrings: what stands, indented, after ``::`` and can be compiled."""

from __future__ import annotations

import ast
import re
import textwrap
from typing import TYPE_CHECKING, Final

from tests.checkout import sources
from tests.docs.blocks import FLAGS, Block

if TYPE_CHECKING:
    from pathlib import Path

_LITERAL: Final = re.compile(r"::\n\n((?:(?: +\S.*)?\n)+)")
_DOCUMENTED: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def shown() -> list[tuple[Path, Block]]:
    """Give the blocks of all docstrings of the package, with their files."""
    return [(path, block) for path in sources("seedance_async") for block in blocks_in(path)]


def blocks_in(path: Path) -> list[Block]:
    """Give the blocks of the docstrings of one file."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    texts = [
        (node.body[0].lineno, ast.get_docstring(node)) for node in nodes if isinstance(node, _DOCUMENTED)
    ]
    return [
        Block(line + text.count("\n", 0, found.start(1)), source)
        for line, text in texts
        if text
        for found in _LITERAL.finditer(text + "\n")
        if _is_python(source := textwrap.dedent(_indented(found[1])))
    ]


def _indented(text: str) -> str:
    """Give the lines up to the first that is not indented."""
    return re.split(r"^(?=\S)", text, maxsplit=1, flags=re.MULTILINE)[0]


def _is_python(source: str) -> bool:
    """Tell code from drawings, tables and addresses."""
    try:
        compile(source, "block", "exec", FLAGS, dont_inherit=True)
    except SyntaxError:
        return False
    return True
