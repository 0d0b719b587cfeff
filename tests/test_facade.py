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
