"""The tree of errors, as its page draws it."""

from __future__ import annotations

import re
import sys
from itertools import takewhile

import pytest

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
