"""The how-to "Test your code without paying": every example is run as it is printed."""

from __future__ import annotations

import re

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
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


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


def test_the_printed_commands_exist() -> None:
    """What the page says of the program's output, its options and its door is so."""
    page = PAGE.read_text(encoding="utf-8")
    program = (ROOT / "seedance_async" / "simulator" / "__main__.py").read_text(encoding="utf-8")
    for option in re.findall(r"python -m seedance_async\.simulator (.*)", page)[0].split()[::2]:
        assert f'"{option}"' in program
    assert "ark   " in program
    assert "kkiai " in program
