"""What is made of an audit: a finding fails, missing data is told, and silence is never an all-clear."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.audit import NO_DATA, verdict

FINE: dict[str, Any] = {"name": "attrs", "version": "25.4.0", "vulns": []}
SKIPPED: dict[str, Any] = {"name": "aiohttp", "skip_reason": "Dependency not found and could not be audited"}
HOLE: dict[str, Any] = {
    "name": "jinja2", "version": "2.4.1", "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"]}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([FINE], 0, "No advisory is known for 1 packages."),
        ([FINE, SKIPPED], 0, "No advisory is known for 1 packages. aiohttp could not be compared."),
        ([SKIPPED, SKIPPED], 0, f"{NO_DATA} the service knows none of the 2 packages."),
        ([FINE, SKIPPED, HOLE], 1, "jinja2 2.4.1: PYSEC-2019-217, mended in 2.10.1"),
    ],
)
def test_a_report_is_judged_by_what_was_compared(packages: list[Any], code: int, words: str) -> None:
    """One finding fails whatever else was left out, and packages that were left out are not called safe."""
    assert verdict(json.dumps({"dependencies": packages, "fixes": []}), "No known vulnerabilities found") == (
        code,
        words,
    )


@pytest.mark.parametrize(
    ("complaint", "code"),
    [
        ("Traceback:\nConnectionError: Failed to resolve 'api.example' ([Errno -2])\n", 0),
        ("error: Request failed\n  cause: client error (Connect)\n  cause: Connection refused\n", 0),
        ("ERROR:pip_audit._cli:requirement is not pinned with a hash\n", 1),
        ("", 1),
    ],
)
def test_only_a_service_that_cannot_be_reached_is_forgiven(complaint: str, code: int) -> None:
    """A broken requirements file is a failure, a missing network is not; both are told."""
    ended, words = verdict("", complaint)
    assert ended == code
    assert (complaint.strip().splitlines() or ["nothing"])[-1].strip() in words
    assert words.startswith(NO_DATA) is (code == 0)
