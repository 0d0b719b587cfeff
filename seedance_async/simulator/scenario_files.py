"""Scenarios in files: the named ones that come with the package, and a user's own.

A file is TOML with the keys of `Scenario`: `about`, `[behaviour]`, `[quotas]`, `[moderation]` and any number
of `[[faults]]`. Its name without `.toml` is the scenario's name, unless it says another.
"""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from seedance_async.simulator.data import BadSetting, scenario_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.simulator.scenario import Scenario

_FOLDER = Path(__file__).with_name("scenarios")
_LARGEST = 1_000_000
_SUFFIX = ".toml"


def scenario_names() -> Sequence[str]:
    """The names in the gallery, in alphabetical order."""
    return sorted(path.stem for path in _FOLDER.glob(f"*{_SUFFIX}"))


def gallery() -> Sequence[Scenario]:
    """The scenarios that come with the package; each has a `name`, and its one line in `about`."""
    return [_packaged(name) for name in scenario_names()]


def load_scenario(source: str | Path) -> Scenario:
    """A scenario of the gallery by its name, or one from a file.

    Args:
        source: A name such as `storm`, or the path of a TOML file. A name in the gallery wins over a file of
            that name in the working directory; `./storm` means the file.

    Raises:
        BadSetting: There is no such name or file, or the file is not a scenario; the message names the file,
            and where it can the field, the value and what was expected.
    """
    if isinstance(source, str) and source in scenario_names():
        return _packaged(source)
    path = Path(source)
    if not path.is_file():
        raise BadSetting(_unknown(str(source)))
    return _read(path)


@cache
def _packaged(name: str) -> Scenario:
    """A scenario of the gallery, whose files do not change."""
    return _read(_FOLDER / f"{name}{_SUFFIX}")


def _unknown(source: str) -> str:
    """What to say about a source that is neither a name nor a file."""
    names = scenario_names()
    near = get_close_matches(source, names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"no scenario {source!r}{hint}: neither a file nor one of {', '.join(names)}"


def _read(path: Path) -> Scenario:
    """The scenario in a file."""
    try:
        data = {"name": path.stem, **_parsed(path)}
        return scenario_from(data)
    except (BadSetting, OSError, ValueError) as error:
        raise BadSetting(f"{path}: {error}") from error


def _parsed(path: Path) -> dict[str, object]:
    """The file as data.

    Raises:
        OSError: It cannot be read.
        ValueError: It is too large, not UTF-8, or not TOML.
    """
    size = path.stat().st_size
    if size > _LARGEST:
        raise ValueError(f"a scenario has at most {_LARGEST} bytes, this file has {size}")
    return cast("dict[str, object]", tomllib.loads(path.read_text(encoding="utf-8")))
