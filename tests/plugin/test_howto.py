"""The how-to "Test your code without paying": every example is run as it is printed."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import urllib.request
from re import DOTALL, MULTILINE
from typing import Any

import pytest

from tests.checkout import ROOT

pytest_plugins = ["pytester"]

PAGE = ROOT / "docs" / "howto" / "test-without-paying.md"
INI = """
[pytest]
addopts = --strict-markers --durations 10 --durations-min 0
asyncio_default_fixture_loop_scope = function
filterwarnings =
    error
    ignore:unclosed event loop:ResourceWarning
    ignore:unclosed <socket:ResourceWarning
"""


def examples() -> list[str]:
    """The Python blocks of the page."""
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), MULTILINE | DOTALL)


@pytest.mark.timeout(180)  # a run of its own, on a machine that may be busy
def test_every_example_passes(pytester: pytest.Pytester) -> None:
    """Each block is a test file of its own, all its tests pass, and days of virtual time take no time."""
    blocks = examples()
    for number, block in enumerate(blocks):
        pytester.makepyfile(**{f"test_example_{number}": block})
    pytester.makeini(INI)
    result = pytester.runpytest_subprocess()
    tests = sum(block.count("def test_") for block in blocks)
    assert tests >= 15
    result.assert_outcomes(passed=tests)


def test_the_commands_for_other_languages_run() -> None:
    """The program prints what the page shows, and its door takes each request as it is printed there."""
    block = re.search(
        r"^```console\n(\$ python -m seedance_async.*?)^```$", PAGE.read_text("utf-8"), MULTILINE | DOTALL
    )
    assert block is not None
    start, *shown = block[1].splitlines()
    printed = [line for line in shown if not line.startswith("$")]
    port = "8765"
    command = [sys.executable, *start.replace(port, "0").split()[2:]]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = [process.stdout.readline().rstrip() for _ in printed]
        free = said[0].rpartition(":")[2].partition("/")[0]
        assert [line.replace(free, port) for line in said] == printed
        answers = [
            asked(*shlex.split(line.replace(port, free))[2:]) for line in shown if line.startswith("$")
        ]
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert ([one["kind"] for one in answers[0]], answers[1]) == (["reset"], [])


def asked(url: str, option: str = "", body: str = "") -> Any:
    """The answer that curl would print."""
    assert option in ("", "--json")
    headers = {"Content-Type": "application/json"} if body else {}
    request = urllib.request.Request(url, data=body.encode() or None, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the program's own address
        return json.load(answer)
