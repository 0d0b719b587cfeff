"""What is shown to linters and type checkers is what stands on the pages."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.docs.blocks import blocks, name_of, pages
from tests.docs.check import as_function, as_module

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = [page for page in pages() if blocks(page)]


@pytest.mark.parametrize("page", SHOWN, ids=name_of)
def test_a_complaint_names_the_line_of_the_page(page: Path) -> None:
    """Every line of code is on its own line of the page, in both forms."""
    written = page.read_text(encoding="utf-8").splitlines()
    for text, first in ((as_function(blocks(page)), 2), (as_module(blocks(page)), 0)):
        lines = text.splitlines()[first : len(written)]
        pairs = zip(lines, written[first:], strict=False)
        assert [there for there, here in pairs if there.strip() and there.strip() != here.strip()] == []


@pytest.mark.parametrize("page", SHOWN, ids=name_of)
def test_a_page_is_a_coroutine_for_type_checkers(page: Path) -> None:
    """A page that could not be parsed would not be checked at all."""
    written = ast.parse(as_function(blocks(page)), str(page)).body
    assert [type(part) for part in written] == [ast.ImportFrom, ast.ImportFrom, ast.AsyncFunctionDef]
