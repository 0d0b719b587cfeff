"""The tree of errors, as its page draws it."""

from __future__ import annotations

import re
import sys
from itertools import takewhile

import pytest

import seedance_async
from seedance_async import errors
from seedance_async.errors import SeedanceError


def drawn() -> dict[str, str]:
    """Give each class of the drawing with the one that it hangs on."""
    lines = (errors.__doc__ or "").partition("    SeedanceError\n")[2].splitlines()
    parents: dict[str, str] = {}
    above = ["SeedanceError"]
    for line in takewhile(str.strip, lines):
        found = re.match(r" {4}((?:│? {2,3})*)[├└]── (\w+)", line)
        assert found is not None, line
        depth = len(found[1]) // 4
        above = [*above[: depth + 1], found[2]]
        parents[found[2]] = above[depth]
    return parents


def defined() -> set[str]:
    """Give the errors that the modules of `seedance_async.errors` define and do not keep to themselves."""
    found: list[type[SeedanceError]] = [SeedanceError]
    for family in found:
        found.extend(family.__subclasses__())
    ours = {kind.__name__ for kind in found if kind.__module__.startswith("seedance_async.errors.")}
    return {name for name in ours if not name.startswith("_")}


def test_every_error_can_be_imported_from_where_its_neighbours_are() -> None:
    """A class that was only added to its file could be raised, and nobody could catch it by name."""
    assert defined() == {*errors.__all__} - {"Billed"}
    assert defined() - {*seedance_async.__all__} == set()


@pytest.mark.skipif(sys.flags.optimize > 1, reason="python -OO leaves docstrings out")
def test_the_tree_is_drawn_as_it_grows() -> None:
    """Whoever chooses what to catch looks at the drawing: every error is there, below its own family."""
    classes = [vars(errors)[name] for name in errors.__all__]
    families = {
        kind.__name__: next(base.__name__ for base in kind.__mro__[1:] if base in classes)
        for kind in classes
        if issubclass(kind, SeedanceError) and kind is not SeedanceError
    }
    assert drawn() == families
