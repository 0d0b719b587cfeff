"""The façade: what `import seedance_async` gives, and what it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import seedance_async

FACADE = Path(seedance_async.__file__)
HOMES: dict[str, str] = vars(seedance_async)["_HOMES"]
FOR_SOME = {
    "csv",
    "decimal",
    "difflib",
    "sqlite3",
    "aiohttp.web",
    "seedance_async.batch",
    "seedance_async.callbacks",
    "seedance_async.display",
    "seedance_async.estimates",
    "seedance_async.landing",
    "seedance_async.ledger.budget",
    "seedance_async.ledger.claims",
    "seedance_async.ledger.journal",
    "seedance_async.media.download",
    "seedance_async.media.gallery",
    "seedance_async.pool",
    "seedance_async.prices",
    "seedance_async.progress",
}
"""What only batches, journals, downloads, prices or a typing error need."""
MAY_IMPORT_LATE = {
    "_wire.shapes:_fast",  # the first long answer; without orjson it is read all the same
    "asked:_check_names",  # the request is refused
    "batch.tables:_pyarrow",  # jobs are read
    "landing:crew_for",  # before the first submit of a batch
    "batch.showing:leave_gallery",  # after the last outcome
    "ledger.claims.places:shelf_of",  # claims are opened
    "media.files:_scrap",
    "media.part:_lock",  # a video on its way to disk
    "models:_repr_html_",
    "outcomes:_repr_html_",
    "session:download",
    "session:rescue",
    "ordering:free_place",  # before its submit, so that the download is known to be there
    "session:run_many",
    "settings:_is_amount",  # a budget is made
}
"""Functions, of what sessions and batches load, that import what not everybody needs."""


def names_for_type_checkers() -> dict[str, str]:
    """Read name -> module from the imports under TYPE_CHECKING."""
    tree = ast.parse(FACADE.read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def run(code: str) -> str:
    """Run code in a fresh interpreter, without the warning settings of this one."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def by_kind(name: str) -> tuple[bool, bool, str]:
    """Order constants before classes before functions, as ruff's RUF022 does."""
    return not name.isupper(), not name[0].isupper(), name


def test_all_is_sorted() -> None:
    """`__all__` is in order, so that a missing or double name is seen."""
    assert seedance_async.__all__ == sorted(set(seedance_async.__all__), key=by_kind)


def test_all_is_the_truth() -> None:
    """`__all__`, the table of homes, the imports for type checkers and the module's own names agree."""
    for name in seedance_async.__all__:
        getattr(seedance_async, name)
    public = {
        name
        for name, value in vars(seedance_async).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and name not in {"annotations", "import_module", "Final", "TYPE_CHECKING"}
    }
    assert set(seedance_async.__all__) == public | {"__version__"}
    assert set(HOMES) == public
    assert names_for_type_checkers() == HOMES


@pytest.mark.parametrize("name", sorted(HOMES))
def test_a_public_name_comes_from_its_home(name: str) -> None:
    """The façade hands out the very object that its home module defines, and `__all__` there lists it."""
    home = import_module(HOMES[name])
    assert getattr(seedance_async, name) is vars(home)[name]
    assert name in home.__all__


def test_dir_lists_every_public_name() -> None:
    """Completion in a shell knows the public names before they were used."""
    assert set(seedance_async.__all__) <= set(dir(seedance_async))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A typing error in a name reads like that of any other module."""
    with pytest.raises(AttributeError, match="'seedance_async' has no attribute 'Sesion'"):
        getattr(seedance_async, "Sesion")  # noqa: B009 - type checkers would refuse the plain form


def test_star_import_works() -> None:
    """`from seedance_async import *` finds every name in a fresh interpreter."""
    assert run("from seedance_async import *; print(__version__)") == seedance_async.__version__


def test_the_bare_import_is_cheap() -> None:
    """Importing the package loads neither aiohttp nor attrs: `--help` need not wait for them."""
    loaded = run("import sys, seedance_async; print(*sys.modules)").split()
    assert not {"aiohttp", "attrs", "tenacity", "asyncio"} & set(loaded)


def newly_loaded(code: str, *, above: str = "sys") -> set[str]:
    """Name the modules that code brings into a fresh interpreter which has imported others before."""
    # A start-up hook of the environment may have loaded some, as the measuring of coverage does.
    before = f"import sys, {above}; there = set(sys.modules)"
    return set(run(f"{before}\n{code}\nprint(*set(sys.modules) - there)").split())


@pytest.mark.parametrize(
    "names", ["SeedanceSession, VideoRequest, wait_for", "AccountLimits, PollPolicy, RetryPolicy, Timeouts"]
)
def test_the_first_line_loads_only_what_everybody_needs(names: str) -> None:
    """Who submits and waits loads no batch, journal or download, and nothing that only these need."""
    loaded = newly_loaded(f"from seedance_async import {names}", above="aiohttp, attrs, tenacity")
    assert "seedance_async.settings" in loaded
    assert not FOR_SOME & loaded


def test_values_need_no_connections() -> None:
    """Requests, settings and waiting load neither aiohttp nor tenacity: jobs can be described without."""
    loaded = newly_loaded("from seedance_async import Budget, Outcome, Timeouts, VideoRequest, wait_for")
    assert not {"aiohttp", "tenacity"} & loaded


def test_nothing_is_imported_between_a_submit_and_its_record() -> None:
    """An import may fail, which it must not once a POST is paid for: late ones stand elsewhere."""
    loaded = newly_loaded("import seedance_async.batch, seedance_async.ledger.claims, seedance_async.session")
    ours = [name for name in loaded if name.startswith("seedance_async.")]
    assert {
        f"{name.removeprefix('seedance_async.')}:{late}" for name in ours for late in late_imports(name)
    } == MAY_IMPORT_LATE


def late_imports(name: str) -> set[str]:
    """Name the functions of a module that import something when they are called."""
    tree = ast.parse(Path(str(import_module(name).__file__)).read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {
        function.name for function in functions if any(imports_something(node) for node in ast.walk(function))
    }


def imports_something(node: ast.AST) -> bool:
    """Recognise both statements that import, and a call of ``import_module``."""
    called = (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "import_module"
    )
    return called or isinstance(node, ast.Import | ast.ImportFrom)
