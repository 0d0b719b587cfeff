"""What a client weighs: milliseconds of its import, megabytes that its installation brings; who is here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from itertools import chain
from pathlib import Path

from benchmarks.contenders import CLIENTS, CONTENDERS
from benchmarks.stories import Weight

IMPORTS = {
    "seedance_async": ("seedance-async", "from seedance_async import SeedanceSession"),
    "raw aiohttp": ("aiohttp", "import aiohttp"),
    "official SDK": ("volcengine-ark-runtime", "from volcenginesdkarkruntime import AsyncArk"),
    "byteplus-py": ("byteplus-py", "from byteplus_py import BytePlus; from byteplussdkarkruntime import Ark"),
    "zjandrew-seedance-cli": (
        "zjandrew-seedance-cli",
        "import seedance_cli.__main__, volcenginesdkarkruntime",
    ),
}
"""Distribution, and the import that a program needs before its first request."""
_RUNS = 7


def missing() -> list[str]:
    """Tell which contenders are not installed; `make clients` brings them."""
    here = {_plain(one.metadata["Name"]) for one in _all()}
    return [name for name in CONTENDERS if _plain(IMPORTS[name][0]) not in here]


def weighed(name: str) -> Weight:
    """Weigh a contender that is installed."""
    [version] = {one.version for one in _all() if _plain(one.metadata["Name"]) == _plain(IMPORTS[name][0])}
    return Weight(version=version, import_ms=import_ms(name), installed_mb=installed_mb(name))


def import_ms(name: str) -> float:
    """Time a contender's import above a bare interpreter's start: processor time, the least of some runs."""
    return statement_ms(IMPORTS[name][1])


def statement_ms(code: str) -> float:
    """Time any import so."""
    return _start(code) - _start("pass")


def _start(code: str) -> float:
    """Give the processor milliseconds of a program, the least of some runs."""
    env = {**os.environ, "PYTHONPATH": str(CLIENTS)}
    # Every other client was compiled when it was installed; this checkout is by the first of its runs.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    timed = f"{code}\nimport time; print(time.process_time())"
    command = [sys.executable, "-W", "ignore", "-c", timed]
    runs = [
        subprocess.run(command, env=env, check=True, capture_output=True, text=True) for _ in range(_RUNS)
    ]
    return 1000 * min(float(run.stdout.split()[-1]) for run in runs)


def installed_mb(name: str) -> float:
    """Add up the files of a distribution and of what it needs, extras left out."""
    known = {_plain(one.metadata["Name"]): one for one in _all()}
    wanted, seen = [IMPORTS[name][0]], set[str]()
    total = 0
    while wanted:
        one = _plain(wanted.pop())
        if one in seen or one not in known:
            continue
        seen.add(one)
        total += _size(known[one])
        wanted += [_project(line) for line in known[one].requires or () if "extra ==" not in line]
    return total / 1e6


def _all() -> chain[Distribution]:
    """List what is installed, other people's clients too."""
    return chain(distributions(), distributions(path=[str(CLIENTS)]))


def _plain(name: str) -> str:
    """Write a project's name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _project(requirement: str) -> str:
    """Take the project's name from a requirement."""
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _size(one: Distribution) -> int:
    """Add up the files of one distribution; an editable install by the sources that it points to."""
    if one.metadata["Name"] == "seedance-async":
        from seedance_async import __file__ as front

        paths = list(Path(front).parent.rglob("*"))
    else:
        paths = [Path(str(one.locate_file(file))) for file in one.files or ()]
    return sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.is_file())
