"""The house rules that no linter knows, checked over every file that is there."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.checkout import PACKAGE, PYPROJECT, ROOT, sources, tracked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# yarl and multidict are part of aiohttp's own signatures.
CORE = {"aiohttp", "attrs", "multidict", "seedance_async", "tenacity", "yarl"}
# Rooms that are only entered with their extra installed may import it at the top.
ROOMS_OF_EXTRAS = ("cli/", "ext/", "simulator/video/")
CLOCKS = {"_wire/clock.py", "simulator/clock.py"}
TIME_ASKERS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
LONGEST_FUNCTION = 40
LONGEST_MODULE = 300

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parsed(path: Path) -> ast.Module:
    """Parse a source file once for all rules."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def place(path: Path, node: ast.stmt | ast.expr) -> str:
    """Say where a node stands, in the form that editors follow."""
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def docstring_lines(node: ast.AST) -> int:
    """Count the lines that docstrings take within a node."""
    total = 0
    for inner in ast.walk(node):
        if isinstance(inner, ast.Module | ast.ClassDef | Function) and ast.get_docstring(inner) is not None:
            first = inner.body[0]
            total += (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def imports_on_load(node: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the top-level package of each import that runs when the module is loaded."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name.split(".")[0], child) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield child.module.split(".")[0], child
        elif isinstance(child, Function | ast.Lambda) or is_for_type_checkers(child):
            continue
        else:
            yield from imports_on_load(child)


def is_for_type_checkers(node: ast.AST) -> bool:
    """Recognise `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def asks_the_time(node: ast.AST) -> bool:
    """Recognise time.monotonic, `from time import ...`, datetime.now and their like."""
    match node:
        case ast.Attribute(value=ast.Name(id="time"), attr=name):
            return name in TIME_ASKERS
        case ast.ImportFrom(module="time", names=names):
            return any(alias.name in TIME_ASKERS for alias in names)
        case ast.Attribute(attr="now" | "utcnow" | "today", value=ast.Attribute(attr="datetime" | "date")):
            return True
        case ast.Attribute(attr="now" | "utcnow" | "today", value=ast.Name(id="datetime" | "date" | "dt")):
            return True
        case _:
            return False


def test_every_test_says_its_claim() -> None:
    """A test without a docstring claims nothing that a reader could judge."""
    silent = [
        f"{place(path, node)} {node.name}"
        for path in sources("tests", "docs")
        for node in ast.walk(parsed(path))
        if isinstance(node, Function) and node.name.startswith("test") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_statement_only_looks_like_a_check() -> None:
    """A bare comparison or tuple (an `assert` forgotten) checks nothing, and no linter sees every form."""
    idle = [
        place(path, node)
        for path in sources("seedance_async", "tests", "docs", "benchmarks")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Compare | ast.Tuple | ast.BoolOp)
    ]
    assert idle == []


def test_functions_are_short() -> None:
    """A function of the package fits on one screen, its docstring aside."""
    long = [
        f"{place(path, node)} {node.name}: {length} lines"
        for path in sources("seedance_async")
        for node in ast.walk(parsed(path))
        if isinstance(node, Function)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1 - docstring_lines(node))
        > LONGEST_FUNCTION
    ]
    assert long == []


def test_modules_hold_one_idea() -> None:
    """A module of the package stays readable in one sitting, its docstrings aside."""
    long = [
        f"{path.relative_to(ROOT)}: {length} lines"
        for path in sources("seedance_async")
        if (length := len(path.read_text(encoding="utf-8").splitlines()) - docstring_lines(parsed(path)))
        > LONGEST_MODULE
    ]
    assert long == []


def test_only_the_clocks_ask_the_time() -> None:
    """Every other module goes through a clock module, so that virtual time moves all of them together."""
    asked = [
        place(path, node)
        for path in sources("seedance_async")
        if path.relative_to(PACKAGE).as_posix() not in CLOCKS
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.stmt | ast.expr) and asks_the_time(node)
    ]
    assert asked == []


def test_only_the_clock_asks_the_loop() -> None:
    """In the client, loop.time() too is asked in one place; the simulator has only the loop for a clock."""
    asked = [
        place(path, node)
        for path in sources("seedance_async")
        if path.relative_to(PACKAGE).parts[0] != "simulator"
        if path.relative_to(PACKAGE).as_posix() not in CLOCKS
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "time"
    ]
    assert asked == []


def test_loading_needs_the_core_only() -> None:
    """Without any extra installed, every room of the core can be imported."""
    allowed = CORE | set(sys.stdlib_module_names)
    foreign = [
        f"{place(path, node)} {name}"
        for path in sources("seedance_async")
        if not path.relative_to(PACKAGE).as_posix().startswith(ROOMS_OF_EXTRAS)
        for name, node in imports_on_load(parsed(path))
        if name not in allowed
    ]
    assert foreign == []


@pytest.mark.parametrize(
    "module",
    [
        "_wire/protocol.py",
        "_wire/refusals.py",
        "_wire/folding.py",
        "models.py",
        "request.py",
        "rules.py",
        "errors/base.py",
    ],
)
def test_values_and_protocol_do_no_io(module: str) -> None:
    """Bytes in, values out: what can be tested without a loop imports neither asyncio nor aiohttp."""
    path = PACKAGE / module
    assert {name for name, _ in imports_on_load(parsed(path))} & {"asyncio", "aiohttp", "socket"} == set()


def test_every_module_has_its_level() -> None:
    """A module without a level could import anything: give it one in the first contract of import-linter."""
    contract = PYPROJECT["tool"]["importlinter"]["contracts"][0]
    rooms = re.findall(r"[\w.]+", " ".join(contract["layers"]))
    homeless = [
        name
        for path in sources("seedance_async")
        if path.name != "__init__.py" or path.parent.parent == PACKAGE
        if (name := ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
        if not any(
            name == room or name.startswith(f"{room}.") or room.startswith(f"{name}.") for room in rooms
        )
    ]
    assert homeless == []


def test_tracked_files_name_no_registry_and_no_machine() -> None:
    """What is published works anywhere: no package registry host, no path of one machine."""
    # The character classes keep these lines from finding themselves.
    forbidden = re.compile(
        r"[p]ypi\.(?:org|tuna|io)|[p]ythonhosted\.|[r]egistry\.npmjs|[m]irrors?\.aliyun|--extra-index[-]url"
        r"|(?<![\w.])/(?:[w]ork|[r]oot|[o]pt/pypi|[o]pt/wheels)(?:/|\b)|\.\./[s]hared"
    )
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        for match in forbidden.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []
